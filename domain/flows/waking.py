"""Who is woken by what has happened to cases: looked up in the table of notices, written in the caller's transaction.

Called once by whoever records events of cases. Where nobody can be reached it costs one cheap statement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.base import Conn
from domain.deliveries import ladder, notices, write
from domain.deliveries.notices import Notice, Rule
from domain.deliveries.write import Call, Reach
from domain.events import Event

_FACTS: Final = """
select c.id, c.about_department_id, jsonb_build_object('number', c.number, 'title', c.title, 'state', c.state, 'due_at', c.due_at,
       'grid', (select v.name from area_versions v where v.id = c.home_version_id))
from cases c where c.id = any(%s)
"""
_REPORTERS: Final = """
select r.case_id, r.id from reports r join contacts k on k.report_id = r.id and k.phone is not null where r.case_id = any(%s)
"""
_PHONE: Final = "select phone from contacts where report_id = %s"

_Facts = dict[UUID, tuple[UUID | None, dict[str, Any]]]


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
    facts = await _facts(conn, {event.subject_id for event, _ in wanted})
    asked = {event.subject_id for event, rules in wanted if any(rule.audience == notices.REPORTER for rule in rules)}
    reporters = await _reporters(conn, asked)
    told = [notice for event, rules in wanted for rule in rules for notice in _notices(event, rule, facts, reporters)]
    await write.notify(conn, told, at=at)
    await write.call(conn, [call for event, _ in wanted for call in _calls(event, reach, facts)], at=at)


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
    found = notices.BY_EVENT.get(event.kind, ())
    return [
        rule
        for rule in found
        if (reach.reporters if rule.audience == notices.REPORTER else reach.staff and bool(event.department_ids))
    ]


def _hooks(event: Event, reach: Reach) -> list[write.Hook]:
    return [hook for hook in reach.hooks if hook.wants(event.kind, event.department_ids)]


async def _facts(conn: Conn, case_ids: Collection[UUID]) -> _Facts:
    rows = await (await conn.execute(_FACTS, (list(case_ids),))).fetchall()
    return {case_id: (about, facts) for case_id, about, facts in rows}


async def _reporters(conn: Conn, case_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    if not case_ids:
        return []
    return [(case_id, report_id) for case_id, report_id in await (await conn.execute(_REPORTERS, (list(case_ids),))).fetchall()]


def _notices(event: Event, rule: Rule, facts: _Facts, reporters: Sequence[tuple[UUID, UUID]]) -> list[Notice]:
    about, known = facts[event.subject_id]
    if rule.audience == notices.REPORTER:
        # What a reporter is told is the number and the matter, not where it went.
        own = {name: known[name] for name in ("number", "title")}
        return [_notice(event, rule, own, report_id=report) for case, report in reporters if case == event.subject_id]
    above = rule.audience == notices.ABOVE
    return [
        _notice(event, rule, known, department_id=department, above=above, except_department_id=about)
        for department in event.department_ids
        if department != about or above
    ]


def _notice(event: Event, rule: Rule, facts: dict[str, Any], **to: Any) -> Notice:
    return Notice(
        event_kind=event.kind, template=rule.template, channels=rule.channels, patience=rule.patience, facts=facts,
        case_id=event.subject_id, event_id=event.id, **to,
    )  # fmt: skip


def _calls(event: Event, reach: Reach, facts: _Facts) -> list[Call]:
    about, known = facts[event.subject_id]
    return [
        Call(
            hook_id=hook.id, event_id=event.id, event_kind=event.kind, case_id=event.subject_id, department_id=hook.department_id,
            facts=known | {"case_id": str(event.subject_id), "at": event.at.isoformat()},
        )
        for hook in _hooks(event, reach)
        if hook.department_id is None or hook.department_id != about
    ]  # fmt: skip
