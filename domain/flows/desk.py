"""What dispatchers do besides stepping cases: keep the roster, say what grids take, show presence, hand a shift over.

Here it is decided who may; the writing stands in ``domain/dispatch``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import events
from domain.base import Conn
from domain.dispatch import admissions, claims, handovers, roster
from domain.dispatch.admissions import Admission
from domain.dispatch.claims import Claim
from domain.dispatch.handovers import MOST_CASES, Desk
from domain.dispatch.roster import Shift
from domain.dispatch.selectors import Selector
from domain.errors import Forbidden, NotFound
from domain.people.scope import SEES, Actor, Scope, scope_for

_PATH: Final = """
select v.path from area_versions v where v.area_id = %s and v.valid_from <= %s and (v.valid_to is null or v.valid_to > %s)
"""
_SEEN: Final = f"select c.area_ids, c.department_id, c.party_ids from cases c where c.id = %(id)s and {SEES.format('c')}"
_OPEN: Final = f"from cases c where c.closed_at is null and {SEES.format('c')}"
_COUNTS: Final = f"""
select count(*), count(*) filter (where c.due_at <= %(at)s), count(*) filter (where c.supervised_at is not null),
       count(*) filter (where c.department_id is null and (c.state <> 'checking' or c.home_area_id is null)) {_OPEN}
"""
_LISTED: Final = f"select c.id {_OPEN} and {{}} order by c.due_at nulls last, c.id limit {MOST_CASES}"

# Whose desk a hand-over is: those in it, and whoever commands all of what the desk answers for.
READS_HANDOVER: Final = (
    "(%(scope_all)s or {0}.from_user_id = %(me)s or {0}.to_user_id = %(me)s or (cardinality({0}.area_ids || {0}.department_ids) > 0"
    " and {0}.area_ids <@ %(scope_areas)s::uuid[] and {0}.department_ids <@ %(scope_departments)s::uuid[]))"
)


async def save_shift(conn: Conn, actor: Actor | None, shift: Shift, *, at: datetime) -> None:
    """Write a row of the roster, for whoever commands there or acts for the department; raises Forbidden, Invalid."""
    by = await _commands(conn, actor, shift.area_id, shift.department_id, at=at)
    before = await roster.find(conn, shift.id)
    if before is not None:
        await _commands(conn, actor, before[1], before[0], at=at)
    await roster.save(conn, shift, by=by, at=at)


async def remove_shift(conn: Conn, actor: Actor | None, shift_id: UUID, *, at: datetime) -> None:
    """Take a shift off the roster; raises NotFound, Forbidden."""
    scope_for(actor, "case.dispatch", "case.handle")
    found = await roster.find(conn, shift_id)
    if found is None:
        raise NotFound("there is no such shift", "没有该班次", field="id")
    await roster.remove(conn, shift_id, by=await _commands(conn, actor, found[1], found[0], at=at), at=at)


async def set_skills(conn: Conn, actor: Actor | None, department_id: UUID, skills: Sequence[Selector], *, at: datetime) -> None:
    """Say what a department is able to handle; raises Forbidden, Invalid."""
    by = await _commands(conn, actor, None, department_id, at=at)
    await roster.set_skills(conn, department_id, skills, by=by, at=at)


async def save_admission(conn: Conn, actor: Actor | None, admission: Admission, *, at: datetime) -> None:
    """Admit a matter to the grids of an area one supervises; raises Forbidden, Invalid, Conflict."""
    by = await _supervises(conn, actor, admission.area_id, at=at)
    await admissions.save(conn, admission, by=by, at=at)


async def end_admission(conn: Conn, actor: Actor | None, admission_id: UUID, *, at: datetime) -> None:
    """Admit a matter no longer; raises NotFound, Forbidden."""
    scope_for(actor, "case.supervise")
    area_id = await admissions.area_of(conn, admission_id)
    if area_id is None:
        raise NotFound("there is no such admission", "没有该准入条目", field="id")
    await admissions.end(conn, admission_id, by=await _supervises(conn, actor, area_id, at=at), at=at)


async def claim_case(conn: Conn, actor: Actor | None, case_id: UUID, *, at: datetime) -> Claim:
    """Show others that one looks at a case, or learn who does; open desks hear of it when it passes on. Raises NotFound."""
    area_ids, departments, user_id = await _seen(conn, actor, case_id)
    claim = await claims.claim(conn, case_id, user_id, at=at)
    if claim.fresh:
        await _tell(conn, "case.claimed", case_id, area_ids, departments, user_id, at)
    return claim


async def release_case(conn: Conn, actor: Actor | None, case_id: UUID, *, at: datetime) -> bool:
    """Let a case go; gives whether it was held. Raises NotFound."""
    area_ids, departments, user_id = await _seen(conn, actor, case_id)
    held = await claims.release(conn, case_id, user_id, at=at)
    if held:
        await _tell(conn, "case.released", case_id, area_ids, departments, user_id, at)
    return held


async def start_handover(conn: Conn, actor: Actor | None, text: str, to_user: UUID | None, *, at: datetime) -> UUID:
    """Hand one's desk over with its figures as they are now: the cases one commands. Raises Forbidden, Invalid."""
    scope, me = scope_for(actor, "case.dispatch"), _me(actor)
    values = {"at": at, **scope.parameters()}
    ((opened, overdue, watched, unowned),) = await (await conn.execute(_COUNTS, values)).fetchall()
    lists = []
    for condition in ("true", "c.due_at <= %(at)s", "c.supervised_at is not null"):
        rows = await (await conn.execute(_LISTED.format(condition), values)).fetchall()
        lists.append([case_id for (case_id,) in rows])
    desk = Desk(
        area_ids=[] if scope.everything else sorted(scope.area_ids),
        department_ids=[] if scope.everything else sorted(scope.department_ids),
        counts={"open": opened, "overdue": overdue, "watched": watched, "unowned": unowned},
        open_ids=lists[0], overdue_ids=lists[1], watched_ids=lists[2],
    )  # fmt: skip
    return await handovers.start(conn, desk, from_user=me, to_user=to_user, text=text, at=at)


