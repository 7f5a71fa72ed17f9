import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon, STRtree, box

from geo import point_index
from geo.lonlat import metres_per_degree
from geo.point_index import PointIndex, PointIndexError
from tests.bench.grids import grids, points, square

Area = Polygon | MultiPolygon


def built(polygons: Sequence[Area] | NDArray[np.object_]) -> PointIndex:
    return PointIndex.build(codes=[f"{i:06d}" for i in range(len(polygons))], polygons=polygons)


def exactly_covered(area: Area, x: float, y: float) -> bool:
    """The definition itself, in rational numbers: on an edge, or inside by the even-odd rule; near zero is zero."""
    px, py = (Fraction(v) if abs(v) >= 1e-100 else Fraction(0) for v in (x, y))
    inside = False
    for part in shapely.get_parts(area):
        for ring in shapely.get_rings(part):
            for (ax, ay), (bx, by) in pairwise([(Fraction(c[0]), Fraction(c[1])) for c in ring.coords]):
                turn = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
                if turn == 0 and min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by):
                    return True
                if (ay > py) != (by > py) and (turn > 0) == (by > ay):
                    inside = not inside
    return inside


def assert_exact(polygons: Sequence[Area], where: Sequence[tuple[float, float]]) -> None:
    index = built(polygons)
    many = index.locate_many([p[0] for p in where], [p[1] for p in where])
    for (x, y), batch in zip(where, many, strict=True):
        covering = [k for k, area in enumerate(polygons) if exactly_covered(area, x, y)]
        assert index.candidates(x, y) == covering, (x, y)
        assert index.locate(x, y) == batch == (covering[0] if covering else -1), (x, y)


def assert_agrees_with_geos(polygons: NDArray[np.object_], lon: NDArray[np.float64], lat: NDArray[np.float64]) -> None:
    pairs = STRtree(polygons).query(shapely.points(lon, lat), predicate="intersects")
    lowest = np.full(len(lon), len(polygons), np.int32)
    np.minimum.at(lowest, pairs[0], pairs[1].astype(np.int32))
    lowest[lowest == len(polygons)] = -1
    assert np.array_equal(built(polygons).locate_many(lon, lat), lowest)


def beside(x: float, y: float) -> Iterator[tuple[float, float]]:
    """The point and its eight neighbours one unit in the last place away."""
    for px in (x, math.nextafter(x, -math.inf), math.nextafter(x, math.inf)):
        for py in (y, math.nextafter(y, -math.inf), math.nextafter(y, math.inf)):
            yield px, py


def telling_points(polygons: Sequence[Area]) -> list[tuple[float, float]]:
    """Vertices, edge middles and raster corners, each with its neighbours, and the corners of the frame."""
    frame = built(polygons)._raster.frame
    xy = shapely.get_coordinates(polygons).tolist()
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in pairwise(xy)]
    step = 1 / frame[4], 1 / frame[5]
    corners = [
        (frame[0] + math.floor((x - frame[0]) / step[0]) * step[0], frame[1] + math.floor((y - frame[1]) / step[1]) * step[1])
        for x, y in xy
    ]
    box_corners = [(x, y) for x in (frame[0], frame[2]) for y in (frame[1], frame[3])]
    return [near for x, y in (*xy, *middles, *corners, *box_corners) for near in beside(float(x), float(y))]


@st.composite
def layers(draw: st.DrawFn) -> list[Area]:
    """A few overlapping polygons, with holes and parts, made from triangles on a small lattice that floats cannot hit."""
    scale = draw(st.sampled_from([1.0, 0.1, 1e-7, 3.3]))
    origin = draw(st.sampled_from([(0.0, 0.0), (114.9, 27.8), (-170.0, -60.0)]))
    corner = st.tuples(st.integers(0, 6), st.integers(0, 6))
    made: list[Area] = []
    for triangles in draw(st.lists(st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=4), min_size=1, max_size=6)):
        parts = [Polygon([(origin[0] + x * scale, origin[1] + y * scale) for x, y in t]) for t in triangles]
        parts = [p for p in parts if p.is_valid and p.area > 0]
        merged = shapely.union_all(parts) if draw(st.booleans()) else shapely.intersection_all(parts)
        if isinstance(merged, Polygon | MultiPolygon) and merged.is_valid and not merged.is_empty:
            made.append(merged)
    return made or [box(*origin, origin[0] + scale, origin[1] + scale)]


