"""Cases: whatever somebody must act on, listed by scope, read with its history, moved step by step."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from api import pace, read
from api.context import Info
from api.entity import column, derived, entity, many, one, told
from api.graph.alerts import Alert
from api.graph.areas import Area
from api.graph.case_dispatch import CLAIM_NOW, RANKING, SUGGESTED_ABOUT, CaseClaim, RankedUnit, ranked_units
from api.graph.case_field import CaseMessage, CaseNote, CaseRating, CaseVisit
from api.graph.clock import CaseEscalation, ClockEntry
from api.graph.connectors import UpwardReport
from api.graph.deliveries import Delivery
from api.graph.duplicates import DUPLICATES, CaseLink, Duplicate, found_duplicates
from api.graph.people import Department
from api.graph.reports import Report
from api.graph.routing import TEXT_AND_MATTERS, Matter, MatterSuggestion, Receipt, suggested_matters
from api.graph.words import CaseRef, PageInfo, Words, state_words
from api.scalars import BigInt, GeoJSON, uuid_of
from domain.cases.lifecycle import OPEN_STATES, STATES, TRANSITIONS, Transition
from domain.cases.rules import MAX_BOUNCES, Part, StepInput
from domain.errors import Invalid
from domain.field.record import STAGE
from domain.flows import case_steps
from domain.people.scope import Actor, scope_for
from geo.lonlat import BBox
from runtime.database import transaction

LATE = "{0}.late_at is not null or ({0}.phase = 'handle' and {0}.due_at is not null and {0}.due_at <= %(at)s)"
OVERDUE = "({0}.closed_at is null and {0}.due_at is not null and {0}.due_at <= %(at)s)"


@strawberry.type(description="A step the caller may take now.")
class CaseVerb:
    """An allowed step."""

    verb: str = told("Give it to stepCase.")
    name: Words = told("Its name.")
    needs: list[str] = told("What must be given: department, reason, matter, amount, parts, target or reports.")
    needs_department: bool = told("Whether departmentId is required.")
    needs_reason: bool = told("Whether a reason is required.")


_VERBS = {
    row.verb: {
        "verb": row.verb,
        "name": {"zh": row.zh, "en": row.en},
        "needs": list(row.needs),
        "needsDepartment": "department" in row.needs,
        "needsReason": "reason" in row.needs,
    }
    for row in TRANSITIONS
}
STAFF_ROWS = tuple(row for row in TRANSITIONS if any("." in word for word in (row.permission, *row.also)))

# The guards of domain/cases/rules.py that say what is offered; the others speak only when a step is tried.
_OFFERED = {
    "may_bounce": f"{{0}}.bounces < {MAX_BOUNCES}",
    "parts_done": "{0}.open_parts = 0",
    "none_pending": "{0}.pending_request is null",
    "any_pending": "{0}.pending_request is not null",
    "extension_pending": "{0}.pending_request = 'extension'",
    "owes_explanation": "exists (select from case_escalations e where e.case_id = {0}.id and e.explained_at is null"
    " and e.department_id = {0}.department_id)",
    "has_part": "exists (select from case_parts p where p.case_id = {0}.id and p.done_at is null"
    " and p.department_id = any(%(scope_own)s::uuid[]))",
    "not_own_work": "({0}.department_id is null or {0}.department_id <> all(%(scope_own)s::uuid[]))",
    "has_it": "(%(scope_all)s or {0}.area_ids && %(scope_areas)s::uuid[] or {0}.department_id = any(%(scope_departments)s::uuid[]))",
}  # fmt: skip


def verb_facts(verbs: list[str]) -> list[dict[str, object]]:
    """Describe steps by their table row."""
    return [_VERBS[verb] for verb in verbs]


def _allowed() -> str:
    """Ask the database which steps the caller may take: the state and the guards allow them, and the scope of a permission does."""
    return "array_remove(array[" + ", ".join(
        f"case when {{0}}.state = any('{{{{{','.join(row.before)}}}}}') and ({_permitted(row)}) then '{row.verb}' end"
        for row in STAFF_ROWS
    ) + "], null)"  # fmt: skip


def _permitted(row: Transition) -> str:
    ways = []
    for permission in (word for word in (row.permission, *row.also) if "." in word):
        guards = [_OFFERED[guard].replace("%(scope_", f"%({permission.replace('.', '_')}__") for guard in row.guards if guard in _OFFERED]
        ways.append(" and ".join([read.sees("{0}", permission), *guards]))
    return " or ".join(ways)


@entity("case_transitions", "One step of a case.")
class CaseTransition:
    """A step taken."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When.")
    verb: str = column("{0}.verb", "Key of the step.")
    from_state: str | None = column("{0}.from_state", "State before; null for the first.")
    to_state: str = column("{0}.to_state", "State after.")
    actor_name: str | None = column("(select u.display_name from users u where u.id = {0}.actor_id)", "Who; null for the system.")
    department: Department | None = one("{0}.id = {1}.department_id", "Department after the step.")
    reason: str | None = column("{0}.reason", "Why, where a reason was given.")
    occurred_at: datetime | None = column("{0}.occurred_at", "By the phone's clock, where the step was taken without a connection.")


