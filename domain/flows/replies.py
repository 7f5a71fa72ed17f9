"""Messages between the city and those who reported, what of a report is published, and withdrawing and reopening by its sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import events
from domain.base import Conn, new_id
from domain.cases.lifecycle import OPEN_STATES
from domain.cases.rules import StepInput
from domain.errors import Conflict, Invalid, NotFound, TooMany
from domain.flows import case_steps, reporters, waking
from domain.flows.city import City
from domain.flows.reporters import Reporter
from domain.people.scope import SEES, Actor, scope_for
from domain.replies import texts, write

MAX_INCOMING: Final = 50
# The last hours of a deadline are told in the city's own time.
_VALUES: Final = {
    "number": "c.number",
    "matter": "c.title",
    "area": "coalesce((select v.name from area_versions v where v.id = c.home_version_id), '未划分网格')",
    "department": "coalesce(d.name, '值班调度台')",
    "due": "coalesce(to_char(c.due_at at time zone 'Asia/Shanghai', 'MM月DD日 HH24:MI'), '近期')",
}
_VALUES_EN: Final = _VALUES | {
    "matter": "coalesce((select t.name_en from matters t where t.id = c.matter_id), c.title)",
    "area": "coalesce((select coalesce(v.name_en, v.name) from area_versions v where v.id = c.home_version_id), 'no grid')",
    "department": "coalesce(d.name_en, d.name, 'the duty desk')",
    "due": "coalesce(to_char(c.due_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI'), 'soon')",
}
_FILL: Final = f"""
insert into case_messages (id, case_id, report_id, kind, text, text_en, template_code, author_id, at, submission_id)
select m.id, c.id, m.report_id, t.kind, {texts.filled("t.text_zh", _VALUES)}, {texts.filled("t.text_en", _VALUES_EN)}, t.code,
       %(author)s, %(at)s, %(submission)s
from unnest(%(ids)s::uuid[], %(cases)s::uuid[], %(reports)s::uuid[]) as m (id, case_id, report_id)
join cases c on c.id = m.case_id left join departments d on d.id = coalesce(c.department_id, c.proposed_department_id)
join reply_templates t on t.code = %(code)s and t.enabled
"""
_CASE: Final = f"""
select c.state, c.department_id, c.area_ids, c.party_ids from cases c where c.id = %(id)s and {SEES.format("c")} for update
"""
_QUESTION: Final = """
select from case_messages where kind = 'question' and case_id = any(%s) and (report_id is null or report_id = %s) limit 1
"""
_REPORT_SEEN: Final = f"""
select c.id, c.area_ids, c.department_id from reports r join cases c on c.id = r.case_id where r.id = %(report)s and {SEES.format("c")}
"""
_RELEASE: Final = f"""
update photos p set released_at = %(released_at)s, released_by = %(by)s
from case_notes n join cases c on c.id = n.case_id
where n.id = p.note_id and p.id = any(%(photos)s) and p.role = 'after' and c.id = %(case)s and {SEES.format("c")}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to one reporter of a case, or (``report_id`` None) to all of them: typed, or from a template."""

    case_id: UUID
    kind: str
    text: str | None = None
    template_code: str | None = None
    report_id: UUID | None = None
    submission_id: UUID | None = None


async def greet(conn: Conn, reports: Sequence[tuple[UUID, UUID]], *, at: datetime) -> None:
    """Write the automatic first reply to fresh reports, given with their cases, in the transaction that takes them in."""
    if reports:
        await _fill(conn, "auto_reply", [(case_id, report_id) for report_id, case_id in reports], author_id=None, submission_id=None, at=at)


async def write_to_reporters(conn: Conn, actor: Actor | None, given: Outgoing, *, at: datetime) -> UUID:
    """Ask or answer the reporters of a case as a member of staff and give the message's id; the first one is measured.

    Raises Invalid for a bad text or an unknown template, NotFound outside the remit, Conflict where nobody reported the case
    or another case answers for it.
    """
    if given.kind not in ("question", "reply"):
        raise Invalid("kind is question or reply", "类型须为提问或答复", field="kind")
    scope = scope_for(actor, "case.handle", "case.file", "case.check")
    author_id = actor.user_id if actor else None
    row = await (await conn.execute(_CASE, {"id": given.case_id, **scope.parameters()})).fetchone()
    if row is None:
        raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
    state, department_id, area_ids, party_ids = row
    if state == "merged":
        raise Conflict("write on the case this one was merged into", "请在并入的案件中答复", field="caseId")
    known = await reporters.reports_of(conn, given.case_id)
    if not known or (given.report_id is not None and given.report_id not in known):
        raise Conflict("nobody of that name reported this case", "该案件没有对应的上报人", field="reportId")
    message_id = await _write(conn, given, author_id, at)
    await conn.execute("update cases set first_reply_at = %s where id = %s and first_reply_at is null", (at, given.case_id))
    kind = "case.asked" if given.kind == "question" else "case.replied"
    departments = [*([department_id] if department_id else []), *party_ids]
    await _tell(conn, kind, given.case_id, area_ids, departments, author_id, at)
    return message_id


async def answer(conn: Conn, code: str, text: str, *, submission_id: UUID, at: datetime) -> Reporter:
    """Take the reporter's answer to a question; raises Conflict where nothing was asked or the case has ended."""
    reporter = await reporters.by_code(conn, code)
    text = texts.checked(text, "text")
    if await write.earlier_message(conn, submission_id, reporter.report_id, "answer", text):
        return reporter
    asked = await (await conn.execute(_QUESTION, (list(reporter.family), reporter.report_id))).fetchone()
    if asked is None:
        raise Conflict("nothing has been asked", "目前没有需要您答复的问题", field="code")
    if reporter.state not in OPEN_STATES:
        raise Conflict("the case has ended; reopen it to go on", "案件已办结，如需继续请申请重开", field="code")
    await _incoming(conn, reporter, "answer", text, submission_id, at)
    await _tell(conn, "case.answered", reporter.case_id, reporter.area_ids, reporter.department_ids, None, at)
    return reporter


