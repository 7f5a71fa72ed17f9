"""The desk over GraphQL: ranking, roster, admissions, presence and the hand-over of shifts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.database import transaction
from tests.api.graph import Graph, ago

pytestmark = pytest.mark.anyio

RANKING = "query($id: ID!) { case(id: $id) { ranking { department { code name } score why { code zh en } load overdue onDuty onCall } } }"
STEP = "mutation($i: StepCaseInput!) { stepCase(input: $i) { state department { code } } }"
SAVE_SHIFT = """mutation($i: SaveDutyShiftInput!) { saveDutyShift(input: $i) {
    id headCount people areaName department { code } skills { kind } } }"""
ROSTER = "query($f: DateTime!, $t: DateTime!) { dutyRoster(from: $f, to: $t) { id department { code } headCount people } }"
CLAIM = "mutation($id: ID!) { claimCase(caseId: $id) { byName userId until } }"
RELEASE = "mutation($id: ID!) { releaseCase(caseId: $id) }"
ADMIT = "mutation($i: SaveAdmissionInput!) { saveAdmission(input: $i) { id areaName matterName taskClass basis validTo } }"
START = """mutation($i: StartHandoverInput!) { startHandover(input: $i) {
    id text fromName toName acknowledgedByName counts { open overdue watched unowned } openCases { number } watchedCases { number } } }"""
TAKE = "mutation($id: ID!) { acknowledgeHandover(id: $id) { acknowledgedByName } }"
LIST = "{ handovers { id text acknowledgedByName } }"


def soon(**units: float) -> str:
    return (datetime.now(UTC) + timedelta(**units)).isoformat()


def shift(graph: Graph, department: str, **given: Any) -> dict[str, Any]:
    values = {"departmentId": str(graph.city.departments[department]), "startsAt": ago(hours=1), "endsAt": soon(hours=7), "headCount": 3}
    return {"i": values | given}


async def test_a_dispatcher_sees_who_could_take_a_case_and_why_and_others_see_no_list(graph: Graph) -> None:
    desk, clerk = await graph.staff("desk", "dispatcher"), await graph.staff("clerk", "clerk", department="west")
    case_id = (await graph.report(desk, source="staff"))["caseId"]
    await graph.ask(STEP, {"i": {"caseId": case_id, "verb": "recall", "reason": "收回"}}, desk)
    await graph.ask(SAVE_SHIFT, shift(graph, "west"), desk)
    (one,) = (await graph.ask(RANKING, {"id": case_id}, desk))["case"]["ranking"]
    assert one["department"] == {"code": "west", "name": "西镇政府"}
    assert (one["onDuty"], one["load"], one["overdue"]) == (3, 0, 0)
    assert {"code": "on_duty", "zh": "现在岗 3 人（+15）", "en": "3 on duty now (+15)"} in one["why"]
    other = (await graph.report(desk, source="staff"))["caseId"]
    assert (await graph.ask(RANKING, {"id": other}, clerk))["case"]["ranking"] == []


async def test_a_roster_lists_people_by_name_and_ranks_none(graph: Graph) -> None:
    desk, clerk = await graph.staff("desk", "dispatcher"), await graph.staff("clerk", "clerk", department="west")
    saved = await graph.ask(SAVE_SHIFT, shift(graph, "west", userIds=[str(graph.city.users["staff"])], skills=[{"kind": "event"}]), desk)
    assert saved["saveDutyShift"] | {"id": ""} == {
        "id": "", "headCount": 3, "people": ["工作人员"], "areaName": None, "department": {"code": "west"}, "skills": [{"kind": "event"}],
    }  # fmt: skip
    await graph.ask(SAVE_SHIFT, shift(graph, "east"), desk)
    window = {"f": ago(hours=2), "t": soon(hours=1)}
    assert [one["department"]["code"] for one in (await graph.ask(ROSTER, window, desk))["dutyRoster"]] == ["west", "east"]
    assert [one["department"]["code"] for one in (await graph.ask(ROSTER, window, clerk))["dutyRoster"]] == ["west"]
    assert (await graph.ask(ROSTER, {"f": soon(hours=8), "t": soon(hours=9)}, desk))["dutyRoster"] == []


async def test_a_clerk_keeps_the_roster_of_the_own_department_and_of_no_other(graph: Graph) -> None:
    clerk, west = await graph.staff("clerk", "clerk", department="west"), await graph.staff("desk", "dispatcher", area="360502101")
    made = (await graph.ask(SAVE_SHIFT, shift(graph, "west"), clerk))["saveDutyShift"]["id"]
    changed = await graph.ask(SAVE_SHIFT, shift(graph, "west", id=made, headCount=5), clerk)
    assert changed["saveDutyShift"]["headCount"] == 5
    assert (await graph.refused(SAVE_SHIFT, shift(graph, "east"), clerk))["code"] == "forbidden"
    assert (await graph.refused(SAVE_SHIFT, shift(graph, "east", id=made), clerk))["code"] == "forbidden"
    # Who dispatches in one town sets what covers that town, whose people they are.
    town, other = str(graph.city.areas["360502101"]), str(graph.city.areas["360502102"])
    await graph.ask(SAVE_SHIFT, shift(graph, "east", areaId=town), west)
    assert (await graph.refused(SAVE_SHIFT, shift(graph, "east", areaId=other), west))["code"] == "forbidden"
    assert (await graph.refused(SAVE_SHIFT, shift(graph, "east"), west))["code"] == "forbidden"
    remove = "mutation($id: ID!) { removeDutyShift(id: $id) }"
    assert (await graph.refused(remove, {"id": made}, west))["code"] == "forbidden"
    assert (await graph.ask(remove, {"id": made}, clerk))["removeDutyShift"] is True
    assert (await graph.refused(remove, {"id": made}, clerk))["code"] == "not_found"


@pytest.mark.parametrize(("given", "field"), [
    ({"endsAt": ago(hours=2)}, "endsAt"), ({"endsAt": soon(days=40)}, "endsAt"), ({"headCount": -1}, "headCount"),
    ({"userIds": ["0190c8e0-0000-7000-8000-000000000000"]}, "userIds"), ({"headCount": 0, "userIds": ["staff"]}, "userIds"),
    ({"skills": [{"minor": "01"}]}, "major"), ({"skills": [{"kind": "x"}]}, "kind"),
    ({"departmentId": "0190c8e0-0000-7000-8000-000000000000"}, "departmentId"),
])  # fmt: skip
async def test_a_shift_that_makes_no_sense_is_refused_by_its_field(graph: Graph, given: dict[str, Any], field: str) -> None:
    desk = await graph.staff("desk", "dispatcher")
    if given.get("userIds") == ["staff"]:
        given = given | {"userIds": [str(graph.city.users["staff"])]}
    found = await graph.refused(SAVE_SHIFT, shift(graph, "west", **given), desk)
    assert (found["code"], found["field"]) == ("invalid", field)


async def test_skills_are_said_anew_and_read_back(graph: Graph) -> None:
    desk = await graph.staff("desk", "dispatcher")
    west = str(graph.city.departments["west"])
    change = "mutation($d: ID!, $s: [MatterSelectorInput!]!) { setDepartmentSkills(departmentId: $d, skills: $s) }"
    for skills in ([{"kind": "event", "major": "01"}, {"kind": "component"}], [{"kind": "event"}]):
        await graph.ask(change, {"d": west, "s": skills}, desk)
        found = (await graph.ask(f'{{ departmentSkills(departmentId: "{west}") {{ kind major minor }} }}', None, desk))["departmentSkills"]
        assert sorted(one["kind"] for one in found) == sorted(one["kind"] for one in skills)


async def test_admissions_are_made_by_supervision_in_its_own_area_and_ended_not_changed(graph: Graph) -> None:
    city, town = await graph.staff("lead", "leader"), await graph.staff("town", "supervisor", area="360502101")
    west, east = str(graph.city.areas["360502101"]), str(graph.city.areas["360502102"])
    rubbish = {"kind": "event", "major": "01", "minor": "10"}
    given = {"areaId": west, "matters": rubbish, "taskClass": "环境卫生", "basis": "任务清单第 3 项"}
    saved = (await graph.ask(ADMIT, {"i": given}, town))["saveAdmission"]
    assert saved | {"id": ""} == {
        "id": "", "areaName": "西镇", "matterName": "暴露生活垃圾", "taskClass": "环境卫生", "basis": "任务清单第 3 项", "validTo": None,
    }  # fmt: skip
    assert (await graph.refused(ADMIT, {"i": given | {"areaId": east}}, town))["code"] == "forbidden"
    assert (await graph.refused(ADMIT, {"i": given | {"taskClass": " "}}, city))["field"] == "taskClass"
    listed = "query($a: ID) { admissions(areaId: $a) { id } }"
    grid = str(graph.city.areas["360502101001000"])
    assert [one["id"] for one in (await graph.ask(listed, {"a": grid}, city))["admissions"]] == [saved["id"]]
    assert (await graph.ask(listed, {"a": east}, city))["admissions"] == []
    assert (await graph.ask("mutation($id: ID!) { removeAdmission(id: $id) }", {"id": saved["id"]}, town))["removeAdmission"]
    assert (await graph.ask(listed, {"a": grid}, city))["admissions"] == []
    assert (await graph.refused("mutation($id: ID!) { removeAdmission(id: $id) }", {"id": saved["id"]}, town))["code"] == "not_found"


async def test_who_opens_a_case_is_shown_to_others_until_they_let_it_go(graph: Graph) -> None:
    one, two = await graph.staff("one", "dispatcher"), await graph.staff("two", "dispatcher")
    case_id = (await graph.report(one))["caseId"]
    shown = "query($id: ID!) { case(id: $id) { claimedBy { byName } } }"
    assert (await graph.ask(shown, {"id": case_id}, two))["case"]["claimedBy"] is None
    first = (await graph.ask(CLAIM, {"id": case_id}, one))["claimCase"]
    assert first["byName"] == "test-one"
    assert (await graph.ask(CLAIM, {"id": case_id}, two))["claimCase"] == first
    assert (await graph.ask(shown, {"id": case_id}, two))["case"]["claimedBy"] == {"byName": "test-one"}
    renewed = (await graph.ask(CLAIM, {"id": case_id}, one))["claimCase"]
    assert renewed["until"] > first["until"]
    assert (await graph.ask(RELEASE, {"id": case_id}, two))["releaseCase"] is False
    assert (await graph.ask(RELEASE, {"id": case_id}, one))["releaseCase"] is True
    assert (await graph.ask(CLAIM, {"id": case_id}, two))["claimCase"]["byName"] == "test-two"
    async with transaction(graph.doors.pool) as conn:
        statement = "select kind from events where kind in ('case.claimed', 'case.released') order by seq"
        rows = await (await conn.execute(statement)).fetchall()
        await conn.execute("update case_claims set until = now() - interval '1 second'")
    assert [kind for (kind,) in rows] == ["case.claimed", "case.released", "case.claimed"]
    assert (await graph.ask(shown, {"id": case_id}, one))["case"]["claimedBy"] is None
    assert (await graph.ask(CLAIM, {"id": case_id}, one))["claimCase"]["byName"] == "test-one"


async def test_a_case_outside_the_remit_cannot_be_claimed(graph: Graph) -> None:
    east = await graph.staff("east", "dispatcher", area="360502102")
    case_id = (await graph.report(await graph.staff("desk", "dispatcher")))["caseId"]
    assert (await graph.refused(CLAIM, {"id": case_id}, east))["code"] == "not_found"
    assert (await graph.refused(RELEASE, {"id": case_id}, east))["code"] == "not_found"


async def test_a_shift_is_handed_over_with_its_figures_and_taken_over_once(graph: Graph) -> None:
    day, night, third = [await graph.staff(name, "dispatcher") for name in ("day", "night", "third")]
    numbers = [(await graph.report(day, source="staff"))["number"] for _ in range(3)]
    watched = await graph.report(day, source="staff")
    await graph.ask(STEP, {"i": {"caseId": watched["caseId"], "verb": "supervise", "reason": "领导督办"}}, day)
    me = (await graph.ask("{ me { id } }", None, night))["me"]["id"]
    made = (await graph.ask(START, {"i": {"text": "东镇积水，注意", "toUserId": me}}, day))["startHandover"]
    assert made["counts"] == {"open": 4, "overdue": 0, "watched": 1, "unowned": 0}
    assert {one["number"] for one in made["openCases"]} == {*numbers, watched["number"]}
    assert made["watchedCases"] == [{"number": watched["number"]}]
    assert (made["fromName"], made["toName"], made["acknowledgedByName"]) == ("test-day", "test-night", None)
    for other in (day, third):
        assert (await graph.refused(TAKE, {"id": made["id"]}, other))["code"] == "forbidden"
    assert (await graph.ask(TAKE, {"id": made["id"]}, night))["acknowledgeHandover"] == {"acknowledgedByName": "test-night"}
    assert (await graph.refused(TAKE, {"id": made["id"]}, night))["code"] == "conflict"
    assert (await graph.ask(LIST, None, third))["handovers"] == [
        {"id": made["id"], "text": "东镇积水，注意", "acknowledgedByName": "test-night"}
    ]


async def test_a_hand_over_is_read_by_its_desk_and_by_no_narrower_one(graph: Graph) -> None:
    west, east, city = (
        await graph.staff("west", "dispatcher", area="360502101"), await graph.staff("east", "dispatcher", area="360502102"),
        await graph.staff("city", "dispatcher"),
    )  # fmt: skip
    await graph.report(city)
    made = (await graph.ask(START, {"i": {"text": "西镇的事"}}, west))["startHandover"]
    assert made["counts"]["open"] == 1
    await graph.ask(START, {"i": {"text": "全市的事"}}, city)
    assert [one["text"] for one in (await graph.ask(LIST, None, east))["handovers"]] == []
    assert [one["text"] for one in (await graph.ask(LIST, None, west))["handovers"]] == ["西镇的事"]
    assert [one["text"] for one in (await graph.ask(LIST, None, city))["handovers"]] == ["全市的事", "西镇的事"]
    assert (await graph.refused(TAKE, {"id": made["id"]}, east))["code"] == "not_found"


async def test_what_was_handed_over_cannot_be_rewritten(graph: Graph) -> None:
    desk = await graph.staff("desk", "dispatcher")
    await graph.ask(START, {"i": {"text": "原话"}}, desk)
    for statement in ("update shift_handovers set text = '改'", "delete from shift_handovers"):
        with pytest.raises(Exception, match="append-only"):
            async with transaction(graph.doors.pool) as conn:
                await conn.execute(statement)
    assert (await graph.refused(START, {"i": {"text": "  "}}, desk))["field"] == "text"
