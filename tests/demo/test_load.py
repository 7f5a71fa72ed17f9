"""The demo city as it is loaded: whole or not at all, owned as the product would own it, and consistent to the last row."""

import json
import stat
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import history, load
from domain.base import Conn
from domain.cases.lifecycle import BY_VERB, OPEN_STATES
from domain.flows.assignment import assign
from domain.flows.city import CityHolder
from domain.people import passwords
from geo.lonlat import Datum, LonLat, Position
from runtime import relay
from tests.demo.conftest import AT, DAYS, PER_DAY

OF_REPORTS = "exists (select from cases c where c.id = t.case_id and c.origin = 'report')"


@pytest.fixture
async def loaded(loaded_url: str) -> Any:
    async with await psycopg.AsyncConnection.connect(loaded_url) as conn:
        yield conn
        await conn.rollback()


async def rows(conn: Conn, query: str, *values: object) -> list[Any]:
    return list(await (await conn.execute(query, values or None)).fetchall())


async def one(conn: Conn, query: str, *values: object) -> Any:
    ((value,),) = await rows(conn, query, *values)
    return value


async def test_a_city_of_2700_grids_with_its_rail_and_its_people_is_there(loaded: Conn) -> None:
    counted = dict(await rows(loaded, "select level, count(*) from area_versions group by 1"))
    assert counted["grid"] == 2_700
    assert (counted["city"], counted["county"], counted["town"], counted["village"]) == (1, 2, 34, 511)
    assert await one(loaded, "select count(*) from cases where synthetic and origin = 'report'") == DAYS * PER_DAY
    assert await one(loaded, "select count(*) from devices where is_demo") >= 50
    assert await one(loaded, "select count(*) from rail_lines") > 3
    assert await one(loaded, "select count(*) from places where kind = 'station'") >= 8
    assert await one(loaded, "select count(*) from matters where kind = 'alert'") == 7


async def test_every_case_belongs_to_the_grid_that_postgis_finds(loaded: Conn) -> None:
    wrong = await one(
        loaded,
        "select count(*) from cases c left join lateral (select v.area_id from area_versions v where v.layer = 'grid'"
        " and st_covers(v.geom, c.position) order by v.code limit 1) o on true where o.area_id is distinct from c.home_area_id",
    )
    assert wrong == 0
    assert 0 < await one(loaded, "select count(*) from cases where home_area_id is null") < DAYS * PER_DAY * 0.02


async def test_every_receipt_says_what_the_real_assignment_says(loaded: Conn) -> None:
    holder = CityHolder()
    city = await holder.current(loaded, at=AT)
    sample = await rows(
        loaded,
        "select st_x(r.position), st_y(r.position), r.accuracy_m, r.matter_id, r.department_id, r.capacity, r.home_version_id, r.owners,"
        " r.candidates, r.why, c.area_ids from receipts r join cases c on c.receipt_id = r.id where c.origin = 'report'",
    )
    assert len(sample) == DAYS * PER_DAY
    for lon, lat, accuracy_m, matter_id, department_id, capacity, home_version_id, owners, candidates, why, area_ids in sample:
        at = LonLat(lon=lon, lat=lat)
        position = Position(lonlat=at, accuracy_m=accuracy_m, datum_declared=Datum.WGS84, raw_lon=lon, raw_lat=lat)
        assigned = assign(city, position, city.routing.matters[matter_id])
        choice = assigned.choice
        assert department_id == (choice.department.id if choice.department else None)
        assert capacity == choice.capacity
        assert home_version_id == (assigned.home.version_id if assigned.home else None)
        assert area_ids == list(assigned.area_ids)
        assert [reason["code"] for reason in why] == [reason["code"] for reason in assigned.reasons]
        assert why == json.loads(json.dumps(list(assigned.reasons), default=str))
        assert [one["code"] for one in candidates] == [candidate.owner.code for candidate in assigned.candidates]
        assert {one["layer"]: one.get("code") for one in owners} == {k: o.code if o else None for k, o in assigned.owners.items()}


async def test_the_sensors_alarms_became_cases_of_the_rail_protection_offices(loaded: Conn) -> None:
    owners = await rows(
        loaded,
        "select d.code, c.state, c.synthetic from cases c join departments d on d.id = c.department_id where c.origin = 'alert'",
    )
    assert len(owners) > 20
    assert all(code.startswith("huluban") and synthetic for code, _, synthetic in owners)
    assert {state for _, state, _ in owners} >= {"closed"}
    assert await one(loaded, "select count(*) from detections") >= len(owners)
    assert await one(loaded, "select count(*) from alerts") == len(owners)


async def test_no_row_names_one_that_is_not_there(loaded: Conn) -> None:
    keys = await rows(
        loaded,
        "select c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, f.attname from pg_constraint c"
        " join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]"
        " join pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1] where c.contype = 'f'",
    )
    assert len(keys) > 20
    for table, column, target, key in keys:
        lost = (
            f"select count(*) from {table} t where {column} is not null and not exists (select from {target} x where x.{key} = t.{column})"
        )
        assert await one(loaded, lost) == 0, f"{table}.{column}"


