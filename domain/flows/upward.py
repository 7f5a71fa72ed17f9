"""Handing cases up: a case is queued for a platform above in the transaction that decides it, sent by a job, and followed there.

The job is a row of the connectors' queue (schema ``jobs``), so it exists exactly when the decision does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain import events
from domain.base import Conn, new_id
from domain.connectors import open311, targets
from domain.connectors.targets import Target
from domain.errors import Conflict, NotFound
from domain.people.scope import SEES, Actor, scope_for

PERMISSION: Final = "case.dispatch"
QUEUE: Final = "connectors"
PUSH: Final = "push_case"
ASK_EVERY: Final = timedelta(minutes=10)
MAX_ERROR: Final = 300

_SEEN = f"select c.id from cases c where c.id = %(id)s and {SEES.format('c')}"
_QUEUE = """
insert into upward_reports (id, case_id, target_id, state, queued_at, queued_by)
values (%(id)s, %(case)s, %(target)s, 'queued', %(at)s, %(by)s)
on conflict (case_id, target_id) do update set state = 'queued', queued_at = %(at)s, queued_by = %(by)s, attempts = 0, last_error = null
where upward_reports.state = 'refused' returning id
"""
_DEFER = """
select jobs.procrastinate_defer_jobs_v1(array[row(%s, %s, 0, %s, %s, %s, null)::jobs.procrastinate_job_to_defer_v1])
"""
_FACTS = f"""
select u.state, u.target_id, c.number, c.title, {open311.CODE.format("m")} as service_code,
       st_x(c.position) as lon, st_y(c.position) as lat,
       (select r.description from reports r where r.case_id = c.id order by r.received_at limit 1) as description,
       (select string_agg(v.name, ' ' order by p.ord) from area_versions h, unnest(h.path) with ordinality p(area_id, ord)
        join area_versions v on v.area_id = p.area_id and v.valid_to is null where h.id = c.home_version_id) as address
from upward_reports u join cases c on c.id = u.case_id left join matters m on m.id = c.matter_id where u.id = %s
"""
_TO_ASK = """
update upward_reports set asked_at = %(at)s where id in (
    select u.id from upward_reports u join connector_targets t on t.id = u.target_id
    where u.state = 'sent' and u.external_status is distinct from 'closed' and t.active and (u.asked_at is null or u.asked_at <= %(before)s)
    order by u.asked_at nulls first limit %(limit)s for update of u skip locked
) returning id, target_id, external_id, token
"""
_HEARD = """
update upward_reports set external_id = coalesce(%(number)s, external_id), external_status = coalesce(%(status)s, external_status),
    external_notes = %(notes)s, external_at = coalesce(%(changed)s, external_at)
where id = %(id)s and (external_id, external_status, external_notes) is distinct from
      (coalesce(%(number)s, external_id), coalesce(%(status)s, external_status), %(notes)s) returning case_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a platform above is told of a case: never the reporter's contact."""

    target: Target
    number: str
    service_code: str
    lon: float
    lat: float
    description: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case handed up whose state there is to be asked for, by its number or, before it has one, by its token."""

    id: UUID
    target_id: UUID
    number: str | None
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a platform said of a case."""

    number: str | None = None
    status: str | None = None
    notes: str | None = None
    changed_at: datetime | None = None


async def hand_up(conn: Conn, actor: Actor | None, case_id: UUID, target_code: str, *, at: datetime) -> None:
    """Queue a case for a platform; one it refused before may be sent again. Raises Forbidden, NotFound, Conflict."""
    scope = scope_for(actor, PERMISSION)
    if await (await conn.execute(_SEEN, {"id": case_id, **scope.parameters()})).fetchone() is None:
        raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
    target = await targets.by_code(conn, target_code)
    if not target.active:
        raise NotFound("this platform is switched off", "该上级平台已停用", field="target")
    by = actor.user_id if actor else None
    values = {"id": new_id(), "case": case_id, "target": target.id, "at": at, "by": by}
    row = await (await conn.execute(_QUEUE, values)).fetchone()
    if row is None:
        raise Conflict("the case was handed up there already", "该案件已上报该平台", field="target")
    upward_id = str(row[0])
    # The lock keeps two workers from sending one case at once.
    await conn.execute(_DEFER, (QUEUE, PUSH, f"{PUSH} {upward_id}", f"{PUSH} {upward_id}", Jsonb({"upward_id": upward_id})))
    await _record(conn, "case.handed_up", case_id, by, at)


async def facts(conn: Conn, upward_id: UUID) -> Handed | None:
    """Read what is to be sent; None when it was sent, refused or erased meanwhile."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(_FACTS, (upward_id,))).fetchone()
    if row is None or row["state"] != "queued":
        return None
    target = await targets.by_id(conn, row["target_id"])
    return Handed(
        target=target, number=row["number"], service_code=target.service_code(row["service_code"] or open311.OTHER), lon=row["lon"],
        lat=row["lat"], description=f"[{row['number']}] {row['title']}\n{row['description'] or ''}".strip(), address=row["address"],
    )  # fmt: skip


async def sent(conn: Conn, upward_id: UUID, *, number: str | None, token: str | None, at: datetime) -> None:
    """Note that a platform took a case, under its own number or behind a token."""
    await conn.execute(
        "update upward_reports set state = 'sent', attempts = attempts + 1, sent_at = %s, external_id = %s, token = %s, last_error = null"
        " where id = %s",
        (at, number, token, upward_id),
    )


async def failed(conn: Conn, upward_id: UUID, why: str, *, for_good: bool) -> None:
    """Note that an attempt failed, and whether it was the last."""
    await conn.execute(
        "update upward_reports set attempts = attempts + 1, last_error = %s, state = case when %s then 'refused' else state end"
        " where id = %s",
        (why[:MAX_ERROR], for_good, upward_id),
    )


async def to_ask(conn: Conn, *, at: datetime, limit: int = 50) -> Sequence[Waiting]:
    """Take the cases whose state is to be asked for, those not asked for longest first; several workers never take the same."""
    rows = await (await conn.execute(_TO_ASK, {"at": at, "before": at - ASK_EVERY, "limit": limit})).fetchall()
    return [Waiting(*row) for row in rows]


async def heard(conn: Conn, upward_id: UUID, said: Heard, *, at: datetime) -> bool:
    """Note what a platform said; tells whether it was news."""
    values: Mapping[str, Any] = {
        "id": upward_id, "number": said.number, "status": said.status, "notes": said.notes, "changed": said.changed_at,
    }  # fmt: skip
    row = await (await conn.execute(_HEARD, values)).fetchone()
    if row is None:
        return False
    await _record(conn, "case.heard_from_above", row[0], None, at)
    return True


def seal_name(target_id: UUID) -> str:
    """Name the seal of a platform's key."""
    return f"connector target {target_id}"


async def _record(conn: Conn, kind: str, case_id: UUID, actor_id: UUID | None, at: datetime) -> None:
    row = await (await conn.execute("select area_ids, department_id from cases where id = %s", (case_id,))).fetchone()
    area_ids, department_id = row or ([], None)
    departments = [department_id] if department_id else []
    event = events.Event(
        kind=kind, subject_kind="case", subject_id=case_id, at=at, area_ids=area_ids, department_ids=departments, actor_id=actor_id
    )
    await events.record(conn, [event])
