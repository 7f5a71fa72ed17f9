"""A reporter's side through the door, from the first reply to the rating."""

import uuid
from typing import Any

import pytest

from api.graph import tracking
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio
TRACKED = """number mergedInto state title areaName withdrawn canAnswer canRate rateUntil satisfaction canReopenUntil canWithdraw
  firstReplyAt messages { kind text textEn } photos { id } steps { verb name { zh en } }"""
TRACK = f"query($code: String!) {{ trackReport(code: $code) {{ {TRACKED} }} }}"
ANSWER = f"""mutation($code: String!, $text: String!, $id: ID!) {{
  it: answerQuestion(code: $code, text: $text, submissionId: $id) {{ {TRACKED} }} }}"""
RATE = f"""mutation($code: String!, $s: String!, $words: String, $id: ID!) {{
  it: rateCase(code: $code, satisfaction: $s, words: $words, submissionId: $id) {{ {TRACKED} }} }}"""
REOPEN = f"""mutation($code: String!, $why: String!, $id: ID!) {{
  it: reopenReport(code: $code, reason: $why, submissionId: $id) {{ {TRACKED} }} }}"""
WITHDRAW = f"""mutation($code: String!, $why: String!, $id: ID!) {{
  it: withdrawReport(code: $code, reason: $why, submissionId: $id) {{ {TRACKED} }} }}"""
STEP = "mutation($input: StepCaseInput!) { stepCase(input: $input) { revision state } }"
ASK = "mutation($input: ReporterMessageInput!) { askReporter(input: $input) { firstReplyAt messages { kind text authorName } } }"


