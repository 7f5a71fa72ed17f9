"""What can be changed through the door: reports, alerts, steps and sessions, each in one transaction."""

import asyncio
import hashlib
import uuid
from typing import Any

import pytest

from runtime.database import transaction
from tests.api.doors import PASSWORD
from tests.api.graph import SUBMIT, Graph, ago

pytestmark = pytest.mark.anyio

FULL = """mutation($input: SubmitReportInput!) { submitReport(input: $input) { reportId caseId number trackingCode repeated
  areaName areaCode departmentName dueAt why { code zh en } } }"""
STEP = "mutation($input: StepCaseInput!) { stepCase(input: $input) { state revision department { code } allowedVerbs { verb } } }"
RAISE = "mutation($input: RaiseAlertInput!) { raiseAlert(input: $input) { alertId caseId number repeated } }"
CASE_EVENTS = "events where subject_kind = 'case'"
TRACK = "query($code: String!) { trackReport(code: $code) { number state stateName { zh } departmentName steps { verb name { zh } } } }"


async def _count(graph: Graph, table: str) -> int:
    async with graph.doors.pool.connection() as conn:
        (row,) = await (await conn.execute(f"select count(*) from {table}")).fetchall()
        return int(row[0])


async def _step(graph: Graph, headers: dict[str, str], case_id: str, verb: str, revision: int, **more: Any) -> dict[str, Any]:
    given = {"caseId": case_id, "verb": verb, "revision": revision, **more}
    return dict((await graph.ask(STEP, {"input": given}, headers))["stepCase"])


async def test_a_report_of_the_public_is_assigned_and_explained_at_once(graph: Graph) -> None:
    found = (await graph.ask(FULL, {"input": graph.report_input()}))["submitReport"]
    assert found["areaCode"] == "360502101001000"
    assert found["departmentName"] == "西镇政府"
    assert found["repeated"] is False
    assert found["why"][0]["code"] == "inside"
    assert all(reason["zh"] and reason["en"] for reason in found["why"])


async def test_a_retry_is_the_same_report_even_when_both_arrive_together(graph: Graph) -> None:
    given = graph.report_input()
    answers = await asyncio.gather(*(graph.ask(SUBMIT, {"input": given}) for _ in range(6)))
    found = [answer["submitReport"] for answer in answers]
    assert len({(one["reportId"], one["caseId"], one["number"], one["trackingCode"]) for one in found}) == 1
    assert sorted(one["repeated"] for one in found) == [False] + [True] * 5
    assert await _count(graph, "reports") == await _count(graph, "cases") == 1
    other = await graph.refused(SUBMIT, {"input": {**given, "description": "另一件事"}})
    assert other["code"] == "conflict"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"description": " "}, "description"),
        ({"description": "x" * 4001}, "description"),
        ({"matterId": str(uuid.UUID(int=1))}, "matterId"),
        ({"matterId": "x"}, "matterId"),
        ({"submissionId": "x"}, "submissionId"),
        ({"position": {"lon": 27.8, "lat": 114.9, "datum": "WGS84"}}, "position"),
        ({"position": {"lon": 114.9, "lat": 27.8, "datum": "WGS84", "accuracyM": -1}}, "position"),
        ({"photoClaims": ["nothing"]}, "photoClaims"),
        ({"photoClaims": [str(i) for i in range(7)]}, "photoClaims"),
        ({"contactPhone": "1" * 101}, "contactPhone"),
        ({"source": "police"}, None),
    ],
)
async def test_a_bad_report_is_refused_by_the_name_of_its_field_and_leaves_nothing(
    graph: Graph, given: dict[str, Any], field: str | None
) -> None:
    refused = await graph.refused(SUBMIT, {"input": graph.report_input(**given)})
    assert field is None or refused["field"] == field, refused
    assert refused["messageZh"]
    for table in ("reports", "cases", "submissions", CASE_EVENTS, "receipts"):
        assert await _count(graph, table) == 0


async def test_an_instant_without_a_zone_and_a_datum_that_is_unknown_are_refused_by_the_schema(graph: Graph) -> None:
    for given in ({"occurredAt": "2026-11-20T08:00:00"}, {"position": {"lon": 114.9, "lat": 27.8, "datum": "NAD27"}}, {"occurredAt": 3}):
        refused = await graph.refused(SUBMIT, {"input": graph.report_input(**given)})
        assert refused["code"] == "invalid"


