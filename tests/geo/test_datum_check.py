import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from demo import grids, sources
from geo import datum
from geo.datum import Datum
from geo.datum_check import suspect_gcj02


def counties() -> list[BaseGeometry]:
    return [g for p, g in sources.features("xinyu_boundaries.geojson") if p["level"] == "county"]


@pytest.fixture(scope="module")
def layer() -> list[shapely.Polygon]:
    return grids.many(400)[1]


def as_gcj02(shapes: list[shapely.Polygon]) -> list[shapely.Polygon]:
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: np.column_stack(datum.wgs84_to_gcj02_many(xy[:, 0], xy[:, 1])))
    return list(moved)


def test_true_wgs84_raises_no_suspicion(layer: list[shapely.Polygon]) -> None:
    assert suspect_gcj02(layer, counties()) is None
    assert suspect_gcj02(layer, counties(), Datum.CGCS2000) is None


def test_gcj02_labelled_wgs84_is_noticed_with_its_shift_in_metres(layer: list[shapely.Polygon]) -> None:
    suspicion = suspect_gcj02(as_gcj02(layer), counties())
    assert suspicion is not None
    assert (suspicion.declared, suspicion.likely) == (Datum.WGS84, Datum.GCJ02)
    assert 580 < suspicion.offset_m < 640
    assert suspicion.fit_likely_share > 0.95
    assert "GCJ02" in suspicion.message_en
    assert "偏移" in suspicion.message_zh


def test_bd09_labelled_wgs84_is_told_from_gcj02(layer: list[shapely.Polygon]) -> None:
    def shift(xy: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.array([datum.wgs84_to_bd09(x, y) for x, y in xy.tolist()])

    moved = list(shapely.transform(np.array(layer[:150], dtype=object), shift))
    suspicion = suspect_gcj02(moved, counties())
    assert suspicion is not None
    assert suspicion.likely is Datum.BD09


def test_wgs84_declared_as_gcj02_is_noticed_the_other_way_round(layer: list[shapely.Polygon]) -> None:
    read = [datum.transform_geometry(shape, Datum.GCJ02) for shape in layer]
    suspicion = suspect_gcj02(read, counties(), Datum.GCJ02)
    assert suspicion is not None
    assert suspicion.likely is Datum.WGS84


def test_a_part_of_the_city_is_enough_where_it_touches_a_known_border(layer: list[shapely.Polygon]) -> None:
    west = [shape for shape in layer if shape.centroid.x < 114.62]
    assert suspect_gcj02(west, counties()) is None
    assert suspect_gcj02(as_gcj02(west), counties()) is not None


def test_another_surveyors_border_a_few_metres_off_is_not_accused(layer: list[shapely.Polygon]) -> None:
    off = [shapely.transform(shape, lambda xy: xy + np.array([1e-4, -1e-4])) for shape in layer]
    assert suspect_gcj02(off, counties()) is None


def test_an_import_that_touches_no_known_border_cannot_be_judged(layer: list[shapely.Polygon]) -> None:
    near = shapely.buffer(shapely.union_all([c.boundary for c in counties()]), 0.02, quad_segs=2)
    shapely.prepare(near)
    inner = [s for s in layer if not shapely.intersects(near, s)]
    assert len(inner) > 20
    assert suspect_gcj02(as_gcj02(inner), counties()) is None
    assert suspect_gcj02([], counties()) is None
    assert suspect_gcj02(layer, []) is None


def test_shifted_points_are_noticed_by_those_that_leave_the_city() -> None:
    rng = np.random.default_rng(5)
    city = shapely.union_all(counties())
    west, south, east, north = city.bounds
    xy = rng.uniform((west, south), (east, north), (4_000, 2))
    xy = xy[shapely.contains_xy(city, xy[:, 0], xy[:, 1])]
    points = [shapely.Point(x, y) for x, y in xy]
    shifted = [shapely.Point(*datum.wgs84_to_gcj02(x, y)) for x, y in xy]
    assert suspect_gcj02(points, counties()) is None
    suspicion = suspect_gcj02(shifted, counties())
    assert suspicion is not None
    assert suspicion.likely is Datum.GCJ02