@entity("case_parts", "What one called unit has to do in a joint action.")
class CasePart:
    """A part of a joint action."""

    id: strawberry.ID = column("{0}.id", "Id.")
    department: Department = one("{0}.id = {1}.department_id", "The unit that was called.")
    task: str = column("{0}.task", "What it has to do.")
    asked_at: datetime = column("{0}.asked_at", "When it was called.")
    arrived_at: datetime | None = column("{0}.arrived_at", "When it reported in.")
    done_at: datetime | None = column("{0}.done_at", "When it was done.")
    result: str | None = column("{0}.result", "What was done.")


@entity("case_requests", "A unit's request to extend or suspend.")
class CaseRequest:
    """A request."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str = column("{0}.kind", "`extension` or `suspension`.")
    amount: int | None = column("{0}.amount", "How much more time is asked for.")
    unit: str | None = column("{0}.unit", "urgent_hour, urgent_day, work_hour or work_day.")
    reason: str = column("{0}.reason", "Why.")
    asked_at: datetime = column("{0}.asked_at", "When it was asked.")
    asked_by_name: str | None = column("(select u.display_name from users u where u.id = {0}.asked_by)", "Who asked.")
    decision: str | None = column("{0}.decision", "granted, refused or lapsed; null while it waits.")
    decided_at: datetime | None = column("{0}.decided_at", "When it was decided.")
    decided_by_name: str | None = column("(select u.display_name from users u where u.id = {0}.decided_by)", "Who decided.")


def _as_is(found: Any) -> Any:
    return found


def _ref(condition: str) -> str:
    seen = read.sees("o", "case.read")
    return f"(select jsonb_build_object('id', o.id, 'number', o.number, 'state', o.state) from cases o where {condition} and {seen})"


def _refs(condition: str) -> str:
    return (
        "(select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'number', o.number, 'state', o.state) order by o.number), '[]')"
        f" from cases o where {condition} and {read.sees('o', 'case.read')})"
    )


@entity("cases", "Whatever somebody must act on. Needs case.read in its areas or for its department.", permission="case.read")
class Case:
    """A case."""

    id: strawberry.ID = column("{0}.id", "Id.")
    number: str = column("{0}.number", "Number for people; says nothing secret.")
    origin: str = column("{0}.origin", "`report` or `alert`.")
    state: str = column("{0}.state", "Key of the state.")
    state_name: Words = derived("{0}.state", state_words, "Name of the state.")
    title: str = column("{0}.title", "Name of the matter or the alert.")
    matter: Matter | None = one("{0}.id = {1}.matter_id", "The matter; null while it is not known.")
    lon: float = column("st_x({0}.position)", "Longitude, WGS 84.")
    lat: float = column("st_y({0}.position)", "Latitude, WGS 84.")
    position: GeoJSON = column("st_asgeojson({0}.position, 7)", "Position as a Point.")
    opened_at: datetime = column("{0}.opened_at", "When it was opened.")
    due_at: datetime | None = column("{0}.due_at", "When it is to be handled by.")
    due_basis: str | None = column("{0}.due_basis", "Limit and calendar the deadline was computed with.")
    due_provisional: bool = column("{0}.due_provisional", "The deadline lies beyond the published holidays and may move.")
    phase: str | None = column("{0}.phase", "What the clock measures: check, handle or verify; null when it has stopped.")
    overdue: bool = column(OVERDUE, "Whether the deadline has passed and the case is still open.")
    filed_at: datetime | None = column("{0}.filed_at", "When it was last filed.")
    dispatched_at: datetime | None = column("{0}.dispatched_at", "When it was last dispatched.")
    accepted_at: datetime | None = column("{0}.accepted_at", "When the unit accepted it.")
    handled_at: datetime | None = column("{0}.handled_at", "When the unit finished.")
    verified_at: datetime | None = column("{0}.verified_at", "When the result was verified.")
    first_reply_at: datetime | None = column("{0}.first_reply_at", "When a person first answered the reporter.")
    handle_due_at: datetime | None = column("{0}.handle_due_at", "Latest deadline of handling; stays when the clock has stopped.")
    late: bool = column("(" + LATE + ")", "The handling deadline was missed, or is past while it is open.")
    late_at: datetime | None = column("{0}.late_at", "The handling deadline that was missed.")
    level: int = column("{0}.level", "How high it has risen: 0 grid, 1 town, 2 district, 3 city.")
    supervised_at: datetime | None = column("{0}.supervised_at", "Since when it is under supervision.")
    bounces: int = column("{0}.bounces", "Returns since it was last filed.")
    reworks: int = column("{0}.reworks", "How often it was sent back to be redone.")
    reopens: int = column("{0}.reopens", "How often it was reopened.")
    extensions: int = column("{0}.extensions", "How many extensions were granted.")
    pending_request: str | None = column("{0}.pending_request", "Kind of the request that waits for a decision.")
    wants_rating: bool = column("{0}.wants_rating", "A member of the public raised it and is asked to rate.")
    rate_until: datetime | None = column("{0}.rate_until", "Until when it can be rated.")
    satisfaction: str | None = column("{0}.satisfaction", "satisfied, fair or dissatisfied: the worst of its ratings.")
    closed_at: datetime | None = column("{0}.closed_at", "When it was closed or rejected.")
    updated_at: datetime = column("{0}.updated_at", "Latest change.")
    revision: int = column("{0}.revision", "Raised by every change; give it to stepCase.")
    home_area: Area | None = one("{0}.id = {1}.home_version_id", "The governance grid that owns it, as it was when assigned.")
    department: Department | None = one("{0}.id = {1}.department_id", "Who has it now; null in the queue.")
    proposed_department: Department | None = one("{0}.id = {1}.proposed_department_id", "Whom routing would send it to once it is filed.")
    about_department: Department | None = one("{0}.id = {1}.about_department_id", "Whom the complaint is about; it never sees the case.")
    merged_into: CaseRef | None = derived(_ref("o.id = {0}.merged_into_id"), _as_is, "The case it was merged into.")
    merged_cases: list[CaseRef] = derived(_refs("o.merged_into_id = {0}.id"), _as_is, "Cases merged into this one.")
    split_from: CaseRef | None = derived(_ref("o.id = {0}.split_from_id"), _as_is, "The case it was split off.")
    suggested_matters: list[MatterSuggestion] = derived(
        TEXT_AND_MATTERS, suggested_matters, "The three likeliest matters by the first reporter's words; none for an alert."
    )
    duplicates: list[Duplicate] = derived(
        DUPLICATES, found_duplicates, "Open cases that may be about the same thing, likest first; none once it is over."
    )
    links: list[CaseLink] = many(
        "({0}.case_id = {1}.id or {0}.other_case_id = {1}.id)", "Reports and cases it was joined with.", order="{0}.at, {0}.id"
    )
    suggested_about: list[Department] = many(
        SUGGESTED_ABOUT, "Outside bodies the report's words complain of; needs case.file.", order="{0}.code", limit=5
    )
    ranking: list[RankedUnit] = derived(RANKING, ranked_units, "Units that could take it, best first; none without case.dispatch.")
    claimed_by: CaseClaim | None = one(CLAIM_NOW, "Who has it open at a desk now.")
    stage: strawberry.ID | None = column(STAGE, "Changes when the case moves to another state or unit; fieldActions takes it as `seen`.")
    visits: list[CaseVisit] = many("{0}.case_id = {1}.id", "Arrivals at the spot.", order="{0}.at, {0}.id")
    notes: list[CaseNote] = many("{0}.case_id = {1}.id", "What those at the spot wrote down.", order="{0}.at, {0}.id")
    messages: list[CaseMessage] = many("{0}.case_id = {1}.id", "What was said with its reporters.", order="{0}.at, {0}.id")
    ratings: list[CaseRating] = many("{0}.case_id = {1}.id", "How content they were.", order="{0}.at, {0}.id")
    parts: list[CasePart] = many("{0}.case_id = {1}.id", "Parts of the joint action.", order="{0}.asked_at, {0}.id")
    requests: list[CaseRequest] = many("{0}.case_id = {1}.id", "Requests to extend or suspend.", order="{0}.asked_at, {0}.id")
    clock: list[ClockEntry] = many("{0}.case_id = {1}.id", "The ledger of its clock.", order="{0}.seq")
    escalations: list[CaseEscalation] = many("{0}.case_id = {1}.id", "Missed deadlines and rises.", order="{0}.due_at, {0}.level, {0}.id")
    receipt: Receipt = one("{0}.id = {1}.receipt_id", "Why it went there: the latest receipt.")
    reports: list[Report] = many("{0}.case_id = {1}.id", "Its reports; needs report.read.", order="{0}.received_at, {0}.id")
    alerts: list[Alert] = many("{0}.case_id = {1}.id", "Its alerts; needs alert.read.", order="{0}.first_at, {0}.id")
    deliveries: list[Delivery] = many(
        "{0}.case_id = {1}.id", "Messages about it, newest first; needs delivery.read.", order="{0}.created_at desc, {0}.id", limit=100
    )
    upward: list[UpwardReport] = many("{0}.case_id = {1}.id", "Platforms it was handed up to.", order="{0}.queued_at, {0}.id")
    transitions: list[CaseTransition] = many("{0}.case_id = {1}.id", "Its steps, oldest first.", order="{0}.at, {0}.id")
    allowed_verbs: list[CaseVerb] = derived(_allowed(), verb_facts, "Steps the caller may take now.")


@strawberry.type(description="One case and its place in the list.")
class CaseEdge:
    """An edge."""

    cursor: str = told("Give it as `after` to go on from here.")
    node: Case = told("The case.")


@strawberry.type(description="A page of cases, newest first.")
class CaseConnection:
    """A page of cases."""

    edges: list[CaseEdge] = told("Cases with their cursors.")
    nodes: list[Case] = told("The cases alone.")
    page_info: PageInfo = told("Where this page stands.")


@strawberry.type(description="Cases in one state.")
class StateCount:
    """A count."""

    state: str = told("Key of the state.")
    count: int = told("How many.")


@strawberry.type(description="How many cases there are.")
class CaseCounts:
    """Counts."""

    total: int = told("All.")
    open: int = told("Not closed and not rejected.")
    overdue: int = told("Open and past their deadline.")
    unowned: int = told("Open, and no department has them.")
    by_state: list[StateCount] = told("By state, in the order of the life-cycle; states without cases are listed with 0.")


@strawberry.input(description="Which cases; conditions given together all hold.")
class CaseFilter:
    """Filter of cases."""

    states: list[str] | None = told("Any of these states.", default=None)
    open: bool | None = told("Open ones, or (false) ended ones.", default=None)
    overdue: bool | None = told("Past their deadline and open, or (false) not.", default=None)
    origin: str | None = told("`report` or `alert`.", default=None)
    area_id: strawberry.ID | None = told("In this area's subtree.", default=None)
    department_id: strawberry.ID | None = told("With this department.", default=None)
    unowned: bool | None = told("With no department, or (false) with one.", default=None)
    bbox: list[float] | None = told("West, south, east, north in degrees.", default=None)
    text: str | None = told("Begin of the number, or part of the title.", default=None)
    opened_after: datetime | None = told("Opened at or after.", default=None)
    opened_before: datetime | None = told("Opened before.", default=None)
    phase: str | None = told("The clock measures this: check, handle or verify.", default=None)
    late: bool | None = told("The handling deadline was missed or is past, or (false) not.", default=None)
    supervised: bool | None = told("Under supervision, or (false) not.", default=None)
    pending_request: bool | None = told("A request waits for a decision, or (false) none does.", default=None)
    level: int | None = told("Risen at least this high: 1 town, 2 district, 3 city.", default=None)
    mine: bool | None = told("With one of the caller's departments, or with an open part for one of them.", default=None)
    source: str | None = told("One of its reports came by citizen, qr, hotline, police110 or staff.", default=None)
    matter_id: strawberry.ID | None = told("Of this matter.", default=None)
    home_area_id: strawberry.ID | None = told("Owned by this governance grid.", default=None)


@strawberry.enum(description="Order of a list of cases.")
class CaseOrder(Enum):
    """How cases are ordered."""

    NEWEST = strawberry.enum_value("newest", description="Opened last first.")
    DUE = strawberry.enum_value("due", description="Open ones with a running clock, nearest deadline first.")


@strawberry.input(description="One unit's part of a joint action.")
class PartInput:
    """Part of a joint action."""

    department_id: strawberry.ID = told("The unit that is called.")
    task: str = told("What it has to do, at most 200 characters.")


@strawberry.input(description="One step of a case.")
class StepCaseInput:
    """Input of stepCase."""

    case_id: strawberry.ID = told("The case.")
    verb: str = told("The step, one of the case's allowedVerbs.")
    revision: int | None = told("Revision the caller looked at; a case changed since is a conflict.", default=None)
    department_id: strawberry.ID | None = told("To whom, where the step needs it.", default=None)
    reason: str | None = told("Why, where the step needs it.", default=None)
    matter_id: strawberry.ID | None = told("The matter, where the step names it.", default=None)
    condition_id: strawberry.ID | None = told("The matter's filing condition; the first when left out.", default=None)
    about_department_id: strawberry.ID | None = told("Whom the complaint is about, where it is about a unit.", default=None)
    target_id: strawberry.ID | None = told("The case to merge into.", default=None)
    amount: int | None = told("How much more time.", default=None)
    unit: str | None = told("urgent_hour, urgent_day, work_hour or work_day.", default=None)
    parts: list[PartInput] | None = told("Units called to joint action.", default=None)
    report_ids: list[strawberry.ID] | None = told("Reports to split off.", default=None)
    command_id: strawberry.ID | None = told("Made by the client: the same command sent again is the same step.", default=None)
    occurred_at: datetime | None = told("By the client's clock, where the step was taken earlier.", default=None)


NEWEST = read.Order((("{0}.opened_at", "instant"), ("{0}.id", "uuid")), descending=True)
SOONEST = read.Order((("{0}.due_at", "instant"), ("{0}.id", "uuid")))
ORDERS = {CaseOrder.NEWEST: NEWEST, CaseOrder.DUE: SOONEST}
OPEN = "{0}.closed_at is null"
# Nobody has it: filed without a department, or waiting for a first check where no grid owns the ground.
UNOWNED = "({0}.department_id is null and ({0}.state <> 'checking' or {0}.home_area_id is null))"
MINE = (
    "({0}.department_id = any(%(mine)s) or {0}.party_ids && %(mine)s and exists (select from case_parts m where m.case_id = {0}.id"
    " and m.done_at is null and m.department_id = any(%(mine)s)))"
)
MAX_TEXT = 100
_COUNTS = ("{0}.state", "count(*)", f"count(*) filter (where {OVERDUE})", f"count(*) filter (where {OPEN} and {UNOWNED})")


@strawberry.type
class CasesQuery:
    """Reads of cases."""

    @strawberry.field(description="Cases the caller may see, newest first unless asked otherwise. Needs case.read.")
    async def cases(
        self, info: Info, filter: CaseFilter | None = None, first: int = 50, after: str | None = None,  # noqa: A002
        order: CaseOrder = CaseOrder.NEWEST,
    ) -> CaseConnection:  # fmt: skip
        """List cases."""
        where, values = conditions(filter, await info.context.actor())
        if order is CaseOrder.DUE:
            where.append(f"{OPEN} and {{0}}.due_at is not null")
        return await read.page(info, ORDERS[order], where=where, values=values, first=first, after=after)

    @strawberry.field(description="One case; null when there is none or the caller may not see it. Needs case.read.")
    async def case(self, info: Info, id: strawberry.ID) -> Case | None:  # noqa: A002
        """Read a case."""
        return await read.by_id(info, uuid_of(id, "id"))

    @strawberry.field(description="How many cases the caller may see. Needs case.read.")
    async def case_counts(self, info: Info, filter: CaseFilter | None = None) -> CaseCounts:  # noqa: A002
        """Count cases."""
        actor = await info.context.actor()
        where, values = conditions(filter, actor)
        key = (scope_for(actor, "case.read").key(), tuple(where), repr(values))
        count = partial(read.aggregate, info, "Case", _COUNTS, where=where, values=values, group="{0}.state")
        rows = await pace.counting(info.context.state).ask(key, count)
        counts = {state: count for state, count, _, _ in rows}
        return CaseCounts(
            total=sum(counts.values()),
            open=sum(counts.get(state, 0) for state in OPEN_STATES),
            overdue=sum(row[2] for row in rows),
            unowned=sum(row[3] for row in rows),
            by_state=[StateCount(state=state, count=counts.get(state, 0)) for state in STATES],
        )

    @strawberry.field(
        description="Position of the live feed. Root fields are answered in document order: ask for it before a list,"
        " then subscribe after it, and nothing is missed. Needs case.read."
    )
    async def live_position(self, info: Info) -> BigInt:
        """Read the feed's position."""
        scope_for(await info.context.actor(), "case.read")
        async with info.context.pool.connection() as conn:
            row = await (await conn.execute("select position from event_cursor")).fetchone()
        return BigInt(row[0] if row else 0)


