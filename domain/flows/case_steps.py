"""One step of a case: its row is locked, the rules decide, and everything the decision says is written together.

State, ledger, timers, requests, parts, log and events change in the caller's one transaction. Steps the system takes at once
afterwards (dispatching what is filed, closing what is rated) are steps of their own in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import events
from domain.base import Conn, new_id
from domain.cases import ledger, rules, timers
from domain.cases.ledger import Entry
from domain.cases.lifecycle import REPORTER, SYSTEM, Transition
from domain.cases.rules import By, Decision, Facts, Part, StepInput
from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from domain.flows import dispatching, merging, waking
from domain.flows.assignment import as_stored, assign, receipt_of
from domain.flows.city import City
from domain.people.scope import SEES, Actor, Scope, scope_for
from domain.routing import receipts
from geo.lonlat import LonLat

__all__ = ["Part", "StepInput", "Stepped", "step", "step_as_reporter", "step_as_system"]

_FACTS: Final = (
    "state", "department_id", "proposed_department_id", "about_department_id", "phase", "due_at", "filed_at", "accepted_at",
    "closed_at", "late_at", "rate_until", "bounces", "reworks", "reopens", "extensions", "pending_request", "wants_rating",
    "satisfaction", "back_to",
)  # fmt: skip
_LOCKED: Final = f"""
select {", ".join(f"c.{name}" for name in _FACTS)}, c.revision, c.area_ids, c.party_ids, c.matter_id, c.condition_id, c.overdue_at,
       c.opened_at, st_x(c.position), st_y(c.position)
from cases c where c.id = %(id)s and {{}} for update
"""
_PARTS = "select department_id, done_at is not null from case_parts where case_id = %s"
_REQUEST = "select asked_by, amount, unit from case_requests where case_id = %s and decision is null"
_TARGET = "select state, department_id, party_ids from cases where id = %s for update"
_UNEXPLAINED = """
select count(*) from case_escalations e join cases c on c.id = e.case_id
where c.id = %s and e.explained_at is null and e.department_id = c.department_id
"""
_ENTRIES = "select at, kind, phase, amount, unit from case_clock where case_id = %s order by seq"
_REPEATED = "select case_id, verb from case_transitions where command_id = %s"
_LOG = """
insert into case_transitions
    (id, case_id, at, verb, from_state, to_state, actor_id, department_id, reason, command_id, occurred_at, details)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_TICK = """
insert into case_clock (id, case_id, seq, at, kind, phase, amount, unit, calendar_version, due_at, provisional, actor_id, reason)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_NAME_THE_MATTER: Final = ("classify", "file", "confirm")


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step that was taken; ``repeated`` when this command had been taken before and nothing changed now."""

    case_id: UUID
    revision: int
    state: str
    repeated: bool


@dataclass(slots=True)
class _Case:
    """A locked case: facts for the rules and what the writing needs besides."""

    id: UUID
    facts: Facts
    revision: int
    area_ids: Sequence[UUID]
    party_ids: Sequence[UUID]
    matter_id: UUID | None
    condition_id: UUID | None
    overdue_at: datetime | None
    opened_at: datetime
    lonlat: LonLat


async def step(
    conn: Conn, actor: Actor | None, case_id: UUID, verb: str, given: StepInput, *, city: City, at: datetime
) -> Stepped:
    """Take one step of a case on behalf of a signed-in person.

    Raises Invalid for an unknown verb or a wrong input, Forbidden without the permission or for the wrong person, NotFound
    for a case outside the actor's scope, Conflict when the case has moved on or is in a state the verb does not lead out of.
    """
    row = rules.known_row(verb)
    scope = _scope_of(actor, row)
    if actor is None:
        raise AssertionError("scope_for refuses nobody")
    if given.target_id is not None:
        await _lock_both(conn, case_id, given.target_id, scope)
    case = await _locked(conn, case_id, SEES.format("c"), scope.parameters())
    reaches = (
        scope.everything
        or not scope.area_ids.isdisjoint(case.area_ids)
        or (case.facts.department_id is not None and case.facts.department_id in scope.department_ids)
    )
    by = By(kind="staff", user_id=actor.user_id, departments=actor.departments(), reaches_unit=reaches)
    return await _take(conn, case, verb, given, by, city=city, at=at, scope=scope)