@pytest.mark.parametrize("cells", [1, 4096])
@settings(max_examples=60, deadline=None)
@given(layers(), st.data())
def test_every_answer_equals_the_definition_in_rational_numbers(cells: int, polygons: list[Area], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_index, "MIN_CELLS", cells)
        patch.setattr(point_index, "MAX_CELLS", cells)
        _check_against_the_definition(polygons, data)


def _check_against_the_definition(polygons: list[Area], data: st.DataObject) -> None:
    telling = telling_points(polygons)
    where = data.draw(st.lists(st.sampled_from(telling), min_size=10, max_size=40))
    low, high = np.array(telling).min(axis=0), np.array(telling).max(axis=0)
    inside = st.tuples(st.floats(low[0], high[0]), st.floats(low[1], high[1]))
    assert_exact(polygons, where + data.draw(st.lists(inside, max_size=10)))


@pytest.fixture(scope="module")
def tiling() -> NDArray[np.object_]:
    return grids(square(), count=600, vertices=60)


def test_a_million_points_agree_with_geos(tiling: NDArray[np.object_]) -> None:
    assert_agrees_with_geos(tiling, *points(tiling, 1_000_000))


def test_points_on_vertices_and_one_unit_off_agree_with_geos(tiling: NDArray[np.object_]) -> None:
    xy = shapely.get_coordinates(tiling)
    for up in (-np.inf, 0.0, np.inf):
        shifted = np.nextafter(xy, up) if up else xy
        assert_agrees_with_geos(tiling, np.ascontiguousarray(shifted[:, 0]), np.ascontiguousarray(xy[:, 1]))
        assert_agrees_with_geos(tiling, np.ascontiguousarray(shifted[:, 0]), np.ascontiguousarray(shifted[:, 1]))


def test_points_on_shared_edges_agree_with_geos(tiling: NDArray[np.object_]) -> None:
    xy = shapely.get_coordinates(tiling)
    share = np.random.default_rng(5).random((len(xy) - 1, 1))
    on = xy[:-1] + share * (xy[1:] - xy[:-1])
    assert_agrees_with_geos(tiling, np.ascontiguousarray(on[:, 0]), np.ascontiguousarray(on[:, 1]))


def test_the_answer_equals_asking_every_polygon(tiling: NDArray[np.object_]) -> None:
    lon, lat = points(tiling, 3_000)
    covers = shapely.intersects_xy(tiling[:, None], lon[None, :], lat[None, :])
    expected = np.where(covers.any(axis=0), covers.argmax(axis=0), -1)
    assert np.array_equal(built(tiling).locate_many(lon, lat), expected)


def test_overlapping_discs_agree_with_geos_and_list_every_cover() -> None:
    rng = np.random.default_rng(11)
    discs = shapely.buffer(shapely.points(rng.uniform(0, 10, (300, 2))), rng.uniform(0.01, 5, 300))
    lon, lat = points(discs, 100_000)
    assert_agrees_with_geos(discs, lon, lat)
    index = built(discs)
    for x, y in zip(lon[:300], lat[:300], strict=True):
        assert index.candidates(x, y) == np.flatnonzero(shapely.intersects_xy(discs, x, y)).tolist()


def test_squares_on_a_raster_give_shared_sides_and_corners_to_the_lowest_code() -> None:
    squares = [box(x, y, x + 1, y + 1) for y in range(4) for x in range(4)]
    index = built(squares)
    assert index.locate(1.0, 0.5) == 0
    assert index.locate(2.0, 2.0) == 5
    assert index.candidates(2.0, 2.0) == [5, 6, 9, 10]
    assert_exact(squares, telling_points(squares))