async def withdraw(conn: Conn, code: str, reason: str, *, submission_id: UUID, city: City, at: datetime) -> Reporter:
    """Withdraw a report; its case ends only when nobody else waits for it. Raises as ``case_steps.step``."""
    reporter = await reporters.by_code(conn, code)
    reason = texts.checked(reason, "reason")
    if await write.earlier_message(conn, submission_id, reporter.report_id, "withdrawal", reason):
        return reporter
    if reporter.state not in OPEN_STATES:
        raise Conflict("the case has ended already", "案件已结束", field="code")
    if await reporters.has_withdrawn(conn, reporter.report_id):
        raise Conflict("this report is withdrawn already", "该上报已撤回", field="code")
    alone = await reporters.is_alone(conn, reporter)
    await _incoming(conn, reporter, "withdrawal", reason, submission_id, at)
    if alone:
        what = StepInput(reason=reason, command_id=submission_id)
        await case_steps.step_as_reporter(conn, reporter.case_id, "withdraw", what, city=city, at=at)
    else:
        await _tell(conn, "case.answered", reporter.case_id, reporter.area_ids, reporter.department_ids, None, at)
    return reporter


async def reopen(conn: Conn, code: str, reason: str, *, submission_id: UUID, city: City, at: datetime) -> Reporter:
    """Reopen an ended case for its reporter, within the window of the rules; raises as ``case_steps.step``."""
    reporter = await reporters.by_code(conn, code)
    reason = texts.checked(reason, "reason")
    if await write.earlier_message(conn, submission_id, reporter.report_id, "reopening", reason):
        return reporter
    await _incoming(conn, reporter, "reopening", reason, submission_id, at)
    what = StepInput(reason=reason, command_id=submission_id)
    await case_steps.step_as_reporter(conn, reporter.case_id, "reopen", what, city=city, at=at)
    return reporter


async def moderate(conn: Conn, actor: Actor | None, report_id: UUID, public_text: str | None, *, at: datetime) -> UUID:
    """Publish words about a report on the public map, or with None take them back; gives the case. For supervisors."""
    scope = scope_for(actor, "case.verify")
    row = await (await conn.execute(_REPORT_SEEN, {"report": report_id, **scope.parameters()})).fetchone()
    if row is None or actor is None:
        raise NotFound("there is no such report in your remit", "您的管辖范围内没有该上报", field="reportId")
    case_id, area_ids, department_id = row
    await write.publication(conn, report_id, case_id, public_text, by=actor.user_id, at=at)
    await _tell(conn, "case.moderated", case_id, area_ids, [department_id] if department_id else [], actor.user_id, at)
    found: UUID = case_id
    return found