async def step_as_system(
    conn: Conn, case_id: UUID, verb: str, given: StepInput, *, city: City, at: datetime
) -> Stepped:
    """Take a step nobody but the clock asked for; raises as ``step``."""
    case = await _locked(conn, case_id, "true", {})
    return await _take(conn, case, verb, given, By(kind=SYSTEM), city=city, at=at)


async def step_as_reporter(
    conn: Conn, case_id: UUID, verb: str, given: StepInput, *, city: City, at: datetime
) -> Stepped:
    """Take a step for whoever reported the case; the caller has checked that it is them. Raises as ``step``."""
    case = await _locked(conn, case_id, "true", {})
    return await _take(conn, case, verb, given, By(kind=REPORTER), city=city, at=at)


def _scope_of(actor: Actor | None, row: Transition) -> Scope:
    """Mint the scope of the row's permission, or of another that also allows it."""
    refusal: DomainError | None = None
    for word in (row.permission, *row.also):
        if "." not in word:
            continue
        try:
            return scope_for(actor, word)
        except Forbidden as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    scope_for(actor, "case.read")  # nobody signed in is told so first
    raise Forbidden(f"{row.en} is not for staff", f"「{row.zh}」不由工作人员执行", field="verb")


async def _lock_both(conn: Conn, one: UUID, other: UUID, scope: Scope) -> None:
    """Lock two cases in one order, so that two people merging each into the other cannot wait for each other."""
    if one == other:
        raise Invalid("a case cannot be merged into itself", "不能并入自身", field="targetId")
    cursor = await conn.execute(
        f"select c.id from cases c where c.id = any(%(ids)s) and {SEES.format('c')} order by c.id for update",
        {"ids": [one, other], **scope.parameters()},
    )
    found = {case_id for (case_id,) in await cursor.fetchall()}
    if other not in found:
        raise NotFound("there is no such case to merge into in your remit", "您的管辖范围内没有要并入的案件", field="targetId")


async def _locked(conn: Conn, case_id: UUID, sees: str, scope: Mapping[str, object]) -> _Case:
    row = await (await conn.execute(_LOCKED.format(sees), {"id": case_id, **scope})).fetchone()
    if row is None:
        raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
    facts = dict(zip(_FACTS, row, strict=False))
    revision, area_ids, party_ids, matter_id, condition_id, overdue_at, opened_at, lon, lat = row[len(_FACTS) :]
    if party_ids:
        facts["parts"] = dict(await (await conn.execute(_PARTS, (case_id,))).fetchall())
    if facts["pending_request"]:
        request = await (await conn.execute(_REQUEST, (case_id,))).fetchone()
        if request is not None:
            facts["asked_by"] = request[0]
            facts["requested"] = (request[1], request[2]) if request[1] is not None else None
    return _Case(
        case_id, Facts(**facts), revision, area_ids, party_ids, matter_id, condition_id, overdue_at, opened_at, LonLat(lon=lon, lat=lat)
    )


async def _take(
    conn: Conn, case: _Case, verb: str, given: StepInput, by: By, *, city: City, at: datetime, scope: Scope | None = None
) -> Stepped:
    if given.command_id is not None and await _is_repeated(conn, case.id, verb, given.command_id):
        return Stepped(case.id, case.revision, case.facts.state, repeated=True)
    if given.revision is not None and given.revision != case.revision:
        raise Conflict("somebody else has just changed this case; look again", "该案件刚被他人更改，请刷新后再试", field="revision")
    facts, extra = await _informed(conn, case, verb, given, city=city, at=at, scope=scope)
    decision = rules.decide(facts, verb, given, by, at=at)
    await _check_departments(conn, given)
    await _check_targets(conn, case, given, at)
    state = await _write(conn, case, facts, decision, given, by, {**extra, **decision.changes}, city=city, at=at)
    revision = case.revision + 1
    for then, what in decision.follow:
        case = await _locked(conn, case.id, "true", {})
        try:
            taken = await _take(conn, case, then, what, By(kind=SYSTEM), city=city, at=at)
        except Invalid as refusal:
            if refusal.code not in dispatching.REFUSED:
                raise
            continue  # nobody it may be sent to by itself: it waits in the queue for whoever commands
        revision, state = taken.revision, taken.state
    return Stepped(case.id, revision, state, repeated=False)