def test_codes_are_ordered_bytewise_and_positions_follow_them() -> None:
    codes = ["é", "b", "汉", "B", "10", "9", "𠀀", "\uffee"]
    index = PointIndex.build(codes=codes, polygons=[box(0, 0, 1, 1)] * len(codes), version=7)
    assert list(index.codes) == sorted(codes, key=lambda code: code.encode())
    assert index.codes[index.locate(0.5, 0.5)] == "10"
    assert index.candidates(1.0, 1.0) == list(range(8))
    assert index.version == 7


def test_a_hole_and_an_island_in_it_are_told_apart() -> None:
    ring = Polygon(box(0, 0, 9, 9).exterior, [box(3, 3, 6, 6).exterior])
    island = box(4, 4, 5, 5)
    assert_exact([island, ring], telling_points([island, ring]))
    index = built([MultiPolygon([ring, island])])
    assert [index.locate(x, 4.5) for x in (1, 3, 3.5, 4.5, 6)] == [0, 0, -1, 0, 0]


def test_slivers_thinner_than_a_cell_are_found() -> None:
    needle = Polygon([(0, 0), (90, 1e-9), (90, 2e-9)])
    thread = Polygon([(0, 1), (90, 50), (90, 50.000000000001)])
    thick = box(0, -1, 90, 51)
    assert_exact([needle, thread, thick], telling_points([needle, thread, thick]))


def test_many_polygons_around_one_vertex_are_told_apart() -> None:
    rim = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 101)[:-1]]
    slices = [Polygon([(0, 0), a, b]) for a, b in pairwise([*rim, rim[0]])]
    tiny = [(r * math.cos(a), r * math.sin(a)) for r in (1e-300, 1e-99, 1e-15, 1e-9, 1e-4) for a in np.linspace(0, 6.2, 40)]
    assert_exact(slices, [(0.0, 0.0), *tiny])
    assert built(slices).candidates(0.0, 0.0) == list(range(100))


def test_more_polygons_on_one_edge_than_a_mask_holds() -> None:
    copies = [box(0, 0, 1, 1)] * 70 + [box(1, 0, 2, 1)] * 70
    index = built(copies)
    assert index.candidates(1.0, 0.5) == list(range(140))
    assert index.candidates(1.0, 1.0) == list(range(140))
    assert index.candidates(1.5, 1.0) == list(range(70, 140))
    assert index.locate(math.nextafter(1.0, 2.0), 0.5) == 70


def test_a_border_through_a_reference_point_makes_the_build_choose_another() -> None:
    outer = box(0, 0, 1, 1)
    frame = built([outer])._raster.frame
    for column, row in ((0, 0), (7, 3), (31, 30)):
        x, y = frame[0] + (column + frame[10]) / frame[4], frame[1] + (row + frame[11]) / frame[5]
        triangle = Polygon([(x, y), (0.9, 0.1), (0.9, 0.9)])
        flat = Polygon([(0, y), (1, y), (1, 1), (0, 1)])
        assert_exact([triangle, flat, outer], [*beside(x, y), *telling_points([triangle, flat, outer])])


def test_points_where_plain_doubles_give_the_wrong_side_are_decided_exactly() -> None:
    rng, met = np.random.default_rng(4), 0
    while met < 30:
        (ax, ay), (bx, by) = rng.uniform((-60, -60), (0, 0)).tolist(), rng.uniform((0.1, 0.1), (60, 60)).tolist()
        share = rng.uniform(0.2, 0.8)
        px, py = ax + share * (bx - ax), ay + share * (by - ay)
        doubles = (ax - px) * (by - py) - (ay - py) * (bx - px)
        truth = (Fraction(ax) - Fraction(px)) * (Fraction(by) - Fraction(py)) - (Fraction(ay) - Fraction(py)) * (
            Fraction(bx) - Fraction(px)
        )
        if (doubles > 0) == (truth > 0) and (doubles < 0) == (truth < 0):
            continue
        met += 1
        left, right = Polygon([(ax, ay), (bx, by), (-70, 70)]), Polygon([(ax, ay), (70, -70), (bx, by)])
        bent = Polygon([(ax, ay), (px, py), (bx, by), (-70, 70)])
        assert_exact([left, right], list(beside(px, py)))
        assert_exact([bent, left, right], list(beside(px, py)))


