"""Reports that join the case of the same thing, on a real PostGIS."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.base import new_id
from domain.flows import duplicates, report_intake
from domain.reports import photos
from domain.reports.intake import ReportInput
from domain.reports.likeness import Trace
from domain.reports.photos import NewPhoto
from geo.lonlat import LonLat, moved
from tests.flows.conftest import AT, SECRET, SOUTH, WEST, SmallCity, fill

HERE = LonLat(lon=WEST + 0.005, lat=SOUTH + 0.005)
TEXT = "菜市场后门垃圾堆了三天没有人来清"
AGAIN = "菜市场后门的垃圾堆了三天了,没人来清!"
PICTURE = 0x0F1E_2D3C_4B5A_6978


def near(metres: float) -> dict[str, float]:
    there = moved(HERE, bearing=80, distance=metres)
    return {"lon": there.lon, "lat": there.lat}


async def photo(city: SmallCity, likeness: int | None) -> str:
    new = NewPhoto(media_key=new_id().hex * 2, width=8, height=8, byte_count=1, taken_at=None, likeness=likeness)
    return (await photos.add(city.conn, new, at=AT))[1]


async def test_a_second_report_of_the_same_rubbish_joins_the_open_case_with_a_code_of_its_own(city: SmallCity) -> None:
    (first,) = await city.submit(city.report(source="citizen", description=TEXT))
    (second,) = await city.submit(city.report(source="citizen", description=AGAIN, **near(20)), at=AT + timedelta(hours=1))
    assert (second.case_id, second.number, second.joined, second.repeated) == (first.case_id, first.number, True, False)
    assert second.tracking_code != first.tracking_code
    assert await city.one("select count(*) from cases") == 1
    assert {case for (case,) in await city.rows("select case_id from reports")} == {first.case_id}
    kind, report, score, features = await city.one("select kind, report_id, score, features from case_links")
    assert (kind, report) == ("folded", second.report_id)
    assert 0.8 < score <= 1
    assert features["distance_m"] == pytest.approx(20, abs=0.2)
    assert features["apart_s"] == 3600
    told = await city.rows("select kind from events where subject_kind = 'case' order by at, id")
    assert [kind for (kind,) in told] == ["case.opened", "case.joined"]


async def test_a_retry_of_a_folded_report_is_the_same_report(city: SmallCity) -> None:
    await city.submit(city.report(source="citizen", description=TEXT))
    item = city.report(source="citizen", description=AGAIN)
    (once,) = await city.submit(item)
    (twice,) = await city.submit(item)
    assert (twice.report_id, twice.case_id, twice.joined, twice.repeated) == (once.report_id, once.case_id, True, True)


@pytest.mark.parametrize(
    "changed",
    [
        {"matter": "cover"}, {"metres": 60}, {"later": timedelta(hours=25)}, {"description": "垃圾"}, {"source": "staff"},
        {"accuracy_m": 300.0},
    ],
    ids=["another matter", "60 m away", "a day later", "too few words", "from staff", "position too vague"],
)  # fmt: skip
async def test_what_is_not_sure_opens_a_case_of_its_own(city: SmallCity, changed: dict[str, Any]) -> None:
    (first,) = await city.submit(city.report(source="citizen", description=TEXT))
    given: dict[str, Any] = {"source": "citizen", "description": AGAIN, **near(changed.pop("metres", 10))}
    if matter := changed.pop("matter", None):
        given["matter_id"] = city.matters[matter]
    later = changed.pop("later", timedelta(hours=1))
    (second,) = await city.submit(city.report(**(given | changed)), at=AT + later)
    assert (second.joined, second.case_id != first.case_id) == (False, True)


async def test_the_same_picture_joins_whatever_is_written(city: SmallCity) -> None:
    claims = [await photo(city, PICTURE), await photo(city, PICTURE ^ 0b11)]
    (first,) = await city.submit(city.report(source="citizen", description="脏", photo_claims=(claims[0],)))
    (second,) = await city.submit(city.report(source="citizen", description="看图", photo_claims=(claims[1],), **near(5)))
    assert second.case_id == first.case_id
    assert (await city.one("select features from case_links"))["picture_bits"] == 2
    assert await city.one("select count(*) from photos where report_id is not null") == 2


async def test_nothing_joins_a_case_that_is_over_or_complains_about_somebody(city: SmallCity) -> None:
    (first,) = await city.submit(city.report(source="citizen", description=TEXT))
    await city.conn.execute("update cases set about_department_id = %s", (city.departments["west"],))
    (second,) = await city.submit(city.report(source="citizen", description=AGAIN))
    assert second.case_id != first.case_id
    await city.conn.execute("update cases set about_department_id = null, state = 'closed', closed_at = %s", (AT,))
    (third,) = await city.submit(city.report(source="citizen", description=AGAIN))
    assert third.case_id not in (first.case_id, second.case_id)


async def test_who_complains_of_somebody_gets_a_case_of_their_own_even_when_they_say_it_is_the_same(city: SmallCity) -> None:
    (first,) = await city.submit(city.report(source="citizen", description=TEXT))
    (second,) = await city.submit(city.report(source="citizen", description=f"{TEXT},投诉物业不管", same_as=first.number))
    assert (second.joined, second.case_id != first.case_id) == (False, True)


async def test_two_reports_of_one_call_join_each_other(city: SmallCity) -> None:
    first, second, other = await city.submit(
        city.report(source="citizen", description=TEXT),
        city.report(source="citizen", description=AGAIN, **near(15)),
        city.report(source="citizen", description="路口小广告贴得满墙都是很难看"),
    )
    assert (second.case_id, second.number, second.joined) == (first.case_id, first.number, True)
    assert other.case_id != first.case_id
    assert await city.one("select count(*) from cases") == 2


async def test_a_sender_may_say_that_it_is_the_same_and_is_believed_within_reach(city: SmallCity) -> None:
    (first,) = await city.submit(city.report(source="citizen", description="路边垃圾"))
    (same,) = await city.submit(city.report(source="citizen", description="我也看到了", same_as=first.number, matter_id=None, **near(40)))
    assert (same.case_id, same.joined) == (first.case_id, True)
    assert await city.one("select kind from case_links") == "same_as"
    unbelieved: list[dict[str, Any]] = [
        {"same_as": "20990101-000001"},
        {"same_as": first.number, **near(800)},
        {"same_as": first.number, "matter_id": city.matters["cover"]},
    ]
    for given in unbelieved:
        (own,) = await city.submit(city.report(source="citizen", description="我也看到了", **given))
        assert (own.joined, own.case_id != first.case_id) == (False, True)


async def test_a_citizen_joining_a_case_of_staff_is_asked_to_rate_it(city: SmallCity) -> None:
    (first,) = await city.submit(city.report(source="staff", description=TEXT))
    assert not await city.one("select wants_rating from cases")
    (second,) = await city.submit(city.report(source="citizen", description=AGAIN))
    assert second.case_id == first.case_id
    assert await city.one("select wants_rating from cases")


async def test_the_same_thing_reported_by_twelve_people_at_the_same_instant_is_one_case(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        await conn.commit()
        cells = [near(4 * i) for i in range(12)]

        async def send(i: int) -> Any:
            async with await psycopg.AsyncConnection.connect(database_url) as own:
                item = city.report(source="citizen", description=f"{TEXT}{'!' * i}", **cells[i])
                (done,) = await report_intake.submit(own, city.holder, [item], at=AT, secret=SECRET)
                await own.commit()
                return done

        done = await asyncio.gather(*(send(i) for i in range(12)))
        assert {type(one).__name__ for one in done} == {"Submitted"}
        assert len({one.case_id for one in done}) == 1
        assert sorted(one.joined for one in done) == [False] + [True] * 11
        assert await city.one("select count(*) from cases") == 1
        assert await city.one("select count(distinct tracking_hash) from reports") == 12


async def test_looking_for_candidates_walks_the_open_cases_of_the_matter_and_not_the_history(city: SmallCity) -> None:
    (first,) = await city.submit(city.report(source="citizen", description=TEXT))
    history = "jsonb_build_object('id', gen_random_uuid(), 'number', 'h' || g, 'state', 'closed', 'closed_at', c.opened_at)"
    elsewhere = "jsonb_build_object('id', gen_random_uuid(), 'number', 'e' || g, 'cell', g)"
    for changed in (history, elsewhere):
        await city.conn.execute(
            f"insert into cases select (jsonb_populate_record(c, {changed})).* from cases c, generate_series(1, 3000) g where c.id = %s",
            (first.case_id,),
        )
    await city.conn.execute("analyze cases")
    trace = Trace(matter_id=city.matters["rubbish"], lonlat=HERE, at=AT, texts=(TEXT,))
    found = await duplicates.find(city.conn, [trace], at=AT)
    assert [match.candidate.case_id for match in found[0]] == [first.case_id]
    given = duplicates.near_values([trace], at=AT, within_m=50)
    lines = await (await city.conn.execute("explain " + duplicates.NEAR, given)).fetchall()
    assert "cases_open_cell_idx" in "\n".join(line for (line,) in lines)


async def test_a_report_racing_with_the_rejection_of_its_case_joins_before_it_or_not_at_all(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        await conn.commit()
        chief = city.actor("dispatcher")

        async def on_its_own(work: Callable[[SmallCity], Awaitable[Any]]) -> Any:
            async with await psycopg.AsyncConnection.connect(database_url) as own:
                done = await work(SmallCity(own, city.holder, city.areas, city.departments, city.matters, city.users))
                await own.commit()
                return done

        def report(item: ReportInput) -> Callable[[SmallCity], Awaitable[Any]]:
            return lambda there: there.submit(item)

        def reject(case_id: UUID) -> Callable[[SmallCity], Awaitable[Any]]:
            return lambda there: there.walk(chief, case_id, "reject", reason="不属管辖范围")

        for turn in range(6):
            place = near(120.0 * turn)
            (first,) = await city.submit(city.report(source="citizen", description=TEXT, **place))
            await conn.commit()
            again = city.report(source="citizen", description=AGAIN, **place)
            ((second,), _) = await asyncio.gather(
                on_its_own(report(again)),
                on_its_own(reject(first.case_id)),
            )
            assert second.joined == (second.case_id == first.case_id)
            told = [kind for (kind,) in await city.rows("select kind from events where subject_id = %s order by seq", first.case_id)]
            await conn.commit()
            assert told == ["case.opened", *(["case.joined"] if second.joined else []), "case.reject"]