async def release_photos(conn: Conn, actor: Actor | None, case_id: UUID, photo_ids: Sequence[UUID], shown: bool, *, at: datetime) -> None:
    """Let the reporters of a case see photos of the finished work, or no more; for those who file or verify."""
    scope = scope_for(actor, "case.verify", "case.file")
    if not 1 <= len(set(photo_ids)) <= 50:
        raise Invalid("1 to 50 photos at once", "一次可选择 1 至 50 张照片", field="photoIds")
    values = {
        "released_at": at if shown else None, "by": actor.user_id if actor and shown else None, "photos": list(photo_ids), "case": case_id,
        **scope.parameters(),
    }  # fmt: skip
    if (await conn.execute(_RELEASE, values)).rowcount != len(set(photo_ids)):
        raise NotFound("one of them is no photo of finished work in your remit", "所选照片中有不属于您管辖的处置后照片", field="photoIds")


async def save_template(
    conn: Conn, actor: Actor | None, *, code: str, kind: str, name: str, text_zh: str, text_en: str, enabled: bool, at: datetime
) -> None:
    """Write a template; for those who approve, and for administrators."""
    scope_for(actor, "case.approve", "user.manage")
    if actor is not None:
        await write.template(
            conn, code=code, kind=kind, name=name, text_zh=text_zh, text_en=text_en, enabled=enabled, by=actor.user_id, at=at
        )


async def _write(conn: Conn, given: Outgoing, author_id: UUID | None, at: datetime) -> UUID:
    if (given.text is None) is (given.template_code is None):
        raise Invalid("give a text or a template, not both", "请填写文字或选择模板（二选一）", field="text")
    if given.text is not None:
        text = texts.checked(given.text, "text")
        if given.submission_id and (found := await write.earlier_message(conn, given.submission_id, given.report_id, given.kind, text)):
            return found
        return await write.message(
            conn, given.case_id, given.report_id, given.kind, text, author_id=author_id, submission_id=given.submission_id, at=at
        )
    code = str(given.template_code)
    known = await (
        await conn.execute("select from reply_templates where code = %s and kind = %s and enabled", (code[:40], given.kind))
    ).fetchone()
    if known is None:
        raise Invalid("there is no such template", "没有该模板", field="templateCode")
    if given.submission_id and (found := await _filled_before(conn, given, code)):
        return found
    (message_id,) = await _fill(
        conn, code, [(given.case_id, given.report_id)], author_id=author_id, submission_id=given.submission_id, at=at
    )
    return message_id


async def _filled_before(conn: Conn, given: Outgoing, code: str) -> UUID | None:
    statement = "select id, case_id, template_code from case_messages where submission_id = %s"
    row = await (await conn.execute(statement, (given.submission_id,))).fetchone()
    if row is not None and row[1:] != (given.case_id, code):
        raise write.used()
    return row[0] if row else None


async def _fill(
    conn: Conn, code: str, to: Sequence[tuple[UUID, UUID | None]], *, author_id: UUID | None, submission_id: UUID | None, at: datetime
) -> list[UUID]:
    ids = [new_id() for _ in to]
    values = {
        "ids": ids, "cases": [case_id for case_id, _ in to], "reports": [report_id for _, report_id in to], "code": code,
        "author": author_id, "submission": submission_id, "at": at,
    }  # fmt: skip
    await conn.execute(_FILL, values)
    return ids


async def _incoming(conn: Conn, reporter: Reporter, kind: str, text: str, submission_id: UUID, at: datetime) -> None:
    ((count,),) = await (
        await conn.execute("select count(*) from case_messages where report_id = %s and author_id is null", (reporter.report_id,))
    ).fetchall()
    if count >= MAX_INCOMING:
        raise TooMany(f"at most {MAX_INCOMING} messages for a report", f"每件上报最多留言 {MAX_INCOMING} 条", field="text")
    await write.message(conn, reporter.case_id, reporter.report_id, kind, text, author_id=None, submission_id=submission_id, at=at)


async def _tell(
    conn: Conn, kind: str, case_id: UUID, area_ids: Sequence[UUID], department_ids: Sequence[UUID], actor_id: UUID | None, at: datetime
) -> None:
    happened = events.Event(
        kind=kind, subject_kind="case", subject_id=case_id, at=at, area_ids=area_ids, department_ids=department_ids, actor_id=actor_id
    )
    await events.record(conn, [happened])
    await waking.wake(conn, [happened], at=at)
