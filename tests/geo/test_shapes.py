import contextlib
import json
import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import shapes
from geo.lonlat import LonLat
from geo.metric import LocalMetric, area_m2
from geo.shapes import ShapeError

SQUARE = [[114.9, 27.8], [115.0, 27.8], [115.0, 27.9], [114.9, 27.9], [114.9, 27.8]]
BOWTIE = [[114.9, 27.8], [115.0, 27.9], [115.0, 27.8], [114.9, 27.9], [114.9, 27.8]]


def polygon(*rings: list[Any]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def refused(obj: Any, **options: Any) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        shapes.parse_polygon(obj, **options)
    assert caught.value.message_zh
    return caught.value


def test_either_ring_order_is_read_and_the_outer_ring_leaves_counter_clockwise() -> None:
    hole = [[114.94, 27.84], [114.96, 27.84], [114.96, 27.86], [114.94, 27.86], [114.94, 27.84]]
    area = shapes.parse_polygon(polygon(SQUARE[::-1], hole))
    assert isinstance(area, shapely.Polygon)
    assert area.exterior.is_ccw
    assert not area.interiors[0].is_ccw


def test_a_self_intersection_is_refused_with_its_place() -> None:
    error = refused(polygon(BOWTIE))
    assert error.code == "shape.self_intersection"
    assert error.place == pytest.approx((114.95, 27.85))
    assert "114.95" in error.message_en


@pytest.mark.parametrize(
    ("obj", "code", "where"),
    [
        (polygon(SQUARE[:-1]), "unclosed", "geometry.coordinates[0]"),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "too_few_points", "geometry.coordinates[0]"),
        (polygon([SQUARE[0], *SQUARE]), "repeated_point", "geometry.coordinates[0][1]"),
        (polygon([*SQUARE[:2], [math.nan, 27.9], *SQUARE[2:]]), "not_finite", "geometry.coordinates[0][2]"),
        (polygon([*SQUARE[:2], [math.inf, 27.9], *SQUARE[2:]]), "not_finite", "geometry.coordinates[0][2]"),
        (polygon([*SQUARE[:2], [270.0, 27.9], *SQUARE[2:]]), "out_of_range", "geometry.coordinates[0][2]"),
        (polygon([[y, x] for x, y in SQUARE]), "axes_swapped", "geometry.coordinates[0][0]"),
        (polygon([*SQUARE[:2], ["115", 27.9], *SQUARE[2:]]), "bad_coordinates", "geometry.coordinates[0][2]"),
        (polygon([*SQUARE[:2], [115.0], *SQUARE[2:]]), "bad_coordinates", "geometry.coordinates[0][2]"),
        (polygon([*SQUARE[:2], True, *SQUARE[2:]]), "bad_coordinates", "geometry.coordinates[0][2]"),
        (polygon(), "empty", "geometry.coordinates"),
        (polygon([]), "bad_coordinates", "geometry.coordinates[0]"),
        ({"type": "Polygon"}, "empty", "geometry.coordinates"),
        ({"type": "Polygon", "coordinates": "x"}, "bad_coordinates", "geometry.coordinates"),
        ({"type": "Polygon", "coordinates": 7}, "bad_coordinates", "geometry.coordinates"),
        ({"type": "Point", "coordinates": [114.9, 27.8]}, "wrong_type", "geometry"),
        (None, "wrong_type", "geometry"),
        ([1, 2], "wrong_type", "geometry"),
    ],
)
def test_every_bad_shape_is_refused_with_its_reason_and_spot(obj: Any, code: str, where: str) -> None:
    error = refused(obj)
    assert (error.code, error.where) == (f"shape.{code}", where)


def test_a_hole_outside_the_shell_is_named() -> None:
    away = [[x + 1, y] for x, y in SQUARE]
    assert refused(polygon(SQUARE, away)).code == "shape.hole_outside"


def test_too_many_vertices_are_refused_before_they_are_looked_at() -> None:
    ring = [[114.9 + 0.01 * math.cos(t), 27.8 + 0.01 * math.sin(t)] for t in np.linspace(0, 2 * math.pi, 200)]
    ring[-1] = ring[0]
    assert refused(polygon(ring), max_vertices=199).code == "shape.too_many_vertices"
    assert shapes.parse_polygon(polygon(ring), max_vertices=200).area > 0
    many = {"type": "MultiPolygon", "coordinates": [[ring], [ring]]}
    assert refused(many, max_vertices=399).code == "shape.too_many_vertices"


def test_too_many_parts_are_refused() -> None:
    many = {"type": "MultiPolygon", "coordinates": [[[]]] * (shapes.MAX_PARTS + 1)}
    assert refused(many).code == "shape.too_many_parts"


def test_a_feature_is_read_by_its_geometry_and_heights_are_dropped() -> None:
    area = shapes.parse_polygon({"type": "Feature", "geometry": polygon([[*p, 55.0] for p in SQUARE])})
    assert not area.has_z
    assert area.equals(shapely.box(114.9, 27.8, 115.0, 27.9))


