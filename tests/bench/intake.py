"""Report intake through GraphQL at 16 clients, against pgbench at 16 clients running the same statements on the same database.

The statements are not imitated: they are recorded from the intake flow itself, and only what must be new in every run (ids, the
tracking hash) is replaced by pgbench variables. Both sides run with fsync on, in interleaved rounds.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncClientCursor

from domain.flows import report_intake
from domain.flows.city import CityHolder
from domain.reports.intake import ReportInput
from runtime import programs
from runtime.settings import Settings
from tests.bench import product

CLIENTS = 16
SCRIPTS = 40
MUTATION = (
    "mutation($input: SubmitReportInput!) { submitReport(input: $input) { reportId caseId number trackingCode areaName departmentName } }"
)
_ID = re.compile(r"'[^']*'")
_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def run(say: Callable[[str], None], *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Measure both in turn; the ratio is of the medians."""
    seconds = 2.0 if quick else 6.0
    with product.running_city() as (home, url):
        settings = Settings(home=home)
        token = product.sign_in(home, url)
        scripts = _write_scripts(asyncio.run(_record(settings.database_url)), home / "pgbench")
        asyncio.run(press(url, token, 1.0))
        found: dict[str, list[float]] = {"ours": [], "pgbench": [], "p50_ms": [], "p99_ms": [], "api_cpu_ms": []}
        for _ in range(rounds):
            api = product.pids(home)["api-1"]
            before = product.cpu_seconds(api)
            taken = asyncio.run(press(url, token, seconds))
            found["api_cpu_ms"].append((product.cpu_seconds(api) - before) * 1000 / len(taken))
            found["ours"].append(len(taken) / seconds)
            taken.sort()
            found["p50_ms"].append(taken[len(taken) // 2] * 1000)
            found["p99_ms"].append(taken[int(len(taken) * 0.99)] * 1000)
            found["pgbench"].append(_pgbench(settings, scripts, seconds))
        medians = {name: median(values) for name, values in found.items()}
        medians["ratio"] = medians["ours"] / medians["pgbench"]
        medians["api_mb"] = product.memory_mb(product.pids(home)["api-1"])
    say(
        f"GraphQL {medians['ours']:,.0f} reports/s (p50 {medians['p50_ms']:.1f} ms, p99 {medians['p99_ms']:.1f} ms, API processor"
        f" {medians['api_cpu_ms']:.2f} ms a report, {medians['api_mb']:.0f} MB); pgbench {medians['pgbench']:,.0f}/s;"
        f" ratio x{medians['ratio']:.2f}"
    )
    return medians


async def press(url: str, token: str, seconds: float, *, clients: int = CLIENTS) -> list[float]:
    """Submit reports from so many clients for a while; give the seconds each took."""
    taken: list[float] = []
    until = time.perf_counter() + seconds

    async def client(seed: int) -> None:
        random = Random(seed * 1000 + time.time_ns() % 1000)
        line = await product.Line(url, token).open()
        while (began := time.perf_counter()) < until:
            report = {**_place(random), "submissionId": str(uuid4())}
            answer = await line.post(json.dumps({"query": MUTATION, "variables": {"input": report}}).encode())
            if b'"errors"' in answer:
                raise RuntimeError(answer.decode())
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(client(i) for i in range(clients)))
    return taken


def _place(random: Random) -> dict[str, Any]:
    lon, lat = random.uniform(114.75, 115.05), random.uniform(27.70, 27.95)
    position = {"lon": lon, "lat": lat, "datum": "WGS84", "accuracyM": 12.0}
    return {"description": "压测上报", "position": position, "occurredAt": datetime.now(UTC).isoformat(), "source": "staff"}


class _Recorder(AsyncClientCursor[Any]):
    """A cursor that notes every statement with its values written in."""

    heard: list[str]

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        self.heard.append(self.mogrify(query, params))
        return await super().execute(query, params, **options)

    async def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        rows = list(params_seq)
        self.heard.extend(self.mogrify(query, row) for row in rows)
        await super().executemany(query, rows, **options)


def _write_scripts(scripts: list[str], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"report-{number}.sql" for number in range(len(scripts))]
    for path, script in zip(paths, scripts, strict=True):
        path.write_text(script, encoding="utf-8")
    return paths


async def _record(database_url: str) -> list[str]:
    """Run the intake flow, and give what it asked the database as pgbench scripts."""
    random, holder, scripts = Random(1), CityHolder(), []
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        await holder.warm(conn, at=datetime.now(UTC))
        staff = await (await conn.execute("select id from users where username = 'dispatcher'")).fetchone()
        conn.cursor_factory = _Recorder
        for _ in range(SCRIPTS):
            _Recorder.heard = []
            at, submission = datetime.now(UTC), uuid4()
            place = _place(random)["position"]
            item = ReportInput(
                submission_id=submission, source="staff", matter_id=None, description="压测上报", lon=place["lon"], lat=place["lat"],
                datum="WGS84", accuracy_m=12.0, occurred_at=at, submitted_by=staff[0] if staff else None,
            )  # fmt: skip
            async with conn.transaction():
                await report_intake.submit(conn, holder, [item], at=at, secret=b"benchmark")
            scripts.append(_script(_Recorder.heard, submission, at))
    return scripts


def _script(statements: list[str], submission: UUID, at: datetime) -> str:
    """Turn recorded statements into a pgbench script that makes new ids every time."""
    fresh: dict[str, str] = {}

    def literal(match: re.Match[str]) -> str:
        text = match.group(0)
        for found in dict.fromkeys(_UUID.findall(text)):
            made_now = UUID(found).version == 7 and UUID(found).int >> 80 >= int(at.timestamp() * 1000) - 1
            if made_now or found == submission.hex:
                name = fresh.setdefault(found, f"n{len(fresh)}")
                text = text.replace(found, f"' || lpad(to_hex(:{name}::bigint), 32, '0') || '")
        return f"({text})" if "||" in text else text

    lines = [_ID.sub(literal, statement.strip()) for statement in statements]
    lines = [re.sub(r"'\\x[0-9a-f]{64}'(::bytea)?(?=\)\s*$)", r"sha256(('t' || :n0)::bytea)", line) for line in lines]
    setting = [f"\\set {name} random(1, 9000000000000000000)" for name in fresh.values()]
    return "\n".join([*setting, "begin;", *(f"{line};" for line in lines), "commit;", ""])


def _pgbench(settings: Settings, scripts: list[Path], seconds: float) -> float:
    tools = programs.ensure(allow_system=False, user_runtime=None, say=lambda _: None)
    pgbench = Path(tools.postgres_bin) / "pgbench"
    files = [argument for script in scripts for argument in ("-f", str(script))]
    shown = subprocess.run(
        [pgbench, "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(max(1, round(seconds))), *files, settings.database_url],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    match = re.search(r"tps = ([0-9.]+)", shown.stdout)
    if match is None or "number of failed transactions: 0 " not in shown.stdout:
        raise RuntimeError(shown.stdout + shown.stderr)
    return float(match.group(1))


if __name__ == "__main__":
    run(print)