@strawberry.type
class CasesMutation:
    """Steps."""

    @strawberry.mutation(description="Take one step of a case: one of its allowedVerbs.")
    async def step_case(self, info: Info, input: StepCaseInput) -> Case:  # noqa: A002
        """Take a step."""
        context = info.context
        actor = await context.signed_in()
        case_id, given, at = uuid_of(input.case_id, "caseId"), step_input(input), context.now()
        async with transaction(context.pool) as conn:
            city = await context.state.jurisdictions.current(conn, at=at)
            await case_steps.step(conn, actor, case_id, input.verb, given, city=city, at=at)
            case = await read.by_id(info, case_id, conn=conn, authorised=True)
        context.changed()
        return case


def step_input(given: StepCaseInput) -> StepInput:
    """Read the input of a step; raises Invalid for an id that is none."""

    def id_of(name: str) -> UUID | None:
        value = getattr(given, name)
        return uuid_of(value, to_camel_case(name)) if value else None

    return StepInput(
        revision=given.revision, department_id=id_of("department_id"), reason=given.reason, matter_id=id_of("matter_id"),
        condition_id=id_of("condition_id"), about_department_id=id_of("about_department_id"), target_id=id_of("target_id"),
        amount=given.amount, unit=given.unit,
        parts=tuple(Part(uuid_of(part.department_id, "parts"), part.task) for part in given.parts or ()),
        report_ids=tuple(uuid_of(one, "reportIds") for one in given.report_ids or ()), command_id=id_of("command_id"),
        occurred_at=given.occurred_at,
    )  # fmt: skip


