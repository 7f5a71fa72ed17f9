"""The worker: deadlines by its clock, positions for every event, through restarts of both stores, in any number."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from domain.base import new_id
from domain.events import Event, record
from runtime import bus, relay, tasks, worker
from runtime.clock import ManualClock
from runtime.settings import Settings
from tests.flows.conftest import AT, fill


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    return Settings(home=tmp_path, given_database_url=database_url, given_redis_url=redis_url)


@asynccontextmanager
async def _working(settings: Settings, clock: ManualClock) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run(settings, clock=clock))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        await tasks.end(task)


@contextmanager
def _workers(settings: Settings, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    env = {**os.environ, **settings.to_environment()}
    running = [subprocess.Popen([sys.executable, "-m", "runtime.worker"], env=env) for _ in range(count)]
    try:
        yield running
    finally:
        for child in running:
            child.kill()
            child.wait()


async def _cases(database_url: str, count: int) -> list[UUID]:
    """Put cases into the small city; every one is due within a day of AT."""
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        done = await city.submit(*(city.report() for _ in range(count)))
        return [item.case_id for item in done]


async def _told(database_url: str, kind: str, enough: Callable[[list[UUID]], bool], within_s: float = 60) -> list[UUID]:
    """Wait until enough events of a kind have positions; give their subjects in order."""
    async with asyncio.timeout(within_s), await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        while True:
            told = [e.subject_id for e in await relay.read_after(conn, 0, limit=10_000) if e.kind == kind]
            if enough(told):
                return told
            await asyncio.sleep(0.01)


async def _happen(database_url: str) -> UUID:
    event = Event(kind="case.opened", subject_kind="case", subject_id=new_id(), at=AT)
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await record(conn, [event])
    return event.subject_id


async def test_a_deadline_is_announced_when_the_clock_passes_it(settings: Settings) -> None:
    cases = await _cases(settings.database_url, 3)
    clock = ManualClock(AT)
    async with _working(settings, clock):
        await _told(settings.database_url, "case.opened", lambda told: len(told) == 3)
        async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
            cursor = await conn.execute("select count(*) from events where kind = 'case.overdue'")
            assert await cursor.fetchone() == (0,)
        clock.advance(timedelta(days=3))
        told = await _told(settings.database_url, "case.overdue", lambda told: len(told) >= 3)
        assert sorted(told) == sorted(cases)


async def test_three_workers_announce_each_deadline_once_and_end_at_once_when_told_to(settings: Settings) -> None:
    cases = await _cases(settings.database_url, 450)
    with _workers(settings, 3) as running:
        async with await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as conn:
            relays = "application_name like 'gridwarden relay %' and datname = current_database()"  # others test beside us
            at_work = f"select count(*) from pg_stat_activity where {relays}"
            async with asyncio.timeout(60):
                while await (await conn.execute(at_work)).fetchone() != (3,):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await conn.execute("update cases set due_at = now() - interval '1 hour'")
        told = await _told(settings.database_url, "case.overdue", lambda told: len(told) >= 450)
        for child in running:
            child.send_signal(signal.SIGTERM)
        assert [await asyncio.to_thread(child.wait, 15) for child in running] == [0, 0, 0]
    assert sorted(told) == sorted(cases)
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        positions = [e.position for e in await relay.read_after(conn, 0, limit=10_000)]
    assert positions == list(range(1, len(positions) + 1))


async def test_a_worker_comes_back_after_the_database_was_away(settings: Settings, server_url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(settings.database_url)["dbname"]
    with _workers(settings, 1):
        first = await _happen(settings.database_url)
        await _told(settings.database_url, "case.opened", lambda told: told == [first])
        async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as server:
            closed = SQL("alter database {} allow_connections {}")
            await server.execute(closed.format(Identifier(str(name)), SQL("false")))
            await server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            await server.execute("select pg_sleep(0.5)")  # the outage
            await server.execute(closed.format(Identifier(str(name)), SQL("true")))
        second = await _happen(settings.database_url)
        await _told(settings.database_url, "case.opened", lambda told: told == [first, second])


async def test_news_is_heard_again_after_redis_was_killed_and_started(tmp_path: Path, database_url: str) -> None:
    socket = tmp_path / "redis.sock"
    given = Settings(home=tmp_path, given_database_url=database_url, given_redis_url=f"unix://{socket}")

    def start_redis() -> subprocess.Popen[bytes]:
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)]
        return subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)

    async def hears(heard: bus.Listener, subject: UUID) -> None:
        async with asyncio.timeout(10):
            while True:
                message = await heard.next(1.0)
                if message and subject in [event.subject_id for event in bus.unpack(message)[1]]:
                    return

    async def heartbeat(heard: bus.Listener) -> None:
        async with asyncio.timeout(10):
            while await heard.next(0.2) is None:
                pass

    server = start_redis()
    try:
        async with bus.connect(given.redis_url) as client:
            async with bus.Listener(client, bus.channels_of(database_url).events) as heard:
                async with _working(given, ManualClock(AT)):
                    await heartbeat(heard)
                    await hears(heard, await _happen(database_url))
                    server.kill()
                    server.wait()
                    lost = await _happen(database_url)
                    await _told(database_url, "case.opened", lambda told: told[-1:] == [lost], 2)
                    server = start_redis()
                    heard.drain()
                    await heartbeat(heard)
                    await hears(heard, await _happen(database_url))
    finally:
        server.kill()
        server.wait()


async def test_sign_ins_that_ran_out_are_swept(settings: Settings) -> None:
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        city = await fill(conn)
        for days in (-1, 1):
            await conn.execute(
                "insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at) values (%s, %s, %s, %s, %s, %s)",
                (new_id(), new_id(), city.users["staff"], os.urandom(32), AT, AT + timedelta(days=days)),
            )
    async with _working(settings, ManualClock(AT)):
        async with asyncio.timeout(10):
            while await _count(settings.database_url, "refresh_tokens") > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert await _count(settings.database_url, "refresh_tokens") == 1


async def _count(database_url: str, table: str) -> int:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        row = await (await conn.execute(SQL("select count(*) from {}").format(Identifier(table)))).fetchone()
    return int(row[0]) if row else 0
