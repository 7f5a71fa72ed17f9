import hashlib
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
import shapely

from demo import grids, sources, villages
from geo.metric import area_m2


@pytest.fixture(scope="module")
def city() -> grids.DemoAreas:
    return grids.build()


def fingerprint(areas: grids.DemoAreas) -> str:
    digest = hashlib.sha256()
    for record in areas.records:
        digest.update(f"{record.layer} {record.code} {record.name} {record.parent_code}".encode())
        digest.update(np.round(shapely.get_coordinates(record.geometry), 6).tobytes())
    return digest.hexdigest()


def test_two_runs_make_the_same_city(city: grids.DemoAreas) -> None:
    assert fingerprint(grids.build()) == fingerprint(city)


def test_another_seed_makes_another_city(city: grids.DemoAreas) -> None:
    assert fingerprint(grids.build(seed=1)) != fingerprint(city)


def test_the_tree_has_one_city_two_counties_34_towns_511_villages_and_2700_grids(city: grids.DemoAreas) -> None:
    levels = Counter(r.level for r in city.records if r.layer in ("admin", "grid"))
    assert levels == {"province": 1, "city": 1, "county": 2, "town": 34, "village": 511, "grid": 2700}


def test_codes_are_unique_in_a_layer_and_parents_come_first(city: grids.DemoAreas) -> None:
    seen: set[tuple[str, str]] = set()
    for record in city.records:
        assert (record.layer, record.code) not in seen
        seen.add((record.layer, record.code))
        if record.parent_code is None:
            assert record.level == "province"
        else:
            assert ("admin", record.parent_code) in seen, record


def test_codes_follow_the_national_scheme(city: grids.DemoAreas) -> None:
    for record in city.layer("grid"):
        assert len(record.code) == 15
        assert record.code[:12] == record.parent_code
    for record in city.layer("admin", "village"):
        assert len(record.code) == 12
        assert record.code[:9] == record.parent_code
    for record in city.layer("admin", "town"):
        assert record.code[:6] == record.parent_code


def test_grids_villages_and_towns_are_clean_coverages_of_single_polygons(city: grids.DemoAreas) -> None:
    for level in ("county", "town", "village", "grid"):
        shapes = [r.geometry for r in city.records if r.level == level]
        assert shapely.is_valid(shapes).all(), level
        assert shapely.coverage_is_valid(shapes), level
        assert {shape.geom_type for shape in shapes} == {"Polygon"}, level


def test_every_parent_is_exactly_the_union_of_its_children(city: grids.DemoAreas) -> None:
    shape = {r.code: r.geometry for r in city.layer("admin")}
    children = defaultdict(list)
    for record in city.records:
        if record.layer in ("admin", "grid") and record.level not in ("province", "city"):
            assert record.parent_code
            children[record.parent_code].append(record.geometry)
    for parent, parts in children.items():
        assert shapely.equals(shapely.coverage_union_all(parts), shape[parent]), parent


def test_the_city_keeps_its_true_border(city: grids.DemoAreas) -> None:
    true = {p["adcode"]: g for p, g in sources.features("xinyu_boundaries.geojson")}
    for record in city.records:
        if record.level in ("city", "county"):
            off = shapely.symmetric_difference(record.geometry, true[record.code])
            assert area_m2(off) < 2_000, record.name


def test_the_city_lies_in_its_province(city: grids.DemoAreas) -> None:
    province, whole = city.layer("admin", "province")[0], city.layer("admin", "city")[0]
    assert shapely.contains_properly(province.geometry, whole.geometry)


def test_grids_are_small_in_the_centre_and_large_in_the_hills(city: grids.DemoAreas) -> None:
    sizes = np.array([area_m2(r.geometry) for r in city.layer("grid")]) / 1e6
    assert sizes.sum() == pytest.approx(3164.8, abs=0.5)
    assert 0.005 < sizes.min() < 0.05
    assert sizes.max() < 15


def test_grids_are_numbered_without_a_gap_and_named_after_their_village(city: grids.DemoAreas) -> None:
    names = {r.code: r.name for r in city.layer("admin", "village")}
    numbers = defaultdict(list)
    for record in city.layer("grid"):
        assert record.parent_code
        number = int(record.code[12:])
        assert record.name == f"{names[record.parent_code]}第{number}网格"
        numbers[record.parent_code].append(number)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_what_is_invented_says_so(city: grids.DemoAreas) -> None:
    for record in city.records:
        assert record.basis
        assert record.source
        assert record.approximate or record.level in ("city", "county")
        if record.level in ("village", "grid"):
            assert "synthetic" in record.basis


