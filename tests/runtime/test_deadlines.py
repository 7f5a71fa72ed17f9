"""Timers in real workers: once each by three of them, through a kill between claim and commit, through a clock set back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.cases import city_calendar
from runtime import tasks, worker
from runtime.clock import ManualClock
from runtime.settings import Settings
from tests.flows.conftest import AT, fill

PATIENCE_S = 90
# What every case that nobody touches is told and put through, and how often.
WHOLE_LADDER = {"case.warning": 1, "case.overdue": 1, "case.escalated": 3, "case.recall": 1}


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    return Settings(home=tmp_path, given_database_url=database_url, given_redis_url=redis_url)


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


@asynccontextmanager
async def _working(settings: Settings, clock: ManualClock) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run(settings, clock=clock))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        await tasks.end(task)


async def _open(settings: Settings, count: int, at: datetime) -> None:
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        city = await fill(conn)
        await city.submit(*(city.report(source="staff", occurred_at=at) for _ in range(count)), at=at)


async def _until(settings: Settings, statement: str, wanted: Any) -> None:
    """Wait until a statement gives what is wanted."""
    found: Any = None
    try:
        async with asyncio.timeout(PATIENCE_S), await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as conn:
            while True:
                found = await (await conn.execute(statement)).fetchone()
                if found == wanted:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{statement} gives {found}, not {wanted}") from None


async def _told(settings: Settings) -> dict[str, set[int]]:
    """How often each case was told each thing."""
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        rows = await conn.execute(
            "select kind, n from (select kind, subject_id, count(*) as n from events where kind like 'case.%'"
            " and kind <> 'case.opened' group by kind, subject_id) s group by kind, n"
        )
        found: dict[str, set[int]] = {}
        for kind, times in await rows.fetchall():
            found.setdefault(kind, set()).add(times)
        return found


async def _looked(settings: Settings, clock: ManualClock) -> None:
    """Wait until the worker has looked at the timers by this clock: it removes one that has nothing to do."""
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        probe = "insert into case_timers (case_id, chain, kind, due_at) select id, 'rate', 'rate_end', %s from cases limit 1"
        await conn.execute(probe, (clock.now(),))
    await _until(settings, "select count(*) from case_timers where chain = 'rate'", (0,))


def _each(times: dict[str, int]) -> dict[str, set[int]]:
    return {kind: {n} for kind, n in times.items()}


async def test_three_workers_take_every_case_through_the_whole_ladder_once(settings: Settings) -> None:
    await _open(settings, 150, datetime.now(UTC) - timedelta(days=25))
    with _workers(settings, 3):
        await _until(settings, "select count(*) from case_timers", (0,))
    assert await _told(settings) == _each(WHOLE_LADDER)
    await _until(settings, "select count(*), count(distinct (case_id, level)) from case_escalations", (600, 600))
    await _until(settings, "select count(*) from cases where level = 3 and late_at = due_at and state = 'filed'", (150,))


async def test_a_worker_killed_between_claim_and_commit_loses_and_doubles_nothing(settings: Settings) -> None:
    await _open(settings, 40, datetime.now(UTC) - timedelta(days=25))
    stuck = (
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and query like '%insert into case_escalations%'"
    )
    with _workers(settings, 1) as (first,):
        async with await psycopg.AsyncConnection.connect(settings.database_url) as hold:
            await hold.execute("lock table case_escalations in share mode")  # it claims its batch, then waits here to write
            await _until(settings, stuck, (1,))
            first.kill()
            first.wait()
            async with await psycopg.AsyncConnection.connect(settings.database_url) as seen:
                assert await (await seen.execute("select count(*) from case_escalations")).fetchone() == (0,)
                left = await (await seen.execute("select count(*) from case_timers where chain = 'deadline'")).fetchone()
                assert left == (40,), "what was claimed is claimed no more"
            await hold.rollback()
    with _workers(settings, 2):
        await _until(settings, "select count(*) from case_timers", (0,))
    assert await _told(settings) == _each(WHOLE_LADDER)


async def test_a_clock_set_back_tells_nothing_again_and_goes_on_when_it_is_right_again(settings: Settings) -> None:
    await _open(settings, 20, AT)
    clock = ManualClock(AT)
    async with _working(settings, clock):
        clock.advance(timedelta(hours=6, microseconds=1))  # 16:00 on Friday: the 4 work hours are over
        await _until(settings, "select count(*) from events where kind = 'case.overdue'", (20,))
        clock.advance(timedelta(days=-30))
        marks = "select count(*), count(distinct kind) from case_timers where chain = 'deadline' and kind = 'escalate_1'"
        await _until(settings, marks, (20, 1))
        await _looked(settings, clock)
        clock.advance(timedelta(days=29, hours=23))
        await _looked(settings, clock)
        assert (await _told(settings))["case.overdue"] == {1}
        assert "case.escalated" not in await _told(settings)
        clock.advance(timedelta(days=90))
        await _until(settings, "select count(*) from case_timers", (0,))
    assert await _told(settings) == _each(WHOLE_LADDER)


async def test_the_worker_follows_a_changed_calendar_and_keeps_its_version(settings: Settings) -> None:
    await _open(settings, 5, AT + timedelta(hours=6))
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        known = await city_calendar.set_day(conn, date(2026, 11, 23), works=False, name="停电", at=AT)
    async with _working(settings, ManualClock(AT + timedelta(hours=7))):
        await _until(settings, "select count(*) from case_clock where kind = 'recompute'", (5,))
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        kept = await city_calendar.kept(conn, known.version)
    assert kept is not None
    assert kept.days == known.days