async def _is_repeated(conn: Conn, case_id: UUID, verb: str, command_id: UUID) -> bool:
    row = await (await conn.execute(_REPEATED, (command_id,))).fetchone()
    if row is not None and (row[0], row[1]) != (case_id, verb):
        raise Conflict("this command id was used for another step", "该操作编号已用于其他操作", field="commandId")
    return row is not None


async def _informed(
    conn: Conn, case: _Case, verb: str, given: StepInput, *, city: City, at: datetime, scope: Scope | None
) -> tuple[Facts, dict[str, Any]]:
    """Add what one verb alone needs: the target of a merge, owed explanations, the routing and limit of a newly named matter."""
    facts, extra = case.facts, dict[str, Any]()
    if verb == "explain":
        ((unexplained,),) = await (await conn.execute(_UNEXPLAINED, (case.id,))).fetchall()
        facts = replace(facts, unexplained=unexplained)
    if verb == "merge" and given.target_id is not None:
        row = await (await conn.execute(_TARGET, (given.target_id,))).fetchone()
        about = case.facts.about_department_id
        if row is not None and about is not None and about in (row[1], *row[2]):
            message = "a complaint is never merged into a case of whom it is about"
            raise Invalid(message, "投诉不能并入被投诉单位承办的案件", field="targetId")
        facts = replace(facts, target_state=row[0] if row and scope is not None else None)
    if verb not in _NAME_THE_MATTER:
        given = replace(given, matter_id=None, condition_id=None)
    matter_id = given.matter_id or case.matter_id
    matter = city.routing.matters.get(matter_id) if matter_id else None
    if given.matter_id is not None and (matter is None or not matter.enabled):
        raise Invalid("there is no such matter in the catalogue", "目录中没有该事项", field="matterId")
    condition = matter.condition if matter else None
    wanted = given.condition_id or (case.condition_id if given.matter_id in (None, case.matter_id) else None)
    if matter and wanted is not None:
        found = next((one for one in matter.conditions if one.id == wanted), None)
        if found is None and given.condition_id is not None:
            raise Invalid("the matter has no such filing condition", "该事项没有此立案条件", field="conditionId")
        condition = found or condition
    facts = replace(facts, limit=(condition.amount, condition.unit) if condition else rules.CHECK_LIMIT)
    if given.matter_id is not None and matter is not None:
        assigned = assign(city, as_stored(case.lonlat), matter)
        department = assigned.choice.department
        receipt = receipt_of(city.areas, assigned, subject_kind="case", subject_id=case.id)
        await receipts.write(conn, [receipt], at=at)
        facts = replace(facts, proposed_department_id=department.id if department else None)
        extra = {
            "receipt_id": receipt.id, "condition_id": condition.id if condition else None, "title": matter.name,
            "proposed_department_id": facts.proposed_department_id,
        }  # fmt: skip
    return facts, extra


async def _check_targets(conn: Conn, case: _Case, given: StepInput, at: datetime) -> None:
    targets = {given.department_id, *(part.department_id for part in given.parts)} - {None}
    if targets:
        matter_id = given.matter_id or case.matter_id
        await dispatching.check_targets(conn, [one for one in targets if one], area_ids=case.area_ids, matter_id=matter_id, at=at)


async def _check_departments(conn: Conn, given: StepInput) -> None:
    wanted = {given.department_id, given.about_department_id, *(part.department_id for part in given.parts)} - {None}
    if not wanted:
        return
    cursor = await conn.execute("select id from departments where id = any(%s) and active for share", (list(wanted),))
    known = {department_id for (department_id,) in await cursor.fetchall()}
    for name, ids in (
        ("departmentId", [given.department_id]), ("aboutDepartmentId", [given.about_department_id]),
        ("parts", [part.department_id for part in given.parts]),
    ):  # fmt: skip
        if any(one is not None and one not in known for one in ids):
            raise Invalid("there is no such department", "没有该部门", field=name)