def test_corners_on_the_height_of_the_reference_points_count_once() -> None:
    outer = box(0, 0, 1, 1)
    frame = built([outer])._raster.frame
    x, y = frame[0] + 20 / frame[4], frame[1] + (30 + frame[11]) / frame[5]
    diamond = Polygon([(x, y), (0.6, 0.1), (0.9, y), (0.6, 0.9)])
    assert_exact([diamond, outer], [*telling_points([diamond, outer]), (0.5, y), (0.8, y), (0.95, y), (0.95, y + 1e-9)])


def test_numbers_nearer_to_zero_than_a_hundredth_power_count_as_zero() -> None:
    halves = [box(-1, -1, 0, 1), box(0, -1, 1, 1)]
    index = built(halves)
    assert [index.locate(x, 0.5) for x in (-1e-99, 1e-99)] == [0, 1]
    near_zero = [v for tiny in (5e-324, 1e-200, 9.9e-101) for v in (-tiny, tiny)]
    assert [index.candidates(x, y) for x in near_zero for y in near_zero] == [[0, 1]] * 36
    assert index.locate_many(near_zero, near_zero).tolist() == [0] * 6
    assert [built([box(0, 0, 1, 1)]).locate(x, 0.5) for x in near_zero] == [0] * 6
    assert [built([box(-1, -1, 0, 0)]).locate(-0.5, y) for y in near_zero] == [0] * 6


def test_a_point_nowhere_is_unowned() -> None:
    index = built([box(0, 0, 1, 1)])
    bad = [math.nan, math.inf, -math.inf, 1e308, -1e308, 2.0, -1e-9]
    assert [index.locate(x, 0.5) for x in bad] == [-1] * 7
    assert [index.locate(0.5, x) for x in bad] == [-1] * 7
    assert index.locate_many(bad, [0.5] * 7).tolist() == [-1] * 7
    assert index.locate_many([0.5] * 7, bad).tolist() == [-1] * 7
    assert index.candidates(math.nan, 0.5) == []
    assert index.near(math.nan, 0.5, 10.0) == []


def test_an_index_of_nothing_owns_nothing() -> None:
    index = PointIndex.build(codes=[], polygons=[])
    assert (index.locate(0.0, 0.0), index.candidates(0.0, 0.0), index.near(0.0, 0.0, 9.0)) == (-1, [], [])
    assert index.locate_many([], []).dtype == np.int32
    assert index.locate_many([1.0], [1.0]).tolist() == [-1]


def test_the_whole_globe_is_one_polygon() -> None:
    index = built([box(-180, -90, 180, 90)])
    assert index.locate_many([-180.0, 180.0, 0.0, 180.0], [-90.0, 90.0, 0.0, -90.0]).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("codes", "polygons", "code", "where"),
    [
        (["a"], [], "index.length", ""),
        (["a", "a"], [box(0, 0, 1, 1)] * 2, "index.code", "a"),
        (["a", "b"], [box(0, 0, 1, 1), Point(0, 0)], "index.type", "b"),
        (["a", "b"], [box(0, 0, 1, 1), None], "index.type", "b"),
        (["b", "a"], [box(0, 0, 1, 1), Polygon()], "index.empty", "a"),
        (["a"], [box(0, 0, 181, 1)], "index.out_of_range", "a"),
    ],
)
def test_what_cannot_be_indexed_is_refused_with_its_code(codes: list[str], polygons: list[Polygon], code: str, where: str) -> None:
    with pytest.raises(PointIndexError) as refused:
        PointIndex.build(codes=codes, polygons=polygons)
    assert (refused.value.code, refused.value.where) == (code, where)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_vertex_that_is_not_finite_is_refused(value: float) -> None:
    with np.errstate(invalid="ignore"):
        broken = Polygon([(0, 0), (1, value), (1, 1)])
    with pytest.raises(PointIndexError) as refused:
        PointIndex.build(codes=["whole", "broken"], polygons=[box(0, 0, 1, 1), broken])
    assert (refused.value.code, refused.value.where) == ("index.out_of_range", "broken")


