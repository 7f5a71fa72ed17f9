"""Dear questions asked by many at once are answered together, and take at most a tenth of the time.

A hundred open desks count the same cases again whenever anything changes. Whoever asks while a count is under way waits for
the next one, and everybody who waits shares it; between two counts there is a pause of nine times what the last one took. No
answer is older than its question, so nobody ever misses what they have just done themselves.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final

from starlette.datastructures import State

PAUSE: Final = 9.0  # times what the last answer took
LONGEST_PAUSE_S: Final = 1.0
MOST_KNOWN: Final = 512


class Pace:
    """One for a kind of question; equal keys promise equal answers."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, asyncio.Task[Any]] = {}
        self._not_before: OrderedDict[Hashable, float] = OrderedDict()

    async def ask(self, key: Hashable, answer: Callable[[], Awaitable[Any]]) -> Any:
        """Give an answer that was begun after this call; raises what ``answer`` raises."""
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._answer(key, answer))
        return await asyncio.shield(task)  # others may wait for it when this caller goes away

    async def _answer(self, key: Hashable, answer: Callable[[], Awaitable[Any]]) -> Any:
        clock_s = asyncio.get_running_loop().time
        try:
            await asyncio.sleep(max(self._not_before.get(key, 0.0) - clock_s(), 0.0))
        finally:
            del self._waiting[key]  # from here on a new question needs a newer answer
        begun_s = clock_s()
        try:
            return await answer()
        finally:
            ended_s = clock_s()
            self._not_before[key] = ended_s + min(PAUSE * (ended_s - begun_s), LONGEST_PAUSE_S)
            self._not_before.move_to_end(key)
            if len(self._not_before) > MOST_KNOWN:
                self._not_before.popitem(last=False)


def counting(state: State) -> Pace:
    """Give the pace at which this process counts cases."""
    if not hasattr(state, "counting"):
        state.counting = Pace()
    pace: Pace = state.counting
    return pace
