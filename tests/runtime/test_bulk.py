"""A bulk job lives through the death of its workers: every case is stepped once and has its result."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from domain.flows import bulk
from domain.flows.bulk import NewBulk
from runtime.settings import Settings
from tests.flows.conftest import fill
from tests.flows.test_bulk import dispatcher

CASES = 60


async def test_a_job_whose_workers_are_killed_again_and_again_steps_every_case_once(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    settings = Settings(home=tmp_path, given_database_url=database_url, given_redis_url=redis_url)
    job_id = await _begin(database_url)
    reached = 0
    while reached < CASES:
        wanted = min(reached + CASES // 3, CASES)
        workers = [_worker(settings), _worker(settings)]
        try:
            reached = await _done(database_url, job_id, wanted)
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        rows = await (await conn.execute("select state, count(*) from bulk_items where job_id = %s group by 1", (job_id,))).fetchall()
        assert rows == [("done", CASES)]
        rows = await (await conn.execute("select count(*), count(distinct case_id) from case_transitions where verb = 'recall'")).fetchall()
        assert rows == [(CASES, CASES)]
        rows = await (await conn.execute("select count(*) from events where kind = 'case.recall'")).fetchall()
        assert rows == [(CASES,)]
        assert await (await conn.execute("select distinct state, revision from cases")).fetchall() == [("filed", 2)]


def _worker(settings: Settings) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "runtime.worker"], env={**os.environ, **settings.to_environment()})


async def _begin(database_url: str) -> UUID:
    job_id, now = uuid4(), datetime.now(UTC)  # the workers' clock is the machine's: nothing may be due yet
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        cases = [done.case_id for done in await city.submit(*(city.report() for _ in range(CASES)), at=now)]
        await bulk.start(conn, await dispatcher(city), NewBulk(id=job_id, verb="recall", case_ids=cases, reason="防汛"), at=now)
    return job_id


async def _done(database_url: str, job_id: UUID, wanted: int) -> int:
    """Wait until so many cases are done; give how many."""
    async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        while True:
            rows = await (await conn.execute("select count(*) from bulk_items where job_id = %s and state = 'done'", (job_id,))).fetchall()
            if rows[0][0] >= wanted:
                return int(rows[0][0])
            await asyncio.sleep(0.005)
