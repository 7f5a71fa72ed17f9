"""The door of the devices: keys, batches, an answer per detection, and retries that change nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from api.http import ingest
from domain.devices import actions as devices
from domain.devices.actions import NewDevice
from domain.errors import Conflict, Invalid, NotFound
from domain.flows.city import CityHolder
from geo.lonlat import LonLat
from runtime.database import transaction
from tests.api.doors import Doors, open_doors
from tests.flows import conftest as small_city

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC)
LON, LAT = small_city.WEST + 0.005, small_city.SOUTH + 0.005
CAMERA = NewDevice(code="CAM-1", kind="camera", name="K912 相机", position=LonLat(lon=LON, lat=LAT))


@pytest.fixture
async def doors(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    async with open_doors(ingest.ROUTES, home=tmp_path, database_url=database_url, redis_url=redis_url) as opened:
        opened.state.jurisdictions = CityHolder()
        async with transaction(opened.pool) as conn:
            await small_city.fill(conn)
        yield opened


async def _register(doors: Doors, new: NewDevice = CAMERA) -> tuple[UUID, dict[str, str]]:
    async with transaction(doors.pool) as conn:
        device_id, key = await devices.register(conn, new, at=NOW)
    return device_id, {"X-Device-Key": key}


def _seen(key: str, **changes: object) -> dict[str, Any]:
    item = {
        "key": key, "kind": "person_on_track", "confidence": 0.9, "lon": LON, "lat": LAT, "datum": "WGS84",
        "accuracyM": 5, "occurredAt": NOW.isoformat(), "evidence": {"frame": 7},
    }  # fmt: skip
    return {**item, **changes}


async def _post(doors: Doors, headers: dict[str, str], *items: object) -> httpx.Response:
    content = orjson.dumps({"detections": items})
    return await doors.client.post("/ingest/detections", content=content, headers=headers)


async def _count(doors: Doors, table: str) -> int:
    async with doors.pool.connection() as conn:
        ((count,),) = await (await conn.execute(f"select count(*) from {table}")).fetchall()
    return int(count)


async def test_a_batch_becomes_one_alert_with_a_case_and_an_answer_for_each_detection(doors: Doors) -> None:
    _, headers = await _register(doors)
    answer = await _post(doors, headers, _seen("a"), _seen("b", lon=LON + 1e-5), _seen("far", lon=LON + 0.01))
    assert answer.status_code == 200
    first, second, far = answer.json()["results"]
    assert [one["key"] for one in (first, second, far)] == ["a", "b", "far"]
    assert {one["status"] for one in (first, second, far)} == {"accepted"}
    assert first["alertId"] == second["alertId"] != far["alertId"]
    assert first["caseNumber"] == second["caseNumber"] != far["caseNumber"]
    assert (await _count(doors, "detections"), await _count(doors, "cases")) == (3, 2)


async def test_a_batch_sent_again_is_repeated_and_changes_nothing(doors: Doors) -> None:
    _, headers = await _register(doors)
    first = (await _post(doors, headers, _seen("a"), _seen("b"))).json()["results"]
    again = (await _post(doors, headers, _seen("a"), _seen("b"), _seen("c"))).json()["results"]
    assert [one["status"] for one in again] == ["repeated", "repeated", "accepted"]
    assert [one["alertId"] for one in again[:2]] == [one["alertId"] for one in first]
    assert (await _count(doors, "detections"), await _count(doors, "cases")) == (3, 1)


async def test_two_devices_may_use_the_same_key_for_their_detections(doors: Doors) -> None:
    _, one = await _register(doors)
    _, two = await _register(doors, NewDevice(code="CAM-2", kind="camera", name="x", position=CAMERA.position))
    for headers in (one, two):
        assert (await _post(doors, headers, _seen("a"))).json()["results"][0]["status"] == "accepted"


def _nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels - 1):
        inner = {"a": inner}
    return inner


BAD = [
    ("text", "detections"),
    (None, "detections"),
    (_seen(""), "key"),
    (_seen("x" * 300), "key"),
    (_seen("a\0b"), "key"),
    (_seen("k", kind="dragon"), "kind"),
    (_seen("k", confidence=1.5), "confidence"),
    (_seen("k", confidence=True), "confidence"),
    (_seen("k", confidence="high"), "confidence"),
    (_seen("k", lon="114.9"), "lon"),
    (_seen("k", lon=LAT, lat=LON), "position"),
    (_seen("k", lon=181), "position"),
    (_seen("k", datum="MARS"), "position"),
    (_seen("k", accuracyM=-1), "position"),
    (_seen("k", occurredAt="yesterday"), "occurredAt"),
    (_seen("k", occurredAt="2026-11-22T08:00:00"), "occurredAt"),
    (_seen("k", occurredAt="0001-01-01T00:00:00+23:59"), "occurredAt"),
    (_seen("k", occurredAt=1_700_000_000), "occurredAt"),
    (_seen("k", evidence=_nested(33)), "evidence"),
    (_seen("k", evidence={"a": [{"b\0": 1}]}), "evidence"),
    (_seen("k", evidence=[1]), "evidence"),
    (_seen("k", evidence={"a": "\0"}), "evidence"),
    (_seen("k", evidence={"a": "x" * 10_000}), "evidence"),
]


async def test_a_bad_detection_is_refused_alone_with_its_field_named(doors: Doors) -> None:
    _, headers = await _register(doors)
    items = [item for item, _ in BAD]
    answer = await _post(doors, headers, _seen("first"), *items, _seen("last"))
    assert answer.status_code == 200
    first, *refused, last = answer.json()["results"]
    assert (first["status"], last["status"]) == ("accepted", "accepted")
    assert [one["status"] for one in refused] == ["refused"] * len(items)
    assert [one["error"]["field"].split(".")[0] for one in refused] == [field for _, field in BAD]
    assert all(one["error"]["message"] and one["error"]["messageZh"] for one in refused)
    assert await _count(doors, "detections") == 2


@pytest.mark.parametrize("key", [None, "", "guessed", "x" * 5000, "gwd_' or 1=1"])
async def test_without_a_good_key_nothing_is_read(doors: Doors, key: str | None) -> None:
    answer = await _post(doors, {} if key is None else {"X-Device-Key": key}, _seen("a"))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "X-Device-Key"
    assert await _count(doors, "detections") == 0


async def test_a_device_switched_off_or_given_a_new_key_cannot_use_the_old_one(doors: Doors) -> None:
    device_id, old = await _register(doors)
    async with transaction(doors.pool) as conn:
        key = await devices.renew_key(conn, device_id, at=NOW)
    assert (await _post(doors, old, _seen("a"))).status_code == 401
    assert (await _post(doors, {"X-Device-Key": key}, _seen("a"))).status_code == 200
    for active, status in ((False, 401), (True, 200)):
        async with transaction(doors.pool) as conn:
            await devices.set_active(conn, device_id, active=active, at=NOW)
        assert (await _post(doors, {"X-Device-Key": key}, _seen("a"))).status_code == status


async def test_guessing_keys_is_stopped_and_a_good_key_still_opens(doors: Doors) -> None:
    _, headers = await _register(doors)
    statuses = [(await _post(doors, {"X-Device-Key": f"gwd_{i}"}, _seen("a"))).status_code for i in range(40)]
    assert statuses == [401] * ingest.BAD_KEYS.count + [429] * (40 - ingest.BAD_KEYS.count)
    assert (await _post(doors, headers, _seen("a"))).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"detections": {}}', 400),
        (b'{"detections": []}', 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (orjson.dumps({"detections": [1] * 1001}), 400),
        (b" " * (ingest.MAX_BYTES + 1), 413),
    ],
    ids=["nothing", "half", "list", "empty", "object", "no items", "deep", "not UTF-8", "too many", "too long"],
)
async def test_a_body_that_is_no_batch_is_refused_with_a_problem(doors: Doors, content: bytes, status: int) -> None:
    _, headers = await _register(doors)
    answer = await doors.client.post("/ingest/detections", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def test_a_thousand_detections_are_taken_in_at_once(doors: Doors) -> None:
    _, headers = await _register(doors)
    items = [_seen(f"k{i}", lon=LON + (i % 10) * 0.001, evidence=None) for i in range(1000)]
    answer = await _post(doors, headers, *items)
    assert {one["status"] for one in answer.json()["results"]} == {"accepted"}
    assert await _count(doors, "detections") == 1000


async def test_a_device_has_its_key_stored_only_as_a_hash_and_leaves_events(doors: Doors) -> None:
    device_id, headers = await _register(doors)
    async with transaction(doors.pool) as conn:
        await devices.set_active(conn, device_id, active=False, at=NOW)
        row = await (await conn.execute("select key_hash from devices where id = %s", (device_id,))).fetchone()
        cursor = await conn.execute("select kind from events where subject_id = %s order by seq", (device_id,))
        assert [kind for (kind,) in await cursor.fetchall()] == ["device.registered", "device.switched_off"]
    assert row is not None
    assert row[0] == devices.hash_key(headers["X-Device-Key"])


async def test_a_bad_device_is_refused(doors: Doors) -> None:
    await _register(doors)
    somewhere = CAMERA.position
    for code, kind, name, error in (
        ("", "camera", "x", Invalid),
        ("a b", "camera", "x", Invalid),
        ("c", "Camera!", "x", Invalid),
        ("c", "camera", " ", Invalid),
        ("CAM-1", "camera", "x", Conflict),
    ):
        with pytest.raises(error):
            await _register(doors, NewDevice(code=code, kind=kind, name=name, position=somewhere))
    with pytest.raises(NotFound):
        async with transaction(doors.pool) as conn:
            await devices.renew_key(conn, UUID(int=0), at=NOW)


def test_the_example_in_the_documentation_is_a_batch_this_door_reads() -> None:
    text = ingest.__doc__ or ""
    example = text[text.index('{"detections"') : text.index("answers")].strip()
    (item,) = orjson.loads(example)["detections"]
    read = ingest._read(item)
    assert not isinstance(read, Invalid)
    assert read.occurred_at - datetime(2026, 11, 22, 8, tzinfo=UTC) == timedelta(0)
