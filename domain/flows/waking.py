"""Who is woken by what has happened to cases: looked up in the table of notices, written in the caller's transaction.

Called once by whoever records events of cases. Where nobody can be reached it costs one cheap statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.base import Conn
from domain.deliveries import ladder, notices, write
from domain.deliveries.notices import Notice, Rule
from domain.deliveries.write import Call, Reach
from domain.events import Event

MAX_WORKERS: Final = 1000
WORKERS: Final = ["grid_worker", "rail_guard"]

# Who answers for the ground is asked for only while no department has the case.
_FACTS: Final = """
select c.id, c.about_department_id, c.level,
       case when c.department_id is null then (
           select d.department_id from duties d join area_versions v on v.area_id = d.area_id and v.valid_to is null
           where d.area_id = any(c.area_ids) and d.capacity = 'territory' and (d.valid_to is null or d.valid_to > %(at)s)
           order by cardinality(v.path) desc, d.id limit 1
       ) end, jsonb_build_object('number', c.number, 'title', c.title, 'state', c.state, 'due_at', c.due_at,
       'grid', (select v.name from area_versions v where v.id = c.home_version_id))
from cases c where c.id = any(%(ids)s)
"""
# Whoever reported what was merged into a case waits for that case.
_REPORTERS: Final = """
with recursive family (root, id, n) as (
    select c.id, c.id, 0 from cases c where c.id = any(%(ids)s)
    union all
    select f.root, u.id, n + 1 from family f join cases u on u.merged_into_id = f.id and u.state = 'merged' where n < 20
)
select f.root, r.id, exists (select 1 from case_messages m where m.case_id = f.root and m.at = %(at)s
                             and (m.report_id is null or m.report_id = r.id))