def conditions(given: CaseFilter | None, actor: Actor | None = None) -> tuple[list[str], dict[str, object]]:
    """Turn a filter into conditions and their values; raises Invalid naming the field."""
    where: list[str] = []
    values: dict[str, object] = {}
    if given is None:
        return where, values
    for wanted, condition in ((given.open, OPEN), (given.overdue, OVERDUE), (given.unowned, UNOWNED), (given.late, LATE),
        (given.supervised, "{0}.supervised_at is not null"), (given.pending_request, "{0}.pending_request is not null")):
        if wanted is not None:
            where.append(condition if wanted else f"not ({condition})")
    simple: tuple[tuple[str, object, str], ...] = (
        ("origin", given.origin, "{0}.origin = %(origin)s"),
        ("area", uuid_of(given.area_id, "areaId") if given.area_id else None, "{0}.area_ids @> array[%(area)s]::uuid[]"),
        ("department", uuid_of(given.department_id, "departmentId") if given.department_id else None, "{0}.department_id = %(department)s"),
        ("home", uuid_of(given.home_area_id, "homeAreaId") if given.home_area_id else None, "{0}.home_area_id = %(home)s"),
        ("matter", uuid_of(given.matter_id, "matterId") if given.matter_id else None, "{0}.matter_id = %(matter)s"),
        ("phase", given.phase, "{0}.phase = %(phase)s"),
        ("level", given.level, "{0}.level >= %(level)s"),
        ("source", given.source, "exists (select from reports s where s.case_id = {0}.id and s.source = %(source)s)"),
        ("mine", list(actor.departments()) if actor and given.mine else None, MINE),
        ("opened_after", given.opened_after, "{0}.opened_at >= %(opened_after)s"),
        ("opened_before", given.opened_before, "{0}.opened_at < %(opened_before)s"),
    )
    for name, value, condition in simple:
        if value is not None:
            where.append(condition)
            values[name] = value
    _states(given.states, where, values)
    _bbox(given.bbox, where, values)
    _text(given.text, where, values)
    return where, values


