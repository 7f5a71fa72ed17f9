"""What a place lies in tips the balance: settlement by division code, a railway by its lines."""

import pytest

from domain.flows.city import read_city
from domain.flows.suggestion import settlement, suggest_matters, surroundings
from geo.lonlat import Datum, LonLat, Position
from tests.flows.conftest import AT, SOUTH, WEST, SmallCity


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("360502001003", "urban"), ("360502099", "urban"), ("360502100", "rural"), ("360502201200005", "rural"),
        ("360502", None), ("G01", None), ("360502000000", None),
    ],
)  # fmt: skip
def test_digits_seven_to_nine_of_a_division_code_tell_a_street_from_a_town(code: str, found: str | None) -> None:
    assert settlement(code) == found


async def test_a_point_beside_a_line_is_near_the_railway_and_one_a_kilometre_away_is_not(city: SmallCity) -> None:
    line = f"linestring({WEST} {SOUTH + 0.005}, {WEST + 0.03} {SOUTH + 0.005})"
    await city.conn.execute(
        "insert into rail_lines (id, code, name, kind, geom, geom_3857, approximate, source, created_at)"
        " select gen_random_uuid(), 'L1', '试验线', 'conventional', g, st_transform(g, 3857), false, 'test', %s"
        " from st_geomfromtext(%s, 4326) g",
        (AT, line),
    )
    known = await read_city(city.conn, at=AT)
    beside, away = LonLat(lon=WEST + 0.015, lat=SOUTH + 0.006), LonLat(lon=WEST + 0.015, lat=SOUTH + 0.015)
    assert await surroundings(city.conn, known, beside) == ("rural", "rail")
    assert await surroundings(city.conn, known, away) == ("rural",)
    assert await surroundings(city.conn, known, LonLat(lon=WEST - 1, lat=SOUTH)) == ()


async def test_a_city_with_few_matters_suggests_only_those(city: SmallCity) -> None:
    known = await read_city(city.conn, at=AT)
    where = LonLat(lon=WEST + 0.005, lat=SOUTH + 0.005)
    position = Position(lonlat=where, accuracy_m=None, datum_declared=Datum.WGS84, raw_lon=where.lon, raw_lat=where.lat)
    (best, *_) = await suggest_matters(city.conn, known, "楼下好多垃圾没人扫", position)
    assert best.matter_id == city.matters["rubbish"]
    assert "垃圾" in best.words
