"""Writing what is to be sent, in the transaction of what caused it: the first rung of each ladder, and every webhook.

Where a ladder leads is asked of the database in one statement: the endpoints of the named person, of the department, of
its people, then of the department above, each owner by channel in the order of the rule. While the roster names people on
duty now, their colleagues are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.base import Conn, new_id
from domain.deliveries.notices import Notice
from domain.deliveries.retries import ATTEMPTS

MAX_LEVELS: Final = 8

# Endpoints the ladder t may still climb to, the next one first, and of which kind the rung after it would be.
_NEXT: Final = f"""
    with recursive chain (id, parent_id, depth) as (
        select d.id, d.parent_id, 0 from departments d where d.id = t.department_id
        union all
        select d.id, d.parent_id, chain.depth + 1 from departments d join chain on d.id = chain.parent_id
        where chain.depth < {MAX_LEVELS}
    ), told (id, depth) as (
        select id, depth from chain
        where depth >= least(t.above, greatest((select max(depth) from chain), 1)) and id is distinct from t.except_department_id
    ), reached as (
        select e.*, u.id as owner, 0 as depth, 0 as rank from endpoints e join users u on u.id = e.user_id
        where u.id = t.user_id and u.active
        union all select e.*, told.id, depth, 1 from told join endpoints e on e.department_id = told.id
        union all select e.*, u.id, depth, 2 from told join users u on u.department_id = told.id join endpoints e on e.user_id = u.id
                  cross join lateral (
                      select array_agg(x) as user_ids from duty_shifts s cross join unnest(s.user_ids) x
                      where s.department_id = told.id and s.starts_at <= %(at)s and s.ends_at > %(at)s
                  ) on_duty
                  where u.active and u.id is distinct from t.user_id and (on_duty.user_ids is null or u.id = any(on_duty.user_ids))
    )
    select e.id as endpoint_id, e.kind as channel, depth, owner, lead(depth) over climb as next_depth, lead(owner) over climb as next_owner
    from reached e where e.active and e.kind = any(t.channels)
      and not exists (select 1 from deliveries l where l.ladder_id = t.ladder_id and l.endpoint_id = e.id)
    window climb as (order by depth, rank, owner, array_position(t.channels, e.kind), e.ord, e.id)
    order by depth, rank, owner, array_position(t.channels, e.kind), e.ord, e.id limit 1
"""
_TARGET: Final = ("department_id", "user_id", "above", "except_department_id", "channels")
_COLUMNS: Final = (
    "id, created_at, case_id, event_id, event_kind, template, facts, channel, endpoint_id, department_id, user_id, report_id, above,"
    " except_department_id, ladder_id, rung, level, channels, waits_s, rung_kind, climb_at, state, last_attempt, next_at"
)
_ROWS: Final = """
    jsonb_to_recordset(%(rows)s) as n (
        id uuid, case_id uuid, event_id uuid, event_kind text, template text, facts jsonb, channel text, endpoint_id uuid,
        department_id uuid, user_id uuid, report_id uuid, above int, except_department_id uuid, ladder_id uuid, rung int,
        level int, channels text[], waits_s int[], last_owner uuid, target int
    )
"""
# Many messages to one department are looked up once.
_TARGETS: Final = """
    jsonb_to_recordset(%(targets)s) as t (
        target int, department_id uuid, user_id uuid, above int, except_department_id uuid, channels text[], ladder_id uuid
    )
"""
_RUNGS: Final = f"""
insert into deliveries ({_COLUMNS})
select n.id, %(at)s, n.case_id, n.event_id, n.event_kind, n.template, n.facts, e.channel, e.endpoint_id, n.department_id, n.user_id,
       null, n.above, n.except_department_id, n.ladder_id, n.rung, e.depth, n.channels, n.waits_s,
       case when n.rung = 0 then 'first' when e.depth > n.level then 'level' when e.owner is distinct from n.last_owner then 'person'
            else 'channel' end,
       %(at)s + make_interval(secs => n.waits_s[case when e.next_owner is null then null when e.next_depth > e.depth then 3
                                                     when e.next_owner <> e.owner then 2 else 1 end]),
       'pending', {ATTEMPTS}, %(at)s
from {_TARGETS} cross join lateral ({_NEXT}) e join {_ROWS} on n.target = t.target
returning ladder_id
"""
_DIRECT: Final = f"""
insert into deliveries ({_COLUMNS})
select n.id, %(at)s, n.case_id, n.event_id, n.event_kind, n.template, n.facts, n.channel, n.endpoint_id, n.department_id, n.user_id,
       n.report_id, 0, null, n.id, 0, 0, '{{}}', null, 'first', null, 'pending', {ATTEMPTS}, %(at)s
from {_ROWS}
"""
_REACH: Final = """
select exists (select 1 from endpoints where active and kind <> 'webhook'),
       exists (select 1 from gateways where active and kind = 'sms'),
       (select jsonb_agg(jsonb_build_object('id', id, 'department_id', department_id, 'event_kinds', event_kinds))
        from endpoints where active and kind = 'webhook' and user_id is null)
