"""City-like test grids: Voronoi cells of a real outline whose shared borders wander as streams and field edges do.

The product's own demo grids have straight sides; measuring on those would flatter every index. Everything is
deterministic in the seed. The result is a coverage: neighbours share their vertices.
"""

from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiLineString, MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

DECIMALS = 7


def grids(outline: BaseGeometry, *, count: int, vertices: int, seed: int = 20261122) -> NDArray[np.object_]:
    """Return about `count` polygons that tile the outline with about `vertices` vertices each (WGS 84)."""
    rng = np.random.default_rng(seed)
    seeds = _seeds(outline, count, rng)
    cells = shapely.voronoi_polygons(MultiPoint(seeds), extend_to=outline, only_edges=True)
    straight = shapely.intersection(cells, outline)
    lines = shapely.get_parts(shapely.line_merge(straight))
    sides = max(1, round(vertices / 6))
    wandering = [_wander(line, sides, rng) for line in lines]
    border = shapely.get_parts(shapely.boundary(outline))
    noded = shapely.node(MultiLineString([*wandering, *border]))
    noded = shapely.set_precision(noded, 10.0**-DECIMALS)
    faces = shapely.get_parts(shapely.polygonize([noded]))
    faces = faces[shapely.covers(outline.buffer(1e-6), shapely.point_on_surface(faces))]
    return faces[np.lexsort((shapely.bounds(faces)[:, 1], shapely.bounds(faces)[:, 0]))]


def _seeds(outline: BaseGeometry, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw `count` points in the outline: half of them crowd around a few centres, as people do."""
    wide = _even(outline, count, rng)
    crowded = wide[rng.integers(0, min(40, count), count)] + rng.normal(0, 0.03, (count, 2))
    inside = shapely.contains_xy(outline, crowded) & (rng.random(count) < 0.5)
    chosen: NDArray[np.float64] = np.where(inside[:, None], crowded, wide)
    return chosen


def _wander(line: BaseGeometry, sides: int, rng: np.random.Generator) -> LineString:
    """Replace every straight piece by a random midpoint curve with `sides` pieces, ends kept."""
    xy = shapely.get_coordinates(line)
    pieces = [_curve(a, b, sides, rng) for a, b in pairwise(xy)]
    return LineString(np.vstack([*pieces, xy[-1:]]))


def _curve(a: NDArray[np.float64], b: NDArray[np.float64], sides: int, rng: np.random.Generator) -> NDArray[np.float64]:
    steps = np.linspace(0, 1, sides + 1)[:, None]
    sway = np.cumsum(rng.normal(0, 1, sides))
    sway = np.concatenate([[0.0], sway - np.linspace(0, 1, sides + 1)[1:] * sway[-1]])
    across = np.array([a[1] - b[1], b[0] - a[0]]) * 0.04
    curve: NDArray[np.float64] = a + steps * (b - a) + sway[:, None] / max(1.0, np.abs(sway).max()) * across
    return curve[:-1]


def points(
    polygons: NDArray[np.object_], count: int, *, outline: BaseGeometry | None = None, seed: int = 7
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lon and lat of `count` points: 95 % even over the outline or bounding box, 5 % within some 5 m of a border."""
    rng = np.random.default_rng(seed)
    whole = outline if outline is not None else shapely.box(*shapely.total_bounds(polygons))
    near = count // 20
    rings = shapely.get_coordinates(polygons)
    at = rng.integers(0, len(rings) - 1, near)
    share = rng.random((near, 1))
    beside = rings[at] + share * (rings[at + 1] - rings[at]) + rng.normal(0, 3e-5, (near, 2))
    xy = np.vstack([_even(whole, count - near, rng), beside])[rng.permutation(count)]
    return np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])


def _even(whole: BaseGeometry, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    west, south, east, north = whole.bounds
    shapely.prepare(whole)
    found = np.empty((0, 2))
    while len(found) < count:
        drawn = rng.uniform((west, south), (east, north), (count, 2))
        found = np.vstack([found, drawn[shapely.contains_xy(whole, drawn)]])
    return found[:count]


def square(side: float = 1.0) -> Polygon:
    """Return a plain outline for runs without any data file."""
    return shapely.box(114.0, 27.0, 114.0 + side, 27.0 + side)
