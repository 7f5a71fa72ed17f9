"""What passes between the city and those who reported."""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from domain.flows import replies
from domain.flows.replies import MAX_INCOMING, Outgoing
from domain.replies import texts
from tests.flows.conftest import AT
from tests.replies.conftest import Town

pytestmark = pytest.mark.anyio
LATER = AT + timedelta(minutes=20)


async def test_a_report_has_its_first_reply_from_the_moment_it_is_taken_in(town: Town) -> None:
    done = await town.report()
    kind, text, text_en, at, report_id = await town.city.one(
        "select kind, text, text_en, at, report_id from case_messages where case_id = %s", done.case_id
    )
    assert (kind, at, report_id) == ("auto_reply", AT, done.report_id)
    for word in (done.number, "暴露生活垃圾", "网格00", "西镇政府", "11月21日 10:00"):
        assert word in text, text
    assert done.number in text_en
    assert "{" not in text + text_en
    assert await town.case(done.case_id, "first_reply_at") is None


async def test_staffs_own_reports_are_not_answered_and_a_retry_is_answered_once(town: Town) -> None:
    staff = await town.report(source="staff")
    given = town.city.report(source="citizen")
    await town.city.submit(given)
    await town.city.submit(given)
    assert await town.city.rows("select case_id from case_messages where case_id = %s", staff.case_id) == []
    assert await town.city.one("select count(*) from case_messages") == 1


async def test_without_its_template_nothing_is_said_and_the_report_is_taken_in(town: Town) -> None:
    await town.conn.execute("update reply_templates set enabled = false where code = 'auto_reply'")
    await town.report()
    assert await town.city.one("select count(*) from case_messages") == 0


async def test_the_first_answer_by_a_person_is_measured_once_be_it_words_or_a_step(town: Town) -> None:
    first, second = await town.report(), await town.report()
    await replies.write_to_reporters(town.conn, town.people["desk"], Outgoing(case_id=first.case_id, kind="reply", text="已收到"), at=LATER)
    await town.step("desk", first.case_id, "file", LATER + timedelta(hours=1))
    await town.step("desk", second.case_id, "file", LATER)
    staff = await town.report(source="staff")
    await town.step("clerk", staff.case_id, "accept", LATER)
    assert await town.case(first.case_id, "first_reply_at") == LATER
    assert await town.case(second.case_id, "first_reply_at") == LATER
    assert await town.case(staff.case_id, "first_reply_at") is None


async def test_a_template_is_filled_with_what_the_case_knows(town: Town) -> None:
    done = await town.report()
    given = Outgoing(case_id=done.case_id, kind="reply", template_code="reply_started", submission_id=uuid4())
    first = await replies.write_to_reporters(town.conn, town.people["desk"], given, at=LATER)
    again = await replies.write_to_reporters(town.conn, town.people["desk"], given, at=LATER)
    text, text_en, author = await town.city.one("select text, text_en, author_id from case_messages where id = %s", first)
    assert first == again
    assert done.number in text
    assert done.number in text_en
    assert author == town.people["desk"].user_id


async def test_who_may_write_to_reporters(town: Town) -> None:
    done = await town.report(source="hotline")
    given = Outgoing(case_id=done.case_id, kind="question", text="在哪里？")
    for who, error in ((None, Unauthenticated), ("leader", Forbidden), ("stranger", NotFound)):
        refused = await town.refused(replies.write_to_reporters(town.conn, town.people[who] if who else None, given, at=AT))
        assert isinstance(refused, error)


@pytest.mark.parametrize(
    ("given", "error", "field"),
    [
        ({"kind": "auto_reply", "text": "x"}, Invalid, "kind"),
        ({"kind": "reply"}, Invalid, "text"),
        ({"kind": "reply", "text": "x", "template_code": "reply_started"}, Invalid, "text"),
        ({"kind": "reply", "text": " "}, Invalid, "text"),
        ({"kind": "reply", "text": "x" * 1001}, Invalid, "text"),
        ({"kind": "reply", "text": "a\0"}, Invalid, "text"),
        ({"kind": "reply", "template_code": "ask_place"}, Invalid, "templateCode"),
        ({"kind": "reply", "template_code": "nothing"}, Invalid, "templateCode"),
        ({"kind": "reply", "text": "x", "report_id": uuid4()}, Conflict, "reportId"),
    ],
)
async def test_a_bad_message_is_refused_by_the_name_of_its_field(
    town: Town, given: dict[str, object], error: type[Exception], field: str
) -> None:
    done = await town.report()
    values = Outgoing(case_id=done.case_id, **given)  # type: ignore[arg-type]
    refused = await town.refused(replies.write_to_reporters(town.conn, town.people["desk"], values, at=AT))
    assert isinstance(refused, error)
    assert refused.field == field


