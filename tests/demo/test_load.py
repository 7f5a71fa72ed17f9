"""The demo city as it is loaded: whole or not at all, owned as the product would own it, and consistent to the last row."""

import json
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import history, load
from domain.base import Conn
from domain.cases import city_calendar, ledger
from domain.flows.assignment import assign
from domain.flows.city import CityHolder
from domain.people import passwords
from geo.lonlat import Datum, LonLat, Position
from runtime import relay
from tests.demo import replay
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


async def test_every_case_is_what_the_rules_make_of_its_steps(loaded: Conn) -> None:
    known = await city_calendar.load(loaded)
    limits = {row[0]: row[1:] for row in await rows(loaded, "select id, limit_amount, limit_unit from filing_conditions")}
    walked: dict[Any, list[Any]] = {}
    for case_id, *step in await rows(
        loaded,
        "select t.case_id, t.verb, t.from_state, t.to_state, t.at, t.actor_id, t.department_id, t.reason from case_transitions t"
        f" where {OF_REPORTS} order by t.case_id, t.at, t.id",
    ):
        walked.setdefault(case_id, []).append(step)
    said = {(case_id, at): word for case_id, at, word in await rows(loaded, "select case_id, at, satisfaction from case_ratings")}
    cases = await rows(loaded, f"select id, condition_id, {', '.join(replay.COLUMNS)} from cases where origin = 'report'")
    assert {case[0] for case in cases} == set(walked)
    states = set()
    for case_id, condition_id, *columns in cases:
        case = dict(zip(replay.COLUMNS, columns, strict=True))
        assert replay.lived(case, walked[case_id], limits[condition_id], known, said, case_id, AT) == case
        states.add(case["state"])
    assert states >= {"checking", "filed", "dispatched", "accepted", "handling", "handled", "verified", "closed", "rejected"}


async def test_the_ledger_of_every_open_case_gives_its_deadline(loaded: Conn) -> None:
    known = await city_calendar.load(loaded)
    ledgers: dict[Any, list[Any]] = {}
    for case_id, version, *entry in await rows(
        loaded,
        f"select case_id, calendar_version, at, kind, phase, amount, unit from case_clock t where {OF_REPORTS} order by case_id, seq",
    ):
        assert version == known.version
        ledgers.setdefault(case_id, []).append(ledger.Entry(*entry))
    cases = await rows(loaded, "select id, phase, due_at from cases where origin = 'report' and closed_at is null")
    assert {case[0] for case in cases} == set(ledgers)
    for case_id, phase, due_at in cases:
        reading = ledger.read(ledgers[case_id], known)
        assert (reading.due_at, reading.phase if reading.running else phase) == (due_at, phase)


async def test_what_is_late_is_marked_and_what_is_due_waits_for_the_worker(loaded: Conn) -> None:
    passed = "case when due_at <= %s then due_at end"
    assert await one(loaded, f"select count(*) from cases where origin = 'report' and overdue_at is distinct from {passed}", AT) == 0
    assert await one(loaded, "select count(*) from cases where late_at is not null and origin = 'report'") > 5
    assert await one(loaded, "select count(*) from case_timers where due_at <= %s", AT) == 0
    waits = "exists (select from case_timers t where t.case_id = c.id and t.chain = 'deadline')"
    assert await one(loaded, f"select count(*) from cases c where due_at > %s and not {waits}", AT) == 0
    risen = "exists (select from case_escalations e where e.case_id = c.id and e.level = c.level)"
    assert await one(loaded, f"select count(*) from cases c where level > 0 and not {risen}") == 0


async def test_every_reporter_was_answered_at_once(loaded: Conn) -> None:
    unanswered = (
        "select count(*) from cases c where wants_rating and not exists"
        " (select from case_messages m where m.case_id = c.id and m.kind = 'auto_reply' and m.at = c.opened_at)"
    )
    assert await one(loaded, unanswered) == 0
    assert await one(loaded, "select count(*) from case_messages") == await one(loaded, "select count(*) from cases where wants_rating")


async def test_events_are_dense_and_the_relay_goes_on_where_they_end(loaded_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(loaded_url, autocommit=True) as conn:
        first, last, count = (await rows(conn, "select min(position), max(position), count(position) from events"))[0]
        assert (first, last) == (1, count)
        assert await relay.head(conn) == last
        pending = await one(conn, "select count(*) from events where position is null")
        assert pending > 0
        given = await relay.give_positions(conn)
        assert [event.position for event in given] == list(range(last + 1, last + 1 + len(given)))


async def test_an_event_is_told_for_every_step_after_intake_and_for_every_missed_deadline(loaded: Conn) -> None:
    after_intake = "from_state is not null and not (verb = 'dispatch' and t.at = (select c.opened_at from cases c where c.id = t.case_id))"
    steps = await rows(loaded, f"select 'case.' || verb, count(*) from case_transitions t where {after_intake} and {OF_REPORTS} group by 1")
    rises = await rows(
        loaded,
        "select case when level = 0 then 'case.overdue' else 'case.escalated' end, count(*) from case_escalations t"
        f" where {OF_REPORTS} group by 1",
    )
    told = await rows(
        loaded, "select e.kind, count(*) from events e join cases t on t.id = e.subject_id and t.origin = 'report' group by 1"
    )
    assert dict(told) == {"case.opened": DAYS * PER_DAY, **dict(steps), **dict(rises)}


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
