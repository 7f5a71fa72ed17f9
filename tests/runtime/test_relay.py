"""The relay against a real database and Redis: dense positions, each event once, whatever commits and whoever dies."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from domain.base import new_id
from domain.events import Event, record
from runtime import bus, relay, tasks

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
AREA = UUID("01930000-0000-7000-8000-0000000000aa")


async def _open(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


async def _happen(conn: psycopg.AsyncConnection, count: int = 1) -> list[UUID]:
    events = [Event(kind="case.opened", subject_kind="case", subject_id=new_id(), at=AT, area_ids=[AREA]) for _ in range(count)]
    await record(conn, events)
    return [event.id for event in events]


async def _delivered(conn: psycopg.AsyncConnection) -> list[tuple[int, UUID]]:
    return [(event.position, event.id) for event in await relay.read_after(conn, 0, limit=100_000)]


async def _until_head(conn: psycopg.AsyncConnection, position: int, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while await relay.head(conn) < position:  # noqa: ASYNC110  # another process's work, seen only by looking
            await asyncio.sleep(0.005)


@asynccontextmanager
async def _relaying(database_url: str, redis_url: str) -> AsyncIterator[bus.Listener]:
    """Run a relay in this process, and hear what it publishes."""
    channels = bus.channels_of(database_url)
    async with bus.connect(redis_url) as client, bus.Listener(client, channels.events) as heard:
        task = asyncio.create_task(relay.run(database_url, client, channels))
        try:
            async with asyncio.timeout(10):  # the first heartbeat says: it works and is heard
                while await heard.next(1.0) is None:
                    assert not task.done(), task.exception()
            yield heard
        finally:
            await tasks.end(task)


async def _hear(heard: bus.Listener, count: int, within_s: float = 10.0) -> list[bus.Published]:
    events: list[bus.Published] = []
    async with asyncio.timeout(within_s):
        while len(events) < count:
            message = await heard.next(1.0)
            events += bus.unpack(message)[1] if message else []
    return events


async def test_positions_are_dense_from_one_in_order_of_insertion(database_url: str) -> None:
    async with await _open(database_url) as conn:
        ids = await _happen(conn, 25)
        assert await relay.head(conn) == 0
        given = [await relay.give_positions(conn, limit=10) for _ in range(4)]
        assert [len(batch) for batch in given] == [10, 10, 5, 0]
        assert await _delivered(conn) == list(enumerate(ids, 1))
        assert await relay.head(conn) == 25


async def test_a_transaction_open_for_30_s_stalls_nobody_and_its_event_comes_when_it_commits(database_url: str, redis_url: str) -> None:
    async with (
        _relaying(database_url, redis_url) as heard,
        await _open(database_url) as slow,
        await _open(database_url) as quick,
    ):
        begun = time.monotonic()
        passed = []
        async with slow.transaction():
            (late,) = await _happen(slow)
            while time.monotonic() - begun < 30:
                (id_,) = await _happen(quick)
                (event,) = await _hear(heard, 1, within_s=1.0)
                assert event.id == id_
                passed.append(event.position)
                await heard.next(0.2)  # a heartbeat at most: the pace at which some 150 events go by
        (event,) = await _hear(heard, 1, within_s=1.0)
        assert event.id == late
        assert [*passed, event.position] == list(range(1, len(passed) + 2))


async def test_of_two_transactions_committing_out_of_order_none_is_lost_or_told_twice(database_url: str, redis_url: str) -> None:
    async with (
        _relaying(database_url, redis_url) as heard,
        await _open(database_url) as first,
        await _open(database_url) as second,
    ):
        async with first.transaction():
            ids_first = await _happen(first, 3)
            async with second.transaction():
                ids_second = await _happen(second, 3)
            early = await _hear(heard, 3, within_s=1.0)
        late = await _hear(heard, 3, within_s=1.0)
        assert [event.id for event in early] == ids_second
        assert [event.id for event in late] == ids_first
        assert [event.position for event in early + late] == [1, 2, 3, 4, 5, 6]
        assert await _delivered(first) == [(event.position, event.id) for event in early + late]


@pytest.mark.parametrize("seed", range(3))
async def test_any_interleaving_of_committers_gives_every_committed_event_exactly_one_position(
    database_url: str, redis_url: str, seed: int
) -> None:
    committed: dict[UUID, list[UUID]] = {}

    async def commit_at_random(chance: random.Random) -> None:
        async with await _open(database_url) as conn:
            for _ in range(30):
                async with conn.transaction() as step:
                    ids = await _happen(conn, chance.randint(1, 4))
                    await asyncio.sleep(chance.choice((0, 0, 0.001, 0.02)))  # how long the transaction stays open
                    if chance.random() < 0.2:
                        raise psycopg.Rollback(step)
                    committed[ids[0]] = ids

    async with _relaying(database_url, redis_url) as heard:
        await asyncio.gather(*(commit_at_random(random.Random(f"{seed}/{n}")) for n in range(8)))
        expected = [id_ for ids in committed.values() for id_ in ids]
        # A relay may publish while rolled-back ids are still in `committed`'s future; only committed ones ever come.
        events = await _hear(heard, len(expected))
    assert [event.position for event in events] == list(range(1, len(expected) + 1))
    order = {event.id: event.position for event in events}
    assert order.keys() == set(expected)
    for ids in committed.values():
        assert [order[id_] for id_ in ids] == sorted(order[id_] for id_ in ids)


RELAY_ALONE = """
import asyncio, sys
from runtime import bus, relay
asyncio.run(relay.run(sys.argv[1], bus.connect(sys.argv[2]), bus.channels_of(sys.argv[1])))
"""


def _start_relay(database_url: str, redis_url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RELAY_ALONE, database_url, redis_url])


async def test_relays_killed_in_the_middle_lose_nothing_and_double_nothing(database_url: str, redis_url: str) -> None:
    channels = bus.channels_of(database_url)
    relays: list[subprocess.Popen[bytes]] = []

    async with (
        bus.connect(redis_url) as client,
        bus.Listener(client, channels.events) as heard,
        await _open(database_url) as conn,
    ):
        try:
            relays.append(_start_relay(database_url, redis_url))
            relays.append(_start_relay(database_url, redis_url))  # the standby
            ids: list[UUID] = []
            for death in range(4):
                ids += await _happen(conn, 1500)
                await _until_head(conn, len(ids) - 1400)
                working = await _relay_pid(conn)
                victim = next(child for child in relays if child.pid == working)
                victim.send_signal(signal.SIGKILL if death % 2 else signal.SIGTERM)
                victim.wait()
                relays.append(_start_relay(database_url, redis_url))
            ids += await _happen(conn, 10)
            await _until_head(conn, len(ids))
            assert await _delivered(conn) == list(enumerate(ids, 1))
            told = [event for message in heard.drain() for event in bus.unpack(message)[1]]
            positions = [event.position for event in told]
            assert len(positions) == len(set(positions))
            assert [ids[position - 1] for position in positions] == [event.id for event in told]
        finally:
            for child in relays:
                child.kill()
                child.wait()


async def _relay_pid(conn: psycopg.AsyncConnection) -> int:
    """Find the process that holds the relay's lock, by the number it told the database as its name."""
    row = await (
        await conn.execute(
            "select a.application_name from pg_locks l join pg_stat_activity a using (pid) "
            "where l.locktype = 'advisory' and l.objid = %s and l.granted and l.database = "
            "(select oid from pg_database where datname = current_database())",
            (relay.LOCK,),
        )
    ).fetchone()
    assert row is not None
    return int(row[0].rsplit(" ", 1)[1])


