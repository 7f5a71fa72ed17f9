"""Hand-over of shifts: what one shift leaves to the next, with the figures of that instant, acknowledged by who takes over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation
from psycopg.types.json import Jsonb

from domain import events
from domain.base import Conn, new_id
from domain.errors import Conflict, Invalid

LONGEST_TEXT: Final = 5_000
MOST_CASES: Final = 200

_INSERT: Final = """
insert into shift_handovers (id, at, from_user_id, to_user_id, text, area_ids, department_ids, counts, open_ids, overdue_ids, watched_ids)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A desk's cases at one instant; no area and no department mean the whole city."""

    area_ids: Sequence[UUID]
    department_ids: Sequence[UUID]
    counts: Mapping[str, int]
    open_ids: Sequence[UUID] = field(default_factory=tuple)
    overdue_ids: Sequence[UUID] = field(default_factory=tuple)
    watched_ids: Sequence[UUID] = field(default_factory=tuple)


async def start(conn: Conn, desk: Desk, *, from_user: UUID, to_user: UUID | None, text: str, at: datetime) -> UUID:
    """Write a hand-over and give its id; raises Invalid for an empty or too long text or an unknown successor."""
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_TEXT or "\0" in text:
        raise Invalid(f"say in 1 to {LONGEST_TEXT} characters what the next shift must know", "请填写交接内容", field="text")
    if to_user == from_user:
        raise Invalid("a shift is handed over to somebody else", "不能交接给本人", field="toUserId")
    handover_id = new_id()
    lists = [list(ids[:MOST_CASES]) for ids in (desk.open_ids, desk.overdue_ids, desk.watched_ids)]
    values = (
        handover_id, at, from_user, to_user, text, list(desk.area_ids), list(desk.department_ids), Jsonb(dict(desk.counts)), *lists,
    )  # fmt: skip
    try:
        await conn.execute(_INSERT, values)
    except ForeignKeyViolation as error:
        raise Invalid("there is no such person", "没有该人员", field="toUserId") from error
    await _record(conn, "handover.started", handover_id, by=from_user, at=at)
    return handover_id


async def acknowledge(conn: Conn, handover_id: UUID, *, by: UUID, at: datetime) -> None:
    """Take a shift over, once; raises Conflict when somebody has."""
    try:
        await conn.execute("insert into handover_acknowledgements (handover_id, user_id, at) values (%s, %s, %s)", (handover_id, by, at))
    except UniqueViolation as error:
        raise Conflict("this shift has been taken over already", "该班次已被接班", field="id") from error
    await _record(conn, "handover.acknowledged", handover_id, by=by, at=at)


async def _record(conn: Conn, kind: str, handover_id: UUID, *, by: UUID, at: datetime) -> None:
    event = events.Event(kind=kind, subject_kind="handover", subject_id=handover_id, at=at, actor_id=by)
    await events.record(conn, [event])
