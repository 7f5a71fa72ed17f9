"""What field work writes: actions taken in, visits, notes; and what is forgotten again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.base import Conn, new_id
from domain.errors import DomainError
from domain.field.given import FieldAction
from domain.field.moments import Moment
from domain.field.presence import Presence

ACTIONS_KEPT: Final = timedelta(days=60)  # twice what a phone may keep in its queue
VIEWS_KEPT: Final = timedelta(days=3 * 365)

# A step that moved the case: to another state, or to another unit in the same one.
STAGE: Final = (
    "(select t.id from case_transitions t where t.case_id = {0}.id and (t.from_state is distinct from t.to_state"
    " or t.verb in ('transfer', 'pass_on')) order by t.at desc, t.id desc limit 1)"
)
_ACTION: Final = """
insert into field_actions (id, case_id, user_id, kind, digest, refusal, warning, stage_before, stage_after, received_at, occurred_at,
                           said_at, skew_s)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
_VISIT: Final = """
insert into case_visits (id, case_id, user_id, at, occurred_at, verdict, distance_m, accuracy_m) values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_NOTE: Final = """
insert into case_notes (id, case_id, author_id, kind, text, at, occurred_at, attempted) values (%s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What became of an action when it was first handed in."""

    user_id: UUID
    digest: bytes
    refusal: Mapping[str, Any] | None
    warning: Mapping[str, Any] | None


async def earlier(conn: Conn, action_id: UUID) -> Earlier | None:
    """Find what became of an action; None when it has not come before."""
    row = await (await conn.execute("select user_id, digest, refusal, warning from field_actions where id = %s", (action_id,))).fetchone()
    return Earlier(row[0], bytes(row[1]), row[2], row[3]) if row else None


async def action(
    conn: Conn, given: FieldAction, user_id: UUID, moment: Moment, *, refusal: DomainError | None, warning: Mapping[str, str] | None,
    stages: tuple[UUID | None, UUID | None], at: datetime,
) -> bool:  # fmt: skip
    """Write that an action was taken in; False when its id came in with another case at the same moment."""
    told = Jsonb(words_of(refusal)) if refusal else None
    cursor = await conn.execute(
        _ACTION,
        (
            given.id, given.case_id, user_id, given.kind, given.digest(), told, Jsonb(warning) if warning else None, *stages, at,
            moment.occurred_at, moment.said_at, moment.skew_s,
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


async def visit(conn: Conn, case_id: UUID, user_id: UUID, moment: Moment, presence: Presence, *, at: datetime) -> None:
    """Write an arrival."""
    values = (new_id(), case_id, user_id, at, moment.occurred_at, presence.verdict, presence.distance_m, presence.accuracy_m)
    await conn.execute(_VISIT, values)


async def note(
    conn: Conn, case_id: UUID, author_id: UUID, kind: str, text: str | None, moment: Moment, *, at: datetime,
    attempted: Mapping[str, Any] | None = None,
) -> UUID:  # fmt: skip
    """Write a note and give its id."""
    note_id = new_id()
    tried = Jsonb(attempted) if attempted else None
    values = (note_id, case_id, author_id, kind, (text or "").strip() or None, at, moment.occurred_at, tried)
    await conn.execute(_NOTE, values)
    return note_id


async def own_advance(conn: Conn, case_id: UUID, user_id: UUID, seen: UUID) -> UUID:
    """Give the stage this person's own steps have led to since a stage, none of anybody else's between them."""
    cursor = await conn.execute(
        "select stage_before, stage_after from field_actions where case_id = %s and user_id = %s and kind = 'step'"
        " and refusal is null and stage_before <> stage_after",
        (case_id, user_id),
    )
    led: dict[UUID, UUID] = dict(await cursor.fetchall())
    while seen in led:
        seen = led.pop(seen)
    return seen


async def view(conn: Conn, photo_id: UUID, case_id: UUID, *, user_id: UUID | None, report_id: UUID | None, at: datetime) -> None:
    """Write that somebody looked at an original."""
    await conn.execute(
        "insert into media_views (id, photo_id, case_id, user_id, report_id, at) values (%s, %s, %s, %s, %s, %s)",
        (new_id(), photo_id, case_id, user_id, report_id, at),
    )


async def forget_old(conn: Conn, *, at: datetime) -> None:
    """Forget actions no phone can send again and looks longer ago than three years."""
    await conn.execute("delete from field_actions where received_at < %s", (at - ACTIONS_KEPT,))
    await conn.execute("delete from media_views where at < %s", (at - VIEWS_KEPT,))


def words_of(error: DomainError) -> dict[str, Any]:
    """Put an error into words that can be kept and told again."""
    return {"code": error.code, "zh": error.message_zh, "en": error.message_en, "field": error.field}
