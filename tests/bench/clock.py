"""Deadlines of random ledgers against two oracles that share no code with the product, and what a deadline costs.

A walk through every minute of three years of real holidays for 1 000 ledgers (seconds included), running sums halved to the
microsecond for 100 000. Raises RuntimeError at the first difference, with the ledger that shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from domain.cases import calendar
from domain.cases.ledger import Entry, read, share_at
from tests.cases import oracles
from tests.cases.oracles import LONG, Minutes, Sums

CALENDAR = calendar.shipped()


def run(say: Callable[[str], None], *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Compare, then measure; gives how many were compared and microseconds for one deadline."""
    seed = time.time_ns() % 1_000_000
    say(f"seed {seed}; {CALENDAR.version}, holidays known until {CALENDAR.known_until}")
    table = oracles.shanghai()
    walked = _compare(Minutes(table).due, seed, 100 if quick else 1_000, exact=False)
    say(f"walk through the minutes: {walked['compared']:,} deadlines equal ({walked['seconds']:.0f} s)")
    summed = _compare(Sums(table).due, seed + 1, 5_000 if quick else 100_000, exact=True)
    say(f"running sums:             {summed['compared']:,} deadlines equal ({summed['seconds']:.0f} s)")
    costs = _costs(rounds)
    for what, micros in costs.items():
        say(f"{what:<46} {micros:6.1f} us")
    return {"seed": seed, "minutes": walked, "sums": summed, "us": costs}


def _compare(oracle: Callable[[list[Entry]], object], seed: int, count: int, *, exact: bool) -> dict[str, Any]:
    """Compare until ``count`` deadlines were; ledgers of clocks that do not run are compared on the way and not counted."""
    began, due = time.perf_counter(), 0
    for entries in oracles.ledgers(seed, longest=LONG, exact=exact):
        found, wanted = read(entries, CALENDAR).due_at, oracle(entries)
        if found != wanted:
            raise RuntimeError(f"{found} instead of {wanted} for {entries}")
        due += found is not None
        if due == count:
            break
    return {"compared": due, "seconds": time.perf_counter() - began}


def _costs(rounds: int) -> dict[str, float]:
    """Give the median of the rounds, in microseconds for one call, entries made anew as intake does."""
    at = next(oracles.ledgers(3, longest=LONG, exact=False))[0].at
    long = max(islice(oracles.ledgers(4, longest=LONG, exact=True), 500), key=lambda one: (read(one, CALENDAR).running, len(one)))
    calls: dict[str, Callable[[], object]] = {
        f"deadline of a new case, {amount} {unit}": lambda amount=amount, unit=unit: read(  # type: ignore[misc]
            [Entry(at, "start", "handle", amount, unit)], CALENDAR
        )
        for amount, unit in ((2, "urgent_hour"), (4, "work_hour"), (5, "work_day"))
    }
    calls[f"deadline from {len(long)} entries"] = lambda: read(long, CALENDAR)
    calls["when to warn of it"] = lambda: share_at(long, CALENDAR, 0.75)
    return {what: _median_us(call, rounds) for what, call in calls.items()}


def _median_us(call: Callable[[], object], rounds: int) -> float:
    call()
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(5_000):
            call()
        found.append((time.perf_counter() - began) / 5_000 * 1e6)
    return sorted(found)[len(found) // 2]
