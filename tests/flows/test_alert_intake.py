"""Detections become alerts and cases; near ones become one, and nothing is counted twice."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from domain.alerts.intake import DetectionInput
from domain.errors import DomainError, Invalid
from domain.flows import alert_intake
from domain.flows.city import CityHolder
from tests.flows.conftest import AT, SOUTH, WEST, SmallCity, fill


def seen(key: str | None = None, **given: Any) -> DetectionInput:
    values: dict[str, Any] = {
        "detection_key": key or uuid4().hex, "kind": "person_on_track", "confidence": 0.8, "lon": WEST + 0.005,
        "lat": SOUTH + 0.005, "datum": "WGS84", "accuracy_m": None, "occurred_at": AT,
    }  # fmt: skip
    return DetectionInput(**(values | given))


async def test_a_detection_opens_an_alert_and_a_case_for_the_owner_of_the_subject(city: SmallCity, device_id: UUID) -> None:
    (done,) = await city.detect(seen(), device_id=device_id)
    assert done.opened
    state, department, title = await city.one("select state, department_id, title from cases where id = %s", done.case_id)
    assert (state, department, title) == ("dispatched", city.departments["rail"], "行人上道")


async def test_ten_thousand_metres_or_minutes_apart_are_other_incidents_and_near_ones_are_one(city: SmallCity, device_id: UUID) -> None:
    results = await city.detect(
        seen(), seen(lon=WEST + 0.0055), seen(lon=WEST + 0.0085), seen(kind="large_livestock"),
        seen(occurred_at=AT + timedelta(minutes=25)), seen(occurred_at=AT + timedelta(minutes=9)),
        device_id=device_id,
    )  # fmt: skip
    alerts = [one.alert_id for one in results]
    assert alerts[0] == alerts[1] == alerts[5]
    assert len(set(alerts)) == 4
    assert await city.one("select detection_count from alerts where id = %s", alerts[0]) == 3
    assert await city.one("select count(*) from cases") == 4


async def test_a_later_batch_joins_the_open_alert_and_says_so_in_an_event(city: SmallCity, device_id: UUID) -> None:
    (first,) = await city.detect(seen(confidence=0.5), device_id=device_id)
    (second,) = await city.detect(seen(occurred_at=AT + timedelta(minutes=3), confidence=0.9), device_id=device_id)
    assert (second.alert_id, second.number, second.opened) == (first.alert_id, first.number, False)
    count, confidence = await city.one("select detection_count, confidence from alerts")
    assert (count, confidence) == (2, 0.9)
    kinds = await city.rows("select kind from events where subject_id = %s order by seq", first.case_id)
    assert [kind for (kind,) in kinds] == ["case.opened", "case.joined"]


async def test_a_closed_case_takes_no_more_detections(city: SmallCity, device_id: UUID) -> None:
    (first,) = await city.detect(seen(), device_id=device_id)
    await city.conn.execute("update cases set state = 'closed', closed_at = %s", (AT,))
    (second,) = await city.detect(seen(), device_id=device_id)
    assert second.case_id != first.case_id


async def test_a_repeated_detection_is_known_and_twins_in_one_batch_are_refused(city: SmallCity, device_id: UUID) -> None:
    (first,) = await city.detect(seen("k"), device_id=device_id)
    again, twin_a, twin_b = await city.detect(seen("k"), seen("t"), seen("t"), device_id=device_id)
    assert again.repeated
    assert again.detection_id == first.detection_id
    assert not isinstance(twin_a, DomainError)
    assert isinstance(twin_b, DomainError)
    assert await city.one("select count(*) from detections") == 2


async def test_bad_detections_are_refused_alone_and_named(city: SmallCity, device_id: UUID) -> None:
    results = await city.detect(
        seen(kind="face"), seen(confidence=1.5), seen(lon=200.0), seen(evidence={"x": "y" * 5000}), seen(detection_key=""), seen(),
        device_id=device_id,
    )  # fmt: skip
    assert [one.field if isinstance(one, Invalid) else "" for one in results] == [
        "kind", "confidence", "position", "evidence", "key", "",
    ]  # fmt: skip


async def test_a_raised_alert_is_the_same_alert_on_a_retry(city: SmallCity) -> None:
    submission, item = uuid4(), seen(confidence=1.0)
    staff = city.users["staff"]
    first = await alert_intake.raise_alert(city.conn, city.holder, submission, item, at=AT, actor_id=staff)
    again = await alert_intake.raise_alert(city.conn, city.holder, submission, item, at=AT)
    assert again.repeated
    assert (again.alert_id, again.number) == (first.alert_id, first.number)
    assert await city.one("select detection_count from alerts") == 1
    assert await city.one("select actor_id from events where kind = 'case.opened'") == staff


async def test_many_devices_at_once_make_one_incident(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await fill(conn)
        await conn.commit()
    holder = CityHolder()

    async def send() -> Any:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            return (await alert_intake.detect(conn, holder, [seen()], device_id=None, at=AT))[0]

    results = await asyncio.gather(*(send() for _ in range(12)))
    assert len({one.case_id for one in results}) == 1
    assert sum(one.opened for one in results) == 1
