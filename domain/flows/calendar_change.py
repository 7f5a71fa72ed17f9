"""The calendar has changed: running deadlines are computed again, each with a row of its own in the ledger where it moves.

A deadline that has passed, or a clock that is paused or stopped, is never moved: what was missed stays missed, and a paused
clock is read by the calendar in force when it resumes. Done in short batches by any number of workers; what is left to do
is told by the calendar's version beside each deadline, so it can be broken off at any point.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain import events
from domain.base import Conn, new_id
from domain.cases import ledger, timers
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry
from domain.errors import DomainError

log = logging.getLogger(__name__)

# A scalar subquery, so that the ledger of millions of closed cases is never read for a join.
_TAKE: Final = """
select id, phase, due_at, due_provisional, area_ids, department_id, party_ids from cases
where closed_at is null and due_at > %(at)s and phase is not null and right(due_basis, length(%(version)s)) <> %(version)s
  and (select true from case_clock l where l.case_id = cases.id limit 1)
order by due_at, id limit %(limit)s for update skip locked
"""
_ROW: Final = """
insert into case_clock (id, case_id, seq, at, kind, phase, calendar_version, due_at, provisional)
values (%s, %s, %s, %s, 'recompute', %s, %s, %s, %s)
"""
_MOVE: Final = """
update cases set due_basis = split_part(due_basis, ', ', 1) || ', ' || %(version)s, due_at = %(due)s, due_provisional = %(provisional)s,
    handle_due_at = case phase when 'handle' then %(due)s else handle_due_at end where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """How many deadlines were looked at, and how many of them moved or stopped being provisional."""

    seen: int
    moved: int


async def recompute(conn: Conn, calendar: Calendar, *, at: datetime, limit: int = 200) -> Recomputed:
    """Look at up to ``limit`` running deadlines that were computed with another calendar; call again until none is seen."""
    taken = await (await conn.execute(_TAKE, {"at": at, "version": calendar.version, "limit": limit})).fetchall()
    ledgers = await timers.entries_of(conn, [row[0] for row in taken])
    happened = []
    for case_id, phase, due_at, provisional, area_ids, department_id, party_ids in taken:
        entries = ledgers[case_id]
        try:
            reading = ledger.read(entries, calendar)
        except DomainError as error:  # what cannot be read stays as it was computed
            log.error("the deadline of case %s was not computed again: %s", case_id, error)
            reading = ledger.Reading(phase, True, due_at, provisional, None)
        moved = {"id": case_id, "version": calendar.version, "due": reading.due_at, "provisional": reading.provisional}
        await conn.execute(_MOVE, moved)
        if (reading.due_at, reading.provisional) == (due_at, provisional):
            continue
        written_at = max(at, entries[-1].at)
        row = (new_id(), case_id, len(entries) + 1, written_at, phase, calendar.version, reading.due_at, reading.provisional)
        await conn.execute(_ROW, row)
        recorded = [*entries, Entry(written_at, "recompute", phase)]
        await timers.reset(conn, case_id, {"deadline": timers.deadline_timer(recorded, calendar, reading.due_at, at=at)})
        happened.append(
            events.Event(
                kind="case.recompute", subject_kind="case", subject_id=case_id, at=at, area_ids=area_ids,
                department_ids=[*([department_id] if department_id else []), *party_ids],
            )
        )  # fmt: skip
    await events.record(conn, happened)
    return Recomputed(len(taken), len(happened))
