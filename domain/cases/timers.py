"""What a case wakes for next: one row in each chain, replaced whenever a step changes what is to come.

``deadline`` warns before the deadline and rises after it; ``accept`` passes a case on that nobody accepted; ``rate`` ends the
time for rating. ``domain/flows/due.py`` fires them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.base import Conn
from domain.cases import ledger
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry

WARN_SHARE: Final = 0.75
ACCEPT_WITHIN: Final = timedelta(hours=2)

Timer = tuple[str, datetime]

_PUT = """
insert into case_timers (case_id, chain, kind, due_at) values (%s, %s, %s, %s)
on conflict (case_id, chain) do update set kind = excluded.kind, due_at = excluded.due_at
"""


def deadline_timer(entries: Sequence[Entry], calendar: Calendar, due_at: datetime | None, *, at: datetime) -> Timer | None:
    """Give the next timer of a running clock: the warning, or the deadline itself when the warning's instant has passed."""
    if due_at is None:
        return None
    warn_at = ledger.share_at(entries, calendar, WARN_SHARE)
    if warn_at is not None and at < warn_at < due_at:
        return "warn", warn_at
    return "overdue", due_at


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
    elif stepped in ("dispatch", "transfer", "pass_on"):
        found["accept"] = "accept_late", at + ACCEPT_WITHIN
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
