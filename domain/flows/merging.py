"""What merging, parting and splitting do besides the step itself: who is linked to whom, who will be asked to rate, who is told.

``case_steps`` takes the step by the table's row, under the locks of both cases, and calls these afterwards in the same
transaction. A merged case keeps everything it had: its reports stay with it and its reporters are answered by the case it was merged
into (``reporters``); parting brings state, department and clock back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain import events
from domain.base import Conn
from domain.cases import open as cases
from domain.cases.open import NewCase
from domain.cases.rules import StepInput
from domain.errors import Invalid
from domain.flows import duplicates, waking
from domain.flows.assignment import as_stored, assign, case_of, receipt_of
from domain.flows.city import City
from domain.reports.tables import FROM_THE_PUBLIC
from domain.routing import receipts
from geo.lonlat import LonLat

MAX_SPLIT: Final = 100

_END_MERGE: Final = """
update case_links set undone_at = %s, undone_by = %s where kind = 'merged' and other_case_id = %s and undone_at is null returning case_id
"""
# A case asks for a rating while anybody of the public waits for it, through whatever was merged into it.
_WANTS_RATING: Final = """
with recursive down as (
    select %(case)s::uuid as id, 0 as n
    union all select u.id, down.n + 1 from down join cases u on u.merged_into_id = down.id and u.state = 'merged' where down.n < 20)
update cases set updated_at = %(at)s,
    wants_rating = exists (select from reports r join down on down.id = r.case_id where r.source = any(%(public)s))
where id = %(case)s
"""
_UP: Final = """
with recursive up as (
    select u.id, u.merged_into_id, u.state, 0 as n from cases u where u.id = %s
    union all select u.id, u.merged_into_id, u.state, up.n + 1 from up join cases u on u.id = up.merged_into_id
    where up.state = 'merged' and up.n < 20)
select id from up order by n
"""
# A request that lapsed with the merge waits for its decision again.
_ASK_AGAIN: Final = """
with again as (
    update case_requests set decision = null, decided_by = null, decided_at = null
    where case_id = %(case)s and decision = 'lapsed' and decided_at = (
        select max(t.at) from case_transitions t where t.case_id = %(case)s and t.verb = 'merge')
    returning kind)
update cases set pending_request = again.kind from again where id = %(case)s
"""
_EVENT: Final = "select area_ids, department_id, party_ids from cases where id = %s"
_SPLITTING: Final = """
select state, title, matter_id, condition_id, about_department_id,
       (select count(*) from reports r where r.case_id = c.id),
       (select jsonb_build_array(k.phase, k.amount, k.unit, extract(epoch from k.at)) from case_clock k
        where k.case_id = c.id and k.kind = 'start' order by k.seq desc limit 1)
from cases c where c.id = %s
"""
_REPORTS: Final = """
select id, source, st_x(position), st_y(position) from reports where case_id = %s and id = any(%s) order by received_at, id for update
"""
_END_LINKS: Final = "update case_links set undone_at = %s, undone_by = %s where report_id = any(%s) and undone_at is null"


async def after_merge(conn: Conn, case_id: UUID, given: StepInput, actor_id: UUID | None, _city: City, at: datetime) -> None:
    """Link the merged case to its target with how alike they are, and tell the target's people that it has joined."""
    target = given.target_id
    if target is None:
        raise AssertionError("the table's row needs a target")
    alike = await duplicates.compare_cases(conn, case_id, target)
    await duplicates.link_cases(conn, "merged", target, case_id, alike, actor_id, at=at)
    await _count_raters(conn, target, at)
    await _tell(conn, "case.joined", target, actor_id, at)


async def after_unmerge(conn: Conn, case_id: UUID, _given: StepInput, actor_id: UUID | None, _city: City, at: datetime) -> None:
    """End the link, let a request that lapsed wait again, and tell the people of the other case that this one has parted."""
    await conn.execute(_ASK_AGAIN, {"case": case_id})
    for (target,) in await (await conn.execute(_END_MERGE, (at, actor_id, case_id))).fetchall():
        await _count_raters(conn, target, at)
        await _tell(conn, "case.parted", target, actor_id, at)