async def test_the_source_hotline_needs_a_member_of_staff(graph: Graph) -> None:
    given = {"input": graph.report_input(source="hotline", contactName="王先生", contactPhone="0790-1")}
    assert (await graph.refused(SUBMIT, given))["code"] == "unauthenticated"
    assert (await graph.refused(SUBMIT, given, await graph.staff("c", "clerk")))["code"] == "forbidden"
    await graph.ask(SUBMIT, given, await graph.staff("g", "grid_worker"))
    async with graph.doors.pool.connection() as conn:
        statement = "select r.source, u.username from reports r join users u on u.id = r.submitted_by"
        (row,) = await (await conn.execute(statement)).fetchall()
    assert row == ("hotline", "test-g")


async def test_a_code_on_a_bench_needs_nobody_signed_in(graph: Graph) -> None:
    case = (await graph.ask(SUBMIT, {"input": graph.report_input(source="qr")}))["submitReport"]
    async with graph.doors.pool.connection() as conn:
        statement = "select r.source, r.submitted_by, c.state from reports r join cases c on c.id = r.case_id where r.id = %s"
        assert await (await conn.execute(statement, (case["reportId"],))).fetchone() == ("qr", None, "checking")


async def test_a_photo_comes_with_its_report(graph: Graph) -> None:
    claim = "a claim"
    async with transaction(graph.doors.pool) as conn:
        await conn.execute(
            "insert into photos (id, media_key, claim_hash, width, height, byte_count, created_at) values (%s, 'k', %s, 8, 6, 1, now())",
            (uuid.uuid4(), hashlib.sha256(claim.encode()).digest()),
        )
    case = await graph.report(photoClaims=[claim])
    query = "query($id: ID!) { case(id: $id) { reports { photos { id width height url } } } }"
    found = await graph.ask(query, {"id": case["caseId"]}, await graph.staff("d", "dispatcher"))
    (photo,) = found["case"]["reports"][0]["photos"]
    assert photo["url"] == f"/media/{photo['id']}"
    assert (photo["width"], photo["height"]) == (8, 6)


async def test_a_report_is_followed_by_its_code_as_people_type_it_and_by_nothing_else(graph: Graph) -> None:
    case = await graph.report()
    for code in (case["trackingCode"], case["trackingCode"].lower().replace("-", " ")):
        found = (await graph.ask(TRACK, {"code": code}))["trackReport"]
        assert found["number"] == case["number"]
        assert found["stateName"] == {"zh": "待受理"}
        assert found["steps"][0]["name"] == {"zh": "立案"}
    assert (await graph.ask(TRACK, {"code": case["number"]}))["trackReport"] is None
    assert (await graph.refused(TRACK, {"code": "A" * 65}))["field"] == "code"


async def test_a_case_goes_its_way_step_by_step_and_each_step_tells_the_next(graph: Graph) -> None:
    case_id = (await graph.report())["caseId"]
    desk, clerk = await graph.staff("d", "supervisor"), await graph.staff("c", "clerk", department="west")
    accepted = await _step(graph, clerk, case_id, "accept", 1)
    assert (accepted["state"], accepted["revision"]) == ("accepted", 2)
    assert [row["verb"] for row in accepted["allowedVerbs"]] == ["start", "return", "finish", "ask_extension", "ask_suspension"]
    assert (await _step(graph, clerk, case_id, "finish", 2))["state"] == "handled"
    assert (await _step(graph, desk, case_id, "verify", 3))["state"] == "closed"
    log = await graph.ask("query($id: ID!) { case(id: $id) { transitions { verb actorName } } }", {"id": case_id}, desk)
    assert [(row["verb"], row["actorName"]) for row in log["case"]["transitions"][-4:]] == [
        ("accept", "test-c"), ("finish", "test-c"), ("verify", "test-d"), ("close", None),
    ]  # fmt: skip


async def test_whoever_gives_a_case_away_still_sees_what_became_of_it_and_then_no_more(graph: Graph) -> None:
    case_id = (await graph.report())["caseId"]
    clerk = await graph.staff("c", "clerk", department="west")
    returned = await _step(graph, clerk, case_id, "return", 1, reason="不属于本单位")
    assert (returned["state"], returned["department"], returned["allowedVerbs"]) == ("filed", None, [])
    assert (await graph.ask("query($id: ID!) { case(id: $id) { id } }", {"id": case_id}, clerk))["case"] is None


async def test_a_step_on_yesterdays_revision_or_without_its_reason_or_out_of_remit_is_refused(graph: Graph) -> None:
    case_id = (await graph.report())["caseId"]
    clerk, other = await graph.staff("c", "clerk", department="west"), await graph.staff("o", "clerk", department="east")
    for headers, given, code, field in (
        (clerk, {"verb": "accept", "revision": 9}, "conflict", "revision"),
        (clerk, {"verb": "return", "revision": 1}, "invalid", "reason"),
        (clerk, {"verb": "close", "revision": 1}, "forbidden", "case.verify"),
        (clerk, {"verb": "fly", "revision": 1}, "invalid", "verb"),
        (other, {"verb": "accept", "revision": 1}, "not_found", "caseId"),
    ):
        refused = await graph.refused(STEP, {"input": {"caseId": case_id, **given}}, headers)
        assert (refused["code"], refused["field"]) == (code, field)
    assert await _count(graph, CASE_EVENTS) == 1


