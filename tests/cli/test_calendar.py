"""The working calendar from the command line."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from runtime.settings import CHECKOUT
from tests.flows.conftest import fill


async def _a_case_due_in_a_long_time(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as conn:
        city = await fill(conn)
        await conn.execute("update filing_conditions set limit_amount = 30, limit_unit = 'work_day'")
        now = datetime.now(UTC)
        await city.submit(city.report(source="staff", occurred_at=now), at=now)


def test_days_and_hours_are_set_and_running_deadlines_follow(tmp_path: Path, database_url: str, redis_url: str) -> None:
    asyncio.run(_a_case_due_in_a_long_time(database_url))
    env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTHONPATH": str(CHECKOUT)}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "api.cli", "calendar", *arguments, "--home", str(tmp_path)]
        return subprocess.run(argv, env=env, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)

    def calendar(*arguments: str) -> str:
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def refused(*arguments: str) -> str:
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        return done.stderr

    shown = calendar("show", "--year", "2026")
    assert "08:00-12:00 14:00-18:00  Asia/Shanghai" in shown
    assert "2026-10-01 Thu  off" in shown
    assert "2026-10-10 Sat  work" in shown
    assert calendar("due", "2026-09-30T17:00:30", "2", "work_hour").strip() == "2026-10-08 09:00:30 Thu"
    day = datetime.now(UTC).date() + timedelta(days=10)
    day += timedelta(days=(7 - day.weekday()) % 7)  # a Monday
    kind = ("off", "work") if f"{day} Mon  off" not in calendar("show", "--year", str(day.year)) else ("work", "off")
    assert "1 running deadlines looked at, 1 moved" in calendar("set-day", str(day), kind[0], "--name", "全市停电检修")
    assert "全市停电检修 (set by this city)" in calendar("show", "--year", str(day.year))
    assert "1 moved" in calendar("set-day", str(day), "as-published")
    assert "1 moved" in calendar("set-hours", "09:00-12:00", "13:00-17:00")
    assert "09:00-12:00 13:00-17:00" in calendar("show")
    assert calendar("recompute").strip() == "0 running deadlines looked at, 0 moved."
    known = calendar("known-until", "2049-12-31")
    assert "provisional" not in calendar("due", "2049-12-01T10:00", "2", "work_day")
    assert known.startswith("The calendar is now chinesecalendar")
    assert "08:00-12:00" in refused("set-hours", "8-12")
    assert "2026-12-31" in refused("set-day", "tomorrow", "off", "--name", "x")
    assert "say why" in refused("set-day", "2026-12-31", "off")
    assert "nothing is set" in refused("set-day", "2026-12-31", "as-published")
    assert "time zone" in refused("set-hours", "09:00-12:00", "--zone", "Nowhere/City")
