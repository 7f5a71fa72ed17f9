"""Hand-overs of hotlines and of 110: taken in once, placed by the search or by a person, returned when they are not ours."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.areas.publish import publish
from runtime.database import transaction
from tests.connectors.conftest import Connected
from tests.flows.conftest import SOUTH, WEST, grids

pytestmark = pytest.mark.anyio

WAITING = "{ diversions { nodes { id state address description candidates { name confidence precisionM lon lat } } } }"
PLACE = "mutation($input: PlaceDiversionInput!) { placeDiversion(input: $input) { state caseNumber placeName acceptedAt } }"
RETURN = "mutation($input: ReturnDiversionInput!) { returnDiversion(input: $input) { state returnedReason } }"


async def _send(connected: Connected, key: str, **given: Any) -> httpx.Response:
    item: dict[str, Any] = {
        "externalNumber": "12345-0001", "divertedFrom": "12345", "handoverAt": _ago(minutes=5), "kind": "暴露生活垃圾",
        "description": "市民反映广场垃圾没人清", "address": "新余北站广场", "contact": {"name": "张三", "phone": "13800000000"},
    }  # fmt: skip
    return await connected.http.post("/handovers", json={**item, **given}, headers={"X-Connector-Key": key})


def _ago(**units: float) -> str:
    return (datetime.now(UTC) - timedelta(**units)).isoformat()


async def _status(connected: Connected, key: str, asked: str) -> Any:
    return (await connected.http.get(f"/handovers/{asked}", headers={"X-Connector-Key": key})).json()


@pytest.mark.parametrize(("source", "state"), [("hotline", "checking"), ("police110", "filed")])
async def test_a_sure_address_opens_the_case_at_once_with_the_sender_s_clock(connected: Connected, source: str, state: str) -> None:
    await connected.place("新余北站广场")
    key = await connected.client("handover", source)
    handover_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    answer = await _send(connected, key, handoverAt=handover_at.isoformat())
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["state"] == "accepted"
    assert told["case"]["state"] in (state, "dispatched")
    assert datetime.fromisoformat(told["acceptedAt"]) > handover_at
    assert await connected.rows("select r.source, c.opened_at from reports r join cases c on c.id = r.case_id") == [(source, handover_at)]
    assert await connected.rows("select name, phone from contacts") == [("张三", "13800000000")]
    assert await connected.rows("select count(*) from diversions where sealed_contact is not null") == [(0,)]
    assert (await _status(connected, key, "12345-0001"))["case"] == told["case"]
    assert "138" not in answer.text


async def test_the_same_number_sent_ten_times_at_once_is_one_hand_over(connected: Connected) -> None:
    await connected.place("新余北站广场")
    key = await connected.client("handover", "hotline")
    handed = _ago(minutes=1)
    answers = await asyncio.gather(*(_send(connected, key, handoverAt=handed) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert await connected.rows("select count(*) from reports") == [(1,)]
    other = await _send(connected, key, description="完全另一件事", handoverAt=handed)
    assert other.status_code == 409
    assert other.json()["field"] == "externalNumber"


async def test_an_unclear_address_waits_for_an_operator_and_is_never_a_false_point(connected: Connected) -> None:
    key = await connected.client("handover", "hotline")
    handover_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    answer = await _send(connected, key, address="西镇某小区门口", handoverAt=handover_at.isoformat())
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["case"]) == ("needs_place", None)
    assert await connected.rows("select count(*) from cases") == [(0,)]
    assert await connected.rows("select count(*) from contacts") == [(0,)]

    desk = await connected.graph.staff("desk", "dispatcher")
    (waiting,) = (await connected.graph.ask(WAITING, None, desk))["diversions"]["nodes"]
    assert waiting["id"] == told["id"]
    assert any(place["name"] == "西镇" for place in waiting["candidates"])
    position = {"lon": WEST + 0.005, "lat": SOUTH + 0.005, "datum": "WGS84", "accuracyM": 20}
    given = {"id": told["id"], "position": position, "placeName": "西镇农贸市场"}
    placed = (await connected.graph.ask(PLACE, {"input": given}, desk))["placeDiversion"]
    assert placed["state"] == "accepted"
    assert placed["placeName"] == "西镇农贸市场"
    known = await _status(connected, key, told["id"])
    assert known["case"]["number"] == placed["caseNumber"]
    assert await connected.rows("select opened_at from cases") == [(handover_at,)]
    assert await connected.rows("select name, phone from contacts") == [("张三", "13800000000")]
    assert (await connected.graph.refused(PLACE, {"input": given}, desk))["code"] == "conflict"


async def test_a_hand_over_of_yesterday_is_owned_by_the_boundaries_of_today(connected: Connected) -> None:
    key = await connected.client("handover", "hotline")
    told = (await _send(connected, key, handoverAt=_ago(days=1), address="西镇某处")).json()
    records = [replace(record, name=f"新{record.name}") for record in grids()]
    async with transaction(connected.graph.doors.pool) as conn:
        await publish(conn, "grid", records, at=datetime.now(UTC))
    desk = await connected.graph.staff("desk", "dispatcher")
    position = {"lon": WEST + 0.005, "lat": SOUTH + 0.005, "datum": "WGS84"}
    await connected.graph.ask(PLACE, {"input": {"id": told["id"], "position": position}}, desk)
    names = "select v.name from cases c join area_versions v on v.id = c.home_version_id"
    assert await connected.rows(names) == [("新网格00",)]
    await connected.graph.report()
    assert await connected.rows(names) == [("新网格00",)] * 2


async def test_two_operators_placing_one_hand_over_open_one_case(connected: Connected) -> None:
    key = await connected.client("handover", "hotline")
    told = (await _send(connected, key, address="西镇某处")).json()
    desk = await connected.graph.staff("desk", "dispatcher")
    position = {"lon": WEST + 0.005, "lat": SOUTH + 0.005, "datum": "WGS84"}
    given = {"input": {"id": told["id"], "position": position}}
    answers = await asyncio.gather(*(connected.graph.answer(PLACE, given, desk) for _ in range(2)))
    assert sorted("errors" in answer.json() for answer in answers) == [False, True]
    assert await connected.rows("select count(*) from cases") == [(1,)]


async def test_what_is_not_ours_goes_back_with_a_reason_the_sender_reads(connected: Connected) -> None:
    key = await connected.client("handover", "police110")
    told = (await _send(connected, key, address="外市某处")).json()
    desk = await connected.graph.staff("desk", "dispatcher")
    assert (await connected.graph.refused(RETURN, {"input": {"id": told["id"], "reason": " "}}, desk))["field"] == "reason"
    await connected.graph.ask(RETURN, {"input": {"id": told["id"], "reason": "属宜春市管辖"}}, desk)
    known = await _status(connected, key, told["id"])
    assert (known["state"], known["returnedReason"]) == ("returned", "属宜春市管辖")
    assert known["returnedAt"]
    assert await connected.rows("select count(*) from diversions where sealed_contact is not null") == [(0,)]


async def test_a_case_we_reject_counts_as_returned(connected: Connected) -> None:
    await connected.place("新余北站广场")
    key = await connected.client("handover", "hotline")
    await _send(connected, key)
    desk = await connected.graph.staff("desk", "dispatcher")
    ((case_id, revision),) = await connected.rows("select id, revision from cases")
    given = {"caseId": str(case_id), "verb": "reject", "revision": revision, "reason": "属铁路局管辖"}
    await connected.graph.ask("mutation($input: StepCaseInput!) { stepCase(input: $input) { state } }", {"input": given}, desk)
    known = await _status(connected, key, "12345-0001")
    assert (known["state"], known["returnedReason"]) == ("returned", "属铁路局管辖")


async def test_a_waiting_hand_over_is_seen_where_its_candidates_lie_and_nowhere_else(connected: Connected) -> None:
    key = await connected.client("handover", "hotline")
    told = (await _send(connected, key, address="西镇某处")).json()
    west = await connected.graph.staff("west", "dispatcher", area="360502101")
    east = await connected.graph.staff("east", "dispatcher", area="360502102")
    clerk = await connected.graph.staff("clerk", "clerk")
    assert len((await connected.graph.ask(WAITING, None, west))["diversions"]["nodes"]) == 1
    assert (await connected.graph.ask(WAITING, None, east))["diversions"]["nodes"] == []
    assert (await connected.graph.refused(WAITING, None, clerk))["code"] == "forbidden"
    given = {"input": {"id": told["id"], "reason": "不属本镇"}}
    assert (await connected.graph.refused(RETURN, given, east))["code"] == "not_found"


async def test_a_sender_sees_its_own_hand_overs_only(connected: Connected) -> None:
    await connected.place("新余北站广场")
    mine, theirs = await connected.client("handover", "hotline"), await connected.client("handover", "police110", "other")
    told = (await _send(connected, mine)).json()
    answer = await connected.http.get(f"/handovers/{told['id']}", headers={"X-Connector-Key": theirs})
    assert answer.status_code == 404
    assert (await connected.http.get(f"/handovers/{told['id']}")).status_code == 401
    assert (await _send(connected, theirs)).status_code == 201  # their number is their own


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"externalNumber": ""}, "externalNumber"),
        ({"divertedFrom": None}, "divertedFrom"),
        ({"handoverAt": "2026-11-22 08:00"}, "handoverAt"),
        ({"handoverAt": "2020-01-01T00:00:00Z"}, "handoverAt"),
        ({"description": ""}, "description"),
        ({"description": "x\0"}, "description"),
        ({"address": "长" * 301}, "address"),
        ({"contact": "张三"}, "contact"),
        ({"position": {"lon": "east", "lat": 1, "datum": "WGS84"}}, "lon"),
        ({"position": {"lon": 114.9, "lat": 27.8, "datum": "MARS"}}, "position"),
        ({"position": {"lon": 114.9, "lat": 27.8}}, "datum"),
    ],
)
async def test_what_is_wrong_is_named(connected: Connected, given: dict[str, Any], field: str) -> None:
    key = await connected.client("handover", "hotline")
    answer = await _send(connected, key, **given)
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field
    assert await connected.rows("select count(*) from diversions") == [(0,)]


async def test_a_position_of_the_sender_is_converted_from_its_datum(connected: Connected) -> None:
    from geo import datum

    lon, lat = datum.wgs84_to_gcj02(WEST + 0.015, SOUTH + 0.015)
    key = await connected.client("handover", "police110")
    answer = await _send(connected, key, position={"lon": lon, "lat": lat, "datum": "GCJ02", "accuracyM": 30})
    assert answer.status_code == 201, answer.text
    ((x, raw, declared, accuracy_m),) = await connected.rows("select st_x(position), raw_lon, datum, accuracy_m from reports")
    assert abs(float(str(x)) - WEST - 0.015) < 1e-6
    assert (raw, declared, accuracy_m) == (lon, "GCJ02", 30.0)


async def test_a_kind_that_is_none_of_ours_is_kept_in_the_words(connected: Connected) -> None:
    await connected.place("新余北站广场")
    key = await connected.client("handover", "hotline")
    assert (await _send(connected, key, kind="市容环卫/其他")).status_code == 201
    kept = ("〔来件分类：市容环卫/其他〕市民反映广场垃圾没人清", None)
    assert await connected.rows("select description, matter_id from reports") == [kept]
