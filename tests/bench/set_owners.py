"""Set re-assignment inside PostGIS: through the H3 cells, against ST_Covers with a GiST index, on the same rows.

The peer is PostGIS itself: the same question without the cell table, once with the GiST index on areas alone (``gist``), once with
one on the points as well (``gist2``), which lets the planner go area by area when nearly every point is asked for. All answers are
compared before anything is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg

from domain.areas.set_owners import BY_CELL, BY_GEOMETRY
from tests.bench.stores import demo_city

QUERIES = {"cells": BY_CELL, "gist": BY_GEOMETRY, "gist2": BY_GEOMETRY}
POINTS_INDEX = "create index if not exists cases_position_idx on cases using gist (position)"
SHARES = {"1x": 0.01, "10x": 0.1, "100x": 1.0}


def run(say: Callable[[str], None], *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Measure both ways for a hundredth, a tenth and all of a month's cases; ratios of medians over interleaved rounds."""
    with demo_city(days=3 if quick else 30) as settings, psycopg.connect(settings.database_url, autocommit=True) as conn:
        conn.execute("set jit = off")
        # One process each: the ratio is of the two ways, not of how many cores each may take.
        conn.execute("set max_parallel_workers_per_gather = 0")
        conn.execute("set work_mem = '64MB'")
        found: dict[str, Any] = {}
        for label, share in SHARES.items():
            conn.execute(
                "update cases set closed_at = case when substr(number, 10)::bigint %% 100 < %s then null else now() end", (share * 100,)
            )
            conn.execute("vacuum analyze cases")
            found[label] = _measure(conn, rounds)
            say(
                f"{label:>4} {found[label]['points']:>8} points: cells {found[label]['cells']:,.0f}/s, gist {found[label]['gist']:,.0f}/s"
                f" (x{found[label]['ratio']:.1f}), gist on both {found[label]['gist2']:,.0f}/s (x{found[label]['ratio2']:.1f})"
            )
        for name, query in QUERIES.items():
            plan = conn.execute(f"explain (analyze, costs off, timing off, summary off) {query}", _values()).fetchall()
            say(f"\nEXPLAIN {name}\n" + "\n".join(line for (line,) in plan))
    return found


def _measure(conn: psycopg.Connection[Any], rounds: int) -> dict[str, float]:
    answers = [sorted(conn.execute(query, _values()).fetchall()) for query in (BY_CELL, BY_GEOMETRY)]
    if answers[0] != answers[1]:
        raise AssertionError("the two ways give different owners")
    taken: dict[str, list[float]] = {name: [] for name in QUERIES}
    for _ in range(rounds):
        for name, query in QUERIES.items():
            conn.execute("drop index if exists cases_position_idx" if name == "gist" else POINTS_INDEX)
            began = time.perf_counter()
            conn.execute(f"select count(*) from ({query}) answer", _values())
            taken[name].append(time.perf_counter() - began)
    points = len(answers[0])
    speed = {name: points / median(seconds) for name, seconds in taken.items()}
    return {"points": points, **speed, "ratio": speed["cells"] / speed["gist"], "ratio2": speed["cells"] / speed["gist2"]}


def _values() -> dict[str, object]:
    return {"layer": "grid", "at": datetime.now(UTC)}


if __name__ == "__main__":
    run(print)
