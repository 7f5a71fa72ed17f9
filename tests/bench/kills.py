"""kill -9 at random while a city lives: nothing acknowledged may be lost or doubled, and an open map must catch up by itself.

The city is the real one, started by its script; reports, detections and case steps come from ``gridwarden simulate``; one Chromium
page shows the dispatcher's desk the whole time. Victims: the API, the worker, PostgreSQL, Redis, and now and then the supervisor,
after which ``gridwarden up`` has to find and end the orphans.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from runtime.settings import Settings
from tests.bench import product
from tests.bench.desk import open_desk

VICTIMS = ("api-1", "worker", "postgres", "redis")
RATE = 8.0
PATIENCE_S = 60.0


def run(say: Callable[[str], None], *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Kill four times a round; give what happened. Raises RuntimeError when anything acknowledged is missing or doubled."""
    kills = 4 if quick else 4 * rounds
    seed = time.time_ns() % 100_000
    random = Random(seed)
    say(f"seed {seed}")
    with product.running_city() as (home, url), open_desk(home, url) as desk:
        journal = home / "journal.jsonl"
        living = subprocess.Popen(
            [product.SCRIPT, "simulate", "--home", home, "--rate", str(RATE), "--journal", journal],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        killed: dict[str, int] = {}
        recovered: list[float] = []
        try:
            _wait(lambda: _lines(journal) > 5, "the simulation began")
            for number in range(kills):
                time.sleep(random.uniform(0.5, 4.0))
                victim = "supervisor" if number % 7 == 6 else random.choice(VICTIMS)
                before = _lines(journal)
                began = time.monotonic()
                _kill(home, victim)
                killed[victim] = killed.get(victim, 0) + 1
                if victim == "supervisor":
                    port = url.rsplit(":", 1)[1]
                    subprocess.run([product.SCRIPT, "up", "--home", home, "--port", port, "--detach"], check=True, capture_output=True)
                _wait(partial(_more_than, journal, before + 3), f"reports are acknowledged again after {victim} was killed")
                recovered.append(time.monotonic() - began)
                say(f"{number + 1:>3} {victim:<10} back after {recovered[-1]:.1f} s, {_lines(journal)} acknowledged")
        finally:
            living.send_signal(signal.SIGINT)
            living.wait(60)
        verified = subprocess.run(
            [product.SCRIPT, "simulate", "--home", home, "--verify", journal], check=False, capture_output=True, text=True
        )
        if verified.returncode:
            raise RuntimeError(verified.stdout + verified.stderr)
        expected = _opened_cases(home)
        _wait(lambda: expected <= desk.cases_seen(), "the open map shows every case opened while it was open")
        say(verified.stdout.strip() or verified.stderr.strip())
        say(f"the open map caught up by itself: {len(expected)} cases, {desk.reloads()} reloads")
        return {"kills": killed, "acknowledged": _lines(journal), "slowest_recovery_s": max(recovered), "cases_on_map": len(expected)}


def _kill(home: Path, victim: str) -> None:
    pid = product.pids(home).get(victim)
    if pid is None:
        raise RuntimeError(f"{victim} does not run")
    os.kill(pid, signal.SIGKILL)


def _opened_cases(home: Path) -> set[str]:
    """Cases opened live (the demo history is synthetic) that are still open, so the desk shows them."""
    with psycopg.connect(Settings(home=home).database_url) as conn:
        return {str(row[0]) for row in conn.execute("select id from cases where not synthetic and closed_at is null")}


def _more_than(journal: Path, lines: int) -> bool:
    return _lines(journal) > lines


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait(happened: Callable[[], bool], what: str) -> None:
    """Poll until something has happened; raises RuntimeError when it does not in time."""
    until = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > until:
            raise RuntimeError(f"not within {PATIENCE_S:.0f} s: {what}")
        time.sleep(0.05)


if __name__ == "__main__":
    run(print)
