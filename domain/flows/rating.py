"""How content those are who reported: each of them rates each result once, the first moves the case, the worst one counts."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from domain import events
from domain.base import Conn
from domain.cases.rules import SATISFACTIONS, StepInput
from domain.errors import Conflict, Invalid
from domain.flows import case_steps, reporters, waking
from domain.flows.city import City
from domain.flows.reporters import Reporter
from domain.replies import texts, write

_WORST: Final = """
update cases set satisfaction = %(given)s, revision = revision + 1, updated_at = %(at)s
where id = %(id)s and (satisfaction is null
    or array_position(%(order)s::text[], satisfaction) < array_position(%(order)s::text[], %(given)s::text))
"""


async def rate(conn: Conn, code: str, satisfaction: str, words: str | None, *, submission_id: UUID, city: City, at: datetime) -> Reporter:
    """Rate the result of a report's case.

    The first rating is a step of the case (and closes it, unless it is ``dissatisfied``); those of other reporters are
    added while the time for rating runs. Raises Conflict outside that time and for a second rating by the same reporter.
    """
    if satisfaction not in SATISFACTIONS:
        raise Invalid(f"satisfaction is one of {', '.join(SATISFACTIONS)}", "满意度须为满意、基本满意或不满意", field="satisfaction")
    words = texts.checked(words, "words") if (words or "").strip() and words else None
    reporter = await reporters.by_code(conn, code)
    if await write.earlier_rating(conn, submission_id, reporter.report_id, satisfaction, words):
        return reporter
    still = reporter.rate_until is not None and at <= reporter.rate_until
    if not still or reporter.state not in ("verified", "rated", "closed") or await reporters.has_withdrawn(conn, reporter.report_id):
        raise Conflict("there is no result to rate now", "目前没有可评价的处置结果", field="code")
    await write.rating(conn, reporter.case_id, reporter.report_id, reporter.round, satisfaction, words, submission_id=submission_id, at=at)
    if reporter.state == "verified":
        what = StepInput(satisfaction=satisfaction, command_id=submission_id)
        await case_steps.step_as_reporter(conn, reporter.case_id, "rate", what, city=city, at=at)
    else:
        await _add(conn, reporter, satisfaction, at)
    return reporter


async def _add(conn: Conn, reporter: Reporter, satisfaction: str, at: datetime) -> None:
    """Let a further rating count: the worst one stands on the case."""
    order = list(SATISFACTIONS)
    await conn.execute(_WORST, {"given": satisfaction, "order": order, "id": reporter.case_id, "at": at})
    happened = events.Event(
        kind="case.rated", subject_kind="case", subject_id=reporter.case_id, at=at, area_ids=reporter.area_ids,
        department_ids=reporter.department_ids,
    )  # fmt: skip
    await events.record(conn, [happened])
    await waking.wake(conn, [happened], at=at)
