import itertools
import math

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import cells
from geo.cells import CellError
from geo.lonlat import LonLat
from geo.metric import LocalMetric

XINYU = (114.917, 27.818)
centers = st.one_of(
    st.just(XINYU),
    st.tuples(st.floats(-170, 170), st.floats(-65, 65)),
    st.tuples(st.floats(74, 134), st.floats(20, 53)),
)


def star(center: tuple[float, float], radii: list[float], size_deg: float) -> shapely.Polygon:
    """A star-shaped, always valid polygon."""
    n = len(radii)
    ring = [
        (
            center[0] + size_deg * r * math.cos(2 * math.pi * i / n) / math.cos(math.radians(center[1])),
            center[1] + size_deg * r * math.sin(2 * math.pi * i / n),
        )
        for i, r in enumerate(radii)
    ]
    return shapely.Polygon(ring)


radii = st.lists(st.floats(0.05, 1.0), min_size=3, max_size=12)


def samples(shape: shapely.Polygon, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Points of the shape, its own vertices and points of its border among them."""
    rng = np.random.default_rng(seed)
    west, south, east, north = shape.bounds
    xy = rng.uniform((west, south), (east, north), (300, 2))
    inside = xy[shapely.contains_xy(shape, xy[:, 0], xy[:, 1])]
    border = shapely.get_coordinates(shapely.line_interpolate_point(shape.exterior, rng.uniform(0, shape.length, 200)))
    return np.vstack([inside, border, shapely.get_coordinates(shape)])


@settings(deadline=None, max_examples=60)
@given(center=centers, radii=radii, resolution=st.sampled_from([7, 8, 9, 10]), seed=st.integers(0, 99))
def test_a_cover_holds_the_cell_of_every_point_of_the_polygon(
    center: tuple[float, float], radii: list[float], resolution: int, seed: int
) -> None:
    shape = star(center, radii, 0.02)
    covered = set(cells.cover(shape, resolution).tolist())
    xy = samples(shape, seed)
    assert set(cells.cells(xy[:, 0], xy[:, 1], resolution).tolist()) <= covered


@settings(deadline=None, max_examples=60)
@given(center=centers, radii=radii, resolution=st.sampled_from([7, 8, 9, 10]), seed=st.integers(0, 99))
def test_no_point_outside_the_polygon_has_a_cell_that_is_surely_inside(
    center: tuple[float, float], radii: list[float], resolution: int, seed: int
) -> None:
    shape = star(center, radii, 0.05)
    full = set(cells.cover_full(shape, resolution).tolist())
    assert full <= set(cells.cover(shape, resolution).tolist())
    border = shapely.get_coordinates(shapely.line_interpolate_point(shape.exterior, np.linspace(0, shape.length, 400, endpoint=False)))
    outside = border + np.random.default_rng(seed).normal(0, 1e-7, border.shape)
    outside = outside[~shapely.contains_xy(shape, outside[:, 0], outside[:, 1])]
    assert not full & set(cells.cells(outside[:, 0], outside[:, 1], resolution).tolist())


@settings(deadline=None, max_examples=25)
@given(center=centers, resolution=st.integers(1, 11), seed=st.integers(0, 9))
def test_true_cell_edges_stray_from_their_chords_by_less_than_the_margin(center: tuple[float, float], resolution: int, seed: int) -> None:
    """The oracle asks H3 itself, by bisection across each chord, where the cell ends."""
    home = cells.cell(LonLat(lon=center[0], lat=center[1]), resolution)
    ring = cells.boundary(home)
    west, south, east, north = ring.bounds
    if east - west > 90 or max(abs(south), abs(north)) > 80:
        return
    margin = cells.edge_margin_m(resolution, max(abs(south), abs(north)))
    share = np.random.default_rng(seed).uniform(0.3, 0.7)
    corners = shapely.get_coordinates(ring.exterior)
    for a, b in itertools.pairwise(corners):
        chord = a + share * (b - a)
        middle = np.array(shapely.get_coordinates(ring.centroid)[0])
        inner, outer = chord + 0.2 * (middle - chord), chord - 0.2 * (middle - chord)
        for _ in range(60):
            half = (inner + outer) / 2
            inside = h3.latlng_to_cell(half[1], half[0], resolution) == home
            inner, outer = (half, outer) if inside else (inner, half)
        plane = LocalMetric(lon=chord[0], lat=chord[1])
        # Measured across the chord: distance of the true edge point from the chord's line.
        end = plane.points([inner[0]], [inner[1]])[0]
        points = plane.points(np.linspace(a[0], b[0], 2001), np.linspace(a[1], b[1], 2001))
        assert shapely.LineString(points).distance(shapely.Point(end)) <= margin


def test_the_cells_of_a_partition_are_a_partition_by_their_middles() -> None:
    left, right = shapely.box(114.9, 27.8, 114.95, 27.85), shapely.box(114.95, 27.8, 115.0, 27.85)
    a, b = cells.cover(left, 9, "center"), cells.cover(right, 9, "center")
    assert not set(a.tolist()) & set(b.tolist())
    both = np.sort(np.concatenate([a, b]))
    assert np.array_equal(both, cells.cover(shapely.box(114.9, 27.8, 115.0, 27.85), 9, "center"))


def test_a_rail_strip_keeps_its_overlap_cells() -> None:
    strip = shapely.box(114.9, 27.8, 114.95, 27.80018)
    assert len(cells.cover(strip, 10)) > 5 * len(cells.cover(strip, 10, "center"))
    assert len(cells.cover_full(strip, 10)) == 0


def test_cells_are_signed_and_sorted() -> None:
    found = cells.cover(shapely.box(114.9, 27.8, 114.95, 27.85), 10)
    assert found.dtype == np.int64
    assert (found > 0).all()
    assert (np.diff(found) > 0).all()


def test_a_multipolygon_with_a_hole_is_covered_once() -> None:
    shell, hole = shapely.box(114.9, 27.8, 115.0, 27.9), shapely.box(114.92, 27.82, 114.98, 27.88)
    holed = shapely.Polygon(shell.exterior, [hole.exterior])
    both = shapely.MultiPolygon([holed, shapely.box(115.001, 27.8, 115.1, 27.9)])
    found = cells.cover(both, 9)
    assert len(found) == len(set(found.tolist()))
    assert cells.cell(LonLat(lon=114.95, lat=27.85), 9) not in set(found.tolist())
    assert cells.cell(LonLat(lon=115.05, lat=27.85), 9) in set(found.tolist())


def test_compaction_and_its_inverse_agree() -> None:
    found = cells.cover(shapely.box(114.8, 27.8, 115.0, 28.0), 9)
    small = cells.compact(found)
    assert len(small) < len(found) / 3
    assert np.array_equal(cells.uncompact(small, 9), found)
    inside = LonLat(lon=114.9, lat=27.9)
    assert set(cells.ancestors(cells.cell(inside, 9), 0)) & set(small.tolist())


def test_parents_are_the_same_one_by_one_and_together() -> None:
    found = cells.cover(shapely.box(114.9, 27.8, 114.92, 27.82), 10)
    assert cells.parents(found, 8).tolist() == [cells.parent(int(c), 8) for c in found]


def test_neighbours_hold_the_cell_and_its_ring() -> None:
    home = cells.cell(LonLat(lon=114.9, lat=27.8), 10)
    around = cells.neighbours(home, 1)
    assert len(around) == 7
    assert home in around.tolist()


def test_a_position_lies_near_the_middle_of_its_cell() -> None:
    home = cells.cell(LonLat(lon=114.917, lat=27.818), 12)
    middle = cells.center(home)
    assert cells.cell(middle, 12) == home
    assert cells.boundary(home).contains(shapely.Point(middle.lon, middle.lat))


@pytest.mark.parametrize(
    ("shape", "resolution", "code"),
    [
        (shapely.box(100, 20, 120, 40), 12, "cells.too_many"),
        (shapely.box(114, 27, 115, 28), 16, "cells.bad_resolution"),
        (shapely.Polygon(), 9, "cells.bad_shape"),
        (shapely.Point(114, 27), 9, "cells.bad_shape"),
    ],
)
def test_a_cover_that_cannot_be_made_is_refused_before_the_work(shape: shapely.Polygon, resolution: int, code: str) -> None:
    for make in (cells.cover, cells.cover_full):
        with pytest.raises(CellError) as caught:
            make(shape, resolution)
        assert caught.value.code == code


@settings(deadline=None, max_examples=40)
@given(radii=radii, resolution=st.integers(8, 11), size=st.floats(0.002, 0.05))
def test_the_estimate_is_never_much_too_low(radii: list[float], resolution: int, size: float) -> None:
    shape = star(XINYU, radii, size)
    assert len(cells.cover(shape, resolution)) <= 1.1 * cells.estimate(shape, resolution)
