"""A report comes in: owner found, case opened, receipt and event written, all in the caller's one transaction.

The flow takes a list and answers item by item, so that a bad report never takes a good one with it; a single report is a
list of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain import events
from domain.base import Conn, new_id
from domain.cases import open as cases
from domain.errors import Conflict, DomainError, Invalid
from domain.flows import folding, replies, waking
from domain.flows.assignment import Assignment, assign, case_of, read_position, receipt_of
from domain.flows.city import City, CityHolder
from domain.flows.duplicates import Candidate
from domain.flows.folding import Join, Offer
from domain.reports import intake, photos, submissions
from domain.reports.intake import NewReport, ReportInput
from domain.reports.likeness import Trace
from domain.reports.tables import FROM_THE_PUBLIC
from domain.routing import receipts
from domain.routing.receipts import NewReceipt

MAX_ITEMS = 1000
UNKNOWN_MATTER = "待核实事项"
# What the public says is checked on the spot first; the police and our own staff have looked already.
CHECKED_FIRST = ("citizen", "qr", "hotline")

_EARLIER = """
select r.case_id, c.number, exists (select from case_links l where l.report_id = r.id and l.undone_at is null)
from reports r join cases c on c.id = r.case_id where r.id = %s
"""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A report that is taken in; ``repeated`` when it had been already, ``joined`` when it belongs to a case others opened."""

    report_id: UUID
    case_id: UUID
    number: str
    tracking_code: str
    repeated: bool
    joined: bool = False


@dataclass(frozen=True, slots=True)
class _Accepted:
    report: NewReport
    assigned: Assignment
    receipt: NewReceipt
    case: cases.NewCase


async def submit(
    conn: Conn, holder: CityHolder, items: Sequence[ReportInput], *, at: datetime, secret: bytes
) -> list[Submitted | DomainError]:
    """Take reports in and give a result for each, in order: the submission, or the error that refused it alone."""
    if len(items) > MAX_ITEMS:
        raise Invalid(f"at most {MAX_ITEMS} reports at once", f"一次最多提交 {MAX_ITEMS} 条", field="items")
    city = await holder.current(conn, at=at)
    accepted: dict[int, _Accepted] = {}
    results: list[Submitted | DomainError | None] = [None] * len(items)
    seen: set[UUID] = set()
    for i, item in enumerate(items):
        try:
            if item.submission_id in seen:
                raise Conflict("the same submission id occurs twice in this list", "提交编号重复", field="submissionId")
            accepted[i] = _accept(city, item, secret)
            seen.add(item.submission_id)
        except DomainError as error:
            results[i] = error
    new = await submissions.register(
        conn, "report", [(a.report.given.submission_id, a.report.id, a.report.given.digest()) for a in accepted.values()], at=at
    )
    fresh = {i: a for i, a in accepted.items() if a.report.given.submission_id in new}
    for i, a in accepted.items():
        if i not in fresh:
            results[i] = await _repeated(conn, a)
    refused = await _refuse_bad_photos(conn, fresh)
    results = [refused.get(i, result) for i, result in enumerate(results)]
    fresh = {i: a for i, a in fresh.items() if i not in refused}
    joins = await _joining(conn, fresh, at)
    for i, join in joins.items():
        fresh[i] = replace(fresh[i], report=replace(fresh[i].report, case_id=join.candidate.case_id))
    for i, number in zip(fresh, await _write(conn, city, fresh, joins, at), strict=True):
        report = fresh[i].report
        results[i] = Submitted(report.id, report.case_id, number, report.tracking_code, repeated=False, joined=i in joins)
    return [result for result in results if result is not None]


def _accept(city: City, item: ReportInput, secret: bytes) -> _Accepted:
    intake.check(item)
    position = read_position(
        lon=item.lon, lat=item.lat, datum_name=item.datum, accuracy_m=item.accuracy_m, where="position"
    )
    matter = None
    if item.matter_id is not None:
        matter = city.routing.matters.get(item.matter_id)
        if matter is None or not matter.enabled:
            raise Invalid("there is no such matter in the catalogue", "目录中没有该事项", field="matterId")
    assigned = assign(city, position, matter)
    report_id = new_id()
    receipt = receipt_of(city.areas, assigned, subject_kind="report", subject_id=report_id)
    case = case_of(
        assigned, origin="report", title=matter.name if matter else UNKNOWN_MATTER, receipt_id=receipt.id,
        checked_first=item.source in CHECKED_FIRST, wants_rating=item.source in FROM_THE_PUBLIC,
    )  # fmt: skip
    code = intake.tracking_code(item.submission_id, secret)
    return _Accepted(
        NewReport(id=report_id, case_id=case.id, given=item, position=position, tracking_code=code), assigned, receipt, case
    )