async def _write(
    conn: Conn, case: _Case, facts: Facts, decision: Decision, given: StepInput, by: By, changes: dict[str, Any], *,
    city: City, at: datetime,
) -> str:  # fmt: skip
    """Write what was decided and give the state the case is in now."""
    verb, after = decision.row.verb, decision.after
    given = rules.check_input(decision.row, given)
    if verb in _BESIDE:
        changes |= await _BESIDE[verb](conn, case, facts, given, by, at)
    elif case.facts.pending_request and "pending_request" in changes:
        await _decide_request(conn, case.id, "lapsed", by, at)
    entries, reading = await _tick(conn, case, decision, given, by, city)
    if reading is not None:
        changes |= {
            "phase": reading.phase if reading.running or any(op.kind == "pause" for op in decision.clock) else None,
            "due_at": reading.due_at, "due_provisional": reading.provisional,
            "due_basis": _basis(entries, city) if reading.running else None,
            "overdue_at": case.overdue_at if reading.due_at is not None and reading.due_at == case.overdue_at else None,
        }  # fmt: skip
        if reading.due_at is not None and reading.phase == "handle":
            changes["handle_due_at"] = reading.due_at
    department_before, department_after = case.facts.department_id, changes.get("department_id", case.facts.department_id)
    parties = list(changes.get("party_ids", case.party_ids))
    changes |= {"state": after, "updated_at": at}
    answered = by.kind == "staff" and facts.wants_rating and verb in rules.TELLS_REPORTER
    first_reply = ", first_reply_at = coalesce(first_reply_at, %(updated_at)s)" if answered else ""
    await conn.execute(
        f"update cases set {', '.join(f'{name} = %({name})s' for name in changes)}, revision = revision + 1{first_reply} where id = %(id)s",
        {**changes, "id": case.id},
    )
    log = (
        new_id(), case.id, at, verb, case.facts.state, after, by.user_id, department_after, given.reason, given.command_id,
        given.occurred_at, _details(given),
    )  # fmt: skip
    await conn.execute(_LOG, log)
    due_at = changes.get("due_at", case.facts.due_at)
    chains = timers.wanted(
        state=after, stepped=verb, clock_changed=reading is not None, entries=entries, calendar=city.calendar, due_at=due_at,
        rate_until=changes.get("rate_until", case.facts.rate_until), at=at,
    )  # fmt: skip
    await timers.reset(conn, case.id, chains)
    left = [department_before] if department_before and department_before != department_after and department_before not in parties else []
    # Whom it turns out to be about may have seen it by its area: it is taken off their screens, and nobody else is told.
    about = changes.get("about_department_id")
    left_areas = case.area_ids if about is not None and about != case.facts.about_department_id else ()
    happened = [
        events.Event(
            kind=f"case.{verb}", subject_kind="case", subject_id=case.id, at=at, area_ids=case.area_ids, actor_id=by.user_id,
            department_ids=[*([department_after] if department_after else []), *parties], left_department_ids=left,
            left_area_ids=left_areas,
        )
    ]  # fmt: skip
    await events.record(conn, happened)
    await waking.wake(conn, happened, at=at)
    if verb in merging.AFTER:
        await merging.AFTER[verb](conn, case.id, given, by.user_id, city, at)
    return after


def _details(given: StepInput) -> Jsonb | None:
    """Keep what was given that has no column of its own: ids and figures only."""
    found: dict[str, object] = {}
    for name in ("matter_id", "condition_id", "target_id", "about_department_id", "amount", "unit", "satisfaction"):
        value = getattr(given, name)
        if value is not None:
            found[name] = str(value) if isinstance(value, UUID) else value
    if given.parts:
        found["parts"] = [str(part.department_id) for part in given.parts]
    if given.report_ids:
        found["reports"] = [str(one) for one in given.report_ids]
    return Jsonb(found) if found else None


async def _tick(
    conn: Conn, case: _Case, decision: Decision, given: StepInput, by: By, city: City
) -> tuple[list[Entry], ledger.Reading | None]:
    """Append the decision's entries to the ledger; give all entries and, when any were added, the new reading."""
    entries = [Entry(*row) for row in await (await conn.execute(_ENTRIES, (case.id,))).fetchall()]
    if not decision.clock:
        return entries, None
    reading: ledger.Reading | None = None
    rows: list[tuple[object, ...]] = []
    for op in decision.clock:
        entry = Entry(_in_order(op, entries), op.kind, op.phase, op.amount, op.unit)
        if not any(known.phase == op.phase for known in entries) and op.kind != "start":
            if op.kind != "resume":
                continue  # the case is older than its ledger: nothing to stop
            entry = Entry(op.at, "start", op.phase, *rules.CHECK_LIMIT)
        entries.append(entry)
        reading = ledger.read(entries, city.calendar)
        rows.append(
            (
                new_id(), case.id, len(entries), entry.at, entry.kind, entry.phase, entry.amount, entry.unit, city.calendar.version,
                reading.due_at, reading.provisional, by.user_id, given.reason,
            )
        )  # fmt: skip
    async with conn.cursor() as cursor:
        await cursor.executemany(_TICK, rows)
    return entries, reading or ledger.read(entries, city.calendar)


