"""Callers who come together share a transaction, and none pays for another."""

import asyncio
from collections.abc import Sequence

import pytest

from api.group_commit import FLIGHTS, MOST_TOGETHER, GroupCommit

pytestmark = pytest.mark.anyio


class Table:
    """Stands where the database would; commits when it is let."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def together(self, items: Sequence[str]) -> list[str]:
        self.groups.append(list(items))
        await self.open.wait()
        if any(item.startswith("bad") for item in items):
            raise ValueError(items[0])
        return [item.upper() for item in items]


def _whole(item: str) -> str:
    return item


async def _begun(commits: GroupCommit[str, str], names: Sequence[str]) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(commits.add(name)) for name in names]
    for _ in range(3):  # each has handed in, and the flights have begun
        await asyncio.sleep(0)
    return tasks


async def test_whoever_finds_nothing_under_way_goes_at_once_and_alone() -> None:
    table = Table()
    commits = GroupCommit(table.together, key=_whole)
    assert await commits.add("a") == "A"
    assert await commits.add("b") == "B"
    assert table.groups == [["a"], ["b"]]


async def test_whoever_comes_while_others_commit_goes_with_the_next_and_gets_his_own_answer() -> None:
    table = Table()
    table.open.clear()
    commits = GroupCommit(table.together, key=_whole)
    first = await _begun(commits, [f"early{i}" for i in range(FLIGHTS)])
    later = await _begun(commits, [f"late{i}" for i in range(100)])
    table.open.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*first, *later) == [*(f"EARLY{i}" for i in range(FLIGHTS)), *(f"LATE{i}" for i in range(100))]
    assert max(map(len, table.groups)) == MOST_TOGETHER
    assert len(table.groups) <= FLIGHTS + 3


async def test_a_group_that_breaks_is_tried_one_by_one_so_only_the_bad_one_fails() -> None:
    table = Table()
    table.open.clear()
    commits = GroupCommit(table.together, key=_whole)
    early = await _begun(commits, [f"early{i}" for i in range(FLIGHTS)])
    good, bad = (await _begun(commits, ["good", "bad"]))[:2]
    table.open.set()
    async with asyncio.timeout(5):
        assert await good == "GOOD"
        with pytest.raises(ValueError, match="bad"):
            await bad
        await asyncio.gather(*early)


async def test_twins_never_share_a_group() -> None:
    table = Table()
    table.open.clear()
    commits = GroupCommit(table.together, key=_whole)
    tasks = await _begun(commits, ["x"] * 6)
    table.open.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*tasks) == ["X"] * 6
    assert all(len(group) == 1 for group in table.groups)


async def test_whoever_went_away_before_his_turn_is_not_handed_in() -> None:
    table = Table()
    table.open.clear()
    commits = GroupCommit(table.together, key=_whole)
    early = await _begun(commits, [f"early{i}" for i in range(FLIGHTS)])
    early += await _begun(commits, ["another"])  # the first group took all of the early ones; this one flies beside it
    (gone,) = await _begun(commits, ["gone"])
    gone.cancel()
    await asyncio.wait([gone])
    table.open.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*early)
        assert await commits.add("next") == "NEXT"
    assert not any("gone" in group for group in table.groups)


async def test_when_there_is_nothing_to_commit_in_everybody_is_told_at_once() -> None:
    asked: list[int] = []
    tried = asyncio.Event()

    async def together(items: Sequence[str]) -> list[str]:
        asked.append(len(items))
        lost = len(asked) <= 2 * FLIGHTS  # the transactions of those who came first, and of the first groups
        await tried.wait()
        raise ConnectionError if lost else TimeoutError

    commits = GroupCommit(together, key=_whole, away=(TimeoutError,))
    callers = await _begun(commits, [f"caller{i}" for i in range(FLIGHTS + 3 * MOST_TOGETHER)])
    tried.set()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer) for answer in answers[:FLIGHTS]] == [ConnectionError] * FLIGHTS  # each had a transaction of his own
    assert {type(answer) for answer in answers[FLIGHTS:]} == {TimeoutError}
    assert len(asked) <= 3 * FLIGHTS
