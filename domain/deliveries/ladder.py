"""What becomes of a message that was sent: it is read, it no longer matters, or somebody else has to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.base import Conn, new_id
from domain.deliveries import write
from domain.errors import NotFound

MOVED_ON: Final = "the case has moved on"
MAX_BATCH: Final = 200

_TAKE: Final = """
update deliveries d set climb_at = null
where id in (select id from deliveries where climb_at <= %(at)s order by climb_at, id limit %(limit)s for update skip locked)
returning d.id, d.state, d.case_id, d.event_id, d.event_kind, d.template, d.facts, d.department_id, d.user_id, d.above,
          d.except_department_id, d.ladder_id, d.rung, d.level, d.channels, d.waits_s,
          (select coalesce(e.user_id, e.department_id) from endpoints e where e.id = d.endpoint_id)
"""
# Columns of a taken row, in order; last_owner is who was told on it.
_TAKEN: Final = (
    "id", "state", "case_id", "event_id", "event_kind", "template", "facts", "department_id", "user_id", "above",
    "except_department_id", "ladder_id", "rung", "level", "channels", "waits_s", "last_owner",
)  # fmt: skip
_DEAD: Final = "update deliveries set state = 'dead' where id = any(%s) and state = 'failed'"
_READ: Final = """
update deliveries set climb_at = null, read_at = coalesce(read_at, %(at)s), read_by = coalesce(read_by, %(by)s),
                      state = case state when 'failed' then 'failed' else 'read' end
where ladder_id = %(ladder)s and state in ('pending', 'sending', 'sent', 'failed')
"""
_ADDRESSED: Final = """
select d.ladder_id from deliveries d left join endpoints e on e.id = d.endpoint_id
where d.id = %(id)s and d.report_id is null
  and (d.user_id = %(user)s or e.user_id = %(user)s or d.department_id = any(%(own)s) or e.department_id = any(%(own)s))
"""
_ANSWERED: Final = """
update deliveries set climb_at = null, read_at = %(at)s, read_by = %(by)s, state = 'read'
where case_id = any(%(cases)s) and report_id is null and above = 0 and template not in ('event', 'whistle')
  and state in ('pending', 'sending', 'sent')
"""
_REPORTED_IN: Final = """
update deliveries set climb_at = null, read_at = %(at)s, read_by = %(by)s, state = 'read'
where case_id = any(%(cases)s) and template = 'whistle' and state in ('pending', 'sending', 'sent')
  and department_id in (select department_id from users where id = %(by)s union select department_id from user_roles where user_id = %(by)s)
"""
_ENDED: Final = """
update deliveries set climb_at = null, state = case state when 'pending' then 'discarded' else state end,
                      last_error = case state when 'pending' then %(why)s else last_error end
where case_id = any(%(cases)s) and report_id is null and template <> 'event' and state in ('pending', 'sending', 'sent', 'failed')
"""
_UNREACHABLE: Final = f"""
with recursive chain (department_id, id, parent_id, depth) as (
    select id, id, parent_id, 0 from departments where active
    union all
    select chain.department_id, d.id, d.parent_id, depth + 1 from chain join departments d on d.id = chain.parent_id
    where depth < {write.MAX_LEVELS}
), reached as (
    select coalesce(e.department_id, u.department_id) as id from endpoints e left join users u on u.id = e.user_id and u.active
    where e.active and e.kind <> 'webhook'
)
select d.id, d.name from departments d
where d.active and not exists (select 1 from chain join reached using (id) where chain.department_id = d.id)
order by d.code limit 500
"""


async def climb_due(conn: Conn, *, at: datetime, limit: int = MAX_BATCH) -> int:
    """Tell the next in line for up to ``limit`` messages unread in time, and give how many; call again while it gives ``limit``.

    Rows another worker holds are skipped. A message that could not be sent to anybody in its ladder is dead.
    """
    cursor = await conn.execute(_TAKE, {"at": at, "limit": limit})
    taken = [dict(zip(_TAKEN, row, strict=True)) for row in await cursor.fetchall()]
    if not taken:
        return 0
    climbed = await write.write_rungs(conn, [_next_rung(row) for row in taken], at=at)
    stuck = [row["id"] for row in taken if row["ladder_id"] not in climbed and row["state"] == "failed"]
    if stuck:
        await conn.execute(_DEAD, (stuck,))
    return len(taken)


async def mark_read(conn: Conn, delivery_id: UUID, *, user_id: UUID, department_ids: Iterable[UUID], at: datetime) -> None:
    """Note that its addressee, acting for these departments, has read a message: the ladder ends.

    Raises NotFound for anybody it was not addressed to.
    """
    asked = {"id": delivery_id, "user": user_id, "own": list(department_ids)}
    row = await (await conn.execute(_ADDRESSED, asked)).fetchone()
    if row is None:
        raise NotFound("there is no such message to you", "没有发给您的该消息", field="deliveryId")
    await conn.execute(_READ, {"ladder": row[0], "at": at, "by": user_id})


async def answered(conn: Conn, case_ids: Sequence[UUID], *, by: UUID | None, at: datetime) -> None:
    """Note that their unit has taken cases in hand: what it was told counts as read."""
    await conn.execute(_ANSWERED, {"cases": list(case_ids), "by": by, "at": at})


async def reported_in(conn: Conn, case_ids: Sequence[UUID], *, by: UUID | None, at: datetime) -> None:
    """Note that a unit called to joint action by somebody of it has come: what it was told counts as read."""
    await conn.execute(_REPORTED_IN, {"cases": list(case_ids), "by": by, "at": at})


async def ended(conn: Conn, case_ids: Sequence[UUID]) -> None:
    """Note that cases have gone elsewhere or ended: what was not sent yet is dropped, and no ladder climbs on."""
    await conn.execute(_ENDED, {"cases": list(case_ids), "why": MOVED_ON})


async def unreachable(conn: Conn) -> list[tuple[UUID, str]]:
    """List the active departments that no message can reach, neither them nor anybody above: id and name, by code."""
    return [(department_id, name) for department_id, name in await (await conn.execute(_UNREACHABLE)).fetchall()]


def _next_rung(row: dict[str, Any]) -> dict[str, Any]:
    uuids = ("case_id", "event_id", "department_id", "user_id", "except_department_id", "ladder_id", "last_owner")
    return {
        **{key: value for key, value in row.items() if key not in ("state", *uuids)},
        **{key: str(row[key]) if row[key] else None for key in uuids},
        "id": str(new_id()),
        "rung": row["rung"] + 1,
    }