def _in_order(op: rules.ClockOp, entries: Sequence[Entry]) -> datetime:
    """Give when an entry holds: never before the one it follows, also while the machine's clock is set back."""
    return op.at if op.kind == "start" else max([op.at, *(known.at for known in entries if known.phase == op.phase)])


def _basis(entries: Sequence[Entry], city: City) -> str | None:
    for entry in reversed(entries):
        if entry.kind == "start" and entry.amount is not None and entry.unit is not None:
            return ledger.basis(entry.amount, entry.unit, city.calendar)
    return None


# What single verbs write in tables of their own; each gives further columns to change.
Beside = Callable[[Conn, _Case, Facts, StepInput, By, datetime], Any]


async def _call_parts(conn: Conn, case: _Case, facts: Facts, given: StepInput, _by: By, at: datetime) -> dict[str, Any]:
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into case_parts (id, case_id, department_id, task, asked_at) values (%s, %s, %s, %s, %s)",
            [(new_id(), case.id, part.department_id, part.task, at) for part in given.parts],
        )
    open_parts = sum(not done for done in facts.parts.values()) + len(given.parts)
    return {"party_ids": [*case.party_ids, *(part.department_id for part in given.parts)], "open_parts": open_parts}


async def _arrive(conn: Conn, case: _Case, facts: Facts, _given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    await conn.execute(
        "update case_parts set arrived_at = coalesce(arrived_at, %s) where case_id = %s and department_id = %s",
        (at, case.id, rules.own_part(facts, by)),
    )
    return {}


async def _end_part(conn: Conn, case: _Case, facts: Facts, given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    await conn.execute(
        "update case_parts set done_at = %s, arrived_at = coalesce(arrived_at, %s), result = %s where case_id = %s and department_id = %s",
        (at, at, given.reason, case.id, rules.own_part(facts, by)),
    )
    return {"open_parts": sum(not done for done in facts.parts.values()) - 1}


async def _ask(conn: Conn, case: _Case, _facts: Facts, given: StepInput, by: By, at: datetime, kind: str) -> dict[str, Any]:
    await conn.execute(
        "insert into case_requests (id, case_id, kind, amount, unit, reason, asked_by, asked_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (new_id(), case.id, kind, given.amount, given.unit, given.reason, by.user_id, at),
    )
    return {}


async def _ask_extension(conn: Conn, case: _Case, facts: Facts, given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    return await _ask(conn, case, facts, given, by, at, "extension")


async def _ask_suspension(conn: Conn, case: _Case, facts: Facts, given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    return await _ask(conn, case, facts, given, by, at, "suspension")


async def _grant(conn: Conn, case: _Case, _facts: Facts, _given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    await _decide_request(conn, case.id, "granted", by, at)
    return {}


async def _suspend(conn: Conn, case: _Case, facts: Facts, _given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    await _decide_request(conn, case.id, "granted" if facts.pending_request == "suspension" else "lapsed", by, at)
    return {}


async def _refuse(conn: Conn, case: _Case, _facts: Facts, _given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    await _decide_request(conn, case.id, "refused", by, at)
    return {}


async def _decide_request(conn: Conn, case_id: UUID, decision: str, by: By, at: datetime) -> None:
    await conn.execute(
        "update case_requests set decision = %s, decided_by = %s, decided_at = %s where case_id = %s and decision is null",
        (decision, by.user_id, at, case_id),
    )


async def _explain(conn: Conn, case: _Case, facts: Facts, given: StepInput, by: By, at: datetime) -> dict[str, Any]:
    await conn.execute(
        "update case_escalations set explanation = %s, explained_at = %s, explained_by = %s"
        " where case_id = %s and explained_at is null and department_id = %s",
        (given.reason, at, by.user_id, case.id, facts.department_id),
    )
    return {}


_BESIDE: Final[Mapping[str, Beside]] = {
    "whistle": _call_parts,
    "report_in": _arrive,
    "part_done": _end_part,
    "ask_extension": _ask_extension,
    "ask_suspension": _ask_suspension,
    "extend": _grant,
    "suspend": _suspend,
    "refuse_request": _refuse,
    "explain": _explain,
}
