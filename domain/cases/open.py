"""Opening cases: the row, its first transition and its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.base import Conn, new_id
from domain.cases import ledger
from domain.cases.calendar import Calendar
from geo import cells
from geo.lonlat import LonLat

CELL_RESOLUTION = 10

_INSERT = """
insert into cases (id, number, origin, state, title, matter_id, condition_id, position, position_3857, cell,
                   home_area_id, home_version_id, area_ids, department_id, receipt_id, opened_at, due_at, due_basis,
                   updated_at)
values (%(id)s, to_char(%(at)s at time zone 'Asia/Shanghai', 'YYYYMMDD') || '-' ||
        (select lpad(n::text, greatest(6, length(n::text)), '0') from nextval('case_numbers') n),
        %(origin)s, %(state)s, %(title)s, %(matter_id)s, %(condition_id)s, st_point(%(lon)s, %(lat)s, 4326),
        st_transform(st_point(%(lon)s, %(lat)s, 4326), 3857), %(cell)s, %(home_area_id)s, %(home_version_id)s,
        %(area_ids)s, %(department_id)s, %(receipt_id)s, %(at)s, %(due_at)s, %(due_basis)s, %(at)s)
returning number
"""
_TRANSITION = """
insert into case_transitions (id, case_id, at, verb, from_state, to_state, department_id)
values (%s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case about to be opened, assigned already where somebody was found."""

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
    id: UUID = field(default_factory=new_id)

    @property
    def state(self) -> str:
        """Dispatched when somebody was found, else filed: the queue of what nobody owns."""
        return "dispatched" if self.department_id else "filed"


def parameters(case: NewCase, *, at: datetime, calendar: Calendar) -> dict[str, object]:
    """Give the values of the insert statement."""
    clock = ledger.read([ledger.Entry(at, "start", "handle", *case.limit)], calendar)
    return {
        "id": case.id, "origin": case.origin, "state": case.state, "title": case.title, "matter_id": case.matter_id,
        "condition_id": case.condition_id, "lon": case.lonlat.lon, "lat": case.lonlat.lat,
        "cell": cells.cell(case.lonlat, CELL_RESOLUTION), "home_area_id": case.home_area_id,
        "home_version_id": case.home_version_id, "area_ids": list(case.area_ids), "department_id": case.department_id,
        "receipt_id": case.receipt_id, "at": at, "due_at": clock.due_at,
        "due_basis": ledger.basis(*case.limit, calendar),
    }  # fmt: skip


def first_steps(case: NewCase, *, at: datetime) -> list[tuple[object, ...]]:
    """Give the transitions an opened case starts with: filed, and dispatched when somebody was found."""
    steps: list[tuple[object, ...]] = [(new_id(), case.id, at, "file", None, "filed", None)]
    if case.department_id:
        steps.append((new_id(), case.id, at, "dispatch", "filed", "dispatched", case.department_id))
    return steps


async def open_cases(conn: Conn, opened: Sequence[NewCase], *, at: datetime, calendar: Calendar) -> list[str]:
    """Write the cases, in the caller's transaction, and give their numbers in the same order."""
    numbers: list[str] = []
    async with conn.cursor() as cursor:
        await cursor.executemany(_INSERT, [parameters(case, at=at, calendar=calendar) for case in opened], returning=True)
        for _ in opened:
            row = await cursor.fetchone()
            numbers.append(row[0] if row else "")
            cursor.nextset()
        await cursor.executemany(_TRANSITION, [step for case in opened for step in first_steps(case, at=at)])
    return numbers
