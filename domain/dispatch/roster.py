"""The duty roster and skills: how many people of a department are on duty where and when, and what they are able to handle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from domain import events
from domain.base import Conn, new_id
from domain.dispatch.selectors import MOST_SELECTORS, Selector, check
from domain.errors import Invalid, NotFound

MOST_HEADS: Final = 10_000
MOST_NAMED: Final = 200
LONGEST_SHIFT: Final = timedelta(days=32)

_SAVE: Final = """
insert into duty_shifts (id, department_id, area_id, starts_at, ends_at, head_count, user_ids, on_call, saved_by, saved_at)
values (%(id)s, %(department)s, %(area)s, %(starts)s, %(ends)s, %(heads)s, %(users)s, %(on_call)s, %(by)s, %(at)s)
on conflict (id) do update set department_id = excluded.department_id, area_id = excluded.area_id, starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, head_count = excluded.head_count, user_ids = excluded.user_ids, on_call = excluded.on_call,
    saved_by = excluded.saved_by, saved_at = excluded.saved_at
"""
_FIND: Final = "select department_id, area_id from duty_shifts where id = %s for update"
_UNKNOWN_USERS: Final = """
select count(*) from unnest(%s::uuid[]) u(id) where not exists (select from users where users.id = u.id and active)
"""
_SKILL: Final = """
insert into department_skills (id, department_id, shift_id, kind, major, minor, saved_by, saved_at) values (%s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One row of the roster; ``id`` is made by the client, the same id saved again replaces the row.

    ``head_count`` includes ``user_ids``; ``skills`` hold only while the shift runs.
    """

    id: UUID
    department_id: UUID
    area_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    head_count: int
    user_ids: tuple[UUID, ...] = ()
    on_call: bool = False
    skills: tuple[Selector, ...] = ()


async def find(conn: Conn, shift_id: UUID) -> tuple[UUID, UUID | None] | None:
    """Lock a shift and give its department and area, None when there is none."""
    row: tuple[UUID, UUID | None] | None = await (await conn.execute(_FIND, (shift_id,))).fetchone()
    return row


async def save(conn: Conn, shift: Shift, *, by: UUID, at: datetime) -> None:
    """Write a shift and its skills; raises Invalid saying what is wrong with it."""
    _check(shift)
    ((unknown,),) = await (await conn.execute(_UNKNOWN_USERS, (list(shift.user_ids),))).fetchall()
    if unknown:
        raise Invalid("somebody on this shift has no account", "值班人员中有不存在的账号", field="userIds")
    values = {
        "id": shift.id, "department": shift.department_id, "area": shift.area_id, "starts": shift.starts_at, "ends": shift.ends_at,
        "heads": shift.head_count, "users": list(shift.user_ids), "on_call": shift.on_call, "by": by, "at": at,
    }  # fmt: skip
    try:
        await conn.execute(_SAVE, values)
    except ForeignKeyViolation as error:
        raise Invalid("there is no such department or area", "部门或区域不存在", field="departmentId") from error
    await conn.execute("delete from department_skills where shift_id = %s", (shift.id,))
    await _skills(conn, shift.department_id, shift.id, shift.skills, by=by, at=at)
    await _record(conn, "duty.shift_saved", shift.id, shift.department_id, by=by, at=at)


async def remove(conn: Conn, shift_id: UUID, *, by: UUID, at: datetime) -> None:
    """Take a shift off the roster; raises NotFound."""
    row = await (await conn.execute("delete from duty_shifts where id = %s returning department_id", (shift_id,))).fetchone()
    if row is None:
        raise NotFound("there is no such shift", "没有该班次", field="id")
    await _record(conn, "duty.shift_removed", shift_id, row[0], by=by, at=at)


async def set_skills(conn: Conn, department_id: UUID, skills: Sequence[Selector], *, by: UUID, at: datetime) -> None:
    """Say anew what a department is able to handle at any time; no rows: it says nothing. Raises Invalid."""
    if await (await conn.execute("select from departments where id = %s and active", (department_id,))).fetchone() is None:
        raise Invalid("there is no such department", "没有该部门", field="departmentId")
    await conn.execute("delete from department_skills where department_id = %s and shift_id is null", (department_id,))
    await _skills(conn, department_id, None, skills, by=by, at=at)
    await _record(conn, "duty.skills_set", department_id, department_id, by=by, at=at)


def _check(shift: Shift) -> None:
    if not shift.starts_at < shift.ends_at <= shift.starts_at + LONGEST_SHIFT:
        raise Invalid(f"a shift ends after it starts and lasts at most {LONGEST_SHIFT.days} days", "班次起止时间有误", field="endsAt")
    if not 0 <= shift.head_count <= MOST_HEADS:
        raise Invalid(f"a shift has 0 to {MOST_HEADS} people", f"人数应在 0 到 {MOST_HEADS} 之间", field="headCount")
    if len(shift.user_ids) > min(MOST_NAMED, shift.head_count) or len(set(shift.user_ids)) != len(shift.user_ids):
        raise Invalid("each person is named once, and nobody beyond the head count", "值班人员重复或超过人数", field="userIds")


async def _skills(
    conn: Conn, department_id: UUID, shift_id: UUID | None, skills: Sequence[Selector], *, by: UUID, at: datetime
) -> None:
    if len(skills) > MOST_SELECTORS:
        raise Invalid(f"at most {MOST_SELECTORS} skills", f"能力最多 {MOST_SELECTORS} 项", field="skills")
    rows = [(new_id(), department_id, shift_id, one.kind, one.major, one.minor, by, at) for one in map(check, dict.fromkeys(skills))]
    async with conn.cursor() as cursor:
        await cursor.executemany(_SKILL, rows)


async def _record(conn: Conn, kind: str, subject_id: UUID, department_id: UUID, *, by: UUID, at: datetime) -> None:
    subject = "department" if kind == "duty.skills_set" else "duty_shift"
    event = events.Event(kind=kind, subject_kind=subject, subject_id=subject_id, at=at, department_ids=[department_id], actor_id=by)
    await events.record(conn, [event])