class Play:
    """A case with its reporter's phone and the staff around it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.staff: dict[str, dict[str, str]] = {}

    async def step(self, who: str, case_id: str, verb: str, **given: Any) -> None:
        if who not in self.staff:
            self.staff[who] = await self.graph.staff(who, who, department="west" if who == "clerk" else None)
        async with self.graph.doors.pool.connection() as conn:
            ((revision,),) = await (await conn.execute("select revision from cases where id = %s", (case_id,))).fetchall()
        await self.graph.ask(STEP, {"input": {"caseId": case_id, "verb": verb, "revision": revision, **given}}, self.staff[who])

    async def handled(self, case_id: str) -> None:
        for who, verb in (("dispatcher", "file"), ("clerk", "accept"), ("clerk", "finish"), ("supervisor", "verify")):
            await self.step(who, case_id, verb)

    async def track(self, case: dict[str, Any]) -> dict[str, Any]:
        return dict((await self.graph.ask(TRACK, {"code": case["trackingCode"]}))["trackReport"])

    async def tell(self, mutation: str, case: dict[str, Any], **given: Any) -> dict[str, Any]:
        values = {"code": case["trackingCode"], "id": str(uuid.uuid4()), **given}
        first = (await self.graph.ask(mutation, values))["it"]
        again = (await self.graph.ask(mutation, values))["it"]
        assert first == again
        return dict(first)


async def test_a_reporter_asks_nothing_twice_from_the_first_reply_to_the_rating(graph: Graph) -> None:
    play = Play(graph)
    case = await graph.report(source="citizen")
    seen = await play.track(case)
    assert (seen["state"], seen["canWithdraw"], seen["canRate"], seen["canAnswer"], seen["firstReplyAt"]) == (
        "checking",
        True,
        False,
        False,
        None,
    )
    (greeting,) = seen["messages"]
    assert greeting["kind"] == "auto_reply"
    assert case["number"] in greeting["text"]
    assert case["number"] in greeting["textEn"]
    await play.step("dispatcher", case["caseId"], "file")
    given = {"caseId": case["caseId"], "templateCode": "ask_place"}
    asked = (await graph.ask(ASK, {"input": given}, await graph.staff("asks", "clerk", department="west")))["askReporter"]
    assert asked["firstReplyAt"]
    assert asked["messages"][-1]["authorName"] == "test-asks"
    assert (await play.track(case))["canAnswer"] is True
    answered = await play.tell(ANSWER, case, text="在门口")
    assert [message["kind"] for message in answered["messages"]] == ["auto_reply", "question", "answer"]
    for who, verb in (("clerk", "accept"), ("clerk", "finish"), ("supervisor", "verify")):
        await play.step(who, case["caseId"], verb)
    assert (await play.track(case))["canRate"] is True
    rated = await play.tell(RATE, case, s="satisfied", words="很快")
    assert (rated["state"], rated["satisfaction"], rated["canRate"], rated["canAnswer"]) == ("closed", "satisfied", False, False)
    assert rated["canReopenUntil"] is not None
    assert [step["verb"] for step in rated["steps"]][-5:] == ["accept", "finish", "verify", "rate", "close"]
    reopened = await play.tell(REOPEN, case, why="又脏了")
    assert (reopened["state"], reopened["satisfaction"], reopened["canReopenUntil"]) == ("filed", None, None)


async def test_every_reporter_of_merged_cases_sees_what_became_of_it_and_rates(graph: Graph) -> None:
    play = Play(graph)
    one, two, three = [await graph.report(source="citizen") for _ in range(3)]
    await play.step("dispatcher", two["caseId"], "merge", targetId=three["caseId"])
    await play.step("dispatcher", three["caseId"], "merge", targetId=one["caseId"])
    await play.handled(one["caseId"])
    for case, mark in ((one, "fair"), (two, "dissatisfied"), (three, "satisfied")):
        seen = await play.track(case)
        assert (seen["number"], seen["mergedInto"]) == (case["number"], None if case is one else one["number"])
        assert seen["canRate"] is True
        assert len([message for message in seen["messages"] if message["kind"] == "auto_reply"]) == 1
        assert (await play.tell(RATE, case, s=mark))["satisfaction"] == mark
    query = "query($id: ID!) { case(id: $id) { state satisfaction ratings { satisfaction round } } }"
    found = (await graph.ask(query, {"id": one["caseId"]}, play.staff["supervisor"]))["case"]
    assert (found["state"], found["satisfaction"]) == ("closed", "dissatisfied")
    assert [rating["satisfaction"] for rating in found["ratings"]] == ["fair", "dissatisfied", "satisfied"]


async def test_withdrawing_one_of_two_leaves_the_other(graph: Graph) -> None:
    play = Play(graph)
    one, two = await graph.report(source="citizen"), await graph.report(source="citizen")
    await play.step("dispatcher", two["caseId"], "merge", targetId=one["caseId"])
    gone = await play.tell(WITHDRAW, two, why="弄错了")
    assert (gone["withdrawn"], gone["state"], gone["canWithdraw"]) == (True, "checking", False)
    assert (await play.track(one))["withdrawn"] is False
    ended = await play.tell(WITHDRAW, one, why="好了")
    assert (ended["state"], ended["withdrawn"]) == ("withdrawn", True)


async def test_what_goes_on_inside_the_house_is_not_told(graph: Graph) -> None:
    play = Play(graph)
    case = await graph.report(source="citizen")
    await play.step("dispatcher", case["caseId"], "file")
    await play.step("dispatcher", case["caseId"], "supervise", reason="领导关注")
    seen = await play.track(case)
    assert "supervise" not in [step["verb"] for step in seen["steps"]]
    assert "领导" not in str(seen)


async def test_a_code_nobody_has_and_one_that_is_guessed_at_too_often_are_refused(graph: Graph) -> None:
    case = await graph.report(source="citizen")
    values = {"code": "AAAA-BBBB-CCCC", "s": "fair", "id": str(uuid.uuid4())}
    assert (await graph.refused(RATE, values))["code"] == "not_found"
    assert (await graph.refused(RATE, values | {"code": "A" * 65}))["field"] == "code"
    assert (await graph.refused(RATE, values | {"code": case["trackingCode"]}))["code"] == "conflict"
    for _ in range(tracking.WORDS_OF_REPORT.count):
        refused = await graph.refused(RATE, values)
    assert refused["code"] == "too_many"
    for _ in range(tracking.WORDS_OF_ADDRESS.count):
        refused = await graph.refused(RATE, values | {"code": str(uuid.uuid4())})
    assert (refused["code"], refused["field"]) == ("too_many", "reporter")


async def test_the_public_map_shows_a_cell_and_the_words_a_supervisor_wrote(graph: Graph) -> None:
    play = Play(graph)
    case = await graph.report(source="citizen", description="张三家门口")
    query = "query($b: [Float!]!) { publicCases(bbox: $b) { cell polygon lon lat matter { zh } month state stateName { zh } text } }"
    around = {"b": [114.8, 27.7, 115.0, 27.9]}
    assert (await graph.ask(query, around))["publicCases"] == []
    await play.step("dispatcher", case["caseId"], "file")
    supervisor = await graph.staff("s", "supervisor")
    publish = "mutation($id: ID!, $t: String) { moderateReport(reportId: $id, publicText: $t) { publicText } }"
    found = await graph.ask(publish, {"id": case["reportId"], "t": "路边有垃圾"}, supervisor)
    assert found["moderateReport"] == {"publicText": "路边有垃圾"}
    (shown,) = (await graph.ask(query, around))["publicCases"]
    assert shown["text"] == "路边有垃圾"
    assert len(shown["polygon"]["coordinates"][0]) == 7
    assert "张三" not in str(shown)
    assert (await graph.refused(query, {"b": [1.0, 2.0, 3.0]}))["field"] == "bbox"


async def test_templates_are_listed_and_kept_by_supervisors(graph: Graph) -> None:
    supervisor = await graph.staff("s", "supervisor")
    save = "mutation($input: ReplyTemplateInput!) { saveReplyTemplate(input: $input) { code textZh enabled } }"
    given = {"code": "thanks", "kind": "reply", "name": "致谢", "textZh": "谢谢{number}", "textEn": "Thanks"}
    assert (await graph.ask(save, {"input": given}, supervisor))["saveReplyTemplate"] == {
        "code": "thanks",
        "textZh": "谢谢{number}",
        "enabled": True,
    }
    listed = (await graph.ask('{ replyTemplates(kind: "reply") { code textEn } }', headers=supervisor))["replyTemplates"]
    assert "thanks" in [template["code"] for template in listed]
    assert (await graph.refused(save, {"input": given}, await graph.staff("c", "clerk")))["code"] == "forbidden"
