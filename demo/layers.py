"""The demo city's layers beside the tree: unit grids of the urban core, special grids, and railway sections.

All shapes are approximate and say what they stand on: squares of about a hectare inside invented villages, discs around
true station points or illustrative places, corridors along the lines as far as those are known.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from demo import sources, tessellate, villages
from demo.records import AreaRecord
from geo.lonlat import LonLat
from geo.metric import LocalMetric
from geo.shapes import disc

_CENTRE = LonLat(lon=114.917, lat=27.818)
UNIT_GRID_M2 = 10_000.0
_UNIT_GRIDS = 400
# Half the width of a railway section: what stands within it concerns the line. Wider than the statutory zone (8-20 m
# from the embankment), because chord lines and phone positions are not that true.
CORRIDOR_M = 60.0
_SMALLEST_PART_M2 = 2_000.0
_STATION_M = 350.0
_SPECIAL = [
    ("市人民医院", "City People's Hospital", 114.9330, 27.8200, 220.0),
    ("新余学院", "Xinyu University", 114.9905, 27.8210, 600.0),
    ("新钢工业园", "Xinyu Steel Works", 114.9180, 27.7850, 1_100.0),
    ("高新区产业园", "High-tech Industrial Park", 115.0060, 27.8330, 1_300.0),
    ("仙女湖景区", "Xiannü Lake Scenic Area", 114.8050, 27.7700, 1_500.0),
    ("分宜工业园", "Fenyi Industrial Park", 114.7050, 27.8290, 900.0),
    ("北湖公园", "North Lake Park", 114.9210, 27.8245, 300.0),
]


def unit_grids(tree: Sequence[AreaRecord], seed: int) -> list[AreaRecord]:
    """Return unit grids (城管, about a hectare each) for the villages of the urban core, nearest to the centre first.

    They never cross a village. Codes are the 12-digit village code and a 3-digit number, as for governance grids.
    """
    rng = np.random.default_rng([seed, 2])
    core = LocalMetric(lon=_CENTRE.lon, lat=_CENTRE.lat)
    middle = shapely.Point(core.points([_CENTRE.lon], [_CENTRE.lat])[0])
    near = sorted(
        ((core.to_plane(r.geometry), r) for r in tree if r.level == "village"),
        key=lambda pair: (float(pair[0].centroid.distance(middle)), pair[1].code),
    )
    hosts, chosen, seeds, total = [], [], [], 0
    for shape, village in near:
        if total >= _UNIT_GRIDS:
            break
        count = min(999, max(1, round(shape.area / UNIT_GRID_M2)))
        hosts.append(shapely.set_precision(shape, tessellate.RASTER_M))
        chosen.append(village)
        seeds.append(tessellate.draw_seeds(hosts[-1], count, lambda xy: np.ones(len(xy)), rng, 8))
        total += count
    cells = tessellate.tessellate(hosts, seeds)
    lonlat = shapely.remove_repeated_points(_rounded(core.to_lonlat(cells.shapes)))
    middles = shapely.get_coordinates(shapely.centroid(cells.shapes))
    records: list[AreaRecord] = []
    for host, village in enumerate(chosen):
        own = np.flatnonzero(cells.host == host)
        order = own[villages.reading_order(middles[own])]
        records += [_unit_grid(village, i, lonlat[cell]) for i, cell in enumerate(order, 1)]
    return records


def special_grids(tree: Sequence[AreaRecord]) -> list[AreaRecord]:
    """Return the special grids (专属网格): named stations at their true points, other places illustrative."""
    wanted: list[tuple[str, str | None, LonLat, float, str]] = [
        (f"{p['name']}站", None, LonLat(lon=g.x, lat=g.y), _STATION_M, "disc around the station's point")
        for p, g in sources.features("rail_stations.geojson")
        if isinstance(g, shapely.Point) and p["name"] in ("新余", "新余北", "分宜")
    ]
    wanted += [
        (name, english, LonLat(lon=lon, lat=lat), radius, "illustrative place and shape, not surveyed")
        for name, english, lon, lat, radius in _SPECIAL
    ]
    towns = [r for r in tree if r.level == "town"]
    records = []
    number: dict[str, int] = {}
    for name, english, place, radius, basis in wanted:
        town = next(t for t in towns if t.geometry.contains(shapely.Point(place.lon, place.lat)))
        number[town.code] = number.get(town.code, 0) + 1
        code = f"{town.code}601{number[town.code]:03d}"
        shape = _rounded(disc(place, radius))
        source = "OpenStreetMap contributors, ODbL 1.0" if english is None else "made by this project"
        full = f"{name}专属网格"
        records.append(AreaRecord("special_grid", "special_grid", code, full, english, town.code, shape, True, basis, source))
    return sorted(records, key=lambda record: record.code)


def rail_sections(tree: Sequence[AreaRecord]) -> list[AreaRecord]:
    """Return one corridor section for each railway line and town it passes; sections of two lines may overlap."""
    towns = [r for r in tree if r.level == "town"]
    records = []
    for p, line in sources.features("rail_lines.geojson"):
        plane = LocalMetric.around(line)
        corridor = shapely.buffer(plane.to_plane(line), CORRIDOR_M, cap_style="flat", join_style="mitre")
        for town in towns:
            part = _large(shapely.intersection(corridor, plane.to_plane(town.geometry)))
            if part is None:
                continue
            surveyed = p["alignment"] == "surveyed_simplified"
            basis = "corridor along the simplified true track" if surveyed else "corridor along chords between stations"
            records.append(
                AreaRecord(
                    layer="rail_section",
                    level="rail_section",
                    code=f"{p['line']}-{town.code}",
                    name=f"{p['name']}{town.name}段",
                    name_en=None,
                    parent_code=town.code,
                    geometry=plane.to_lonlat(part),
                    approximate=True,
                    basis=basis,
                    source="OpenStreetMap contributors, ODbL 1.0; town borders approximate",
                )
            )
    return sorted(records, key=lambda record: record.code)


def _unit_grid(village: AreaRecord, number: int, shape: BaseGeometry) -> AreaRecord:
    return AreaRecord(
        layer="unit_grid",
        level="unit_grid",
        code=f"{village.code}{number:03d}",
        name=f"{village.name}单元网格{number:03d}",
        name_en=None,
        parent_code=village.code,
        geometry=shape,
        approximate=True,
        basis="synthetic: about a hectare each, inside a synthetic village",
        source="made by this project",
    )


def _large(shape: BaseGeometry) -> BaseGeometry | None:
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area >= _SMALLEST_PART_M2]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _rounded(shapes: Any) -> Any:
    return shapely.transform(shapes, lambda xy: np.round(xy, 7))
