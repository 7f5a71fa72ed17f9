"""Living in the demo city over HTTP: what was acknowledged survives a killed server, once."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from demo import journal
from demo.simulate import Counts, Plan, run
from runtime.settings import Settings

PATIENCE_S = 60.0


class Server:
    """One API process that can be killed and started again on its port."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process = self.started()

    def started(self) -> subprocess.Popen[bytes]:
        self.settings.media_dir.mkdir(exist_ok=True)
        return subprocess.Popen([sys.executable, "-m", "api.serve"], env={**os.environ, **self.settings.to_environment()})

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def revive(self) -> None:
        self.process = self.started()


@contextmanager
def serving(home: Path, database_url: str, redis_url: str) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(Settings(home=home, port=port, given_database_url=database_url, given_redis_url=redis_url, log_level="warning"))
    try:
        yield server
    finally:
        server.kill()


async def until(happened: Any, what: str) -> None:
    """Wait for something to be true, or fail saying what never was."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            assert what
            await asyncio.sleep(0.02)


async def ready(url: str) -> None:
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                if (await client.get("/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def verified(database_url: str, path: Path) -> journal.Verdict:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        return await journal.verify(conn, path)


async def test_nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed(
    demo_home: Path, lived_in_url: str, redis_url: str, tmp_path: Path
) -> None:
    path, counts, stop = tmp_path / "journal", Counts(), asyncio.Event()
    with serving(demo_home, lived_in_url, redis_url) as server:
        url = server.settings.base_url.replace("localhost", "127.0.0.1")
        await ready(url)
        living = asyncio.create_task(run(Plan(url=url, home=demo_home, rate=40, journal=path), counts, stop=stop))
        for _ in range(2):
            before = counts.reports
            await until(lambda: counts.reports >= before + 25 or living.done(), "reports are acknowledged")  # noqa: B023
            server.kill()
            retried = counts.retries
            await until(lambda: counts.retries > retried or living.done(), "what was not answered is sent again")  # noqa: B023
            server.revive()
        before = counts.reports
        await until(lambda: counts.reports >= before + 25 or living.done(), "life goes on")
        stop.set()
        await asyncio.wait_for(living, PATIENCE_S)
        assert counts.in_flight == 0
        assert counts.refused == 0, counts.last_refusal
        verdict = await verified(lived_in_url, path)
    assert verdict.broken == []
    assert verdict.reports == counts.reports >= 75
    assert verdict.detections == counts.detections


@pytest.fixture
def promised(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def write(path: Path, *entries: dict[str, Any], torn: str = "") -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + torn, "utf-8")


async def test_a_promise_that_was_not_kept_is_found(loaded_url: str, promised: Path) -> None:
    lost = {"kind": "report", "submissionId": str(uuid4()), "reportId": str(uuid4()), "caseId": str(uuid4()), "number": "20260101-000001"}
    unseen = {"kind": "detection", "device": "rail-001", "key": "k", "alertId": str(uuid4()), "number": "20260101-000002"}
    untaken = {"kind": "step", "caseId": str(uuid4()), "verb": "accept"}
    for entry in (lost, unseen, untaken):
        write(promised, entry)
        assert len((await verified(loaded_url, promised)).broken) == 1, entry
    write(promised, lost, lost)
    assert any("acknowledged 2 times" in line for line in (await verified(loaded_url, promised)).broken)


async def test_a_line_torn_by_a_crash_is_no_promise(loaded_url: str, promised: Path) -> None:
    write(promised, torn='{"kind": "report", "submissionId": "0')
    verdict = await verified(loaded_url, promised)
    assert (verdict.reports, verdict.broken) == (0, [])


async def test_a_step_counts_as_kept_when_the_case_has_taken_it(loaded_url: str, promised: Path) -> None:
    async with await psycopg.AsyncConnection.connect(loaded_url) as conn:
        found = await (await conn.execute("select case_id from case_transitions where verb = 'accept' limit 1")).fetchone()
    assert found is not None
    write(promised, {"kind": "step", "caseId": str(found[0]), "verb": "accept"})
    verdict = await verified(loaded_url, promised)
    assert (verdict.steps, verdict.broken) == (1, [])
