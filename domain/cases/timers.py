"""What a case wakes for next: one row in each chain, replaced whenever a step changes what is to come.

``deadline`` warns before the deadline, tells when it is missed, and rises rung by rung after it; ``accept`` passes a case on
that nobody accepted; ``rate`` ends the time for rating. ``domain/flows/due.py`` fires them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.base import Conn
from domain.cases import escalation, ledger
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry

WARN_SHARE: Final = 0.75
# How long a unit has to accept: round the clock where the limit is, else in office hours. Our own defaults.
ACCEPT_URGENT: Final = timedelta(minutes=30)
ACCEPT_WORK_HOURS: Final = 2
DEADLINE_KINDS: Final = ("warn", "overdue", *(f"escalate_{rung.level}" for rung in escalation.RUNGS))

Timer = tuple[str, datetime]

_PUT = """
insert into case_timers (case_id, chain, kind, due_at) values (%s, %s, %s, %s)
on conflict (case_id, chain) do update set kind = excluded.kind, due_at = excluded.due_at
"""
_ENTRIES = """
select case_id, at, kind, phase, amount, unit from case_clock where case_id = any(%s) order by case_id, seq
"""


def deadline_timer(entries: Sequence[Entry], calendar: Calendar, due_at: datetime | None, *, at: datetime) -> Timer | None:
    """Give the next timer of a running clock: the warning, or the deadline itself when the warning's instant has passed."""
    if due_at is None:
        return None
    warn_at = ledger.share_at(entries, calendar, WARN_SHARE)
    if warn_at is not None and at < warn_at < due_at:
        return "warn", warn_at
    return "overdue", due_at


def timer_after(kind: str, entries: Sequence[Entry], calendar: Calendar, due_at: datetime) -> Timer | None:
    """Give the timer of the deadline's chain that follows one that fires; None after the last rung."""
    if kind == "warn":
        return "overdue", due_at
    level = level_of(kind) + 1
    if level > escalation.RUNGS[-1].level:
        return None
    at = escalation.rises_at(entries, calendar, level)
    return (f"escalate_{level}", at) if at is not None else None


def level_of(kind: str) -> int:
    """Give the level a timer of the deadline's chain raises a case to: 0 for the deadline itself."""
    return int(kind.removeprefix("escalate_")) if kind.startswith("escalate_") else escalation.GRID


def accept_by(entries: Sequence[Entry], calendar: Calendar, *, at: datetime) -> datetime:
    """Give the instant by which a unit that was sent a case must have accepted it."""
    units = [entry.unit for entry in entries if entry.phase == "handle" and entry.unit is not None]
    if units and units[-1].startswith("urgent"):
        return at + ACCEPT_URGENT
    until = ledger.read([Entry(at, "start", "handle", ACCEPT_WORK_HOURS, "work_hour")], calendar).due_at
    if until is None:
        raise AssertionError("a clock that was started runs")
    return until


def wanted(
    *, state: str, stepped: str, clock_changed: bool, entries: Sequence[Entry], calendar: Calendar, due_at: datetime | None,
    rate_until: datetime | None, at: datetime,
) -> Mapping[str, Timer | None]:  # fmt: skip
    """Give the chains a step changes: their next timer, or None where nothing is waited for any more."""
    found: dict[str, Timer | None] = {}
    if clock_changed:
        found["deadline"] = deadline_timer(entries, calendar, due_at, at=at)
    if state != "dispatched":
        found["accept"] = None
    elif stepped in ("dispatch", "transfer", "pass_on", "resume", "unmerge"):
        found["accept"] = "accept_late", accept_by(entries, calendar, at=at)
    found["rate"] = ("rate_end", rate_until) if state == "verified" and rate_until is not None else None
    return found


async def reset(conn: Conn, case_id: UUID, chains: Mapping[str, Timer | None]) -> None:
    """Write the chains a step changed, in the caller's transaction."""
    gone = [chain for chain, timer in chains.items() if timer is None]
    if gone:
        await conn.execute("delete from case_timers where case_id = %s and chain = any(%s)", (case_id, gone))
    for chain, timer in chains.items():
        if timer is not None:
            await conn.execute(_PUT, (case_id, chain, *timer))


async def entries_of(conn: Conn, case_ids: Collection[UUID]) -> dict[UUID, list[Entry]]:
    """Read the ledgers of cases, each in its order."""
    found: dict[UUID, list[Entry]] = {}
    for case_id, *entry in await (await conn.execute(_ENTRIES, (list(case_ids),))).fetchall():
        found.setdefault(case_id, []).append(Entry(*entry))
    return found