async def acknowledge_handover(conn: Conn, actor: Actor | None, handover_id: UUID, *, at: datetime) -> None:
    """Take a shift over: whoever was named, or anybody else who commands there; raises NotFound, Forbidden, Conflict."""
    scope, me = scope_for(actor, "case.dispatch"), _me(actor)
    values = {"id": handover_id, "me": me, **scope.parameters()}
    statement = f"select h.from_user_id, h.to_user_id from shift_handovers h where h.id = %(id)s and {READS_HANDOVER.format('h')}"
    row = await (await conn.execute(statement, values)).fetchone()
    if row is None:
        raise NotFound("there is no such hand-over for your desk", "没有该交接记录", field="id")
    if row[0] == me or (row[1] is not None and row[1] != me):
        raise Forbidden("whoever takes over acknowledges, nobody else", "须由接班人确认", field="id")
    await handovers.acknowledge(conn, handover_id, by=me, at=at)


async def _seen(conn: Conn, actor: Actor | None, case_id: UUID) -> tuple[Sequence[UUID], list[UUID], UUID]:
    scope = scope_for(actor, "case.read")
    row = await (await conn.execute(_SEEN, {"id": case_id, **scope.parameters()})).fetchone()
    if row is None:
        raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
    return row[0], [*([row[1]] if row[1] else []), *row[2]], _me(actor)


async def _tell(
    conn: Conn, kind: str, case_id: UUID, area_ids: Sequence[UUID], departments: Sequence[UUID], user_id: UUID, at: datetime
) -> None:
    event = events.Event(
        kind=kind, subject_kind="case", subject_id=case_id, at=at, area_ids=area_ids, department_ids=departments, actor_id=user_id
    )
    await events.record(conn, [event])


async def _commands(conn: Conn, actor: Actor | None, area_id: UUID | None, department_id: UUID, *, at: datetime) -> UUID:
    """Whoever dispatches over the area, or acts for the department itself, keeps its roster."""
    own = scope_for(actor, "case.dispatch", "case.handle").department_ids
    commands = scope_for(actor, "case.dispatch") if actor is not None and actor.may("case.dispatch") else None
    reached = commands is not None and (commands.everything or (area_id is not None and await _reaches(conn, commands, area_id, at)))
    if not reached and department_id not in own:
        raise Forbidden("you keep the roster of your own area or department only", "只能维护本辖区或本部门的排班", field="departmentId")
    return _me(actor)


async def _supervises(conn: Conn, actor: Actor | None, area_id: UUID, *, at: datetime) -> UUID:
    scope = scope_for(actor, "case.supervise")
    if not scope.everything and not await _reaches(conn, scope, area_id, at):
        raise Forbidden("you admit matters in your own area only", "只能维护本辖区的准入清单", field="areaId")
    return _me(actor)


async def _reaches(conn: Conn, scope: Scope, area_id: UUID, at: datetime) -> bool:
    row = await (await conn.execute(_PATH, (area_id, at, at))).fetchone()
    return row is not None and not scope.area_ids.isdisjoint(row[0])


def _me(actor: Actor | None) -> UUID:
    assert actor is not None  # noqa: S101  # scope_for has refused the public
    return actor.user_id
