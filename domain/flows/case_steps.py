"""One step of a case: looked up in the life-cycle's table, checked, written with its transition and its event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain import events
from domain.base import Conn, new_id
from domain.cases.lifecycle import BY_VERB, Transition
from domain.errors import Conflict, Invalid, NotFound
from domain.people.scope import SEES, Actor, scope_for

MAX_REASON = 1000

_LOCKED = f"""
select c.state, c.revision, c.department_id, c.area_ids from cases c
where c.id = %(id)s and {SEES.format("c")} for update
"""
_MOVE = """
update cases set state = %(state)s, department_id = %(department_id)s, revision = revision + 1, updated_at = %(at)s,
                 closed_at = %(closed_at)s
where id = %(id)s
"""
_LOG = """
insert into case_transitions (id, case_id, at, verb, from_state, to_state, actor_id, department_id, reason)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


async def step(
    conn: Conn,
    actor: Actor | None,
    case_id: UUID,
    verb: str,
    *,
    revision: int | None,
    department_id: UUID | None,
    reason: str | None,
    at: datetime,
) -> None:
    """Take one step of a case on behalf of a signed-in person.

    Raises Invalid for an unknown verb or missing department or reason, Forbidden without the permission, NotFound for a
    case outside the actor's scope, Conflict when the case has moved on or is in a state the verb does not lead out of.
    """
    transition = BY_VERB.get(verb)
    if transition is None:
        raise Invalid(f"unknown verb {verb[:40]!r}; use one of {', '.join(BY_VERB)}", f"未知操作 {verb[:40]!r}", field="verb")
    scope = scope_for(actor, transition.permission)
    reason = _reason(transition, reason)
    row = await (await conn.execute(_LOCKED, {"id": case_id, **scope.parameters()})).fetchone()
    if row is None:
        raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
    state, known_revision, before, area_ids = row
    _refuse_stale(transition, state, known_revision, revision)
    after = await _department_after(conn, transition, before, department_id)
    await conn.execute(
        _MOVE,
        {
            "id": case_id,
            "state": transition.after,
            "department_id": after,
            "at": at,
            "closed_at": at if transition.ends else None,
        },
    )
    actor_id = actor.user_id if actor else None
    log = (new_id(), case_id, at, verb, state, transition.after, actor_id, after, reason)
    await conn.execute(_LOG, log)
    await events.record(conn, [_moved(case_id, verb, area_ids, before, after, actor_id, at)])


def _reason(transition: Transition, reason: str | None) -> str | None:
    reason = (reason or "").strip() or None
    if transition.needs_reason and reason is None:
        raise Invalid(f"say why: {transition.name_en} needs a reason", f"{transition.name_zh}须说明理由", field="reason")
    if reason is not None and (len(reason) > MAX_REASON or "\x00" in reason):
        raise Invalid(f"a reason has at most {MAX_REASON} characters", f"理由不得超过 {MAX_REASON} 个字", field="reason")
    return reason


def _refuse_stale(transition: Transition, state: str, known: int, given: int | None) -> None:
    if given is not None and given != known:
        raise Conflict("somebody else has just changed this case; look again", "该案件刚被他人更改，请刷新后再试", field="revision")
    if state not in transition.before:
        raise Conflict(
            f"a case that is {state} cannot {transition.name_en.lower()}",
            f"当前状态不能执行「{transition.name_zh}」",
            field="verb",
        )


async def _department_after(
    conn: Conn, transition: Transition, before: UUID | None, given: UUID | None
) -> UUID | None:
    if transition.after == "filed":
        return None
    if not transition.needs_department:
        return before
    if given is None:
        raise Invalid("choose a department", "请选择部门", field="departmentId")
    if given == before:
        raise Invalid("the case is with this department already", "案件已在该部门", field="departmentId")
    found = await (await conn.execute("select 1 from departments where id = %s and active", (given,))).fetchone()
    if found is None:
        raise Invalid("there is no such department", "没有该部门", field="departmentId")
    return given


def _moved(
    case_id: UUID,
    verb: str,
    area_ids: Sequence[UUID],
    before: UUID | None,
    after: UUID | None,
    actor_id: UUID | None,
    at: datetime,
) -> events.Event:
    return events.Event(
        kind=f"case.{verb}",
        subject_kind="case",
        subject_id=case_id,
        at=at,
        area_ids=area_ids,
        department_ids=[after] if after else [],
        left_department_ids=[before] if before and before != after else [],
        actor_id=actor_id,
    )