def test_unit_grids_are_about_a_hectare_and_stay_in_their_village(city: grids.DemoAreas) -> None:
    units = city.layer("unit_grid")
    shape = {r.code: r.geometry for r in city.layer("admin", "village")}
    assert len(units) >= 400
    assert shapely.coverage_is_valid([r.geometry for r in units])
    for record in units:
        assert 2_000 < area_m2(record.geometry) < 30_000
        assert record.parent_code
        outside = shapely.difference(record.geometry, shape[record.parent_code])
        assert outside.is_empty or area_m2(outside) < 5


def test_special_grids_are_apart_and_valid(city: grids.DemoAreas) -> None:
    special = city.layer("special_grid")
    assert len(special) == 10
    assert {"新余站专属网格", "新余北站专属网格", "分宜站专属网格"} <= {r.name for r in special}
    for a, b in combinations(special, 2):
        assert not a.geometry.intersects(b.geometry)


def test_rail_sections_follow_every_line_and_do_not_overlap_along_one_line(city: grids.DemoAreas) -> None:
    sections = city.layer("rail_section")
    lines = {line["line"]: line["geometry"] for line in grids.rail_lines()}
    inside = city.layer("admin", "city")[0].geometry
    assert {r.code.split("-360")[0] for r in sections} == set(lines)
    for name, line in lines.items():
        own = [r.geometry for r in sections if r.code.startswith(f"{name}-360")]
        assert shapely.is_valid(own).all()
        covered = shapely.union_all(own)
        missed = shapely.difference(shapely.intersection(line, inside), shapely.buffer(covered, 1e-7))
        assert shapely.length(missed) < 1e-3, name
        assert sum(shape.area for shape in own) == pytest.approx(covered.area, rel=1e-6)


def test_stations_and_lines_come_with_their_attribution_fields() -> None:
    stations = grids.stations()
    assert {"新余", "新余北", "分宜"} <= {s["name"] for s in stations}
    assert all(s["geometry"].geom_type == "Point" for s in stations)
    assert {line["approximate"] for line in grids.rail_lines()} == {True, False}


def test_fewer_grids_than_the_villages_need_are_refused() -> None:
    with pytest.raises(ValueError, match="511 villages"):
        grids.build(count=1_000)


@pytest.mark.parametrize("count", [300, 6_000])
def test_any_number_of_grids_tiles_the_city_without_gap(count: int) -> None:
    codes, shapes = grids.many(count)
    assert len(codes) == len(set(codes)) == len(shapes) == count
    assert codes == sorted(codes)
    assert shapely.coverage_is_valid(shapes)
    true = next(g for p, g in sources.features("xinyu_boundaries.geojson") if p["level"] == "city")
    assert area_m2(shapely.symmetric_difference(shapely.coverage_union_all(shapes), true)) < 5_000


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("站前社区居民委员会", "站前社区"),
        ("水北村民委员会", "水北村"),
        ("水北村村委会", "水北村"),
        ("城东居委会", "城东社区"),
        ("百丈峰林场生活区", "百丈峰林场生活区"),
    ],
)
def test_village_names_lose_the_words_for_their_committee(name: str, wanted: str) -> None:
    assert villages.short_name(name) == wanted


def test_regions_grow_connected_and_reach_every_cell() -> None:
    side = 12
    middles = np.array([(x, y) for y in range(side) for x in range(side)], dtype=float)
    pairs = np.array([(i, i + 1) for i in range(side * side) if i % side < side - 1] + [(i, i + side) for i in range(side * (side - 1))])
    region = villages.grow(pairs, middles, villages.spread(middles, 7, 0), [1.0] * 7)
    assert set(region.tolist()) == set(range(7))
    for r in range(7):
        members = set(np.flatnonzero(region == r).tolist())
        seen, todo = set(), [min(members)]
        while todo:
            cell = todo.pop()
            seen.add(cell)
            near = pairs[(pairs == cell).any(axis=1)].ravel().tolist()
            todo += [n for n in near if n in members and n not in seen]
        assert seen == members


def test_numbering_reads_rows_from_north_to_south_and_west_to_east() -> None:
    middles = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=float)
    assert villages.reading_order(middles) == [2, 3, 0, 1]
