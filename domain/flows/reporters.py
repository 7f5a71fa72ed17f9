"""Who reported what: a report found by its tracking code, the case that answers for it, and everybody else that case answers to.

A report stays with the case it opened; where that was merged into another, the other answers for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.base import Conn
from domain.errors import Conflict, NotFound
from domain.reports.intake import tracking_hash

DEEPEST: Final = 20

# Cases from the one named by {0} up to the one that answers for it; the answering one has the greatest n.
UP: Final = (
    "with recursive up as (select u.id, u.merged_into_id, u.state, 0 as n from cases u where u.id = {0}"
    " union all select u.id, u.merged_into_id, u.state, up.n + 1 from up join cases u on u.id = up.merged_into_id"
    f" where up.state = 'merged' and up.n < {DEEPEST})"
)
# Cases merged into the one named by {0}, itself first.
DOWN: Final = (
    "with recursive down as (select u.id, 0 as n from cases u where u.id = {0}"
    " union all select u.id, down.n + 1 from down join cases u on u.merged_into_id = down.id and u.state = 'merged'"
    f" where down.n < {DEEPEST})"
)
_FIND: Final = f"""
select r.id, (select array_agg(up.id order by up.n) from ({UP.format("r.case_id")} select * from up) up)
from reports r where r.tracking_hash = %s
"""
_LOCK: Final = """
select state, department_id, area_ids, party_ids, reworks + reopens, wants_rating, rate_until, satisfaction from cases where id = %s
for update
"""
# Whether the report named by {0} was withdrawn, and not reopened by its sender since.
WITHDRAWN: Final = (
    "coalesce((select w.kind = 'withdrawal' from case_messages w where w.report_id = {0} and w.kind in ('withdrawal', 'reopening')"
    " order by w.at desc, w.id desc limit 1), false)"
)
# Reports the case answers to; whoever has withdrawn is not asked any more.
_OTHERS: Final = f"""
{DOWN.format("%(case)s")}
select r.id from reports r join down on down.id = r.case_id
where r.id <> %(report)s and not {WITHDRAWN.format("r.id")}
"""


@dataclass(frozen=True, slots=True)
class Reporter:
    """A reporter with the locked case that answers for the report; ``family`` are the cases the report went through."""

    report_id: UUID
    case_id: UUID
    family: Sequence[UUID]
    state: str
    department_ids: Sequence[UUID]
    area_ids: Sequence[UUID]
    round: int
    wants_rating: bool
    rate_until: datetime | None
    satisfaction: str | None


async def by_code(conn: Conn, code: str) -> Reporter:
    """Find a report by its tracking code and lock the case that answers for it; raises NotFound for an unknown code."""
    for _ in range(DEEPEST):
        row = await (await conn.execute(_FIND, (tracking_hash(code),))).fetchone()
        if row is None:
            raise NotFound("no report has this code", "没有对应该查询码的上报", field="code")
        report_id, family = row
        case = await (await conn.execute(_LOCK, (family[-1],))).fetchone()
        if case is not None and case[0] != "merged":  # else it was merged while the lock was waited for
            state, department_id, area_ids, party_ids, *rest = case
            departments = [*([department_id] if department_id else []), *party_ids]
            return Reporter(report_id, family[-1], family, state, departments, area_ids, *rest)
    raise Conflict("this report is being moved; try again", "该上报正在并案处理，请稍后再试", field="code")


async def is_alone(conn: Conn, reporter: Reporter) -> bool:
    """Tell whether nobody else waits for the same case."""
    cursor = await conn.execute(_OTHERS, {"case": reporter.case_id, "report": reporter.report_id})
    return await cursor.fetchone() is None


async def has_withdrawn(conn: Conn, report_id: UUID) -> bool:
    """Tell whether a report was withdrawn and not reopened by its sender since."""
    return await (await conn.execute(f"select where {WITHDRAWN.format('%s')}", (report_id,))).fetchone() is not None


async def reports_of(conn: Conn, case_id: UUID) -> list[UUID]:
    """List the reports a case answers to, those of cases merged into it included."""
    cursor = await conn.execute(f"{DOWN.format('%s')} select r.id from reports r join down on down.id = r.case_id", (case_id,))
    return [report_id for (report_id,) in await cursor.fetchall()]
