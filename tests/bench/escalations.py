"""How long after its due instant a rise is told, by two workers of a city that is taking reports in at the same time.

Cases are opened by the intake flow so many hours ago that their rise to the town falls due during the run: first spread over a
minute, then all in one instant, as happens every day when the offices close. A rise counts as told when its event has been
given its place in the live feed, seen by another connection that looks every 50 ms; so what is printed is never less than
what a viewer waits.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg

from domain.base import Conn
from domain.flows import due, report_intake
from domain.flows.city import CityHolder
from domain.people import actions
from domain.people.actions import NewUser
from domain.people.scope import Grant
from domain.reports.intake import ReportInput
from runtime.settings import Settings
from tests.bench import intake, product
from tests.flows.conftest import SOUTH, STEP, WEST, fill

LOOK_S = 0.05
HEAD_START_S = 8.0
BATCH = 500
CLIENTS = 8
RISES_AFTER = timedelta(hours=3)  # two urgent hours of handling, and one more until the town is told
PASSWORD = "a password for the benchmark alone"
_SIGN_IN = 'mutation($p: String!) { signIn(username: "desk", password: $p) { accessToken } }'
_SEEN = "select position, kind, subject_id from events where position > %s order by position limit 10000"


def run(say: Callable[[str], None], *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Measure both shapes once; give the lags in seconds and what the workers used."""
    spread_s, spread, burst = (20.0, 600, 500) if quick else (60.0, 6_000, 3_000)
    with product.running_city("--no-demo") as (home, url):
        settings = Settings(home=home)
        city = asyncio.run(_found(settings))
        answer = product.graphql(url, _SIGN_IN, {"p": PASSWORD})
        token = str(answer["signIn"]["accessToken"])
        second = subprocess.Popen(
            [sys.executable, "-m", "runtime.worker"], env={**os.environ, **settings.to_environment()},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            workers = [product.pids(home)["worker"], second.pid]
            spread_found = asyncio.run(_measure(settings, city, url, token, spread, spread_s, workers))
            _told(say, f"{spread:,} rises due over {spread_s:.0f} s", spread_found)
            burst_found = asyncio.run(_measure(settings, city, url, token, burst, 0.0, workers))
            _told(say, f"{burst:,} rises due in one instant", burst_found)
        finally:
            second.terminate()
            second.wait()
    return {"spread": spread_found, "burst": burst_found}


def _told(say: Callable[[str], None], what: str, found: dict[str, float]) -> None:
    say(
        f"{what}: told after p50 {found['p50_s']:.2f} s, p99 {found['p99_s']:.2f} s, at most {found['max_s']:.2f} s;"
        f" beside {found['reports_s']:.0f} reports/s; two workers used {found['cpu_s']:.1f} s of processor"
        f" in {found['took_s']:.0f} s and {found['rss_mb']:.0f} MB each at most"
    )


async def _found(settings: Settings) -> dict[str, UUID]:
    """Found the small city with a dispatcher; give who and what the cases need."""
    async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
        city = await fill(conn)
        everywhere = Grant("dispatcher", None, None)
        new = NewUser(username="desk", display_name="调度员", password=PASSWORD, department_id=None, grants=(everywhere,))
        await actions.create_user(conn, actions.CONSOLE, new, at=datetime.now(UTC))
        return {"matter": city.matters["cover"], "staff": city.users["staff"]}


async def _measure(
    settings: Settings, city: dict[str, UUID], url: str, token: str, count: int, spread_s: float, workers: list[int]
) -> dict[str, float]:
    async with await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as conn:
        wanted = await _open(conn, city, count, spread_s)
        began, used = time.monotonic(), sum(product.cpu_seconds(pid) for pid in workers)
        pressing = asyncio.create_task(_press(url, token, HEAD_START_S + spread_s))
        lags = await _watch(conn, wanted)
        reports = await pressing
        took = time.monotonic() - began
        lags.sort()
        return {
            "count": count, "p50_s": lags[len(lags) // 2], "p99_s": lags[int(len(lags) * 0.99)], "max_s": lags[-1],
            "reports_s": reports / (HEAD_START_S + spread_s), "took_s": took,
            "cpu_s": sum(product.cpu_seconds(pid) for pid in workers) - used,
            "rss_mb": max(product.memory_mb(pid) for pid in workers),
        }  # fmt: skip


async def _open(conn: Conn, city: dict[str, UUID], count: int, spread_s: float) -> dict[UUID, datetime]:
    """Open cases that are overdue already and rise soon; they were accepted, so nothing else is due. Gives when each rises."""
    random, holder = Random(count), CityHolder()
    cases: dict[UUID, float] = {}
    for start in range(0, count, BATCH):
        now = datetime.now(UTC) - timedelta(hours=6)
        items = [_item(random, city["matter"], now, city["staff"]) for _ in range(min(BATCH, count - start))]
        async with conn.transaction():
            for done in await report_intake.submit(conn, holder, items, at=now, secret=b"benchmark"):
                if isinstance(done, report_intake.Submitted):
                    cases[done.case_id] = random.uniform(0.0, spread_s)
                else:
                    raise done
    return await _shift(conn, holder, cases)


async def _shift(conn: Conn, holder: CityHolder, cases: dict[UUID, float]) -> dict[UUID, datetime]:
    """Say when they were opened, now that all are written: so that each rises its own number of seconds after the head start."""
    ids = list(cases)
    first = datetime.now(UTC) + timedelta(seconds=HEAD_START_S + len(cases) / 500) - RISES_AFTER
    opened = [first + timedelta(seconds=cases[case_id]) for case_id in ids]
    values = {"ids": ids, "opened": opened}
    rows = "unnest(%(ids)s::uuid[], %(opened)s::timestamptz[]) x (id, at)"
    async with conn.transaction():
        await conn.execute("alter table case_clock disable trigger case_clock_guard")
        await conn.execute(f"update case_clock k set at = x.at, due_at = x.at + interval '2 h' from {rows} where k.case_id = x.id", values)
        await conn.execute("alter table case_clock enable trigger case_clock_guard")
        await conn.execute("delete from case_timers where case_id = any(%(ids)s) and chain <> 'deadline'", values)
        await conn.execute(
            f"update cases c set opened_at = x.at, due_at = x.at + interval '2 h', state = 'accepted' from {rows} where c.id = x.id", values
        )
        moved = f"update case_timers t set kind = 'overdue', due_at = x.at + interval '2 h' from {rows} where t.case_id = x.id"
        await conn.execute(moved, values)
    while True:  # the workers are at it too
        async with conn.transaction():
            if not await due.fire(conn, holder, at=datetime.now(UTC), chains=due.DEADLINES):
                return {case_id: at + RISES_AFTER for case_id, at in zip(ids, opened, strict=True)}


def _item(random: Random, matter_id: UUID, at: datetime, staff_id: UUID) -> ReportInput:
    return ReportInput(
        submission_id=uuid4(), source="staff", matter_id=matter_id, description="压测上报", lon=WEST + random.uniform(0.0, 3 * STEP),
        lat=SOUTH + random.uniform(0.0, 3 * STEP), datum="WGS84", accuracy_m=12.0, occurred_at=at, submitted_by=staff_id,
    )  # fmt: skip


async def _watch(conn: Conn, rises: dict[UUID, datetime]) -> list[float]:
    """Follow the live feed until every rise has been told, once; give how long after its due instant each was."""
    ((position,),) = await (await conn.execute("select position from event_cursor")).fetchall()
    lags: dict[UUID, float] = {}
    while len(lags) < len(rises):
        rows = await (await conn.execute(_SEEN, (position,))).fetchall()
        now = datetime.now(UTC)
        for position, kind, case_id in rows:  # noqa: B007
            if kind == "case.escalated" and case_id in rises:
                if case_id in lags:
                    raise RuntimeError(f"the rise of {case_id} was told twice")
                lags[case_id] = (now - rises[case_id]).total_seconds()
        await asyncio.sleep(LOOK_S)
    return list(lags.values())


async def _press(url: str, token: str, seconds: float) -> int:
    """Submit reports from a few clients meanwhile."""
    return len(await intake.press(url, token, seconds, clients=CLIENTS))


if __name__ == "__main__":
    run(print)