def test_lines_and_points_are_read() -> None:
    line = shapes.parse_line({"type": "LineString", "coordinates": SQUARE[:3]})
    assert shapely.get_num_coordinates(line) == 3
    two = shapes.parse_line({"type": "MultiLineString", "coordinates": [SQUARE[:2], SQUARE[2:4]]})
    assert len(two.geoms) == 2  # type: ignore[union-attr]
    assert shapes.parse_point({"type": "Point", "coordinates": [114.9, 27.8]}) == LonLat(lon=114.9, lat=27.8)
    with pytest.raises(ShapeError, match="expected"):
        shapes.parse_point({"type": "Point", "coordinates": []})


@given(
    xs=st.lists(st.floats(114, 115), min_size=2, max_size=2, unique=True),
    ys=st.lists(st.floats(27, 28), min_size=2, max_size=2, unique=True),
)
def test_what_goes_out_comes_back_in_the_same_within_a_centimetre(xs: list[float], ys: list[float]) -> None:
    if max(xs) - min(xs) < 1e-6 or max(ys) - min(ys) < 1e-6:
        return
    box = shapely.box(min(xs), min(ys), max(xs), max(ys))
    text = json.dumps(shapes.to_geojson(box))
    back = shapes.parse_polygon(json.loads(text))
    assert back.hausdorff_distance(box) < 1e-7


def test_repair_splits_a_bow_tie_and_refuses_what_has_no_area() -> None:
    mended = shapes.repair(shapely.Polygon(BOWTIE))
    assert mended.geom_type == "MultiPolygon"
    assert mended.is_valid
    assert mended.area == pytest.approx(0.005)
    with pytest.raises(ShapeError) as caught:
        shapes.repair(shapely.Polygon([(1, 1), (2, 2), (1, 1), (1, 1)]))
    assert caught.value.code == "shape.empty"


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        (shapely.Polygon(BOWTIE), "shape.self_intersection"),
        (shapely.Polygon(), "shape.empty"),
        (shapely.Point(1, 1), "shape.wrong_type"),
        (None, "shape.wrong_type"),
        (shapely.Polygon([(27.8, 114.9), (27.9, 114.9), (27.9, 115.0)]), "shape.axes_swapped"),
        (
            shapely.MultiPolygon([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)]),
            "shape.self_intersection",
        ),
    ],
)
def test_shapes_from_files_pass_the_same_checks(geometry: Any, code: str) -> None:
    with pytest.raises(ShapeError) as caught:
        shapes.check_area(geometry, where="row 3")
    assert caught.value.code == code
    assert caught.value.where.startswith("row 3")


def test_simplifying_keeps_the_border_within_the_distance_and_neighbours_together() -> None:
    t = np.linspace(0, 2 * math.pi, 500, endpoint=False)
    round_ = shapely.Polygon(np.column_stack([114.9 + 0.01 * np.cos(t), 27.8 + 0.01 * np.sin(t)]))
    thin = shapes.simplify_m(round_, 5.0)
    assert shapely.get_num_coordinates(thin) < 100
    plane = LocalMetric.around(round_)
    assert shapely.hausdorff_distance(plane.to_plane(thin), plane.to_plane(round_), densify=0.01) < 5.1
    half = shapely.box(114.8, 27.7, 114.9, 27.9)
    left, right = shapely.intersection(round_, half), shapely.difference(round_, half)
    both = shapes.simplify_coverage_m([left, right], 5.0)  # type: ignore[list-item]
    assert shapely.coverage_is_valid(both)
    assert shapes.simplify_coverage_m([], 5.0) == []


def test_a_disc_has_its_area() -> None:
    assert area_m2(shapes.disc(LonLat(lon=114.9, lat=27.8), 30.0)) == pytest.approx(math.pi * 900, rel=1e-3)


def test_the_local_plane_returns_to_the_start_and_keeps_areas() -> None:
    box = shapely.box(114.9, 27.8, 114.95, 27.85)
    plane = LocalMetric.around(box)
    flat = plane.to_plane(box)
    assert plane.to_lonlat(flat).equals_exact(box, 1e-11)
    assert flat.area == pytest.approx(area_m2(box), rel=1e-5)
    assert plane.lonlats(plane.points([114.9], [27.8])) == pytest.approx(np.array([[114.9, 27.8]]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "coordinates", "x"]), inner),
    max_leaves=20,
)


@given(kind=st.sampled_from(["Polygon", "MultiPolygon", "LineString", "Point", "Feature", "x"]), coordinates=json_values)
def test_nothing_a_client_can_send_breaks_the_parser(kind: str, coordinates: Any) -> None:
    obj = {"type": kind, "coordinates": coordinates, "geometry": coordinates}
    for parse in (shapes.parse_polygon, shapes.parse_line, shapes.parse_point):
        # Any other exception would fail the test.
        with contextlib.suppress(ShapeError):
            parse(obj)


def test_a_number_too_large_for_a_coordinate_is_refused() -> None:
    assert refused(polygon([*SQUARE[:2], [10**400, 27.9], *SQUARE[2:]])).code == "shape.not_finite"
