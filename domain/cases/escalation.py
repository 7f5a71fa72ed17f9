"""What a missed deadline sets off: a ladder from the grid over town and district to the city, one class higher at each rung.

At the deadline itself (level 0) the unit that has the case owes a written explanation; each rung owes one anew. The waits
are shipped defaults of ours, not of a standard. They run on the case's own clock: through nights where its limit does,
inside office hours where it does not, and not at all while it is suspended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.base import Conn, new_id
from domain.cases import ledger
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry


@dataclass(frozen=True, slots=True)
class Rung:
    """One row: how long after the rung before it a case rises to this level, in urgent hours or in work hours."""

    level: int
    zh: str
    en: str
    urgent_hours: int
    work_hours: int


GRID: Final = 0
RUNGS: Final = (
    Rung(1, "镇街", "Town", 1, 2),
    Rung(2, "县区", "District", 3, 4),
    Rung(3, "市级", "City", 8, 8),
)
LEVEL_NAMES: Final[Mapping[int, tuple[str, str]]] = {GRID: ("网格", "Grid"), **{rung.level: (rung.zh, rung.en) for rung in RUNGS}}

_DONE = "select case_id, phase, level, due_at from case_escalations where case_id = any(%s)"
_WRITE = """
insert into case_escalations (id, case_id, level, phase, due_at, at, department_id) values (%s, %s, %s, %s, %s, %s, %s)
"""
_RAISE = """
update cases c set level = greatest(c.level, x.level), updated_at = %(at)s
from unnest(%(ids)s::uuid[], %(levels)s::integer[]) x (id, level) where c.id = x.id
"""
_MISS = """
update cases c set overdue_at = x.due_at, updated_at = %(at)s,
    late_at = case when c.phase = 'handle' then coalesce(c.late_at, x.due_at) else c.late_at end
from unnest(%(ids)s::uuid[], %(dues)s::timestamptz[]) x (id, due_at) where c.id = x.id
"""

Key = tuple[UUID, str, int, datetime]


@dataclass(frozen=True, slots=True)
class Rise:
    """A case has missed its deadline (level 0) or rises to a level; ``department_id`` owes the explanation."""

    case_id: UUID
    phase: str
    level: int
    due_at: datetime
    department_id: UUID | None

    @property
    def key(self) -> Key:
        """What makes it the same rise: a clock that was suspended after it does not rise twice."""
        return self.case_id, self.phase, self.level, self.due_at


def rises_at(entries: Sequence[Entry], calendar: Calendar, level: int) -> datetime | None:
    """Give the instant at which a case whose clock runs on rises to a level (1..3); None when the clock does not run.

    The wait is an allowance more on the ledger, so the answer is as exact and as open to recomputing as the deadline.
    """
    if not entries:
        return None
    last = entries[-1]
    units = [entry.unit for entry in entries if entry.phase == last.phase and entry.unit is not None]
    urgent = bool(units) and units[-1].startswith("urgent")
    at = max(entry.at for entry in entries)
    waits = [
        Entry(at, "extend", last.phase, rung.urgent_hours if urgent else rung.work_hours, "urgent_hour" if urgent else "work_hour")
        for rung in RUNGS
        if rung.level <= level
    ]
    if not ledger.read(entries, calendar).running:
        return None
    return ledger.read([*entries, *waits], calendar).due_at


async def done(conn: Conn, case_ids: Sequence[UUID]) -> set[Key]:
    """Read what has been raised already."""
    return {tuple(row) for row in await (await conn.execute(_DONE, (list(case_ids),))).fetchall()}


async def write(conn: Conn, rises: Collection[Rise], *, known: Collection[Key], at: datetime) -> None:
    """Write what was missed and what rose, in the caller's transaction, which has locked the cases.

    What is ``known`` gets no second row; the case says it again, since a suspension had taken its deadline away.
    """
    if not rises:
        return
    async with conn.cursor() as cursor:
        fresh = [one for one in rises if one.key not in known]
        await cursor.executemany(
            _WRITE, [(new_id(), one.case_id, one.level, one.phase, one.due_at, at, one.department_id) for one in fresh]
        )
    missed = [one for one in rises if one.level == GRID]
    raised = [one for one in rises if one.level > GRID]
    if missed:
        await conn.execute(_MISS, {"ids": [one.case_id for one in missed], "dues": [one.due_at for one in missed], "at": at})
    if raised:
        await conn.execute(_RAISE, {"ids": [one.case_id for one in raised], "levels": [one.level for one in raised], "at": at})