from family f join reports r on r.case_id = f.id join contacts k on k.report_id = r.id and k.phone is not null
"""
_WORKERS: Final = f"""
select c.id, r.user_id from cases c join user_roles r on r.area_id = c.home_area_id and r.role = any(%s)
where c.id = any(%s) order by r.user_id limit {MAX_WORKERS}
"""
_PHONE: Final = "select phone from contacts where report_id = %s"


@dataclass(frozen=True, slots=True)
class _Case:
    """What is to be told of a case, and who must not be or, for want of a department, is."""

    about: UUID | None
    level: int
    ground: UUID | None
    facts: dict[str, Any]
    reporters: list[tuple[UUID, bool]] = field(default_factory=list)  # and whether they were written to just now
    workers: list[UUID] = field(default_factory=list)


_Cases = Mapping[UUID, _Case]


async def wake(conn: Conn, happened: Sequence[Event], *, at: datetime) -> None:
    """Write what has to be sent because of these events, and end the ladders of cases that were taken in hand or moved on.

    Call it after the cases and their events are written. Events of other subjects are ignored.
    """
    cases = [event for event in happened if event.subject_kind == "case"]
    if not cases:
        return
    await _settle(conn, cases, at)
    reach = await write.reach(conn)
    if reach.nobody():
        return
    wanted = [(event, _rules(event, reach)) for event in cases]
    wanted = [(event, rules) for event, rules in wanted if rules or _hooks(event, reach)]
    if not wanted:
        return
    known = await _cases(conn, wanted, at)
    told = [notice for event, rules in wanted for rule in rules for notice in _notices(event, rule, known[event.subject_id])]
    # Several events of one case at once say the same thing to the same people once.
    once = {(one.case_id, one.template, one.department_id, one.user_id, one.report_id, one.above): one for one in told}
    await write.notify(conn, list(once.values()), at=at)
    await write.call(conn, [call for event, _ in wanted for call in _calls(event, reach, known[event.subject_id])], at=at)


async def phone_of(conn: Conn, report_id: UUID) -> str | None:
    """Give the number a reporter left, at the moment something is sent there; None once it was erased."""
    row = await (await conn.execute(_PHONE, (report_id,))).fetchone()
    return row[0] if row else None


async def _settle(conn: Conn, cases: Sequence[Event], at: datetime) -> None:
    for event in cases:
        if event.kind in notices.ANSWERS:
            await ladder.answered(conn, [event.subject_id], by=event.actor_id, at=at)
        elif event.kind in notices.REPORTS_IN:
            await ladder.reported_in(conn, [event.subject_id], by=event.actor_id, at=at)
        if event.kind in notices.ENDS:
            await ladder.ended(conn, [event.subject_id])


def _rules(event: Event, reach: Reach) -> list[Rule]:
    """List the rules of an event that may reach somebody here."""
    owned = bool(event.department_ids)
    possible = {
        notices.REPORTER: reach.reporters, notices.GRID: reach.staff and not owned,
        notices.DEPARTMENT: reach.staff, notices.ABOVE: reach.staff,
    }  # fmt: skip
    return [
        rule
        for rule in notices.BY_EVENT.get(event.kind, ())
        if possible[rule.audience] and (owned or rule.ground or rule.audience in (notices.REPORTER, notices.GRID))
    ]


def _hooks(event: Event, reach: Reach) -> list[write.Hook]:
    return [hook for hook in reach.hooks if hook.wants(event.kind, event.department_ids)]


async def _cases(conn: Conn, wanted: Sequence[tuple[Event, Sequence[Rule]]], at: datetime) -> _Cases:
    rows = await (await conn.execute(_FACTS, {"ids": list({event.subject_id for event, _ in wanted}), "at": at})).fetchall()
    known = {case_id: _Case(about, level, ground, facts) for case_id, about, level, ground, facts in rows}
    if asked := _asked(wanted, notices.REPORTER):
        for case_id, report_id, written_to in await (await conn.execute(_REPORTERS, {"ids": asked, "at": at})).fetchall():
            known[case_id].reporters.append((report_id, written_to))
    if asked := _asked(wanted, notices.GRID):
        for case_id, user_id in await (await conn.execute(_WORKERS, (WORKERS, asked))).fetchall():
            known[case_id].workers.append(user_id)
    return known


def _asked(wanted: Sequence[tuple[Event, Sequence[Rule]]], audience: str) -> list[UUID]:
    return list({event.subject_id for event, rules in wanted if any(rule.audience == audience for rule in rules)})


def _notices(event: Event, rule: Rule, case: _Case) -> list[Notice]:
    if rule.audience == notices.REPORTER:
        # What a reporter is told is the number and the matter, not where it went.
        own = {name: case.facts[name] for name in ("number", "title")}
        everybody = event.kind not in notices.WRITTEN_TO
        return [_notice(event, rule, own, report_id=report_id) for report_id, written_to in case.reporters if everybody or written_to]
    if rule.audience == notices.GRID:
        return [_notice(event, rule, case.facts, user_id=user_id, except_department_id=case.about) for user_id in case.workers]
    above = max(case.level, 1) if rule.audience == notices.ABOVE else 0
    departments = event.department_ids or ([case.ground] if rule.ground and case.ground else [])
    return [
        _notice(event, rule, case.facts, department_id=department, above=above, except_department_id=case.about)
        for department in departments
    ]


def _notice(event: Event, rule: Rule, facts: dict[str, Any], **to: Any) -> Notice:
    return Notice(
        event_kind=event.kind, template=rule.template, channels=rule.channels, patience=rule.patience, facts=facts,
        case_id=event.subject_id, event_id=event.id, **to,
    )  # fmt: skip


def _calls(event: Event, reach: Reach, case: _Case) -> list[Call]:
    return [
        Call(
            hook_id=hook.id, event_id=event.id, event_kind=event.kind, case_id=event.subject_id, department_id=hook.department_id,
            facts=case.facts | {"case_id": str(event.subject_id), "at": event.at.isoformat()},
        )
        for hook in _hooks(event, reach)
        if hook.department_id is None or hook.department_id != case.about
    ]  # fmt: skip
