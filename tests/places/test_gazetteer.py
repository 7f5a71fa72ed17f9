"""Gazetteer files: address lists and vector files become places, or say which row is wrong."""

from pathlib import Path

import pytest

from domain.base import Conn
from domain.errors import Invalid
from domain.places import actions, gazetteer
from domain.places.actions import PlaceRecord
from domain.places.gazetteer import Columns, Gathered
from domain.places.search import search
from geo.lonlat import Datum
from tests.flows.conftest import AT

OSM = """<?xml version='1.0' encoding='UTF-8'?><osm version="0.6">
<node id="1" lat="27.81" lon="114.93" version="1"><tag k="name" v="市人民医院"/><tag k="amenity" v="hospital"/></node>
<node id="2" lat="27.82" lon="114.93" version="1"/><node id="3" lat="27.82" lon="114.94" version="1"/>
<node id="4" lat="27.82" lon="114.95" version="1"/>
<way id="5" version="1"><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/><tag k="name" v="健康路"/></way>
<way id="6" version="1"><nd ref="3"/><nd ref="4"/><tag k="highway" v="secondary"/><tag k="name" v="健康路"/></way>
<way id="7" version="1"><nd ref="2"/><nd ref="4"/><tag k="highway" v="service"/></way></osm>"""


def gather(path: Path, columns: Columns | None = None, datum: Datum = Datum.WGS84) -> Gathered:
    found = [gathered for gathered, _, _ in gazetteer.read(path, columns or Columns(), datum=datum)]
    return found[-1]


def records(gathered: Gathered) -> dict[str, PlaceRecord]:
    return {record.name: record for record in gathered.records(precision_m=10.0)}


def test_an_address_list_in_gcj02_is_brought_to_wgs84(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("地址,类别,经度,纬度\n健康路12号,address,114.921846,27.814542\n", encoding="gb18030")
    found = records(gather(path, Columns(name="地址", kind="类别"), Datum.GCJ02))
    assert (round(found["健康路12号"].lonlat.lon, 4), round(found["健康路12号"].lonlat.lat, 4)) == (114.917, 27.818)
    assert found["健康路12号"].kind == "address"


def test_a_name_said_twice_nearby_is_one_place_that_is_less_precise(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,lon,lat\n健康路,114.93,27.81\n健康路,114.94,27.81\n健康路,115.2,27.9\n", encoding="utf-8")
    gathered = gather(path, Columns(kind="road"))
    found = sorted(gathered.records(precision_m=10.0), key=lambda record: record.lonlat.lon)
    assert [round(record.lonlat.lon, 3) for record in found] == [114.935, 115.2]
    assert found[0].precision_m == pytest.approx(10 + 493, abs=2)
    assert found[1].precision_m == 10.0


def test_bad_rows_are_counted_and_told_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,lon,lat\n甲路,27.81,114.93\n,114.93,27.81\n乙路,,27.8\n丙路,114.9,27.8\n", encoding="utf-8")
    gathered = gather(path, Columns(kind="road"))
    assert (gathered.rows, gathered.refused) == (2, 3)
    assert [line.split(":")[0] for line in gathered.told] == ["row 1", "row 3", "row 2"]
    assert "swapped" in gathered.told[0]
    assert list(records(gathered)) == ["丙路"]


def test_openstreetmap_roads_come_as_one_and_things_by_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.osm"
    path.write_text(OSM, encoding="utf-8")
    found = records(gather(path))
    assert {name: record.kind for name, record in found.items()} == {"市人民医院": "hospital", "健康路": "road"}
    assert found["健康路"].precision_m > 400


def test_a_geojson_gazetteer_is_read_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    feature = '{"type":"Feature","properties":{"n":"罗坊站","k":"station"},"geometry":{"type":"Point","coordinates":[115.1,27.86]}}'
    path.write_text('{"type":"FeatureCollection","features":[' + feature + "]}", encoding="utf-8")
    found = records(gather(path, Columns(name="n", kind="k")))
    assert (found["罗坊站"].kind, found["罗坊站"].lonlat.lon) == ("station", 115.1)


@pytest.mark.parametrize(("name", "datum"), [("missing", Datum.WGS84), ("name", Datum.BD09)])
def test_a_file_that_cannot_be_read_as_asked_says_so(tmp_path: Path, name: str, datum: Datum) -> None:
    path = tmp_path / "a.osm" if datum is Datum.BD09 else tmp_path / "a.csv"
    path.write_text(OSM if datum is Datum.BD09 else "name,lon,lat\n甲路,114.9,27.8\n", encoding="utf-8")
    with pytest.raises(Invalid, match="WGS 84" if datum is Datum.BD09 else "no column 'missing'"):
        gather(path, Columns(name=name, kind="road"), datum)


async def test_an_imported_road_answers_a_hotlines_words(conn: Conn, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,lon,lat\n健康路,114.93,27.81\n", encoding="utf-8")
    await actions.load(conn, gather(path, Columns(kind="road")).records(precision_m=10.0), source="a.csv", at=AT)
    assert [found.name for found in await search(conn, "健康路一处窨井盖", first=5, at=AT)] == ["健康路"]
