"""Reports: taking one in, reading it as staff, and following it with the code its sender was given."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api import read
from api.context import Info
from api.entity import column, derived, entity, many, told
from api.graph.routing import Reason, reasons
from api.graph.words import PositionInput, Words, state_words
from api.scalars import uuid_of
from domain.cases.lifecycle import BY_VERB
from domain.errors import DomainError, Invalid, NotFound
from domain.flows.report_intake import Submitted
from domain.people.scope import scope_for
from domain.reports.intake import MAX_PHOTOS, ReportInput, tracking_hash
from runtime import ratelimit
from runtime.ratelimit import Limit

OPENED = {"zh": "受理立案", "en": "Taken in"}


def step_words(verb: str) -> dict[str, str]:
    """Name a step of a case in two languages."""
    step = BY_VERB.get(verb)
    return {"zh": step.zh, "en": step.en} if step else OPENED


@entity("photos", "A photo, re-encoded without the sender's metadata.")
class Photo:
    """A photo."""

    id: strawberry.ID = column("{0}.id", "Id.")
    width: int = column("{0}.width", "Pixels.")
    height: int = column("{0}.height", "Pixels.")
    url: str = column("'/media/' || {0}.id", "Path on this server; needs the same identity as this answer.")
    taken_at: datetime | None = column("{0}.taken_at", "When the camera says it was taken.")


@entity(
    "reports",
    "What somebody reported, as received. Needs report.read; how to reach the reporter is not given out here.",
    permission="report.read",
    guarded="{0}_case",
    guard_join="join cases {0}_case on {0}_case.id = {0}.case_id",
)
class Report:
    """A report."""

    id: strawberry.ID = column("{0}.id", "Id.")
    source: str = column("{0}.source", "`citizen`, `hotline` or `staff`.")
    description: str = column("{0}.description", "The reporter's words.")
    occurred_at: datetime = column("{0}.occurred_at", "When, by the sender's clock.")
    received_at: datetime = column("{0}.received_at", "When it was taken in.")
    accuracy_m: float | None = column("{0}.accuracy_m", "Radius in metres the sender's receiver claimed.")
    datum: str = column("{0}.datum", "Datum the position was given in.")
    photos: list[Photo] = many("{0}.report_id = {1}.id", "Its photos.", order="{0}.id", limit=MAX_PHOTOS)


@entity("case_transitions", "A step the public may know of.")
class TrackedStep:
    """A public step."""

    at: datetime = column("{0}.at", "When.")
    verb: str = column("{0}.verb", "Key of the step.")
    name: Words = derived("{0}.verb", step_words, "Name of the step.")


@entity(
    "(select c.id, c.number, c.state, c.title, c.opened_at, c.due_at, c.closed_at, c.department_id, c.home_version_id, r.tracking_hash"
    " from reports r join cases c on c.id = r.case_id)",
    "What the sender of a report may see of its case.",
)
class TrackedReport:
    """A followed report."""

    number: str = column("{0}.number", "The case's number.")
    state: str = column("{0}.state", "Key of the state.")
    state_name: Words = derived("{0}.state", state_words, "Name of the state.")
    title: str = column("{0}.title", "Name of the matter.")
    area_name: str | None = column("(select v.name from area_versions v where v.id = {0}.home_version_id)", "The grid that owns it.")
    department_name: str | None = column("(select d.name from departments d where d.id = {0}.department_id)", "Who has it now.")
    opened_at: datetime = column("{0}.opened_at", "When it was opened.")
    due_at: datetime | None = column("{0}.due_at", "When it is to be handled by.")
    closed_at: datetime | None = column("{0}.closed_at", "When it was closed.")
    steps: list[TrackedStep] = many("{0}.case_id = {1}.id", "Steps so far, oldest first.", order="{0}.at, {0}.id")


@strawberry.input(description="A report, complete or a retry of one with the same submissionId.")
class SubmitReportInput:
    """Input of submitReport."""

    submission_id: strawberry.ID = told("A UUID made by the sender; a retry carries the same one and is the same report.")
    description: str = told("What is wrong, 1 to 2000 characters.")
    position: PositionInput = told("Where.")
    occurred_at: datetime = told("When, by the sender's clock.")
    matter_id: strawberry.ID | None = told("What kind of matter; leave out when unsure.", default=None)
    photo_claims: list[str] | None = told("Claims that POST /uploads gave, at most 6.", default=None)
    contact_name: str | None = told("How to address the reporter; optional.", default=None)
    contact_phone: str | None = told("How to reach the reporter; optional.", default=None)
    source: str | None = told("`citizen` (default); `hotline` and `staff` need report.staff.", default=None)


@strawberry.type(description="What became of a submitted report.")
class SubmittedReport:
    """Payload of submitReport."""

    report_id: strawberry.ID = told("The report.")
    case_id: strawberry.ID = told("The case it opened.")
    number: str = told("The case's number, for people.")
    tracking_code: str = told("Keep it: it is the only way to follow the report without an account.")
    repeated: bool = told("True when this submission had been taken in before.")
    area_name: str | None = told("The grid that owns it; null when none does.")
    area_code: str | None = told("The grid's code.")
    department_name: str | None = told("The department it goes to; null while nobody is found.")
    due_at: datetime | None = told("When it is to be handled by.")
    why: list[Reason] = told("Why it went there.")


ANONYMOUS = Limit("report", 600, 60, "上报过于频繁", "reports from this address")
LOOKUPS = Limit("track", 120, 60, "查询过于频繁", "tracking look-ups from this address")
LONGEST_CODE = 64
FACTS = frozenset({"areaName", "areaCode", "departmentName", "dueAt", "why"})
_FACTS = """
select v.name, v.code, d.name, c.due_at, r.why
from cases c join receipts r on r.id = c.receipt_id
left join area_versions v on v.id = c.home_version_id left join departments d on d.id = coalesce(c.department_id, c.proposed_department_id) where c.id = %s
"""


@strawberry.type
class ReportsQuery:
    """Reads of the public."""

    @strawberry.field(description="Follow a report with its tracking code; null for an unknown code. Limited by address.")
    async def track_report(self, info: Info, code: str) -> TrackedReport | None:
        """Follow a report."""
        context = info.context
        await ratelimit.spend(context.state.redis, LOOKUPS, context.address)
        if len(code) > LONGEST_CODE:
            raise Invalid(f"a tracking code has at most {LONGEST_CODE} characters", "查询码过长", field="code")
        return await read.first(info, where=["{0}.tracking_hash = %(hash)s"], values={"hash": tracking_hash(code)})


@strawberry.type
class ReportsMutation:
    """Taking reports in."""

    @strawberry.mutation(
        description="Send a report: its owner is found and its case opened in one transaction. Public; limited by address."
    )
    async def submit_report(self, info: Info, input: SubmitReportInput) -> SubmittedReport:  # noqa: A002
        """Submit a report."""
        context = info.context
        actor = await context.actor()
        source = input.source or "citizen"
        if source != "citizen":
            scope_for(actor, "report.staff")
        if actor is None or not actor.may("report.staff"):
            await ratelimit.spend(context.state.redis, ANONYMOUS, context.address)
        item = _report(input, source, actor.user_id if actor and source != "citizen" else None)
        result: Submitted | DomainError = await context.state.reports.add(item)
        if isinstance(result, DomainError):
            raise result
        facts = await _facts(info, result.case_id) if read.asks(info, FACTS) else (None, None, None, None, [])
        context.changed()
        return SubmittedReport(
            report_id=strawberry.ID(str(result.report_id)),
            case_id=strawberry.ID(str(result.case_id)),
            number=result.number,
            tracking_code=result.tracking_code,
            repeated=result.repeated,
            area_name=facts[0],
            area_code=facts[1],
            department_name=facts[2],
            due_at=facts[3],
            why=[Reason(**reason) for reason in reasons(facts[4])],
        )


async def _facts(info: Info, case_id: UUID) -> tuple[Any, ...]:
    async with info.context.pool.connection() as conn:
        row: tuple[Any, ...] | None = await (await conn.execute(_FACTS, (case_id,))).fetchone()
    if row is None:
        raise NotFound("the case is gone", "案件不存在")
    return row


def _report(given: SubmitReportInput, source: str, submitted_by: UUID | None) -> ReportInput:
    position = given.position
    return ReportInput(
        submission_id=uuid_of(given.submission_id, "submissionId"),
        source=source,
        matter_id=uuid_of(given.matter_id, "matterId") if given.matter_id else None,
        description=given.description,
        lon=position.lon,
        lat=position.lat,
        datum=position.datum.value,
        accuracy_m=position.accuracy_m,
        occurred_at=given.occurred_at,
        contact_name=given.contact_name,
        contact_phone=given.contact_phone,
        photo_claims=tuple(given.photo_claims or ()),
        submitted_by=submitted_by,
    )
