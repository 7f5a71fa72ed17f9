"""What replies write: messages, templates, ratings and publications, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.base import Conn, new_id
from domain.errors import Conflict
from domain.replies import texts

_MESSAGE = """
insert into case_messages (id, case_id, report_id, kind, text, author_id, at, submission_id)
values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_TEMPLATE = """
insert into reply_templates (code, kind, name, text_zh, text_en, enabled, updated_at, updated_by)
values (%(code)s, %(kind)s, %(name)s, %(zh)s, %(en)s, %(enabled)s, %(at)s, %(by)s)
on conflict (code) do update set name = excluded.name, text_zh = excluded.text_zh, text_en = excluded.text_en,
    enabled = excluded.enabled, updated_at = excluded.updated_at, updated_by = excluded.updated_by
where reply_templates.kind = excluded.kind
"""
_PUBLISH = """
insert into report_publications (report_id, case_id, public_text, moderated_by, moderated_at) values (%s, %s, %s, %s, %s)
on conflict (report_id) do update set public_text = excluded.public_text, moderated_by = excluded.moderated_by,
    moderated_at = excluded.moderated_at
"""


async def message(
    conn: Conn,
    case_id: UUID,
    report_id: UUID | None,
    kind: str,
    text: str,
    *,
    author_id: UUID | None,
    submission_id: UUID | None,
    at: datetime,
) -> UUID:
    """Write a message and give its id."""
    message_id = new_id()
    await conn.execute(_MESSAGE, (message_id, case_id, report_id, kind, text, author_id, at, submission_id))
    return message_id


async def earlier_message(conn: Conn, submission_id: UUID, report_id: UUID | None, kind: str, text: str) -> UUID | None:
    """Find the message a retry has already written; raises Conflict when its id stood for something else."""
    row = await (
        await conn.execute("select id, report_id, kind, text from case_messages where submission_id = %s", (submission_id,))
    ).fetchone()
    if row is None:
        return None
    if row[1:] != (report_id, kind, text):
        raise used()
    found: UUID = row[0]
    return found


async def template(
    conn: Conn, *, code: str, kind: str, name: str, text_zh: str, text_en: str, enabled: bool, by: UUID, at: datetime
) -> None:
    """Write a template, new or changed; raises Conflict where the code belongs to a template of another kind."""
    texts.check_template(code, kind, name, text_zh, text_en)
    values = {
        "code": code, "kind": kind, "name": name.strip(), "zh": text_zh.strip(), "en": text_en.strip(), "enabled": enabled, "at": at,
        "by": by,
    }  # fmt: skip
    if (await conn.execute(_TEMPLATE, values)).rowcount == 0:
        raise Conflict("this code belongs to a template of another kind", "该编码已用于其他类型的模板", field="code")


async def publication(conn: Conn, report_id: UUID, case_id: UUID, public_text: str | None, *, by: UUID, at: datetime) -> None:
    """Publish a text for a report, or with None take it back."""
    if public_text is None:
        await conn.execute("delete from report_publications where report_id = %s", (report_id,))
    else:
        await conn.execute(_PUBLISH, (report_id, case_id, texts.checked_public(public_text), by, at))


async def rating(
    conn: Conn, case_id: UUID, report_id: UUID, round_: int, satisfaction: str, words: str | None, *, submission_id: UUID, at: datetime
) -> None:
    """Write a rating; raises Conflict where this reporter has rated this result already."""
    cursor = await conn.execute(
        "insert into case_ratings (id, case_id, report_id, round, satisfaction, words, at, submission_id)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (new_id(), case_id, report_id, round_, satisfaction, words, at, submission_id),
    )
    if cursor.rowcount == 0:
        raise Conflict("you have rated this result already", "您已评价过本次处置结果", field="code")


async def earlier_rating(conn: Conn, submission_id: UUID, report_id: UUID, satisfaction: str, words: str | None) -> bool:
    """Tell whether a retry's rating is there already; raises Conflict when its id stood for something else."""
    row = await (
        await conn.execute("select report_id, satisfaction, words from case_ratings where submission_id = %s", (submission_id,))
    ).fetchone()
    if row is not None and row != (report_id, satisfaction, words):
        raise used()
    return row is not None


def used() -> Conflict:
    """Make the error of a submission id that stands for something else."""
    message = "this submission id was already used for something else; make a new one"
    return Conflict(message, "该提交编号已用于其他内容，请重新生成", field="submissionId")