async def after_split(conn: Conn, case_id: UUID, given: StepInput, actor_id: UUID | None, city: City, at: datetime) -> None:
    """Open a case of their own for reports that were folded into one they are not about.

    It is assigned by the place of the first of them. Its clock runs from where the old case's did: splitting wins nobody time.
    Raises Invalid unless every report is one of the case and at least one stays.
    """
    ids = list(dict.fromkeys(given.report_ids))
    if len(ids) > MAX_SPLIT:
        raise Invalid(f"at most {MAX_SPLIT} reports at once", f"一次最多拆出 {MAX_SPLIT} 条上报", field="reportIds")
    reports = await (await conn.execute(_REPORTS, (case_id, ids))).fetchall()
    facts = await (await conn.execute(_SPLITTING, (case_id,))).fetchone()
    if facts is None or len(reports) != len(ids):
        raise Invalid("not all of these are reports of this case", "所选上报不全属于本案", field="reportIds")
    if facts[5] <= len(ids):
        raise Invalid("at least one report stays with the case", "原案件至少须保留一条上报", field="reportIds")
    opened = await _open(conn, city, case_id, facts, reports, at)
    await conn.execute("update reports set case_id = %s where id = any(%s)", (opened.id, ids))
    await conn.execute(_END_LINKS, (at, actor_id, ids))
    await duplicates.link_cases(conn, "split", opened.id, case_id, None, actor_id, at=at)
    await _count_raters(conn, case_id, at)
    await _tell(conn, "case.opened", opened.id, actor_id, at)


async def _open(conn: Conn, city: City, case_id: UUID, facts: Sequence[Any], reports: Sequence[Any], at: datetime) -> NewCase:
    state, title, matter_id, condition_id, about, _, started = facts
    _, _, lon, lat = reports[0]
    matter = city.routing.matters.get(matter_id) if matter_id else None
    assigned = assign(city, as_stored(LonLat(lon=lon, lat=lat)), matter)
    receipt = receipt_of(city.areas, assigned, subject_kind="report", subject_id=reports[0][0])
    case = case_of(
        assigned, origin="report", title=title, receipt_id=receipt.id, checked_first=state == "checking",
        wants_rating=any(source in FROM_THE_PUBLIC for _, source, _, _ in reports),
    )  # fmt: skip
    case = replace(case, split_from_id=case_id, condition_id=condition_id, matter_id=matter_id)
    if about is not None and case.department_id == about:
        case = replace(case, department_id=None)
    if started is not None:
        phase, amount, unit, since = started
        case = replace(case, since=datetime.fromtimestamp(since, at.tzinfo))
        if phase == "handle":
            case = replace(case, limit=(amount, unit))
    await receipts.write(conn, [receipt], at=at)
    await cases.open_cases(conn, [case], at=at, calendar=city.calendar)
    if about is not None:
        await conn.execute("update cases set about_department_id = %s where id = %s", (about, case.id))
    return case


async def _count_raters(conn: Conn, case_id: UUID, at: datetime) -> None:
    """Set whether a case, and every case it was itself merged into, is to be rated."""
    chain = [one for (one,) in await (await conn.execute(_UP, (case_id,))).fetchall()]
    for one in chain:
        await conn.execute(_WANTS_RATING, {"case": one, "at": at, "public": list(FROM_THE_PUBLIC)})


async def _tell(conn: Conn, kind: str, case_id: UUID, actor_id: UUID | None, at: datetime) -> None:
    row = await (await conn.execute(_EVENT, (case_id,))).fetchone()
    if row is None:
        raise AssertionError("the case is locked by the step")
    area_ids, department_id, party_ids = row
    departments = [*([department_id] if department_id else []), *party_ids]
    happened = [
        events.Event(
            kind=kind, subject_kind="case", subject_id=case_id, at=at, area_ids=area_ids, department_ids=departments, actor_id=actor_id
        )
    ]
    await events.record(conn, happened)
    await waking.wake(conn, happened, at=at)


AfterStep = Callable[[Conn, UUID, StepInput, UUID | None, City, datetime], Awaitable[None]]
AFTER: Final[Mapping[str, AfterStep]] = {"merge": after_merge, "unmerge": after_unmerge, "split": after_split}
