"""What happens to a report on its way in, on a real PostGIS."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.areas.publish import publish
from domain.errors import Conflict, DomainError, Invalid
from domain.flows import report_intake
from domain.flows.city import CityHolder
from domain.reports.intake import tracking_hash
from geo import datum
from tests.flows.conftest import AT, SECRET, SOUTH, STEP, WEST, SmallCity, fill, grids


async def test_a_report_becomes_a_case_with_owner_department_clock_receipt_and_event(city: SmallCity) -> None:
    (done,) = await city.submit(city.report())
    case = await city.one("select row_to_json(c) from cases c where id = %s", done.case_id)
    assert (case["state"], case["number"]) == ("dispatched", done.number)
    assert case["home_area_id"] == str(city.areas["360502101001000"])
    assert case["department_id"] == str(city.departments["west"])
    assert set(case["area_ids"]) == {str(city.areas[code]) for code in ("360500", "360502", "360502101", "360502101001000")}
    assert case["due_at"] == "2026-11-20T08:00:00+00:00", "four work hours from ten o'clock are over at four"
    verbs = await city.rows("select verb from case_transitions where case_id = %s order by id", done.case_id)
    assert [verb for (verb,) in verbs] == ["file", "dispatch"]
    event = await city.one("select row_to_json(e) from events e where subject_id = %s", done.case_id)
    assert (event["kind"], event["position"]) == ("case.opened", None)
    assert event["department_ids"] == [str(city.departments["west"])]


async def test_the_millionth_case_has_a_number_of_its_own(city: SmallCity) -> None:
    await city.conn.execute("select setval('case_numbers', 999998)")
    done = await city.submit(*(city.report() for _ in range(13)))
    assert [one.number for one in done] == [f"20261120-{number}" for number in range(999_999, 1_000_012)]


async def test_a_component_goes_to_its_owner(city: SmallCity) -> None:
    (done,) = await city.submit(city.report(matter_id=city.matters["cover"]))
    assert await city.one("select department_id from cases where id = %s", done.case_id) == city.departments["water"]


async def test_what_no_grid_owns_waits_in_the_queue_and_is_seen_by_the_county(city: SmallCity) -> None:
    (done,) = await city.submit(city.report(lon=WEST - 0.01, matter_id=None))
    state, home, areas, due = await city.one("select state, home_area_id, area_ids, due_at from cases where id = %s", done.case_id)
    assert (state, home) == ("filed", None)
    assert due == AT + timedelta(hours=24), "what is not known yet has the clock of a first check"
    assert set(areas) == {city.areas["360500"], city.areas["360502"]}
    (far,) = await city.submit(city.report(lon=116.0, lat=39.0, matter_id=city.matters["cover"]))
    state, areas = await city.one("select state, area_ids from cases where id = %s", far.case_id)
    assert (state, areas) == ("filed", [city.areas["360500"]]), "a city-wide duty does not reach beyond what the city owns"


async def test_a_position_from_a_chinese_map_lands_in_the_true_grid_and_the_raw_numbers_are_kept(city: SmallCity) -> None:
    lon, lat = datum.wgs84_to_gcj02(WEST + 0.005, SOUTH + 0.005)
    (done,) = await city.submit(city.report(lon=lon, lat=lat, datum="GCJ02"))
    home, raw = await city.one(
        "select c.home_area_id, r.raw_lon from cases c join reports r on r.case_id = c.id where c.id = %s", done.case_id
    )
    assert home == city.areas["360502101001000"]
    assert raw == lon


async def test_near_a_border_the_receipt_names_the_neighbour_with_distance_and_share(city: SmallCity) -> None:
    await city.submit(city.report(lon=WEST + STEP - 0.00005, accuracy_m=20.0))
    candidates, why = await city.one("select candidates, why from receipts")
    assert [one["name"] for one in candidates] == ["网格00", "网格10"]
    assert candidates[1]["distance_m"] == pytest.approx(4.92, abs=0.05)
    assert sum(one["share"] for one in candidates) == pytest.approx(1.0, abs=0.001)
    assert "near_border" in [reason["code"] for reason in why]


async def test_a_retry_is_the_same_report_and_the_same_id_with_other_words_is_a_conflict(city: SmallCity) -> None:
    item = city.report()
    (first,) = await city.submit(item)
    (again,) = await city.submit(item)
    assert again.repeated
    assert (again.report_id, again.number, again.tracking_code) == (first.report_id, first.number, first.tracking_code)
    (other,) = await city.submit(city.report(submission_id=item.submission_id, description="另一件事"))
    assert isinstance(other, Conflict)
    assert await city.one("select count(*) from cases") == 1


async def test_one_bad_item_fails_alone(city: SmallCity) -> None:
    good, bad = city.report(), city.report(lat=float("nan"))
    twin = city.report(submission_id=good.submission_id)
    photo = city.report(photo_claims=("no such photo",))
    results = await city.submit(good, bad, twin, photo, city.report())
    assert [isinstance(one, DomainError) for one in results] == [False, True, True, True, False]
    assert await city.one("select count(*) from reports") == 2
    retried = await city.submit(city.report(submission_id=photo.submission_id))
    assert not retried[0].repeated, "a refused item leaves its submission id free"


async def test_the_tracking_code_is_not_stored_and_is_not_the_number(city: SmallCity) -> None:
    (done,) = await city.submit(city.report())
    stored = await city.one("select tracking_hash from reports")
    assert bytes(stored) == tracking_hash(done.tracking_code.lower().replace("-", " "))
    assert done.tracking_code not in str(await city.rows("select reports, cases from reports, cases"))


async def test_contact_data_lives_in_its_own_table_alone(city: SmallCity) -> None:
    await city.submit(city.report(contact_name="某人", contact_phone="13900000000"))
    assert await city.one("select phone from contacts") == "13900000000"
    for table in ("reports", "cases", "receipts", "events", "case_transitions", "submissions"):
        assert "13900000000" not in str(await city.rows(f"select to_jsonb(t) from {table} t"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"description": "  "}, "description"),
        ({"description": "x" * 4001}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"lon": 27.8, "lat": 114.9}, "position"),
        ({"lon": 181.0}, "position"),
        ({"datum": "WGS48"}, "position"),
        ({"accuracy_m": -1.0}, "position"),
        ({"matter_id": uuid4()}, "matterId"),
        ({"source": "gossip"}, "source"),
        ({"photo_claims": ("a", "a")}, "photoClaims"),
        ({"contact_phone": "1" * 101}, "contactPhone"),
        ({"occurred_at": AT.replace(tzinfo=None)}, "occurredAt"),
    ],
)
async def test_what_cannot_be_accepted_is_refused_with_the_field_named(city: SmallCity, given: dict[str, Any], field: str) -> None:
    (result,) = await city.submit(city.report(**given))
    assert isinstance(result, Invalid)
    assert result.field == field
    assert result.message_zh


async def test_a_grid_published_since_owns_the_next_report(city: SmallCity) -> None:
    await city.submit(city.report())
    moved = [one for one in grids() if not one.code.endswith("000")]
    north = next(one for one in moved if one.code.endswith("003"))
    wider = shapely.union(north.geometry, grids()[0].geometry)
    records = [replace(one, geometry=wider) if one is north else one for one in moved]
    await publish(city.conn, "grid", records, at=AT + timedelta(minutes=1))
    (done,) = await city.submit(city.report(), at=AT + timedelta(minutes=2))
    assert await city.one("select home_area_id from cases where id = %s", done.case_id) == city.areas[north.code]
    ends = await city.rows("select v.valid_to from cases c join area_versions v on v.id = c.home_version_id order by c.id")
    assert ends == [(AT + timedelta(minutes=1),), (None,)], "yesterday's case still points at yesterday's boundary"


async def test_a_boundary_that_comes_into_force_later_is_used_from_that_instant(city: SmallCity) -> None:
    later = AT + timedelta(hours=1)
    records = grids()
    records[0] = replace(records[0], name="新名字")
    await publish(city.conn, "grid", records, at=later)
    await city.submit(city.report(), at=later - timedelta(seconds=1))
    await city.submit(city.report(), at=later)
    names = await city.rows("select owners -> 0 ->> 'name' from receipts order by at")
    assert [name for (name,) in names] == ["网格00", "新名字"]


async def test_twenty_twins_at_once_make_one_report(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        item = (await fill(conn)).report()
        await conn.commit()

    async def send() -> Any:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            return (await report_intake.submit(conn, holder, [item], at=AT, secret=SECRET))[0]

    holder = CityHolder()
    results = await asyncio.gather(*(send() for _ in range(20)))
    assert len({one.report_id for one in results}) == 1
    assert sorted(one.repeated for one in results) == [False] + [True] * 19


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(-0.03, 0.06), st.floats(-0.03, 0.06))
async def test_the_owner_is_who_postgis_says_covers_the_point(city: SmallCity, dx: float, dy: float) -> None:
    lon, lat = WEST + dx, SOUTH + dy
    (done,) = await city.submit(city.report(lon=lon, lat=lat))
    expected = await city.rows(
        "select area_id from area_versions where layer = 'grid' and st_covers(geom, st_point(%s, %s, 4326))"
        ' order by code collate "C" limit 1',
        lon, lat,
    )  # fmt: skip
    home = await city.one("select home_area_id from cases where id = %s", done.case_id)
    assert home == (expected[0][0] if expected else None)


async def test_warming_up_waits_for_no_publication_and_holds_none_back(database_url: str) -> None:
    holder = CityHolder()
    async with (
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as reader,
        await psycopg.AsyncConnection.connect(database_url) as writer,
    ):
        await fill(writer)
        await writer.commit()
        await publish(writer, "grid", grids()[:4], at=AT)
        assert len((await holder.warm(reader, at=AT)).areas.home.owners) == 9, "what is not committed is not seen"
        await writer.commit()
        async with reader.transaction():
            city = await holder.current(reader, at=AT + timedelta(minutes=1))
        assert len(city.areas.home.owners) == 4
