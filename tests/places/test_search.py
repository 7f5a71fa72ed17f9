"""From words to ranked positions, over real PostGIS."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.areas.changes import Record
from domain.areas.publish import publish
from domain.base import Conn
from domain.errors import Invalid
from domain.places import actions, answers
from domain.places.actions import PlaceRecord
from domain.places.search import MAX_TEXT, PlaceCandidate, search
from geo.lonlat import LonLat
from tests.flows.conftest import AT, admin, grids

DAY = timedelta(days=1)
WEST_TOWN, EAST_TOWN, OUTSIDE = (114.905, 27.805), (114.925, 27.805), (114.5, 27.5)


def place(
    name: str, at: tuple[float, float] = WEST_TOWN, *, kind: str = "road", key: str = "", aliases: tuple[str, ...] = ()
) -> PlaceRecord:
    spot = LonLat(lon=at[0], lat=at[1])
    return PlaceRecord(key=key or f"{name}{at}", kind=kind, name=name, lonlat=spot, precision_m=50.0, aliases=aliases)


@pytest.fixture
async def city(conn: Conn) -> Conn:
    await publish(conn, "admin", admin(), at=AT)
    await publish(conn, "grid", grids(), at=AT)
    return conn


async def known(conn: Conn, *records: PlaceRecord) -> None:
    await actions.load(conn, records, source="test", at=AT)


async def find(conn: Conn, text: str, *, first: int = 10) -> list[PlaceCandidate]:
    return await search(conn, text, first=first, at=AT + DAY)


def names(found: Sequence[PlaceCandidate]) -> list[str]:
    return [candidate.name for candidate in found]


async def test_the_name_itself_comes_before_its_beginning_before_its_middle(city: Conn) -> None:
    await known(city, place("新健康路北段"), place("健康路"), place("健康路小学"))
    found = await find(city, "健康路")
    assert names(found) == ["健康路", "健康路小学", "新健康路北段"]
    assert found[0].confidence > 0.9
    assert found[0].confidence > found[1].confidence > found[2].confidence


async def test_two_places_of_one_name_share_the_confidence(city: Conn) -> None:
    await known(city, place("新村", WEST_TOWN, kind="village"), place("新村", EAST_TOWN, kind="village"))
    found = await find(city, "新村")
    assert len(found) == 2
    assert all(0.4 < candidate.confidence < 0.5 for candidate in found)
    assert {candidate.detail for candidate in found} == {"新余市 渝水区 西镇", "新余市 渝水区 东镇"}


async def test_a_hotline_sentence_finds_the_road_it_names(city: Conn) -> None:
    await known(city, place("健康路"), place("健康"), place("解放路"))
    found = await find(city, "健康路一处窨井盖不见了")
    assert names(found) == ["健康路", "健康"]
    assert 0.2 < found[0].confidence < 0.8
    assert found[0].lonlat == pytest.approx(WEST_TOWN)


async def test_a_place_inside_the_named_area_is_preferred(city: Conn) -> None:
    await known(city, place("人民路", WEST_TOWN), place("人民路", EAST_TOWN))
    found = await find(city, "东镇人民路口的垃圾桶")
    assert found[0].name == "人民路"
    assert found[0].lonlat == pytest.approx(EAST_TOWN)
    assert found[0].confidence > 2 * found[1].confidence


async def test_width_case_and_spaces_make_no_difference(city: Conn) -> None:
    await known(city, place("新余北站", kind="station", aliases=("Xinyu North",)))
    for text in ("新余北站", " 新余 北站 ", "ＸＩＮＹＵ　north", "xinyunorth", "新余北站!"):
        assert names(await find(city, text)) == ["新余北站"], text


async def test_an_alias_and_one_character_find_a_place(city: Conn) -> None:
    await known(city, place("百花湖社区", kind="village", aliases=("百花湖社区居民委员会",)))
    assert names(await find(city, "百花湖社区居民委员会")) == ["百花湖社区"]
    assert names(await find(city, "百")) == ["百花湖社区"]
    assert (await find(city, "百花湖社区居民委员会"))[0].confidence > 0.9


async def test_an_area_is_found_by_name_by_code_and_by_the_beginning_of_either(city: Conn) -> None:
    for text in ("渝水区", "渝水", "360502"):
        found = await find(city, text)
        assert (found[0].kind, found[0].name, found[0].confidence > 0.5) == ("county", "渝水区", True), text
        assert found[0].area_id is not None
        assert found[0].bbox is not None
        assert found[0].bbox[0] < found[0].lonlat[0] < found[0].bbox[2]


async def test_a_former_name_and_a_former_code_still_find_the_area(city: Conn) -> None:
    renamed = [Record("town", r.code, "改名镇", r.geometry, parent_code=r.parent_code) if r.name == "东镇" else r for r in admin()]
    await publish(city, "admin", renamed, at=AT + DAY / 2)
    found = await find(city, "东镇")
    assert (found[0].name, found[0].kind) == ("改名镇", "town")
    assert "原 东镇" in found[0].detail
    await city.execute(
        "insert into area_codes (id, area_id, scheme, code) values (gen_random_uuid(), %s, 'GB/T 2260', '360599')", (found[0].area_id,)
    )
    assert names(await find(city, "360599")) == ["改名镇"]
    assert names(await find(city, "改名镇"))[0] == "改名镇"


async def test_an_area_and_the_gazetteers_point_of_it_are_one_answer(city: Conn) -> None:
    record = PlaceRecord(key="t", kind="town", name="西镇", code="360502101", lonlat=LonLat(lon=114.905, lat=27.805), precision_m=1000.0)
    await known(city, record)
    found = [candidate for candidate in await find(city, "西镇") if candidate.kind == "town"]
    assert len(found) == 1
    assert found[0].bbox is not None


async def test_a_slip_of_the_pen_is_forgiven_only_when_nothing_else_answers(city: Conn) -> None:
    await known(city, place("仙来湖大道东段"), place("抱石大道"))
    found = await find(city, "仙来胡大道东段")
    assert names(found)[0] == "仙来湖大道东段"
    assert found[0].confidence < 0.4
    await known(city, place("仙来湖大道东段"), place("仙来胡大道东段"))
    assert names(await find(city, "仙来胡大道东段")) == ["仙来胡大道东段"]


async def test_typed_coordinates_need_no_gazetteer(city: Conn) -> None:
    (found,) = await find(city, "27.818N 114.917E")
    assert (found.kind, found.lonlat, found.area_id) == ("coordinates", (114.917, 27.818), None)
    again = await find(city, "114.917, 27.818")
    assert again[0].id == found.id


async def test_shifted_coordinates_are_found_but_not_converted_for_anyone(city: Conn) -> None:
    (found,) = await find(city, "GCJ02 114.921846, 27.814542")
    assert found.lonlat == (114.917, 27.818)
    (near,) = await find(city, "GCJ02 114.921856, 27.814552")
    assert near.lonlat == found.lonlat
    assert near.precision_m >= 10


async def test_the_number_of_answers_and_the_length_of_a_text_are_bounded(city: Conn) -> None:
    await known(city, *(place(f"路口{n}", key=str(n)) for n in range(60)))
    assert len(await find(city, "路口", first=7)) == 7
    for text, first in (("路" * (MAX_TEXT + 1), 10), ("路口", 0), ("路口", 51)):
        with pytest.raises(Invalid):
            await find(city, text, first=first)


HOSTILE = [
    "'; drop table places; --",
    "%",
    "_",
    "|",
    "\\",
    "\x00",
    "\ud800",
    "{}",
    "{1,2}",
    "路" * MAX_TEXT,
    "🙂",
    "()[]*+?",
    "a" * MAX_TEXT,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts_find_nothing_and_break_nothing(city: Conn, text: str) -> None:
    await known(city, place("健康路"))
    assert "健康路" not in names(await find(city, text))
    assert names(await find(city, "健康路")) == ["健康路"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="健康路新余渝水区东西镇网格0123 ,.|%|'\\A", max_size=40))
async def test_confidence_is_a_share_and_order_follows_it(city: Conn, text: str) -> None:
    await known(city, place("健康路"), place("新余路"), place("东西路", EAST_TOWN))
    found = await find(city, text)
    assert all(0.0 <= candidate.confidence <= 1.0 for candidate in found)
    assert sum(candidate.confidence for candidate in found) <= 1.02
    assert len({candidate.id for candidate in found}) == len(found)


async def test_the_gazetteer_is_read_through_its_index(city: Conn) -> None:
    await city.execute(
        "insert into places (id, kind, name, search_key, bigrams, position, precision_m, source, source_key, created_at)"
        " select gen_random_uuid(), 'road', n, k, array(select distinct substr(k, i, 2) from generate_series(1, length(k) - 1) i),"
        "        st_point(114.9, 27.8, 4326), 10, 'many', n, now()"
        " from (select chr(20000 + g %% 5000) || chr(25000 + g / 7) || '路' as n,"
        "              '|' || chr(20000 + g %% 5000) || chr(25000 + g / 7) || '路|' as k from generate_series(1, 30000) g) s",
        (),
    )
    await city.execute("analyze places")
    values = answers.parameters("健康路一处窨井盖", at=AT)
    for statement in (answers.CONTAINING, answers.CONTAINED, answers.SHARING):
        plan = await (await city.execute("explain " + statement, values)).fetchall()
        assert "places_bigrams_idx" in "\n".join(row[0] for row in plan)


async def test_importing_a_source_again_replaces_it_and_leaves_the_others(city: Conn) -> None:
    await actions.load(city, [place("老路"), place("旧街")], source="a", at=AT)
    await actions.load(city, [place("别处路")], source="b", at=AT)
    done = await actions.load(city, [place("新路")], source="a", at=AT)
    assert (done.places, done.replaced) == (1, 2)
    kept = await (await city.execute("select name from places order by name")).fetchall()
    assert [row[0] for row in kept] == ["别处路", "新路"]


@pytest.mark.parametrize("bad", [place(""), place("路" * 200), place("!!!"), place("路", aliases=("别名",) * 30)])
async def test_a_place_that_cannot_be_found_again_is_refused(city: Conn, bad: PlaceRecord) -> None:
    with pytest.raises(Invalid):
        await actions.load(city, [bad], source="a", at=AT)


async def test_a_key_that_stands_twice_is_refused(city: Conn) -> None:
    with pytest.raises(Invalid, match="stands twice"):
        await actions.load(city, [place("甲路", key="1"), place("乙路", key="1")], source="a", at=AT)
