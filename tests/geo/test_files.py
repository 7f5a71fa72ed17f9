import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from demo import grids
from geo import datum, files
from geo.files import AreaRow, BadRow, FileError
from geo.lonlat import Datum
from tests.geo import pbf

WEST = shapely.box(114.9, 27.8, 114.95, 27.85)
EAST = shapely.box(114.95, 27.8, 115.0, 27.85)
BOWTIE = shapely.Polygon([(114.9, 27.8), (115.0, 27.9), (115.0, 27.8), (114.9, 27.9)])
COLUMNS: dict[str, list[Any]] = {"code": ["360502001", "360502002"], "name": ["城南街道", "城北街道"], "parent": ["360502", None]}


def read_all(path: Path, **options: Any) -> tuple[list[AreaRow], list[BadRow]]:
    batches = list(files.read_areas(path, **{"code": "code", "name": "name", **options}))
    return [row for b in batches for row in b.rows], [row for b in batches for row in b.bad]


def geojson(path: Path, features: list[tuple[dict[str, Any], Any]], crs: str | None = None) -> Path:
    body: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": p,
                "geometry": None if g is None else g if isinstance(g, dict) else shapely.geometry.mapping(g),
            }
            for p, g in features
        ],
    }
    if crs:
        body["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(body), "utf-8")
    return path


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.kml"])
def test_areas_written_in_any_format_come_back_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    files.write(path, [WEST, EAST], COLUMNS, layer="towns")
    about = files.info(path)
    assert about.features == 2
    rows, bad = read_all(path, parent="parent")
    assert bad == []
    assert [(r.row, r.code, r.name, r.parent) for r in rows] == [
        (1, "360502001", "城南街道", "360502"),
        (2, "360502002", "城北街道", None),
    ]
    assert shapely.equals_exact(shapely.normalize(shapely.get_parts(rows[0].geometry)[0]), shapely.normalize(WEST), 1e-7)


def test_reading_in_small_batches_gives_the_same_rows_and_tells_how_far_it_is(tmp_path: Path) -> None:
    codes, shapes = grids.many(50)
    path = tmp_path / "grids.gpkg"
    files.write(path, shapes, {"code": codes, "name": codes}, layer="grids")
    batches = list(files.read_areas(path, code="code", name="name", batch=7))
    assert [b.done for b in batches] == [7, 14, 21, 28, 35, 42, 49, 50]
    assert {b.total for b in batches} == {50}
    rows = [row for b in batches for row in b.rows]
    assert [row.code for row in rows] == codes
    assert [row.row for row in rows] == list(range(1, 51))
    assert all(row.geometry.equals(shape) for row, shape in zip(rows, shapes, strict=True))


def test_every_bad_feature_is_listed_with_its_row_code_and_reason(tmp_path: Path) -> None:
    unclosed = {"type": "Polygon", "coordinates": [[[114.9, 27.8], [115.0, 27.8], [115.0, 27.9]]]}
    path = geojson(
        tmp_path / "bad.geojson",
        [
            ({"code": "1", "name": "good"}, WEST),
            ({"code": "2", "name": "crossed"}, BOWTIE),
            ({"code": "3", "name": "nothing"}, None),
            ({"code": "1", "name": "again"}, EAST),
            ({"code": None, "name": "nameless"}, EAST),
            ({"code": "6", "name": "a point"}, shapely.Point(114.9, 27.8)),
            ({"code": "7", "name": "unclosed"}, unclosed),
            ({"code": "8", "name": "swapped"}, shapely.Polygon([(27.8, 114.9), (27.9, 114.9), (27.9, 115.0)])),
        ],
    )
    rows, bad = read_all(path)
    assert [r.code for r in rows] == ["1"]
    assert [(b.row, b.code, b.error.code) for b in bad] == [
        (2, "2", "shape.self_intersection"),
        (3, "3", "shape.empty"),
        (4, "1", "file.duplicate_code"),
        (5, "", "file.no_code"),
        (6, "6", "shape.wrong_type"),
        (7, "7", "shape.unreadable"),
        (8, "8", "shape.axes_swapped"),
    ]
    assert bad[0].error.place == pytest.approx((114.95, 27.85))
    assert bad[0].error.where == "row 2"


def test_one_column_may_be_code_and_name_at_once(tmp_path: Path) -> None:
    files.write(tmp_path / "a.gpkg", [WEST, EAST], COLUMNS, layer="towns")
    rows, _ = read_all(tmp_path / "a.gpkg", name="CODE")
    assert [(r.code, r.name) for r in rows] == [("360502001", "360502001"), ("360502002", "360502002")]


def test_shapes_are_mended_only_when_asked(tmp_path: Path) -> None:
    path = geojson(tmp_path / "bow.geojson", [({"code": "2", "name": "crossed"}, BOWTIE)])
    assert read_all(path)[0] == []
    rows, bad = read_all(path, repair=True)
    assert bad == []
    assert rows[0].geometry.is_valid
    assert rows[0].geometry.area == pytest.approx(0.005)


def test_a_declared_gcj02_file_lands_where_it_belongs(tmp_path: Path) -> None:
    shifted = shapely.transform(WEST, lambda xy: np.column_stack(datum.wgs84_to_gcj02_many(xy[:, 0], xy[:, 1])))
    path = geojson(tmp_path / "gcj.geojson", [({"code": "1", "name": "x"}, shifted)])
    rows, _ = read_all(path, datum=Datum.GCJ02)
    assert shapely.hausdorff_distance(rows[0].geometry, WEST) < 1e-8
    rows, _ = read_all(path, datum=Datum.WGS84)
    assert shapely.hausdorff_distance(rows[0].geometry, WEST) > 3e-3


def write_raw(path: Path, shape: shapely.Polygon, crs: str | None, code: Any = "1") -> None:
    pyogrio.raw.write(
        path,
        geometry=np.array([shapely.to_wkb(shape)], dtype=object),
        field_data=[np.array([code]), np.array(["x"], dtype=object)],
        fields=["code", "name"],
        geometry_type="Polygon",
        crs=crs,
    )


def test_a_projected_file_is_brought_to_wgs84(tmp_path: Path) -> None:
    from pyproj import Transformer

    to_plane = Transformer.from_crs(4490, 4547, always_xy=True)
    flat = shapely.transform(WEST, lambda xy: np.column_stack(to_plane.transform(xy[:, 0], xy[:, 1])))
    write_raw(tmp_path / "flat.gpkg", flat, "EPSG:4547")
    rows, bad = read_all(tmp_path / "flat.gpkg", datum=Datum.CGCS2000)
    assert bad == []
    assert shapely.hausdorff_distance(rows[0].geometry, WEST) < 1e-8
    with pytest.raises(FileError) as caught:
        read_all(tmp_path / "flat.gpkg", datum=Datum.GCJ02)
    assert caught.value.code == "file.datum_conflict"


def test_a_shapefile_without_crs_must_be_declared_and_numeric_codes_are_text(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="crs"):
        write_raw(tmp_path / "bare.shp", WEST, None, code=360502.0)
    with pytest.raises(FileError) as caught:
        read_all(tmp_path / "bare.shp")
    assert caught.value.code == "file.crs_unknown"
    rows, _ = read_all(tmp_path / "bare.shp", crs="EPSG:4490")
    assert rows[0].code == "360502"
    with pytest.raises(FileError, match="unknown CRS"):
        read_all(tmp_path / "bare.shp", crs="EPSG:1")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing.gpkg", None, "file.not_found"),
        ("a.exe", b"MZ", "file.unknown_format"),
        ("a.geojson", b"{ this is no json", "file.unreadable"),
        ("a.gpkg", b"", "file.wrong_content"),
        ("a.gpkg", b"SQLite format 3\x00 and nothing more", "file.unreadable"),
        ("a.zip", b"PK\x03\x04 and nothing more", "file.unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_all(tmp_path / name)
    assert (caught.value.code, caught.value.where) == (code, name)


VRT = '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource><!--<kml-->'


@pytest.mark.parametrize("name", ["a.geojson", "a.kml", "a.osm"])
def test_a_file_that_only_points_at_another_one_is_not_followed(tmp_path: Path, name: str) -> None:
    secret = geojson(tmp_path / "secret.geojson", [({"code": "1", "name": "x"}, WEST)])
    (tmp_path / name).write_text(VRT.format(secret), "utf-8")
    with pytest.raises(FileError) as caught:
        read_all(tmp_path / name)
    assert caught.value.code == "file.wrong_content"


def test_an_archive_may_hold_a_shapefile_and_nothing_that_points_elsewhere(tmp_path: Path) -> None:
    files.write(tmp_path / "a.shp", [WEST, EAST], COLUMNS, layer="a")
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        for part in tmp_path.glob("a.*"):
            archive.write(part, part.name)
    assert [r.code for r in read_all(tmp_path / "good.zip")[0]] == ["360502001", "360502002"]
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("a.vrt", VRT)
    with pytest.raises(FileError, match=r"a\.vrt"):
        read_all(tmp_path / "bad.zip")


def test_a_wrong_column_is_refused_with_the_ones_there_are(tmp_path: Path) -> None:
    files.write(tmp_path / "a.gpkg", [WEST, EAST], COLUMNS, layer="towns")
    with pytest.raises(FileError, match="code, name, parent") as caught:
        read_all(tmp_path / "a.gpkg", code="adcode")
    assert caught.value.code == "file.no_such_column"


def test_a_file_with_two_layers_needs_the_choice(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    for layer, shape in (("west", WEST), ("east", EAST)):
        pyogrio.raw.write(
            path,
            geometry=np.array([shapely.to_wkb(shape)], dtype=object),
            field_data=[np.array([layer], dtype=object), np.array(["x"], dtype=object)],
            fields=["code", "name"],
            geometry_type="Polygon",
            crs="EPSG:4326",
            layer=layer,
            append=path.exists(),
        )
    with pytest.raises(FileError, match="west, east") as caught:
        read_all(path)
    assert caught.value.code == "file.layer_needed"
    rows, _ = read_all(path, layer="east")
    assert [r.code for r in rows] == ["east"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    files.write(path, [WEST, EAST], COLUMNS, layer="towns")
    before = path.read_bytes()
    with pytest.raises(FileError):
        files.write(tmp_path / "a.dwg", [WEST], {"code": ["1"]}, layer="x")
    with pytest.raises(ValueError, match="same length"):
        files.write(path, [WEST], {"code": ["1", "2"]}, layer="towns")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.geojson"]


def test_exported_geojson_is_rfc_7946(tmp_path: Path) -> None:
    files.write(tmp_path / "a.geojson", [WEST.reverse()], {"code": ["1"]}, layer="towns")
    feature = json.loads((tmp_path / "a.geojson").read_text("utf-8"))["features"][0]
    assert shapely.LinearRing(feature["geometry"]["coordinates"][0]).is_ccw
    assert "crs" not in json.loads((tmp_path / "a.geojson").read_text("utf-8"))


def test_a_gazetteer_gives_points_for_points_and_areas(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "places.geojson",
        [
            ({"name": "站前社区", "kind": "community"}, shapely.Point(114.93, 27.81)),
            ({"name": "北湖公园", "kind": "park"}, WEST),
            ({"name": None, "kind": "park"}, WEST),
        ],
    )
    (batch,) = files.read_places(path, kind="kind")
    assert [(r.name, r.kind) for r in batch.rows] == [("站前社区", "community"), ("北湖公园", "park")]
    assert batch.rows[0].lonlat.lon == 114.93
    assert WEST.contains(shapely.Point(batch.rows[1].lonlat.lon, batch.rows[1].lonlat.lat))
    assert [b.error.code for b in batch.bad] == ["file.no_name"]


def test_an_openstreetmap_extract_gives_its_named_points_areas_and_roads(tmp_path: Path) -> None:
    nodes: dict[int, tuple[float, float, pbf.Tags]] = {
        1: (114.9343, 27.8130, {"name": "新余", "railway": "station"}),
        2: (114.90, 27.80, {}),
        3: (114.91, 27.80, {}),
        4: (114.91, 27.81, {}),
        5: (114.92, 27.82, {"amenity": "bench"}),
        6: (114.925, 27.815, {"name": "下村镇", "place": "town"}),
    }
    ways: dict[int, tuple[list[int], pbf.Tags]] = {
        1: ([2, 3, 4], {"name": "健康路", "highway": "residential"}),
        2: ([2, 3, 4, 2], {"name": "北湖公园", "leisure": "park"}),
    }
    pbf.write(tmp_path / "xinyu.osm.pbf", nodes, ways)
    rows = [row for batch in files.read_places(tmp_path / "xinyu.osm.pbf") for row in batch.rows]
    assert {(r.name, r.kind) for r in rows} == {
        ("新余", "railway=station"),
        ("下村镇", "place=town"),
        ("健康路", "highway=residential"),
        ("北湖公园", "leisure=park"),
    }
    station = next(r for r in rows if r.name == "新余")
    assert (station.lonlat.lon, station.lonlat.lat) == pytest.approx((114.9343, 27.8130))