async def test_a_question_is_answered_by_code_and_a_retry_is_the_same_answer(town: Town) -> None:
    done = await town.report()
    early = await town.refused(replies.answer(town.conn, done.tracking_code, "x", submission_id=uuid4(), at=AT))
    assert isinstance(early, Conflict)
    await replies.write_to_reporters(
        town.conn, town.people["desk"], Outgoing(case_id=done.case_id, kind="question", text="在哪里？"), at=AT
    )
    submission = uuid4()
    for _ in range(2):
        await replies.answer(town.conn, done.tracking_code.lower(), " 门口 ", submission_id=submission, at=LATER)
    other = await town.refused(replies.answer(town.conn, done.tracking_code, "别处", submission_id=submission, at=LATER))
    assert (type(other), other.field) == (Conflict, "submissionId")
    assert await town.city.rows("select text from case_messages where kind = 'answer'") == [("门口",)]
    kinds = await town.city.rows("select kind from events where subject_id = %s order by seq", done.case_id)
    assert [kind for (kind,) in kinds][-2:] == ["case.asked", "case.answered"]
    unknown = await town.refused(replies.answer(town.conn, "AAAA-BBBB-CCCC", "x", submission_id=uuid4(), at=AT))
    assert isinstance(unknown, NotFound)


async def test_one_reporter_cannot_fill_the_case_with_words(town: Town) -> None:
    done = await town.report()
    await replies.write_to_reporters(town.conn, town.people["desk"], Outgoing(case_id=done.case_id, kind="question", text="?"), at=AT)
    for i in range(MAX_INCOMING - 1):  # the automatic reply is among those without an author
        await replies.answer(town.conn, done.tracking_code, str(i), submission_id=uuid4(), at=AT)
    assert isinstance(await town.refused(replies.answer(town.conn, done.tracking_code, "x", submission_id=uuid4(), at=AT)), TooMany)


async def test_withdrawing_ends_the_case_only_when_nobody_else_waits_for_it(town: Town) -> None:
    one, two = await town.report(), await town.report()
    await town.step("desk", two.case_id, "merge", target_id=one.case_id)
    now = await town.now()
    submission = uuid4()
    for _ in range(2):
        await replies.withdraw(town.conn, two.tracking_code, "弄错了", submission_id=submission, city=now, at=AT)
    assert await town.case(one.case_id, "state") == "checking"
    again = await town.refused(replies.withdraw(town.conn, two.tracking_code, "x", submission_id=uuid4(), city=now, at=AT))
    assert isinstance(again, Conflict)
    await replies.withdraw(town.conn, one.tracking_code, "已解决", submission_id=uuid4(), city=now, at=AT)
    assert await town.case(one.case_id, "state") == "withdrawn"


async def test_a_reporter_reopens_within_the_window_and_not_after(town: Town) -> None:
    done = await town.report()
    now = await town.now()
    await replies.withdraw(town.conn, done.tracking_code, "弄错了", submission_id=uuid4(), city=now, at=AT)
    late = AT + timedelta(days=7, seconds=1)
    refused = await town.refused(replies.reopen(town.conn, done.tracking_code, "又来了", submission_id=uuid4(), city=now, at=late))
    assert isinstance(refused, Conflict)
    submission = uuid4()
    for _ in range(2):
        await replies.reopen(town.conn, done.tracking_code, "又来了", submission_id=submission, city=now, at=AT + timedelta(days=7))
    assert await town.case(done.case_id, "state", "reopens") == ("filed", 1)
    await replies.withdraw(town.conn, done.tracking_code, "好了", submission_id=uuid4(), city=now, at=AT + timedelta(days=7))
    assert await town.case(done.case_id, "state") == "withdrawn"


async def test_only_a_supervisor_publishes_and_never_what_looks_like_a_number_of_somebody(town: Town) -> None:
    done = await town.report()
    refused = await town.refused(replies.moderate(town.conn, town.people["desk"], done.report_id, "路边有垃圾", at=AT))
    assert isinstance(refused, Forbidden)
    for text in ("请打13800001234", "138 0000 1234", "0790-642 1234", "x" * 201, " "):
        refused = await town.refused(replies.moderate(town.conn, town.people["supervisor"], done.report_id, text, at=AT))
        assert (type(refused), refused.field) == (Invalid, "publicText"), text
    for text in ("路边有垃圾", "12 号楼前有垃圾，11月20日"):
        await replies.moderate(town.conn, town.people["supervisor"], done.report_id, text, at=AT)
        assert await town.city.one("select public_text from report_publications") == text
    await replies.moderate(town.conn, town.people["supervisor"], done.report_id, None, at=AT)
    assert await town.city.one("select count(*) from report_publications") == 0


async def test_templates_are_kept_by_those_who_approve_and_know_only_what_can_be_filled_in(town: Town) -> None:
    given = {"code": "thanks", "kind": "reply", "name": "致谢", "text_zh": "谢谢，{number}", "text_en": "Thanks, {number}", "enabled": True}

    async def save(who: str, **more: object) -> None:
        await replies.save_template(town.conn, town.people[who], **(given | more), at=AT)  # type: ignore[arg-type]

    assert isinstance(await town.refused(save("clerk")), Forbidden)
    await save("supervisor")
    await save("supervisor", text_zh="多谢")
    assert await town.city.one("select text_zh from reply_templates where code = 'thanks'") == "多谢"
    assert isinstance(await town.refused(save("supervisor", kind="question")), Conflict)
    for more, field in (
        ({"code": "No"}, "code"), ({"kind": "x"}, "kind"), ({"name": ""}, "name"), ({"text_zh": "{phone}"}, "textZh"),
        ({"text_en": ""}, "textEn"),
    ):  # fmt: skip
        assert (await town.refused(save("supervisor", **more))).field == field


def test_filling_knows_every_placeholder() -> None:
    assert texts.filled("t", dict.fromkeys(texts.NAMED, "v")).count("replace(") == len(texts.NAMED)
