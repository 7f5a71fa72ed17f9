"""Dear questions are answered together, never with an answer older than the question, and never all the time."""

import asyncio
import time

import pytest

from api.pace import Pace

pytestmark = pytest.mark.anyio


class Counter:
    """Something dear to count: it takes a moment, and what it gives is what stood when it began."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s, self.value, self.counted = takes_s, 0, 0

    async def count(self) -> int:
        found, self.counted = self.value, self.counted + 1
        await asyncio.sleep(self.takes_s)
        return found


async def test_whoever_asks_while_others_wait_shares_their_answer() -> None:
    pace, dear = Pace(), Counter(0.02)
    answers = await asyncio.gather(*(pace.ask("a", dear.count) for _ in range(100)))
    assert (set(answers), dear.counted) == ({0}, 1)


async def test_an_answer_is_never_older_than_its_question() -> None:
    pace, dear = Pace(), Counter(0.005)
    asked: list[tuple[int, int]] = []

    async def one() -> None:
        for _ in range(20):
            dear.value += 1
            before = dear.value
            asked.append((before, await pace.ask("a", dear.count)))

    await asyncio.gather(*(one() for _ in range(10)))
    assert all(found >= before for before, found in asked)
    assert dear.counted < len(asked) / 4


async def test_counting_takes_about_a_tenth_of_the_time_however_many_ask() -> None:
    pace, dear = Pace(), Counter(0.005)
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        await pace.ask("a", dear.count)
    assert dear.counted <= 0.5 / (0.005 * 10) + 2


async def test_other_questions_do_not_wait() -> None:
    pace, slow, quick = Pace(), Counter(0.5), Counter(0.0)
    waiting = asyncio.create_task(pace.ask("slow", slow.count))
    async with asyncio.timeout(0.4):
        assert await pace.ask("quick", quick.count) == 0
    assert await waiting == 0


async def test_a_failure_reaches_all_who_wait_and_the_next_question_is_asked_anew() -> None:
    pace, tried = Pace(), []

    async def fail() -> int:
        tried.append(1)
        if len(tried) == 1:
            raise ValueError("away")
        return 7

    answers = await asyncio.gather(*(pace.ask("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 3
    assert await pace.ask("a", fail) == 7


async def test_one_who_goes_away_takes_no_answer_from_the_others() -> None:
    pace, dear = Pace(), Counter(0.05)
    first, second = (asyncio.create_task(pace.ask("a", dear.count)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 0
    with pytest.raises(asyncio.CancelledError):
        await first