async def test_a_relay_that_hangs_is_put_out_by_the_database_and_a_standby_takes_over(database_url: str, redis_url: str) -> None:
    hanging = _start_relay(database_url, redis_url)
    try:
        async with await _open(database_url) as conn:
            await _happen(conn)
            await _until_head(conn, 1)
            hanging.send_signal(signal.SIGSTOP)
            async with _relaying_when_it_can(database_url, redis_url):
                await _happen(conn)
                await _until_head(conn, 2)
    finally:
        hanging.kill()
        hanging.wait()


@asynccontextmanager
async def _relaying_when_it_can(database_url: str, redis_url: str) -> AsyncIterator[None]:
    async with bus.connect(redis_url) as client:
        task = asyncio.create_task(relay.run(database_url, client, bus.channels_of(database_url)))
        try:
            yield
        finally:
            await tasks.end(task)


async def test_without_redis_positions_are_given_all_the_same(database_url: str) -> None:
    async with await _open(database_url) as conn, _relaying_when_it_can(database_url, "unix:///nowhere/redis.sock"):
        ids = await _happen(conn, 3)
        await _until_head(conn, 3)
        assert await _delivered(conn) == list(enumerate(ids, 1))


async def test_a_message_survives_packing_and_long_news_is_cut_into_bounded_messages(database_url: str) -> None:
    async with await _open(database_url) as conn:
        await _happen(conn, 2 * bus.MAX_MESSAGE_EVENTS + 1)
        given = await relay.give_positions(conn)
    messages = list(bus.pack(len(given), given))
    assert len(messages) == 3
    assert [event for message in messages for event in bus.unpack(message)[1]] == given
    assert [bus.unpack(message)[0] for message in messages] == [200, 400, 401]
    assert bus.unpack(next(bus.pack(7, []))) == (7, [])