def test_read_only_strided_and_whole_numbered_arrays_are_read() -> None:
    index = built([box(0, 0, 1, 1), box(1, 0, 2, 1)])
    both = np.array([[0.5, 0.5], [1.5, 0.5], [2.5, 0.5]])
    both.flags.writeable = False
    assert index.locate_many(both[:, 0], both[:, 1]).tolist() == [0, 1, -1]
    assert index.locate_many(both[0], both[2]).tolist() == [-1, 0]
    assert index.locate_many(np.array([1, 2], np.int16), [1, 1]).tolist() == [0, 1]


def test_arrays_of_unlike_length_are_refused() -> None:
    with pytest.raises(PointIndexError, match="flat arrays of one length"):
        built([box(0, 0, 1, 1)]).locate_many([1.0, 2.0], [1.0])


def test_too_little_scratch_room_is_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_index, "CELLS_PER_VERTEX", 0)
    monkeypatch.setattr(point_index, "MIN_CELLS", 1)
    discs = np.array(shapely.buffer(shapely.points(np.random.default_rng(3).uniform(0, 3, (200, 2))), 1.0))
    assert_agrees_with_geos(discs, *points(discs, 20_000))


def test_near_lists_every_polygon_within_reach_with_its_distance() -> None:
    east, north = metres_per_degree(27.8)
    at = (114.9, 27.8)
    west_m, east_m = box(-100, -50, -10, 50), box(5, -50, 100, 50)
    degrees = [shapely.transform(p, lambda xy: xy / (east, north) + at) for p in (west_m, east_m)]
    index = built(degrees)
    assert index.near(*at, 4.0) == []
    found = [*index.near(*at, 7.0), *index.near(*at, 12.0), *index.near(at[0] + 20 / east, at[1], 31.0)]
    assert [p for p, _ in found] == [1, 1, 0, 1, 0]
    assert [distance for _, distance in found] == pytest.approx([5.0, 5.0, 10.0, 0.0, 30.0], abs=1e-6)
    assert found[3][1] == 0.0


def test_shares_equal_the_areas_geos_cuts_out_of_the_disc() -> None:
    east, north = metres_per_degree(27.8)
    lon, lat = 114.9, 27.8
    rng = np.random.default_rng(2)
    metric = np.array(shapely.buffer(shapely.points(rng.uniform(-80, 80, (40, 2))), rng.uniform(5, 60, 40), quad_segs=3))
    metric[0] = metric[0] - shapely.buffer(shapely.point_on_surface(metric[0]), 2.0)
    index = built([shapely.transform(p, lambda xy: xy / (east, north) + (lon, lat)) for p in metric])
    disc = shapely.buffer(Point(0, 0), 50.0, quad_segs=2000)
    expected = shapely.area(shapely.intersection(metric, disc)) / disc.area
    shares = index.shares(lon, lat, 50.0)
    assert shares == sorted(shares, key=lambda item: -item[1])
    assert {p for p, _ in shares} == set(np.flatnonzero(expected > 1e-9).tolist())
    assert all(share == pytest.approx(expected[p], abs=2e-6) for p, share in shares)


def test_the_shares_of_a_partition_add_up_to_one(tiling: NDArray[np.object_]) -> None:
    index = built(tiling)
    for x, y in np.random.default_rng(8).uniform((114.3, 27.3), (114.7, 27.7), (50, 2)):
        assert sum(share for _, share in index.shares(x, y, 900.0)) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("radius", [0.0, -1.0, math.nan, math.inf, 100_001.0])
def test_a_radius_out_of_range_is_refused(radius: float) -> None:
    with pytest.raises(PointIndexError) as refused:
        built([box(0, 0, 1, 1)]).near(0.5, 0.5, radius)
    assert refused.value.code == "index.radius"
