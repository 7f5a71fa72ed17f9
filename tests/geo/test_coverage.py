from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate

from demo import grids
from geo import coverage
from geo.coverage import CoverageError
from geo.metric import LocalMetric, area_m2
from geo.shapes import Area

STEP = 0.01


def board(side: int) -> tuple[list[Area], list[str]]:
    """A chessboard of squares with its codes; rows from the south."""
    xs = [round(114.9 + STEP * i, 7) for i in range(side + 1)]
    ys = [round(27.8 + STEP * i, 7) for i in range(side + 1)]
    squares: list[Area] = [shapely.box(xs[x], ys[y], xs[x + 1], ys[y + 1]) for y in range(side) for x in range(side)]
    return squares, [f"{i:03d}" for i in range(len(squares))]


def test_a_clean_board_keeps_every_promise() -> None:
    squares, codes = board(5)
    for promise in ("partition", "disjoint", "free"):
        assert coverage.check(squares, codes, promise).found == ()


def test_a_clean_board_covers_its_parent() -> None:
    squares, codes = board(4)
    whole = shapely.box(114.9, 27.8, 114.94, 27.84)
    assert coverage.check(squares, codes, "partition", {"P": whole}).found == ()


def test_a_missing_square_is_a_gap_with_place_size_and_neighbours() -> None:
    squares, codes = board(3)
    gap = squares.pop(4)
    codes.pop(4)
    (finding,) = coverage.check(squares, codes, "partition").found
    assert (finding.kind, finding.severity) == ("gap", "error")
    assert gap.contains(shapely.Point(finding.place.lon, finding.place.lat))
    assert finding.area_m2 == pytest.approx(area_m2(gap), rel=1e-4)
    assert {"001", "003", "005", "007"} <= set(finding.codes)


def test_a_missing_corner_is_no_inner_gap_but_leaves_its_parent_uncovered() -> None:
    squares, codes = board(3)
    corner = squares.pop(0)
    codes.pop(0)
    assert coverage.check(squares, codes, "partition").kept
    (finding,) = coverage.check(squares, codes, "partition", {"P": shapely.box(114.9, 27.8, 114.93, 27.83)}).found
    assert (finding.kind, finding.codes) == ("uncovered", ("P",))
    assert finding.area_m2 == pytest.approx(area_m2(corner), rel=1e-4)


def test_an_enclosed_hole_outside_every_parent_is_no_gap() -> None:
    squares, codes = board(3)
    hole = squares.pop(4)
    codes.pop(4)
    parent = shapely.box(114.9, 27.8, 114.93, 27.83).difference(hole)
    assert coverage.check(squares, codes, "partition", {"P": parent}).found == ()  # type: ignore[dict-item]


def test_a_moved_square_overlaps_its_neighbours_and_leaves_a_gap() -> None:
    squares, codes = board(3)
    squares[4] = translate(squares[4], 0.001, 0)
    findings = coverage.check(squares, codes, "partition")
    overlaps = [f for f in findings.errors if f.kind == "overlap"]
    assert [f.codes for f in overlaps] == [("004", "005")]
    assert overlaps[0].area_m2 == pytest.approx(area_m2(squares[5]) / 10, rel=1e-3)
    assert [f.kind for f in findings.errors if f.kind != "overlap"] == ["gap"]
    assert [f.kind for f in coverage.check(squares, codes, "disjoint").found] == ["overlap"]


def test_a_polygon_over_two_neighbours_overlaps_each_of_them() -> None:
    squares, codes = board(2)
    over = shapely.box(114.905, 27.802, 114.915, 27.808)
    findings = coverage.check([*squares, over], [*codes, "X"], "disjoint")
    assert sorted(f.codes for f in findings.errors) == [("000", "X"), ("001", "X")]
    assert all(f.area_m2 == pytest.approx(area_m2(over) / 2, rel=1e-3) for f in findings.errors)


def test_the_same_polygon_twice_is_an_overlap() -> None:
    squares, codes = board(3)
    findings = coverage.check([*squares, squares[4]], [*codes, "again"], "partition")
    assert [f.codes for f in findings.errors] == [("004", "again")]


def test_a_whole_layer_loaded_twice_is_found() -> None:
    squares, codes = board(3)
    findings = coverage.check([*squares, *squares], [*codes, *(f"x{c}" for c in codes)], "disjoint")
    assert {f.codes for f in findings.errors} == {(c, f"x{c}") for c in codes}


def test_a_t_junction_on_a_straight_edge_is_no_breach() -> None:
    left = shapely.box(114.9, 27.8, 114.91, 27.82)
    low, high = shapely.box(114.91, 27.8, 114.92, 27.81), shapely.box(114.91, 27.81, 114.92, 27.82)
    assert coverage.check([left, low, high], ["a", "b", "c"], "partition").found == ()


