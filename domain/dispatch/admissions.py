"""What may be sent to grids: only admitted matters, with the class of task they belong to and the decision that admitted them.

An area in which no row holds admits everything, so a city that keeps no list loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from domain import events
from domain.base import Conn
from domain.dispatch.selectors import Selector, check
from domain.errors import Conflict, Invalid, NotFound

LONGEST_CLASS: Final = 100
LONGEST_BASIS: Final = 300

_SAVE: Final = """
insert into admissions (id, area_id, kind, major, minor, task_class, basis, valid_from, valid_to, saved_by)
values (%(id)s, %(area)s, %(kind)s, %(major)s, %(minor)s, %(class)s, %(basis)s, %(from)s, %(to)s, %(by)s)
"""
_END: Final = """
update admissions set valid_to = greatest(%(at)s, valid_from)
where id = %(id)s and (valid_to is null or valid_to > %(at)s) returning area_id
"""


_UNITS: Final = "select id from departments where serves_grids and active"
_IN_FORCE: Final = """
select area_id, kind, major, minor from admissions where valid_from <= %(at)s and (valid_to is null or valid_to > %(at)s)
"""
_NEXT_CHANGE: Final = """
select min(t) from (select min(valid_from) as t from admissions where valid_from > %(at)s
                    union all select min(valid_to) from admissions where valid_to > %(at)s) s
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What grids take as it stands: the units that serve grids, and admitted selectors by area. Asked in memory at intake."""

    version: int
    valid_until: datetime | None
    units: frozenset[UUID]
    admitted: Mapping[UUID, tuple[Selector, ...]]

    def is_current(self, version: int, at: datetime) -> bool:
        """Tell whether nothing has changed since, nor come into force by ``at``."""
        return self.version == version and (self.valid_until is None or at < self.valid_until)

    def barred(self, matter: Selector | None, area_ids: Collection[UUID]) -> frozenset[UUID]:
        """Give the units that may not be sent a matter (None: not known yet) at a place lying in these areas."""
        listed = [one for area_id in area_ids for one in self.admitted.get(area_id, ())]
        if not listed or (matter is not None and any(one.fits(matter) for one in listed)):
            return frozenset()
        return self.units


async def standing(conn: Conn, *, version: int, at: datetime) -> Standing:
    """Read what grids take in force at ``at``; ``version`` is that of the routing table, raised by every change."""
    units = frozenset(unit for (unit,) in await (await conn.execute(_UNITS)).fetchall())
    admitted: dict[UUID, list[Selector]] = {}
    for area_id, *codes in await (await conn.execute(_IN_FORCE, {"at": at})).fetchall():
        admitted.setdefault(area_id, []).append(Selector(*codes))
    ((until,),) = await (await conn.execute(_NEXT_CHANGE, {"at": at})).fetchall()
    return Standing(version, until, units, {area_id: tuple(listed) for area_id, listed in admitted.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """One admitted kind of matter in a subtree of areas; ``id`` is made by the client."""

    id: UUID
    area_id: UUID
    matters: Selector
    task_class: str
    basis: str | None
    valid_from: datetime
    valid_to: datetime | None = None


async def save(conn: Conn, admission: Admission, *, by: UUID | None, at: datetime) -> None:
    """Admit; rows are ended, never rewritten. Raises Invalid for a bad row, Conflict when the id is taken."""
    check(admission.matters)
    task_class, basis = admission.task_class.strip(), (admission.basis or "").strip() or None
    if not 1 <= len(task_class) <= LONGEST_CLASS or "\0" in task_class:
        zh = f"任务类别长度为 1 至 {LONGEST_CLASS} 个字符"
        raise Invalid(f"a class of task has 1 to {LONGEST_CLASS} characters", zh, field="taskClass")
    if basis is not None and (len(basis) > LONGEST_BASIS or "\0" in basis):
        raise Invalid(f"a basis has at most {LONGEST_BASIS} characters", f"依据不得超过 {LONGEST_BASIS} 个字", field="basis")
    if admission.valid_to is not None and admission.valid_to <= admission.valid_from:
        raise Invalid("an admission ends after it begins", "有效期起止时间有误", field="validTo")
    values = {
        "id": admission.id, "area": admission.area_id, "kind": admission.matters.kind, "major": admission.matters.major,
        "minor": admission.matters.minor, "class": task_class, "basis": basis, "from": admission.valid_from, "to": admission.valid_to,
        "by": by,
    }  # fmt: skip
    try:
        await conn.execute(_SAVE, values)
    except UniqueViolation as error:
        raise Conflict("an admission is ended and saved anew, not changed", "准入条目不能修改，请停用后新增", field="id") from error
    except ForeignKeyViolation as error:
        raise Invalid("there is no such area", "没有该区域", field="areaId") from error
    await _record(conn, "admission.saved", admission.id, admission.area_id, by=by, at=at)


async def area_of(conn: Conn, admission_id: UUID) -> UUID | None:
    """Give the area an admission holds in, None when there is none."""
    row = await (await conn.execute("select area_id from admissions where id = %s", (admission_id,))).fetchone()
    return row[0] if row else None


async def end(conn: Conn, admission_id: UUID, *, by: UUID, at: datetime) -> None:
    """End an admission now; raises NotFound when none is in force."""
    row = await (await conn.execute(_END, {"id": admission_id, "at": at})).fetchone()
    if row is None:
        raise NotFound("there is no such admission in force", "没有该准入条目或已停用", field="id")
    await _record(conn, "admission.ended", admission_id, row[0], by=by, at=at)


async def _record(conn: Conn, kind: str, subject_id: UUID, area_id: UUID, *, by: UUID | None, at: datetime) -> None:
    event = events.Event(kind=kind, subject_kind="admission", subject_id=subject_id, at=at, area_ids=[area_id], actor_id=by)
    await events.record(conn, [event])
