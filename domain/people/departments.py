"""Departments: the bodies that are given work."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import events
from domain.base import Conn, new_id
from domain.errors import Invalid

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LONGEST_NAME: Final = 100
_SAVE: Final = """
insert into departments (id, code, name, name_en, kind, serves_grids, created_at) values (%s, %s, %s, %s, %s, %s, %s)
on conflict (code) do update set name = excluded.name, name_en = coalesce(excluded.name_en, departments.name_en), kind = excluded.kind,
    serves_grids = excluded.serves_grids
returning id
"""
_ABOVE: Final = """
with recursive above (id, parent_id) as (
    select id, parent_id from departments where code = %s
    union
    select d.id, d.parent_id from departments d join above a on d.id = a.parent_id
)
select (select id from departments where code = %s), array_agg(id) from above having count(*) > 0
"""


async def save(
    conn: Conn, *, code: str, name: str, name_en: str | None, external: bool, serves_grids: bool = False, at: datetime
) -> UUID:
    """Make the department of that code, or give it this name, and return its id; raises Invalid for a bad code or name.

    An external one is a company or another body that is no public authority; one that serves grids gets admitted matters only.
    """
    if not CODE.fullmatch(code):
        raise Invalid(
            "a department's code is 1 to 64 of letters, digits, dot, dash, underscore",
            "部门编码为 1 至 64 位字母、数字及 . - _",
            field="code",
        )
    for text in (name, name_en):
        if text is not None and not 1 <= len(text.strip()) <= LONGEST_NAME:
            raise Invalid(
                f"a department's name has 1 to {LONGEST_NAME} characters", f"部门名称长度为 1 至 {LONGEST_NAME} 个字符", field="name"
            )
    kind = "external" if external else "government"
    values = (new_id(), code, name.strip(), name_en.strip() if name_en else None, kind, serves_grids, at)
    row = await (await conn.execute(_SAVE, values)).fetchone()
    assert row is not None  # noqa: S101  # an upsert returns its row
    saved: UUID = row[0]
    await events.record(
        conn, [events.Event(kind="department.saved", subject_kind="department", subject_id=saved, at=at, department_ids=[saved])]
    )
    return saved


async def put_under(conn: Conn, department_id: UUID, parent_code: str) -> None:
    """Say which department stands above one: what is not read there, or is late, goes up to it. Raises Invalid for a circle."""
    row = await (await conn.execute(_ABOVE, (parent_code, parent_code))).fetchone()
    if row is None:
        raise Invalid(f"there is no department {parent_code[:64]}", f"没有部门 {parent_code[:64]}", field="parent")
    parent_id, above = row
    if department_id in above:
        raise Invalid("a department cannot stand above itself", "部门不能成为自己的上级", field="parent")
    await conn.execute("update departments set parent_id = %s where id = %s", (parent_id, department_id))
