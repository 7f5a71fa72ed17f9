"""Reports that arrive while a transaction is under way share the next one: one commit, one round of statements for all.

Nobody waits for company: a report that finds nothing under way goes at once. Each gets its own answer, and one that
breaks the shared transaction in a way nobody foresaw is tried again alone, so that it cannot take others with it. When
there is no transaction to be had at all, everybody is told so at once instead of each waiting for the same in turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_TOGETHER: Final = 64
FLIGHTS: Final = 2  # one gathers in the database while the other is being made ready


class GroupCommit(Generic[Item, Result]):
    """Calls ``together`` with a list of items, which commits and gives a result for each; ``key`` keeps twins apart.

    ``away`` are the errors after which nobody else need try now.
    """

    def __init__(
        self,
        together: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        key: Callable[[Item], Hashable],
        away: tuple[type[Exception], ...] = (),
    ) -> None:
        self._together = together
        self._key = key
        self._away = away
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._flying = 0
        self._flights: set[asyncio.Task[None]] = set()  # kept here, or the loop would forget them

    async def add(self, item: Item) -> Result:
        """Hand an item in and wait until it is committed; raises what its own handling raised."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._flying < FLIGHTS:
            self._flying += 1
            flight = asyncio.create_task(self._fly())
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return await answer

    async def _fly(self) -> None:
        try:
            while self._waiting:
                if group := self._next_group():
                    await self._commit(group)
        finally:
            # Without a pause since the last look at what waits, so nothing is left behind.
            self._flying -= 1

    async def _commit(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._together([item for item, _ in group])
        except self._away as error:
            self._give_up(group, error)
        except Exception as error:  # noqa: BLE001  # whatever it was, each caller is told
            if len(group) == 1:
                _refuse(group[0][1], error)
            else:
                await self._one_by_one(group)
        else:
            for (_, answer), result in zip(group, results, strict=True):
                _give(answer, result)

    async def _one_by_one(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        for i, (item, answer) in enumerate(group):
            try:
                (result,) = await self._together([item])
            except self._away as error:
                self._give_up(group[i:], error)
                return
            except Exception as error:  # noqa: BLE001
                _refuse(answer, error)
            else:
                _give(answer, result)

    def _give_up(self, group: Sequence[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
        for _, answer in (*group, *self._waiting):
            _refuse(answer, error)
        self._waiting.clear()

    def _next_group(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        """Take what waits, in order; a twin of one that is taken waits for the next group."""
        group: list[tuple[Item, asyncio.Future[Result]]] = []
        taken: set[Hashable] = set()
        left: list[tuple[Item, asyncio.Future[Result]]] = []
        while self._waiting and len(group) < MOST_TOGETHER:
            item, answer = self._waiting.popleft()
            if answer.cancelled():
                continue  # its caller has gone before anything was done
            if self._key(item) in taken:
                left.append((item, answer))
                continue
            taken.add(self._key(item))
            group.append((item, answer))
        self._waiting.extendleft(reversed(left))
        return group


def _give(answer: asyncio.Future[Result], result: Result) -> None:
    if not answer.done():
        answer.set_result(result)


def _refuse(answer: asyncio.Future[Result], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