async def _repeated(conn: Conn, a: _Accepted) -> Submitted | DomainError:
    try:
        report_id = await submissions.earlier(conn, "report", a.report.given.submission_id, a.report.given.digest())
    except Conflict as error:
        return error
    row = await (await conn.execute(_EARLIER, (report_id,))).fetchone()
    if row is None:
        return Conflict("this submission was erased", "该提交已被删除", field="submissionId")
    return Submitted(report_id, row[0], row[1], a.report.tracking_code, repeated=True, joined=row[2])


async def _refuse_bad_photos(conn: Conn, fresh: dict[int, _Accepted]) -> dict[int, DomainError]:
    """Find the items whose photos cannot be claimed, and give their submission ids back so they can try again."""
    wanted = [claim for a in fresh.values() for claim in a.report.given.photo_claims]
    if not wanted:
        return {}
    free = await photos.lock_claims(conn, wanted)
    refused: dict[int, DomainError] = {}
    for i, a in fresh.items():
        claims = a.report.given.photo_claims
        if any(claim not in free for claim in claims):
            refused[i] = Invalid(
                "a photo is unknown or already used; upload it again", "照片无效或已被使用，请重新上传", field="photoClaims"
            )
        free -= set(claims)
    if refused:
        ids = [fresh[i].report.given.submission_id for i in refused]
        await conn.execute("delete from submissions where submission_id = any(%s)", (ids,))
    return refused


async def _joining(conn: Conn, fresh: dict[int, _Accepted], at: datetime) -> dict[int, Join]:
    """Find the reports that join a case instead of opening their own."""
    claims = [claim for a in fresh.values() for claim in a.report.given.photo_claims]
    hashes = await photos.hashes_of(conn, claims) if claims else {}
    return await folding.decide(conn, {i: _offer(a, hashes, at) for i, a in fresh.items()}, at=at)


def _offer(a: _Accepted, hashes: dict[str, int], at: datetime) -> Offer:
    given, case = a.report.given, a.case
    trace = Trace(
        matter_id=given.matter_id, lonlat=a.report.position.lonlat, at=at, accuracy_m=a.report.position.accuracy_m,
        texts=(given.description,), hashes=tuple(hashes[claim] for claim in given.photo_claims if claim in hashes),
    )  # fmt: skip
    own = Candidate(case.id, None, case.state, case.title, case.cell, at, case.area_ids, case.holder_id, (), trace)
    return Offer(trace, own, given.same_as, may_fold=given.source in CHECKED_FIRST)


async def _write(conn: Conn, city: City, fresh: dict[int, _Accepted], joins: dict[int, Join], at: datetime) -> list[str]:
    """Write everything and give each report its case's number."""
    if not fresh:
        return []
    accepted = list(fresh.values())
    opening = [a for i, a in fresh.items() if i not in joins]
    async with conn.pipeline():
        await receipts.write(conn, [a.receipt for a in opening], at=at)
        numbers = await cases.open_cases(conn, [a.case for a in opening], at=at, calendar=city.calendar)
        await intake.write(conn, [a.report for a in accepted], at=at)
        happened = [_opened(a.case, at, a.report.given.submitted_by) for a in opening]
        happened += await folding.write(conn, [(fresh[i].report.id, join) for i, join in joins.items()], at=at)
        await events.record(conn, happened)
    for a in accepted:
        if a.report.given.photo_claims:
            await photos.claim(conn, a.report.given.photo_claims, a.report.id)
    public = [(a.report.id, a.report.case_id) for a in accepted if a.report.given.source in FROM_THE_PUBLIC]
    await replies.greet(conn, public, at=at)
    await waking.wake(conn, happened, at=at)
    known = dict(zip((a.case.id for a in opening), numbers, strict=True))
    known |= {join.candidate.case_id: join.candidate.number for join in joins.values() if join.candidate.number}
    return [known[a.report.case_id] for a in accepted]


def _opened(case: cases.NewCase, at: datetime, actor_id: UUID | None) -> events.Event:
    return events.Event(
        kind="case.opened",
        subject_kind="case",
        subject_id=case.id,
        at=at,
        area_ids=case.area_ids,
        department_ids=[case.holder_id] if case.holder_id else [],
        actor_id=actor_id,
    )