async def test_an_alert_raised_by_hand_opens_a_case_once(graph: Graph) -> None:
    guard = await graph.staff("g", "rail_guard")
    given = {
        "submissionId": str(uuid.uuid4()), "kind": "person_on_track", "position": graph.at(1.5, 1.5),
        "occurredAt": ago(minutes=1), "note": "两人",
    }  # fmt: skip
    first = (await graph.ask(RAISE, {"input": given}, guard))["raiseAlert"]
    again = (await graph.ask(RAISE, {"input": given}, guard))["raiseAlert"]
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["caseId"] == again["caseId"]
    assert (await graph.refused(RAISE, {"input": {**given, "kind": "ufo", "submissionId": str(uuid.uuid4())}}, guard))["field"] == "kind"
    for note in ("x" * 501, "a\0b"):
        assert (await graph.refused(RAISE, {"input": {**given, "note": note}}, guard))["field"] == "note"


async def test_a_preview_says_what_the_report_will_get(graph: Graph) -> None:
    query = """query($p: PositionInput!) { locate(position: $p) { position department { code } nearBorder
      owners { layer code } candidates { code distanceM share } } }"""
    near = {**graph.at(0.999, 0.5), "accuracyM": 30}
    found = (await graph.ask(query, {"p": near}))["locate"]
    sent = (await graph.ask(FULL, {"input": graph.report_input(position=near)}))["submitReport"]
    assert {"layer": "grid", "code": sent["areaCode"]} in found["owners"]
    assert found["department"] == {"code": "west"}
    assert found["nearBorder"] is True
    assert sum(candidate["share"] for candidate in found["candidates"]) == pytest.approx(1, abs=0.01)
    outside = (await graph.ask(query, {"p": graph.at(60, 60)}))["locate"]
    assert (outside["department"], outside["nearBorder"], outside["candidates"]) == (None, False, [])


async def test_a_session_is_started_kept_and_ended(graph: Graph) -> None:
    await graph.staff("d", "dispatcher")
    sign_in = """mutation($n: String!, $p: String!) { signIn(username: $n, password: $p) {
      accessToken refreshToken me { username permissions roles { role name { zh } } } } }"""
    session = (await graph.ask(sign_in, {"n": "test-d", "p": PASSWORD}))["signIn"]
    assert session["me"]["username"] == "test-d"
    assert "case.dispatch" in session["me"]["permissions"]
    assert session["me"]["roles"] == [{"role": "dispatcher", "name": {"zh": "调度员"}}]
    refresh = "mutation($t: String!) { refreshSession(refreshToken: $t) { accessToken refreshToken } }"
    renewed = (await graph.ask(refresh, {"t": session["refreshToken"]}))["refreshSession"]
    headers = {"Authorization": f"Bearer {renewed['accessToken']}"}
    assert (await graph.ask("{ me { username } }", headers=headers))["me"] == {"username": "test-d"}
    sign_out = "mutation($t: String!) { signOut(refreshToken: $t) }"
    assert (await graph.ask(sign_out, {"t": renewed["refreshToken"]}))["signOut"] is True
    assert (await graph.ask(sign_out, {"t": "nothing"}))["signOut"] is False
    graph.doors.state.actors.clear()
    assert (await graph.refused("{ departments { id } }", headers=headers))["code"] == "unauthenticated"
    assert (await graph.refused(refresh, {"t": session["refreshToken"]}))["code"] == "unauthenticated"
    assert (await graph.refused(sign_in, {"n": "test-d", "p": "wrong password"}))["field"] == "password"


async def test_places_matters_and_the_city_are_told_to_everybody(graph: Graph) -> None:
    found = await graph.ask('{ searchPlaces(text: "西镇") { name kind areaId } matters { name kind } city { name layers { code count } } }')
    assert found["searchPlaces"][0]["name"] == "西镇"
    assert {matter["kind"] for matter in found["matters"]} == {"component", "event", "alert"}
    assert found["city"]["name"] == "新余市"
    assert {"code": "grid", "count": 9} in found["city"]["layers"]
    narrowed = (await graph.ask('{ matters(kind: "event", text: "垃圾") { name } }'))["matters"]
    assert [matter["name"] for matter in narrowed] == ["暴露生活垃圾"]
    assert (await graph.refused('{ matters(kind: "x") { id } }'))["field"] == "kind"