async def test_every_case_has_walked_its_life_cycle_to_the_state_it_is_in(loaded: Conn) -> None:
    walked: dict[Any, list[Any]] = {}
    for case_id, *step in await rows(
        loaded,
        "select case_id, verb, from_state, to_state, at, department_id, reason from case_transitions"
        f" t where {OF_REPORTS} order by case_id, at, array_position(array['file', 'dispatch'], verb)",
    ):
        walked.setdefault(case_id, []).append(step)
    cases = await rows(
        loaded, "select id, state, revision, opened_at, updated_at, closed_at, department_id from cases where origin = 'report'"
    )
    assert {case[0] for case in cases} == set(walked)
    for case_id, state, revision, opened_at, updated_at, closed_at, department_id in cases:
        steps = walked[case_id]
        assert (steps[0][0], steps[0][3]) == ("file", opened_at)
        for before, (verb, from_state, to_state, at, _, reason) in pairwise(steps):
            assert from_state == before[2]
            assert from_state in BY_VERB[verb].before
            assert to_state == BY_VERB[verb].after
            assert before[3] <= at <= AT
            assert not BY_VERB[verb].needs_reason or reason
        assert state == steps[-1][2]
        assert department_id == steps[-1][4]
        assert (closed_at is None) == (state in OPEN_STATES)
        assert revision == len(steps) - (1 if steps[1:] and steps[1][0] == "dispatch" and steps[1][3] == opened_at else 0)
        assert updated_at >= steps[-1][3]


async def test_what_is_late_is_marked_and_nothing_else(loaded: Conn) -> None:
    wrong = "select count(*) from cases where (overdue_at is not null) <> (due_at < coalesce(closed_at, %s)) and origin = 'report'"
    assert await one(loaded, wrong, AT) == 0
    assert await one(loaded, "select count(*) from cases where overdue_at is not null and overdue_at <> due_at") == 0


async def test_events_are_dense_and_the_relay_goes_on_where_they_end(loaded_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(loaded_url, autocommit=True) as conn:
        first, last, count = (await rows(conn, "select min(position), max(position), count(position) from events"))[0]
        assert (first, last) == (1, count)
        assert await relay.head(conn) == last
        pending = await one(conn, "select count(*) from events where position is null")
        assert pending > 0
        given = await relay.give_positions(conn)
        assert [event.position for event in given] == list(range(last + 1, last + 1 + len(given)))


async def test_an_event_is_told_for_every_step_but_the_first_two(loaded: Conn) -> None:
    steps = dict(
        await rows(
            loaded, f"select 'case.' || verb, count(*) from case_transitions t where actor_id is not null and {OF_REPORTS} group by 1"
        )
    )
    told = dict(
        await rows(loaded, "select e.kind, count(*) from events e join cases t on t.id = e.subject_id and t.origin = 'report' group by 1")
    )
    assert told.pop("case.opened") == DAYS * PER_DAY
    assert told.pop("case.overdue", 0) == await one(loaded, "select count(*) from cases where overdue_at is not null")
    assert told == steps


async def test_every_index_is_back_after_the_load(loaded: Conn, shared_database_url: str) -> None:
    query = "select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1"
    async with await psycopg.AsyncConnection.connect(shared_database_url) as fresh:
        assert await rows(loaded, query) == await rows(fresh, query)


async def test_a_new_case_gets_the_next_number(loaded: Conn) -> None:
    highest = await one(loaded, "select max(split_part(number, '-', 2)::int) from cases")
    assert await one(loaded, "select nextval('case_numbers')") == highest + 1


async def test_accounts_can_sign_in_and_only_their_owner_reads_the_file(loaded: Conn, demo_home: Path) -> None:
    path = demo_home / "demo-accounts.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((demo_home / "demo-devices.json").stat().st_mode) == 0o600
    accounts = json.loads(path.read_text("utf-8"))
    assert len({account["password"] for account in accounts}) == len(accounts) >= 12
    stored = dict(await rows(loaded, "select username, password_hash from users where is_demo"))
    assert set(stored) == {account["username"] for account in accounts}
    account = accounts[0]
    assert await passwords.verify(stored[account["username"]], account["password"])


def test_loading_again_changes_nothing(loaded_url: str, demo_home: Path) -> None:
    before = (demo_home / "demo-accounts.json").read_bytes()
    load.load(loaded_url, home=demo_home, report=lambda _: None, at=AT, days=DAYS, per_day=PER_DAY)
    assert (demo_home / "demo-accounts.json").read_bytes() == before


async def test_the_same_city_imagines_the_same_month(loaded: Conn) -> None:
    first = await history.imagine(loaded, at=AT, days=DAYS, per_day=PER_DAY)
    again = await history.imagine(loaded, at=AT, days=DAYS, per_day=PER_DAY)
    assert first is not None
    assert again is not None
    assert (first.lon.tolist(), first.lat.tolist()) == (again.lon.tolist(), again.lat.tolist())
    assert first.lives.at.tolist() == again.lives.at.tolist()
    kept = await rows(loaded, "select st_x(position), st_y(position) from cases where origin = 'report' order by opened_at, number")
    assert kept == list(zip(first.lon.tolist(), first.lat.tolist(), strict=True))


def test_a_load_broken_off_leaves_an_empty_city(database_url: str, tmp_path: Path) -> None:
    def break_off(share: float) -> None:
        if share > 0.65:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load.load(database_url, home=tmp_path, report=break_off, at=AT, days=1, per_day=20)
    with psycopg.connect(database_url) as conn:
        for table in ("areas", "users", "departments", "matters", "places", "cases", "installation"):
            assert conn.execute(f"select count(*) from {table}").fetchone() == (0,), table
    assert list(tmp_path.iterdir()) == []