def test_a_sliver_below_a_square_decimetre_is_only_a_warning() -> None:
    squares, codes = board(3)
    # A spike of the middle square into its eastern neighbour: 1 mm wide at 10 m of border.
    x, y = 114.92, 27.815
    xy = shapely.get_coordinates(squares[4])
    spiked = np.vstack([xy[:1], [[x, y - 5e-5], [x + 1e-8, y], [x, y + 5e-5]], xy[1:]])
    squares[4] = shapely.Polygon(spiked)
    findings = coverage.check(squares, codes, "partition")
    assert findings.kept
    assert [f.codes for f in findings.warnings] == [("004", "005")]
    assert 0.001 < findings.warnings[0].area_m2 < 0.01


def test_area_outside_the_parents_is_a_warning_with_the_codes_there() -> None:
    squares, codes = board(2)
    parent = shapely.box(114.9, 27.8, 114.915, 27.82)
    findings = coverage.check(squares, codes, "partition", {"P": parent})
    assert findings.kept
    (finding,) = findings.warnings
    assert finding.kind == "outside"
    assert {"001", "003"} <= set(finding.codes)


def test_findings_are_limited_and_the_rest_counted_and_the_largest_come_first() -> None:
    squares, codes = board(6)
    holes = [i for i in range(36) if i % 6 in (1, 3) and i // 6 in (1, 3)]
    kept = [i for i in range(36) if i not in holes]
    findings = coverage.check([squares[i] for i in kept], [codes[i] for i in kept], "partition", limit=3)
    assert len(findings.found) == 3
    assert findings.left_out == 1
    sizes = [f.area_m2 for f in findings.found]
    assert sizes == sorted(sizes, reverse=True)


def test_different_numbers_of_polygons_and_codes_are_refused() -> None:
    with pytest.raises(CoverageError) as caught:
        coverage.check([shapely.box(0, 0, 1, 1)], [], "free")
    assert caught.value.code == "coverage.lengths_differ"


def test_an_empty_layer_keeps_its_promise() -> None:
    assert coverage.check([], [], "partition").kept


def test_the_demo_grids_partition_their_villages() -> None:
    city = grids.build()
    layer = city.layer("grid")
    parents = {r.code: r.geometry for r in city.layer("admin", "village")}
    findings = coverage.check([r.geometry for r in layer], [r.code for r in layer], "partition", parents)  # type: ignore[misc, arg-type]
    assert findings.found == ()


@settings(deadline=None, max_examples=40)
@given(moves=st.lists(st.tuples(st.integers(0, 15), st.integers(-9, 9), st.integers(-9, 9)), max_size=3, unique_by=lambda m: m[0]))
def test_findings_agree_with_intersecting_everything_with_everything(moves: list[tuple[int, int, int]]) -> None:
    squares, codes = board(4)
    for i, dx, dy in moves:
        squares[i] = translate(squares[i], dx / 4000, dy / 4000)
    findings = coverage.check(squares, codes, "partition")
    plane = LocalMetric.around(squares)
    wanted: dict[tuple[str, ...], float] = {}
    for i, j in combinations(range(16), 2):
        # Edges are straight in lon/lat: intersect there, measure in the plane.
        area = plane.to_plane(shapely.intersection(squares[i], squares[j])).area
        if area > 1.0:
            wanted[codes[i], codes[j]] = area
    got: dict[tuple[str, ...], float] = {}
    for f in findings.found:
        if f.kind == "overlap" and f.area_m2 > 1.0:
            got[f.codes] = got.get(f.codes, 0.0) + f.area_m2
    assert got.keys() == wanted.keys()
    for pair, area in got.items():
        assert area == pytest.approx(wanted[pair], rel=1e-3, abs=0.5)
    # What is left of a wide frame; a hole that touches the outside in one point is no interior ring of the union.
    frame = shapely.box(*shapely.total_bounds(squares)).buffer(0.01)
    rest = shapely.get_parts(frame.difference(shapely.union_all(squares)))
    holes = sum(area_m2(part) for part in rest if not part.intersects(frame.exterior))
    assert sum(f.area_m2 for f in findings.found if f.kind == "gap") == pytest.approx(holes, rel=1e-3, abs=1.0)


def test_an_area_of_several_parts_is_checked_in_each_of_them() -> None:
    squares, codes = board(3)
    two = shapely.MultiPolygon([shapely.Polygon(shapely.get_coordinates(square)) for square in (squares[0], squares[8])])
    rest: list[Area] = [*squares[1:8], two]
    assert coverage.check(rest, [*codes[1:8], "two"], "partition").found == ()
    over = shapely.box(114.921, 27.821, 114.925, 27.825)
    findings = coverage.check([*rest, over], [*codes[1:8], "two", "over"], "disjoint")
    assert [f.codes for f in findings.errors] == [("over", "two")]
