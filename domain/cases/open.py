"""Opening cases: the row, its first transition and its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.base import Conn, new_id
from domain.cases import ledger, rules, timers
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry
from geo import cells
from geo.lonlat import LonLat

CELL_RESOLUTION = 10

_INSERT = """
insert into cases (id, number, origin, state, title, matter_id, condition_id, position, position_3857, cell,
                   home_area_id, home_version_id, area_ids, department_id, proposed_department_id, receipt_id, opened_at, filed_at,
                   dispatched_at, phase, due_at, due_basis, due_provisional, handle_due_at, wants_rating, split_from_id, updated_at)
values (%(id)s, to_char(%(at)s at time zone 'Asia/Shanghai', 'YYYYMMDD') || '-' ||
        (select lpad(n::text, greatest(6, length(n::text)), '0') from nextval('case_numbers') n),
        %(origin)s, %(state)s, %(title)s, %(matter_id)s, %(condition_id)s, st_point(%(lon)s, %(lat)s, 4326),
        st_transform(st_point(%(lon)s, %(lat)s, 4326), 3857), %(cell)s, %(home_area_id)s, %(home_version_id)s,
        %(area_ids)s, %(department_id)s, %(proposed_department_id)s, %(receipt_id)s, %(at)s, %(filed_at)s, %(dispatched_at)s,
        %(phase)s, %(due_at)s, %(due_basis)s, %(due_provisional)s, %(handle_due_at)s, %(wants_rating)s, %(split_from_id)s, %(at)s)
returning number
"""
_TRANSITION = """
insert into case_transitions (id, case_id, at, verb, from_state, to_state, department_id)
values (%s, %s, %s, %s, %s, %s, %s)
"""
_CLOCK = """
insert into case_clock (id, case_id, seq, at, kind, phase, amount, unit, calendar_version, due_at, provisional)
values (%s, %s, 1, %s, 'start', %s, %s, %s, %s, %s, %s)
"""
_TIMER = "insert into case_timers (case_id, chain, kind, due_at) values (%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case about to be opened.

    What the public reports is first checked on the spot by its grid, within ``rules.CHECK_LIMIT``; everything else is filed
    at once, under the limit of its filing condition, and dispatched where somebody was found. ``department_id`` is whom
    routing found. ``since`` is from when its clock runs where that is before it was opened: it was split off another.
    """

    origin: str
    title: str
    matter_id: UUID | None
    condition_id: UUID | None
    limit: tuple[int, str]
    lonlat: LonLat
    home_area_id: UUID | None
    home_version_id: UUID | None
    area_ids: Sequence[UUID]
    department_id: UUID | None
    receipt_id: UUID
    checked_first: bool = False
    wants_rating: bool = False
    split_from_id: UUID | None = None
    since: datetime | None = None
    id: UUID = field(default_factory=new_id)

    @property
    def cell(self) -> int:
        """H3 cell at resolution 10, signed."""
        return cells.cell(self.lonlat, CELL_RESOLUTION)

    @property
    def state(self) -> str:
        """Checking, or dispatched when somebody was found, else filed: the queue of what nobody owns."""
        if self.checked_first:
            return "checking"
        return "dispatched" if self.department_id else "filed"

    @property
    def holder_id(self) -> UUID | None:
        """The department that has the case from the start: none before it is filed."""
        return None if self.checked_first else self.department_id

    def first_entry(self, at: datetime) -> Entry:
        """Give the ledger's first entry."""
        at = self.since or at
        if self.checked_first:
            return Entry(at, "start", "check", *rules.CHECK_LIMIT)
        return Entry(at, "start", "handle", *self.limit)


def parameters(case: NewCase, *, at: datetime, calendar: Calendar) -> dict[str, object]:
    """Give the values of the insert statement."""
    entry = case.first_entry(at)
    reading = ledger.read([entry], calendar)
    return {
        "id": case.id, "origin": case.origin, "state": case.state, "title": case.title, "matter_id": case.matter_id,
        "condition_id": case.condition_id, "lon": case.lonlat.lon, "lat": case.lonlat.lat,
        "cell": case.cell, "home_area_id": case.home_area_id,
        "home_version_id": case.home_version_id, "area_ids": list(case.area_ids), "department_id": case.holder_id,
        "proposed_department_id": case.department_id, "receipt_id": case.receipt_id, "at": at,
        "filed_at": None if case.checked_first else at, "dispatched_at": at if case.holder_id else None, "phase": entry.phase,
        "due_at": reading.due_at, "due_basis": ledger.basis(entry.amount or 0, entry.unit or "", calendar),
        "due_provisional": reading.provisional, "handle_due_at": None if case.checked_first else reading.due_at,
        "wants_rating": case.wants_rating, "split_from_id": case.split_from_id,
    }  # fmt: skip


def first_steps(case: NewCase, *, at: datetime) -> list[tuple[object, ...]]:
    """Give the transitions an opened case starts with: taken in, or filed and dispatched when somebody was found."""
    if case.checked_first:
        return [(new_id(), case.id, at, "take_in", None, "checking", None)]
    steps: list[tuple[object, ...]] = [(new_id(), case.id, at, "file", None, "filed", None)]
    if case.department_id:
        steps.append((new_id(), case.id, at, "dispatch", "filed", "dispatched", case.department_id))
    return steps


def first_ticks(case: NewCase, given: Mapping[str, object], *, at: datetime, calendar: Calendar) -> tuple[object, ...]:
    """Give the ledger's first row; ``given`` are the case's own parameters."""
    entry = case.first_entry(at)
    return (
        new_id(), case.id, entry.at, entry.phase, entry.amount, entry.unit, calendar.version, given["due_at"], given["due_provisional"],
    )  # fmt: skip


def first_timers(case: NewCase, given: Mapping[str, object], *, at: datetime, calendar: Calendar) -> list[tuple[object, ...]]:
    """Give the rows of what the case wakes for next."""
    due_at = given["due_at"]
    chains = timers.wanted(
        state=case.state, stepped="dispatch", clock_changed=True, entries=[case.first_entry(at)], calendar=calendar,
        due_at=due_at if isinstance(due_at, datetime) else None, rate_until=None, at=at,
    )  # fmt: skip
    return [(case.id, chain, *timer) for chain, timer in chains.items() if timer is not None]


async def open_cases(conn: Conn, opened: Sequence[NewCase], *, at: datetime, calendar: Calendar) -> list[str]:
    """Write the cases, in the caller's transaction, and give their numbers in the same order."""
    numbers: list[str] = []
    given = [parameters(case, at=at, calendar=calendar) for case in opened]
    pairs = list(zip(opened, given, strict=True))
    async with conn.cursor() as cursor:
        await cursor.executemany(_INSERT, given, returning=True)
        for _ in opened:
            row = await cursor.fetchone()
            numbers.append(row[0] if row else "")
            cursor.nextset()
        await cursor.executemany(_TRANSITION, [step for case in opened for step in first_steps(case, at=at)])
        await cursor.executemany(_CLOCK, [first_ticks(case, values, at=at, calendar=calendar) for case, values in pairs])
        await cursor.executemany(_TIMER, [row for case, values in pairs for row in first_timers(case, values, at=at, calendar=calendar)])
    return numbers
