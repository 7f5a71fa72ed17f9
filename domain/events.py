"""Events: one row is the audit trail, the outbox and the live feed.

An event holds ids, kinds and arrays of area and department ids; never a text, a contact or a photo, so erasing a person's data
never has to touch history. ``area_ids`` and ``department_ids`` say who may see the subject *after* the event;
``left_area_ids`` and ``left_department_ids`` who could see it before and may not any more, so that a transferred pin disappears.

``position`` is given after commit, by one relay, densely from 1: a reader that has seen position n has seen everything up to n.
A sequence could not promise that, since transactions commit in another order than they draw numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Identity, Index, Integer, Table, Text, Uuid
from sqlalchemy.sql import text

from domain.base import Conn, id_column, instant, metadata, new_id, text_column

events = Table(
    "events",
    metadata,
    id_column(),
    Column(
        "seq",
        BigInteger,
        Identity(always=True),
        nullable=False,
        comment="order of insertion; decides only the order within one relay batch",
    ),
    Column("position", BigInteger, nullable=True, comment="dense order of publication, given after commit; the cursor of live readers"),
    instant("at"),
    text_column("kind"),
    text_column("subject_kind"),
    Column("subject_id", Uuid, nullable=False),
    Column("area_ids", ARRAY(Uuid), nullable=False),
    Column("department_ids", ARRAY(Uuid), nullable=False),
    Column("left_area_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("left_department_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("actor_id", Uuid, nullable=True),
    Index("events_position_key", "position", unique=True),
    Index("events_pending_idx", "seq", postgresql_where=text("position is null")),
    Index("events_subject_id_idx", "subject_id", "at"),
    comment="What happened, to what, and who may see it: audit trail, outbox and live feed in one row.",
)

event_cursor = Table(
    "event_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("position", BigInteger, nullable=False, comment="last position given"),
    comment="The relay's counter: a single row, locked while positions are given.",
)

installation = Table(
    "installation",
    metadata,
    Column("key", Text, primary_key=True),
    text_column("value"),
    instant("at"),
    comment="Facts about this installation, such as which demo data was loaded.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to one subject."""

    kind: str
    subject_kind: str
    subject_id: UUID
    at: datetime
    area_ids: Sequence[UUID] = ()
    department_ids: Sequence[UUID] = ()
    left_area_ids: Sequence[UUID] = ()
    left_department_ids: Sequence[UUID] = ()
    actor_id: UUID | None = None
    id: UUID = field(default_factory=new_id)


COLUMNS = (
    "id",
    "at",
    "kind",
    "subject_kind",
    "subject_id",
    "area_ids",
    "department_ids",
    "left_area_ids",
    "left_department_ids",
    "actor_id",
)
INSERT = f"insert into events ({', '.join(COLUMNS)}) values ({', '.join(['%s'] * len(COLUMNS))})"


def row(event: Event) -> tuple[object, ...]:
    """Give the event's values in the order of COLUMNS."""
    return (
        event.id, event.at, event.kind, event.subject_kind, event.subject_id, list(event.area_ids), list(event.department_ids),
        list(event.left_area_ids), list(event.left_department_ids), event.actor_id,
    )  # fmt: skip


async def record(conn: Conn, happened: Sequence[Event]) -> None:
    """Write events in the caller's transaction; they become visible to readers when the relay has given them a position."""
    async with conn.cursor() as cursor:
        await cursor.executemany(INSERT, [row(event) for event in happened])
