"""Open311 GeoReport v2, asked as its clients ask: form encoded in, XML and JSON out."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from geo import cells
from geo.lonlat import LonLat, distance_m
from tests.connectors import spark
from tests.connectors.conftest import HERE, Connected
from tests.flows.conftest import SOUTH, WEST

pytestmark = pytest.mark.anyio

V2 = "/open311/v2"
CODE = "test-E0110"
# In the order of the spec's own example.
REQUEST_FIELDS = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode", "lat", "long",
    "media_url",
]  # fmt: skip


async def _post(
    connected: Connected, key: str, fields: dict[str, str] | None = None, *, format_: str = "json", headers: dict[str, str] | None = None,
    **more: str,
) -> Any:  # fmt: skip
    given = {"api_key": key, "service_code": CODE, "description": "路边有一堆垃圾", **HERE, **more, **(fields or {})}
    return await connected.http.post(f"{V2}/requests.{format_}", data={k: v for k, v in given.items() if v != ""}, headers=headers)


async def _both(connected: Connected, path: str) -> Any:
    """Read an address in both formats, hold them against each other by the spec's convention, and give the JSON."""
    joiner = f"{path.partition('?')[0]}.{{}}{'?' if '?' in path else ''}{path.partition('?')[2]}"
    as_xml, as_json = await connected.http.get(joiner.format("xml")), await connected.http.get(joiner.format("json"))
    assert (as_xml.status_code, as_json.status_code) == (200, 200), as_xml.text
    assert as_xml.headers["content-type"] == "text/xml; charset=utf-8"
    assert as_json.headers["content-type"] == "application/json; charset=utf-8"
    assert as_xml.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    spark.assert_same(spark.parsed(as_xml.content), as_json.json())
    return as_json.json()


async def test_the_discovery_document_has_every_field_of_the_spec_in_both_formats(connected: Connected) -> None:
    found = await _both(connected, "/open311/discovery")
    assert set(found) == {"changeset", "contact", "key_service", "endpoints"}
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"].endswith("/open311/v2")
    assert endpoint["type"] == "production"
    assert endpoint["formats"] == ["text/xml", "application/json"]