def _states(states: list[str] | None, where: list[str], values: dict[str, object]) -> None:
    if states is None:
        return
    if unknown := [state for state in states if state not in STATES]:
        raise Invalid(f"unknown state {unknown[0][:40]!r}; known: {', '.join(STATES)}", "未知的案件状态", field="states")
    where.append("{0}.state = any(%(states)s)")
    values["states"] = states


def _bbox(bbox: list[float] | None, where: list[str], values: dict[str, object]) -> None:
    if bbox is None:
        return
    if len(bbox) != 4:
        raise Invalid("bbox is west, south, east, north", "矩形范围须为西、南、东、北四个数", field="bbox")
    box = BBox(west=bbox[0], south=bbox[1], east=bbox[2], north=bbox[3])
    where.append("{0}.position && st_makeenvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)")
    values |= {"west": box.west, "south": box.south, "east": box.east, "north": box.north}


def _text(text: str | None, where: list[str], values: dict[str, object]) -> None:
    if not text or not text.strip():
        return
    if len(text) > MAX_TEXT or "\x00" in text:
        raise Invalid(f"text has at most {MAX_TEXT} characters", f"搜索内容不能超过 {MAX_TEXT} 个字符", field="text")
    where.append("({0}.number like %(begins)s escape '!' or {0}.title like %(holds)s escape '!')")
    wanted = read.plain(text.strip())
    values |= {"begins": f"{wanted}%", "holds": f"%{wanted}%"}
