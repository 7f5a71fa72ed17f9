"""Passed deadlines are announced once each, by any number of workers, also after a long silence."""

import asyncio
from datetime import timedelta

import psycopg

from domain.flows.due import announce_due
from tests.flows.conftest import AT, SmallCity, fill

DAY = timedelta(days=1)


async def test_a_deadline_is_announced_after_it_has_passed_and_only_once(city: SmallCity) -> None:
    (done,) = await city.submit(city.report())
    due = await city.one("select due_at from cases where id = %s", done.case_id)
    assert await announce_due(city.conn, at=due - timedelta(microseconds=1)) == 0
    assert await announce_due(city.conn, at=due + DAY) == 1
    assert await announce_due(city.conn, at=due + 2 * DAY) == 0
    overdue = await city.one("select overdue_at from cases where id = %s", done.case_id)
    assert overdue == due, "the due instant is recorded, not the instant somebody looked"
    assert await city.one("select count(*) from events where kind = 'case.overdue'") == 1


async def test_a_closed_case_is_never_announced(city: SmallCity) -> None:
    await city.submit(city.report())
    await city.conn.execute("update cases set closed_at = %s, state = 'closed'", (AT,))
    assert await announce_due(city.conn, at=AT + 30 * DAY) == 0


async def test_four_workers_share_a_backlog_without_telling_anything_twice(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        await city.submit(*(city.report() for _ in range(120)))
        await conn.commit()

    async def work() -> int:
        total = 0
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
            while True:
                async with conn.transaction():
                    taken = await announce_due(conn, at=AT + DAY, limit=7)
                if not taken:
                    return total
                total += taken

    assert sum(await asyncio.gather(*(work() for _ in range(4)))) == 120
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        cursor = await conn.execute("select count(*), count(distinct subject_id) from events where kind = 'case.overdue'")
        assert await cursor.fetchone() == (120, 120)