async def test_services_are_the_enabled_matters_and_one_for_whoever_is_unsure(connected: Connected) -> None:
    found = await _both(connected, f"{V2}/services")
    assert [service["service_code"] for service in found] == ["test-C0101", CODE, "OTHER"]
    for service in found:
        assert set(service) == {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
    assert {service["type"] for service in found} == {"realtime"}


async def test_a_matter_with_several_filing_conditions_has_a_definition_to_choose_from(connected: Connected) -> None:
    matter = connected.graph.city.matters["rubbish"]
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute("update filing_conditions set wording = '少量垃圾' where matter_id = %s", (matter,))
        await conn.execute(
            "insert into filing_conditions (id, matter_id, ord, wording, wording_basis, limit_amount, limit_unit, limit_basis)"
            " values (gen_random_uuid(), %s, 2, '大量垃圾堵路', 'own_wording', 2, 'urgent_hour', 'test')",
            (matter,),
        )
    assert (await _both(connected, f"{V2}/services"))[1]["metadata"] is True
    found = await _both(connected, f"{V2}/services/{CODE}")
    (attribute,) = found["attributes"]
    assert attribute["datatype"] == "singlevaluelist"
    assert [value["name"] for value in attribute["values"]] == ["少量垃圾", "大量垃圾堵路"]
    key = await connected.client("open311", "citizen")
    answer = await _post(connected, key, {"attribute[CONDITION]": "2"})
    assert answer.status_code == 200, answer.text
    ((description,),) = await connected.rows("select description from reports")
    assert description == "路边有一堆垃圾\n〔大量垃圾堵路〕"
    assert (await _post(connected, key, {"attribute[CONDITION]": "9"}, description="x")).status_code == 400


@pytest.mark.parametrize("format_", ["xml", "json"])
async def test_a_posted_request_becomes_a_report_and_its_number_finds_it(connected: Connected, format_: str) -> None:
    key = await connected.client("open311", "citizen")
    answer = await _post(connected, key, format_=format_, first_name="三", last_name="张", phone="13800000000")
    assert answer.status_code == 200, answer.text
    if format_ == "json":
        (request,) = answer.json()
        number = request["service_request_id"]
        assert set(request) == {"service_request_id", "service_notice", "account_id"}
    else:
        root = spark.parsed(answer.content)
        assert root.tag == "service_requests"
        assert [part.tag for part in root[0]] == ["service_request_id", "service_notice", "account_id"]
        number = root.findtext("request/service_request_id")
    ((source, stored),) = await connected.rows("select r.source, c.number from reports r join cases c on c.id = r.case_id")
    assert (source, stored) == ("citizen", number)
    assert await connected.rows("select name, phone from contacts") == [("张三", "13800000000")]
    (found,) = await _both(connected, f"{V2}/requests/{number}")
    assert list(found) == REQUEST_FIELDS
    assert found["status"] == "open"
    assert found["service_code"] == CODE


async def test_the_public_answer_is_generalised_and_silent_about_persons(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    await _post(connected, key, description="我家住在三单元402，电话13812345678", first_name="三", last_name="张", phone="13800000000")
    (found,) = await _both(connected, f"{V2}/requests")
    assert found["description"] is None
    assert found["media_url"] is None
    there, shown = LonLat(lon=WEST + 0.005, lat=SOUTH + 0.005), LonLat(lon=found["long"], lat=found["lat"])
    assert distance_m(there, shown) > 0.5
    assert cells.cell(there, 10) == cells.cell(shown, 10)
    told = json.dumps(found, ensure_ascii=False)
    assert not any(secret in told for secret in ("402", "138", "张", HERE["lat"], HERE["long"]))


async def test_words_staff_wrote_for_everybody_are_shown(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    await _post(connected, key, description="我家三单元门口的垃圾")
    staff = connected.graph.city.users["staff"]
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute(
            "insert into report_publications (report_id, case_id, public_text, moderated_by, moderated_at)"
            " select id, case_id, '小区门口有垃圾', %s, now() from reports", (staff,),
        )  # fmt: skip
    (found,) = await _both(connected, f"{V2}/requests")
    assert found["description"] == "小区门口有垃圾"


async def test_a_merged_request_is_as_far_as_the_one_it_was_merged_into(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    first, second, third = [(await _post(connected, key, description=f"第{i}件")).json()[0]["service_request_id"] for i in range(3)]
    async with connected.graph.doors.pool.connection() as conn:
        for number, target in ((first, second), (second, third)):
            await conn.execute(
                "update cases set state = 'merged', closed_at = now(), merged_into_id = (select id from cases where number = %s)"
                " where number = %s", (target, number),
            )  # fmt: skip
    assert [row["status"] for row in await _both(connected, f"{V2}/requests")] == ["open"] * 3
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute("update cases set state = 'closed', closed_at = now() where number = %s", (third,))
    assert [row["status"] for row in await _both(connected, f"{V2}/requests?status=closed")] == ["closed"] * 3


async def test_positions_in_another_datum_are_declared_and_converted(connected: Connected) -> None:
    from geo import datum

    lon, lat = datum.wgs84_to_gcj02(WEST + 0.015, SOUTH + 0.015)
    key = await connected.client("open311", "citizen")
    assert (await _post(connected, key, lat=f"{lat:.7f}", long=f"{lon:.7f}", datum="GCJ02")).status_code == 200
    ((x, y, declared),) = await connected.rows("select st_x(position), st_y(position), datum from reports")
    assert abs(float(str(x)) - WEST - 0.015) < 1e-5
    assert abs(float(str(y)) - SOUTH - 0.015) < 1e-5
    assert declared == "GCJ02"


async def test_a_resend_is_the_same_request_by_its_key_or_by_its_content(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    first = (await _post(connected, key)).json()
    assert (await _post(connected, key)).json() == first
    keyed = {"Idempotency-Key": str(uuid4())}
    second = (await _post(connected, key, headers=keyed)).json()
    assert second != first
    assert (await _post(connected, key, headers=keyed)).json() == second
    other = await _post(connected, key, headers=keyed, description="另一件事")
    assert other.status_code == 400
    assert "Idempotency-Key" in other.text
    assert await connected.rows("select count(*) from reports") == [(2,)]


async def test_the_same_request_sent_ten_times_at_once_is_one(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    answers = await asyncio.gather(*(_post(connected, key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await connected.rows("select count(*) from reports") == [(1,)]


async def test_a_key_opens_only_its_own_door_and_a_wrong_one_is_403(connected: Connected) -> None:
    for key in ("", "gwc_nonsense", await connected.client("handover", "hotline")):
        answer = await _post(connected, key, format_="xml")
        assert answer.status_code == 403
        root = spark.parsed(answer.content)
        assert root.tag == "errors"
        assert root.findtext("error/code") == "403"
        assert "api_key" in (root.findtext("error/description") or "")
    assert await connected.rows("select count(*) from reports") == [(0,)]


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"service_code": ""}, 400, "service_code"),
        ({"service_code": "nonsense"}, 404, "service_code"),
        ({"lat": ""}, 400, "together"),
        ({"lat": "", "long": ""}, 400, "address_string"),
        ({"lat": "north"}, 400, "lat"),
        ({"lat": "114.9", "long": "27.8"}, 400, "lat"),
        ({"datum": "MARS"}, 400, "datum"),
        ({"description": "长" * 4001}, 400, "4000"),
        ({"jurisdiction_id": "elsewhere.gov"}, 404, "jurisdiction"),
        ({"media_url": "file:///etc/passwd"}, 400, "media_url"),
        ({"address_id": str(uuid4()), "lat": "", "long": ""}, 404, "address_id"),
    ],
)
async def test_what_is_wrong_is_said_with_the_spec_s_status(connected: Connected, fields: dict[str, str], status: int, word: str) -> None:
    key = await connected.client("open311", "citizen")
    answer = await _post(connected, key, fields)
    assert answer.status_code == status, answer.text
    assert word in answer.json()[0]["description"]
    assert await connected.rows("select count(*) from reports") == [(0,)]


async def test_a_sure_address_is_taken_and_an_unclear_one_is_refused_with_candidates(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    place_id = await connected.place("新余北站广场")
    answer = await _post(connected, key, lat="", long="", address_string="新余北站广场")
    assert answer.status_code == 200, answer.text
    assert await connected.rows("select accuracy_m from reports") == [(30.0,)]
    unclear = await _post(connected, key, lat="", long="", address_string="西镇")
    assert unclear.status_code == 400
    assert "西镇" in unclear.json()[0]["description"]
    assert (await _post(connected, key, lat="", long="", address_id=str(place_id), description="又一处")).status_code == 200


async def test_an_unclear_address_may_wait_behind_a_token_until_somebody_places_it(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    answer = await _post(connected, key, lat="", long="", address_string="西镇菜场后面", wait_for_place="true", phone="13800000000")
    assert answer.status_code == 200, answer.text
    (waiting,) = answer.json()
    assert "service_request_id" not in waiting
    (known,) = await _both(connected, f"{V2}/tokens/{waiting['token']}")
    assert known == {"service_request_id": None, "token": waiting["token"]}
    ((sealed,),) = await connected.rows("select sealed_contact from diversions")
    assert b"13800000000" not in bytes(sealed)  # type: ignore[call-overload]
    assert await connected.rows("select count(*) from contacts") == [(0,)]
    assert (await connected.http.get(f"{V2}/tokens/{uuid4()}.xml")).status_code == 404


async def test_a_photo_may_come_along_and_is_made_anew(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    out = io.BytesIO()
    Image.new("RGB", (300, 200), (90, 120, 90)).save(out, "JPEG")
    fields = {"api_key": key, "service_code": CODE, "description": "照片见附件", **HERE}
    for _ in range(2):
        answer = await connected.http.post(f"{V2}/requests.json", data=fields, files={"media": ("a.jpg", out.getvalue(), "image/jpeg")})
        assert answer.status_code == 200, answer.text
    assert await connected.rows("select count(*) from photos where report_id is not null") == [(1,)]
    heic = b"\0\0\0\x18ftypheic" + bytes(50)
    for data, word in ((b"%PDF-1.7 not a photo", "PDF document"), (heic, "HEIC"), (b"GIF89a", "undamaged"), (bytes(50 << 20), "longer")):
        bad = await connected.http.post(f"{V2}/requests.json", data=fields, files={"media": ("a.jpg", data, "image/jpeg")})
        assert bad.status_code == 400
        assert word in bad.json()[0]["description"]


async def test_a_link_is_kept_for_staff_and_never_opened(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    async with answering_nobody() as (url, asked):
        assert (await _post(connected, key, media_url=f"{url}/photo.jpg")).status_code == 200
        desk = await connected.graph.staff("desk", "dispatcher")
        told = await connected.graph.ask("{ cases { nodes { reports { mediaUrl } } } }", None, desk)
        assert told["cases"]["nodes"][0]["reports"] == [{"mediaUrl": f"{url}/photo.jpg"}]
        assert not asked.is_set()


@asynccontextmanager
async def answering_nobody() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Listen, answer nobody, and say whether anybody came."""
    asked = asyncio.Event()

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_lists_are_filtered_paged_and_bounded_as_the_spec_says(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    numbers = [(await _post(connected, key, description=f"第{i}件")).json()[0]["service_request_id"] for i in range(5)]
    await _post(connected, key, service_code="OTHER")
    everything = await _both(connected, f"{V2}/requests")
    assert len(everything) == 6
    assert [row["service_request_id"] for row in everything[1:]] == numbers[::-1]
    assert len(await _both(connected, f"{V2}/requests?service_code={CODE}")) == 5
    assert len(await _both(connected, f"{V2}/requests?service_code={CODE},OTHER")) == 6
    assert await _both(connected, f"{V2}/requests?status=closed") == []
    assert len(await _both(connected, f"{V2}/requests?status=open,closed")) == 6
    listed = await _both(connected, f"{V2}/requests?service_request_id={numbers[0]},{numbers[3]}&status=closed")
    assert {row["service_request_id"] for row in listed} == {numbers[0], numbers[3]}
    pages = [await _both(connected, f"{V2}/requests?page_size=4&page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [4, 2, 0]
    assert [*pages[0], *pages[1]] == everything
    now = datetime.now(UTC).replace(microsecond=0)
    early, late = (now - timedelta(days=80)).isoformat(), (now - timedelta(days=1)).isoformat()
    quoted = {name: value.replace("+", "%2B") for name, value in (("start_date", early), ("end_date", late))}
    assert await _both(connected, f"{V2}/requests?" + "&".join(f"{name}={value}" for name, value in quoted.items())) == []
    for wrong in (
        "start_date=2010-01-01T00:00:00Z&end_date=2010-06-01T00:00:00Z", "start_date=2010-01-01", "status=pending", "page=0",
        "page_size=1001", "page=999999",
    ):  # fmt: skip
        assert (await connected.http.get(f"{V2}/requests.json?{wrong}")).status_code == 400, wrong


async def test_updates_tell_each_step_and_never_its_reason(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    number = (await _post(connected, key)).json()[0]["service_request_id"]
    desk = await connected.graph.staff("desk", "dispatcher")
    ((case_id, revision),) = await connected.rows("select id, revision from cases")
    given = {"caseId": str(case_id), "verb": "reject", "revision": revision, "reason": "报告人张三电话不通"}
    await connected.graph.ask("mutation($input: StepCaseInput!) { stepCase(input: $input) { state } }", {"input": given}, desk)
    (found,) = await _both(connected, f"{V2}/requests/{number}")
    assert found["status"] == "closed"
    listed = await _both(connected, f"{V2}/servicerequestupdates")
    assert [one["status"] for one in listed][-1] == "closed"
    assert "张三" not in json.dumps(listed, ensure_ascii=False)
    assert await _both(connected, f"{V2}/requests/{number}/updates") == listed
    assert {one["service_request_id"] for one in listed} == {number}


async def test_complaints_about_a_unit_are_not_public(connected: Connected) -> None:
    key = await connected.client("open311", "citizen")
    number = (await _post(connected, key)).json()[0]["service_request_id"]
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute("update cases set about_department_id = %s", (connected.graph.city.departments["west"],))
    assert await _both(connected, f"{V2}/requests") == []
    assert (await connected.http.get(f"{V2}/requests/{number}.xml")).status_code == 404
    assert await _both(connected, f"{V2}/servicerequestupdates") == []


async def test_an_unknown_format_service_or_number_is_answered_in_the_spec_s_words(connected: Connected) -> None:
    for path, status in (("requests.csv", 400), ("services/nonsense.xml", 404), ("requests/20200101-000001.json", 404)):
        answer = await connected.http.get(f"{V2}/{path}")
        assert answer.status_code == status, path
    answer = await connected.http.get(f"{V2}/services.xml?jurisdiction_id=360500")
    assert answer.status_code == 200
    assert (await connected.http.get(f"{V2}/services.xml?jurisdiction_id=sfgov.org")).status_code == 404
