"""Reports: taking one in, reading it as staff, and following it with the code its sender was given."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api import read
from api.context import Info
from api.entity import column, entity, many, told
from api.graph.routing import Reason, reasons
from api.graph.words import PositionInput
from api.scalars import uuid_of
from domain.errors import DomainError, NotFound
from domain.flows.report_intake import Submitted
from domain.people.scope import scope_for
from domain.reports.intake import MAX_PHOTOS, ReportInput
from runtime import ratelimit
from runtime.ratelimit import Limit


@entity("photos", "A photo, re-encoded without the sender's metadata.")
class Photo:
    """A photo."""

    id: strawberry.ID = column("{0}.id", "Id.")
    width: int = column("{0}.width", "Pixels.")
    height: int = column("{0}.height", "Pixels.")
    url: str = column("'/media/' || {0}.id", "Path on this server; needs the same identity as this answer.")
    taken_at: datetime | None = column("{0}.taken_at", "When the camera says it was taken.")
    role: str | None = column("{0}.role", "Of a field photo: `before` or `after` the work.")
    released_at: datetime | None = column("{0}.released_at", "Since when the reporters of the case may see it.")


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
    media_url: str | None = column(
        "(select p.media_url from open311_posts p where p.report_id = {0}.id limit 1)",
        "A link another system sent along; this server never opens it, and whoever does leaves our network.",
    )
    photos: list[Photo] = many("{0}.report_id = {1}.id", "Its photos.", order="{0}.id", limit=MAX_PHOTOS)
    public_text: str | None = column(
        "(select p.public_text from report_publications p where p.report_id = {0}.id)", "Words a supervisor published about it."
    )


@strawberry.input(description="A report, complete or a retry of one with the same submissionId.")
class SubmitReportInput:
    """Input of submitReport."""

    submission_id: strawberry.ID = told("A UUID made by the sender; a retry carries the same one and is the same report.")
    description: str = told("What is wrong, 1 to 4000 characters.")
    position: PositionInput = told("Where.")
    occurred_at: datetime = told("When, by the sender's clock.")
    matter_id: strawberry.ID | None = told("What kind of matter; leave out when unsure.", default=None)
    photo_claims: list[str] | None = told("Claims that POST /uploads gave, at most 6.", default=None)
    contact_name: str | None = told("How to address the reporter; optional.", default=None)
    contact_phone: str | None = told("How to reach the reporter; optional.", default=None)
    source: str | None = told("`citizen` (default) or `qr`; `hotline`, `police110` and `staff` need report.staff.", default=None)
    same_as: str | None = told(
        "Number of a case from similarReports: it is the same. Where that is over or too far, a case of its own is opened.", default=None
    )


@strawberry.type(description="What became of a submitted report.")
class SubmittedReport:
    """Payload of submitReport."""

    report_id: strawberry.ID = told("The report.")
    case_id: strawberry.ID = told("The case it opened or joined.")
    number: str = told("The case's number, for people.")
    tracking_code: str = told("Keep it: it is the only way to follow the report without an account.")
    repeated: bool = told("True when this submission had been taken in before.")
    joined: bool = told("True when it belongs to a case that others had opened; its own code follows that case.")
    area_name: str | None = told("The grid that owns it; null when none does.")
    area_code: str | None = told("The grid's code.")
    department_name: str | None = told("The department it goes to; null while nobody is found.")
    due_at: datetime | None = told("When it is to be handled by.")
    why: list[Reason] = told("Why it went there.")


# Sources that need nobody signed in; the others are those of staff.
ANYBODY = ("citizen", "qr")
ANONYMOUS = Limit("report", 600, 60, "上报过于频繁", "reports from this address")
FACTS = frozenset({"areaName", "areaCode", "departmentName", "dueAt", "why"})
_FACTS = """
select v.name, v.code, d.name, c.due_at, r.why
from cases c join receipts r on r.id = c.receipt_id
left join area_versions v on v.id = c.home_version_id
left join departments d on d.id = coalesce(c.department_id, c.proposed_department_id) where c.id = %s
"""


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
        if source not in ANYBODY:
            scope_for(actor, "report.staff")
        if actor is None or not actor.may("report.staff"):
            await ratelimit.spend(context.state.redis, ANONYMOUS, context.address)
        item = _report(input, source, actor.user_id if actor and source not in ANYBODY else None)
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
            joined=result.joined,
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
        same_as=given.same_as,
    )
