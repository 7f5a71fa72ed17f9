"""Cases: whatever somebody must act on, listed by scope, read with its history, moved step by step."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api import read
from api.context import Info
from api.entity import column, derived, entity, many, one, told
from api.graph.alerts import Alert
from api.graph.areas import Area
from api.graph.people import Department
from api.graph.reports import Report
from api.graph.routing import Matter, Receipt
from api.graph.words import PageInfo, Words, state_words
from api.scalars import BigInt, GeoJSON, uuid_of
from domain.cases.lifecycle import OPEN_STATES, STATES, TRANSITIONS
from domain.errors import Invalid
from domain.flows import case_steps
from domain.people.scope import scope_for
from geo.lonlat import BBox
from runtime.database import transaction

OVERDUE = "({0}.closed_at is null and {0}.due_at is not null and {0}.due_at <= %(at)s)"


@strawberry.type(description="A step the caller may take now.")
class CaseVerb:
    """An allowed step."""

    verb: str = told("Give it to stepCase.")
    name: Words = told("Its name.")
    needs_department: bool = told("Whether departmentId is required.")
    needs_reason: bool = told("Whether a reason is required.")


_VERBS = {
    row.verb: {
        "verb": row.verb,
        "name": {"zh": row.name_zh, "en": row.name_en},
        "needsDepartment": row.needs_department,
        "needsReason": row.needs_reason,
    }
    for row in TRANSITIONS
}


def verb_facts(verbs: list[str]) -> list[dict[str, object]]:
    """Describe steps by their table row."""
    return [_VERBS[verb] for verb in verbs]


def _allowed() -> str:
    """Ask the database which steps the caller may take: the state allows them, and the scope of their permission does."""
    return "array_remove(array[" + ", ".join(
        f"case when {{0}}.state = any('{{{{{','.join(row.before)}}}}}') and {read.sees('{0}', row.permission)} then '{row.verb}' end"
        for row in TRANSITIONS
    ) + "], null)"  # fmt: skip


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
    overdue: bool = column(OVERDUE, "Whether the deadline has passed and the case is still open.")
    closed_at: datetime | None = column("{0}.closed_at", "When it was closed or rejected.")
    updated_at: datetime = column("{0}.updated_at", "Latest change.")
    revision: int = column("{0}.revision", "Raised by every change; give it to stepCase.")
    home_area: Area | None = one("{0}.id = {1}.home_version_id", "The governance grid that owns it, as it was when assigned.")
    department: Department | None = one("{0}.id = {1}.department_id", "Who has it now; null in the queue.")
    receipt: Receipt = one("{0}.id = {1}.receipt_id", "Why it went there: the latest receipt.")
    reports: list[Report] = many("{0}.case_id = {1}.id", "Its reports; needs report.read.", order="{0}.received_at, {0}.id")
    alerts: list[Alert] = many("{0}.case_id = {1}.id", "Its alerts; needs alert.read.", order="{0}.first_at, {0}.id")
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


@strawberry.input(description="One step of a case.")
class StepCaseInput:
    """Input of stepCase."""

    case_id: strawberry.ID = told("The case.")
    verb: str = told("The step, one of the case's allowedVerbs.")
    revision: int = told("Revision the caller looked at; a case changed since is a conflict.")
    department_id: strawberry.ID | None = told("To whom, where the step needs it.", default=None)
    reason: str | None = told("Why, where the step needs it.", default=None)


NEWEST = read.Order((("{0}.opened_at", "instant"), ("{0}.id", "uuid")), descending=True)
OPEN = "{0}.closed_at is null"
MAX_TEXT = 100
_COUNTS = ("{0}.state", "count(*)", f"count(*) filter (where {OVERDUE})", f"count(*) filter (where {OPEN} and {{0}}.department_id is null)")


@strawberry.type
class CasesQuery:
    """Reads of cases."""

    @strawberry.field(description="Cases the caller may see, newest first. Needs case.read.")
    async def cases(
        self, info: Info, filter: CaseFilter | None = None, first: int = 50, after: str | None = None  # noqa: A002
    ) -> CaseConnection:  # fmt: skip
        """List cases."""
        where, values = conditions(filter)
        return await read.page(info, NEWEST, where=where, values=values, first=first, after=after)

    @strawberry.field(description="One case; null when there is none or the caller may not see it. Needs case.read.")
    async def case(self, info: Info, id: strawberry.ID) -> Case | None:  # noqa: A002
        """Read a case."""
        return await read.by_id(info, uuid_of(id, "id"))

    @strawberry.field(description="How many cases the caller may see. Needs case.read.")
    async def case_counts(self, info: Info, filter: CaseFilter | None = None) -> CaseCounts:  # noqa: A002
        """Count cases."""
        where, values = conditions(filter)
        rows = await read.aggregate(info, "Case", _COUNTS, where=where, values=values, group="{0}.state")
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
        case_id = uuid_of(input.case_id, "caseId")
        department_id = uuid_of(input.department_id, "departmentId") if input.department_id else None
        async with transaction(context.pool) as conn:
            await case_steps.step(
                conn, actor, case_id, input.verb,
                revision=input.revision, department_id=department_id, reason=input.reason, at=context.now(),
            )  # fmt: skip
            case = await read.by_id(info, case_id, conn=conn, authorised=True)
        context.changed()
        return case


def conditions(given: CaseFilter | None) -> tuple[list[str], dict[str, object]]:
    """Turn a filter into conditions and their values; raises Invalid naming the field."""
    where: list[str] = []
    values: dict[str, object] = {}
    if given is None:
        return where, values
    for wanted, condition in ((given.open, OPEN), (given.overdue, OVERDUE), (given.unowned, "{0}.department_id is null")):
        if wanted is not None:
            where.append(condition if wanted else f"not ({condition})")
    simple: tuple[tuple[str, object, str], ...] = (
        ("origin", given.origin, "{0}.origin = %(origin)s"),
        ("area", uuid_of(given.area_id, "areaId") if given.area_id else None, "{0}.area_ids @> array[%(area)s]::uuid[]"),
        ("department", uuid_of(given.department_id, "departmentId") if given.department_id else None, "{0}.department_id = %(department)s"),
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
