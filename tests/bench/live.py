"""Reports at 50 a second, 199 sockets watching: how long after pressing send a new pin is on every screen.

A pin counts from the moment the sender begins to send, so the figure holds intake and commit as well; what remains from
the answer on is given beside it. The city is the product as `gridwarden up` starts it, fsync on.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import uuid4

from playwright.sync_api import Page

from runtime.settings import CHECKOUT
from tests.bench import product
from tests.bench.desk import open_desk
from tests.bench.live_viewers import _percentile

RATE: Final = 50.0
SECONDS: Final = 120.0
VIEWERS: Final = 199
LINES: Final = 24
MUTATION: Final = "mutation($input: SubmitReportInput!) { submitReport(input: $input) { caseId } }"

Times = dict[str, tuple[float, float]]


def run(say: Callable[[str], None], *, rounds: int = 1, quick: bool = False) -> dict[str, Any]:
    """Measure once (the run is long enough to need no rounds); with --quick for ten seconds."""
    del rounds
    with product.running_city() as (home, url):
        token = product.sign_in(home, url)
        with open_desk(home, url, view="?at=114.90000,27.82000,11") as desk:
            return watched(say, home, url, token, seconds=10.0 if quick else SECONDS, page=desk.page)


def watched(say: Callable[[str], None], home: Path, url: str, token: str, *, seconds: float, page: Page | None = None) -> dict[str, Any]:
    """Press the city and watch it; `page` is a Playwright page (synchronous) that is open at the desk, if there is one."""
    _apart(_press(url, token, 2.0))  # a warm city, as after the first minute of a day
    with _viewers(url, token, VIEWERS) as viewers:
        pids = product.pids(home)
        before = {name: _cpu_seconds(name, pid) for name, pid in pids.items()}
        began = time.monotonic()
        times = _apart(_press(url, token, seconds))
        took = time.monotonic() - began
        viewers.stdin.write(json.dumps(times) + "\n")  # type: ignore[union-attr]
        viewers.stdin.flush()  # type: ignore[union-attr]
        figures: dict[str, Any] = json.loads(viewers.stdout.readline())  # type: ignore[union-attr]
    figures |= {"reports": len(times), "reports_per_s": len(times) / took}
    figures["cpu_share"] = {name: (_cpu_seconds(name, pid) - before[name]) / took for name, pid in pids.items()}
    figures["cpu_share"]["the viewers"] = figures["viewers_cpu_s"] / took
    figures["machine_load"] = os.getloadavg()[0]
    figures["memory_mb"] = {name: product.memory_mb(pid) for name, pid in pids.items()}
    say(
        f"{figures['reports_per_s']:.0f} reports/s for {took:.0f} s, {figures['viewers']} sockets:"
        f" pin after send p50 {figures['p50_ms']:.0f} ms, p99 {figures['p99_ms']:.0f} ms, most {figures['most_ms']:.0f} ms"
        f" (after the answer p50 {figures['p50_after_answer_ms']:.0f}, p99 {figures['p99_after_answer_ms']:.0f});"
        f" {figures['deliveries']:,} deliveries, {figures['missing']} missing"
    )
    if page is not None:
        figures["page"] = pins_of(page, times)
        say(
            "page: pin on the map after send p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms"
            " (after the answer p50 {p50_after_answer_ms:.0f}, p99 {p99_after_answer_ms:.0f}); {missing} missing".format(**figures["page"])
        )
    shown = ", ".join(f"{name} {share:.2f}" for name, share in figures["cpu_share"].items())
    say(f"processors used: {shown}; API memory {figures['memory_mb'].get('api-1', 0):.0f} MB; machine load {figures['machine_load']:.1f}")
    return figures


def _cpu_seconds(name: str, pid: int) -> float:
    """Give the processor time of a process; PostgreSQL works in its children, of which the present ones count."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if name == "postgres" else []
    return product.cpu_seconds(pid) + sum(product.cpu_seconds(int(child)) for child in children)


def pins_of(page: Page, times: Times, *, within_s: float = 20.0) -> dict[str, float]:
    """Read from a page open at the desk when each of these cases came on its map."""
    wanted = "() => Object.fromEntries(window.__gridwardenPins ?? [])"
    deadline = time.monotonic() + within_s
    while True:
        drawn: dict[str, float] = page.evaluate(wanted)
        seen = {case: drawn[case] / 1000 for case in times if case in drawn}
        if len(seen) == len(times) or time.monotonic() > deadline:
            break
        page.wait_for_timeout(100)
    after_send = [at - times[case][0] for case, at in seen.items()]
    after_answer = [at - times[case][1] for case, at in seen.items()]
    return {
        "p50_ms": _percentile(after_send, 0.5),
        "p99_ms": _percentile(after_send, 0.99),
        "p50_after_answer_ms": _percentile(after_answer, 0.5),
        "p99_after_answer_ms": _percentile(after_answer, 0.99),
        "missing": len(times) - len(seen),
    }


def _apart(work: Coroutine[Any, Any, Times]) -> Times:
    """Run it in a thread of its own: the browser's driver holds the loop of this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def _viewers(url: str, token: str, count: int) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "tests.bench.live_viewers", url, token, str(count)]
    child = subprocess.Popen(argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if child.stdout is None or child.stdout.readline().strip() != "ready":
            raise RuntimeError("the viewers did not come up")
        yield child
    finally:
        child.kill()
        child.wait()


async def _press(url: str, token: str, seconds: float) -> Times:
    """Send reports at the rate, each when it is due whatever became of those before; give when each was sent and answered."""
    idle: asyncio.Queue[product.Line] = asyncio.Queue()
    for _ in range(LINES):
        idle.put_nowait(await product.Line(url, token).open())
    times: Times = {}
    chance = Random(time.time_ns())

    async def report() -> None:
        sent = time.time()
        line = await idle.get()
        answer = json.loads(await line.post(_document(chance)))
        idle.put_nowait(line)
        if "errors" in answer:
            raise RuntimeError(answer["errors"])
        times[answer["data"]["submitReport"]["caseId"]] = (sent, time.time())

    began = time.monotonic()
    async with asyncio.TaskGroup() as sending:
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            sending.create_task(report())
    return times


def _document(chance: Random) -> bytes:
    position = {"lon": chance.uniform(114.75, 115.05), "lat": chance.uniform(27.70, 27.95), "datum": "WGS84", "accuracyM": 12.0}
    report = {
        "submissionId": str(uuid4()), "description": "压测上报", "position": position, "source": "staff",
        "occurredAt": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    return json.dumps({"query": MUTATION, "variables": {"input": report}}).encode()


if __name__ == "__main__":
    run(print, quick="--quick" in sys.argv)