"""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that is listening: to some kinds of event or all, of one department or of the whole city."""

    id: UUID
    department_id: UUID | None
    event_kinds: frozenset[str] | None

    def wants(self, kind: str, department_ids: Sequence[UUID]) -> bool:
        """Tell whether an event of a kind, of these departments, is for it."""
        return (self.event_kinds is None or kind in self.event_kinds) and (
            self.department_id is None or self.department_id in department_ids
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom this installation can reach at all."""

    staff: bool
    reporters: bool
    hooks: tuple[Hook, ...]

    def nobody(self) -> bool:
        """Tell whether nothing is set up, so that nothing needs to be written."""
        return not (self.staff or self.reporters or self.hooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One event for one webhook."""

    hook_id: UUID
    event_id: UUID
    event_kind: str
    case_id: UUID | None
    department_id: UUID | None
    facts: Mapping[str, Any]


async def reach(conn: Conn) -> Reach:
    """Ask whom this installation can reach: one cheap statement, so that intake pays nothing where nobody is."""
    row = await (await conn.execute(_REACH)).fetchone()
    staff, reporters, hooks = row or (False, False, None)
    return Reach(staff, reporters, tuple(_hook(hook) for hook in hooks or ()))


async def notify(conn: Conn, notices: Sequence[Notice], *, at: datetime) -> None:
    """Write the first message of each notice, to be sent when the caller's transaction has committed.

    A department that nobody can be reached in begins at the nearest one above that can; where there is none at all nothing
    is written. Reporters are written only where text messages can be sent.
    """
    ladders = [first_rung(notice) for notice in notices if notice.report_id is None]
    if ladders:
        await write_rungs(conn, ladders, at=at)
    direct = [first_rung(notice) | {"channel": "sms"} for notice in notices if notice.report_id is not None]
    if direct and (await reach(conn)).reporters:
        await conn.execute(_DIRECT, {"rows": Jsonb(direct), "at": at})


async def call(conn: Conn, calls: Sequence[Call], *, at: datetime) -> None:
    """Write what webhooks are to be sent."""
    rows = [
        {
            "id": str(new_id()), "case_id": _text(one.case_id), "event_id": str(one.event_id), "event_kind": one.event_kind,
            "template": "event", "facts": dict(one.facts), "channel": "webhook", "endpoint_id": str(one.hook_id),
            "department_id": _text(one.department_id),
        }
        for one in calls
    ]  # fmt: skip
    if rows:
        await conn.execute(_DIRECT, {"rows": Jsonb(rows), "at": at})


async def write_one(conn: Conn, *, endpoint_id: UUID, channel: str, template: str, facts: Mapping[str, Any], at: datetime) -> UUID:
    """Write a single message to one endpoint, such as a test, and give its id."""
    delivery_id = new_id()
    row = {
        "id": str(delivery_id), "event_kind": f"delivery.{template}", "template": template, "facts": dict(facts), "channel": channel,
        "endpoint_id": str(endpoint_id),
    }  # fmt: skip
    await conn.execute(_DIRECT, {"rows": Jsonb([row]), "at": at})
    return delivery_id


async def write_rungs(conn: Conn, rungs: Sequence[Mapping[str, Any]], *, at: datetime) -> set[UUID]:
    """Write the next rung of each ladder that has one, and give the ladders that had."""
    targets: dict[str, dict[str, Any]] = {}
    rows = []
    for rung in rungs:
        # A ladder that has begun must not climb to where it has been.
        ladder_id = rung["ladder_id"] if rung["rung"] else None
        asked = {name: rung[name] for name in _TARGET} | {"ladder_id": ladder_id}
        target = targets.setdefault(repr(asked), asked | {"target": len(targets)})
        rows.append({**rung, "target": target["target"]})
    values = {"rows": Jsonb(rows), "targets": Jsonb(list(targets.values())), "at": at}
    return {ladder_id for (ladder_id,) in await (await conn.execute(_RUNGS, values)).fetchall()}


def first_rung(notice: Notice) -> dict[str, Any]:
    """Give the row a ladder begins with, as the statement reads it."""
    delivery_id = str(new_id())
    return {
        "id": delivery_id, "case_id": _text(notice.case_id), "event_id": _text(notice.event_id), "event_kind": notice.event_kind,
        "template": notice.template, "facts": dict(notice.facts), "department_id": _text(notice.department_id),
        "user_id": _text(notice.user_id), "report_id": _text(notice.report_id), "above": notice.above,
        "except_department_id": _text(notice.except_department_id), "ladder_id": delivery_id, "rung": 0, "level": 0,
        "channels": list(notice.channels), "waits_s": notice.patience.seconds() if notice.patience else None,
    }  # fmt: skip


def _hook(found: Mapping[str, Any]) -> Hook:
    kinds = found["event_kinds"]
    department = found["department_id"]
    return Hook(UUID(found["id"]), UUID(department) if department else None, frozenset(kinds) if kinds is not None else None)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
