"""Cut areas into cells that share every vertex with their neighbours: the recipe behind all demo grids.

Seeds are drawn by density and evened out, their Voronoi edges and the areas' borders are noded on one raster and
polygonized, and each face goes to the nearest seed of its own area. Intersecting cells with areas one by one would leave
T-junctions; this does not. Everything works in a metric plane, and the same input gives the same cells.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]
Density = Callable[[Floats], Floats]

RASTER_M = 0.01
# Voronoi edges reach this far over an area's border, so that noding surely meets it.
_REACH_M = 0.5


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one tessellation: polygons, the area each lies in, and pairs of neighbours within one area.

    `shapes` and `host` have one entry a cell; `pairs` is (k, 2) with `shared_m` the length of the common border.
    """

    shapes: Geometries
    host: Ints
    pairs: Ints
    shared_m: Floats


def draw_seeds(area: shapely.Polygon, count: int, density: Density, rng: np.random.Generator, rounds: int) -> Floats:
    """Return (count, 2) seeds inside an area, dense where `density` is high, evened out by weighted Lloyd rounds."""
    shapely.prepare(area)
    samples = _inside(area, 60 * count + 200, rng)
    weights = density(samples)
    seeds = samples[rng.choice(len(samples), count, replace=False, p=weights / weights.sum())]
    for _ in range(rounds):
        moved = _means(samples, weights, seeds)
        # The middle of a bent cell may lie outside; such a seed stays where it was.
        stays = ~shapely.contains_xy(area, moved[:, 0], moved[:, 1])
        seeds = np.where(stays[:, None], seeds, moved)
    return seeds


def tessellate(areas: Sequence[shapely.Polygon], seeds: Sequence[Floats]) -> Cells:
    """Return one cell for each seed, a clean coverage of the areas (which must themselves share their borders).

    Cells come in the order of the seeds; each is one polygon.
    """
    lines: list[Any] = [shapely.boundary(area) for area in areas]
    for area, own in zip(areas, seeds, strict=True):
        if len(own) > 1:
            edges = shapely.voronoi_polygons(shapely.MultiPoint(own), extend_to=area, only_edges=True)
            lines.append(shapely.intersection(edges, shapely.buffer(area, _REACH_M)))
    noded = shapely.union_all(lines, grid_size=RASTER_M)
    faces = np.array(shapely.get_parts(shapely.polygonize([noded])), dtype=object)
    middles = shapely.get_coordinates(shapely.point_on_surface(faces))
    face_host = _host_of(middles, areas)
    faces, middles, face_host = faces[face_host >= 0], middles[face_host >= 0], face_host[face_host >= 0]
    starts = np.concatenate([[0], np.cumsum([len(own) for own in seeds])])
    owner = np.empty(len(faces), np.int64)
    for i, own in enumerate(seeds):
        mine = face_host == i
        owner[mine] = starts[i] + _nearest(middles[mine], own)
    cell_host = np.repeat(np.arange(len(areas)), np.diff(starts))
    return _join(faces, owner, cell_host)


def neighbours(shapes: Geometries) -> tuple[Ints, Floats]:
    """Return the pairs (i, j), i < j, of polygons that share border segments, and the shared length."""
    xy, of = _segments(shapes)
    order = np.lexsort(xy.T)
    xy, of = xy[order], of[order]
    twice = np.flatnonzero((xy[1:] == xy[:-1]).all(axis=1))
    pairs = np.sort(np.column_stack([of[twice], of[twice + 1]]), axis=1)
    length = np.hypot(xy[twice, 2] - xy[twice, 0], xy[twice, 3] - xy[twice, 1])
    distinct = pairs[:, 0] != pairs[:, 1]
    unique, index = np.unique(pairs[distinct], axis=0, return_inverse=True)
    shared: Floats = np.bincount(index.ravel(), length[distinct], minlength=len(unique)).astype(np.float64)
    return unique.astype(np.int64), shared


def _join(faces: Geometries, owner: Ints, cell_host: Ints) -> Cells:
    """Merge faces into cells; a piece cut off from its cell joins the neighbour of its area with the longest border."""
    pairs, shared = neighbours(faces)
    owner = owner.copy()
    area = shapely.area(faces)
    both, length = np.vstack([pairs, pairs[:, ::-1]]), np.concatenate([shared, shared])
    host = cell_host[owner]
    both, length = both[same := host[both[:, 0]] == host[both[:, 1]]], length[same]
    while len(stray := _strays(owner, pairs, area)):
        # Only onto settled faces, or two strays would trade places for ever.
        settled = ~np.isin(both[:, 1], stray)
        joined = 0
        for face in stray:
            ways = np.flatnonzero((both[:, 0] == face) & settled)
            if len(ways):
                owner[face] = owner[both[ways[np.argmax(length[ways])], 1]]
                joined += 1
        if not joined:
            break
    by_owner = np.split(faces[np.argsort(owner, kind="stable")], np.cumsum(np.bincount(owner, minlength=len(cell_host)))[:-1])
    shapes = np.array([_merge(group) for group in by_owner], dtype=object)
    pairs, shared = neighbours(shapes)
    same = cell_host[pairs[:, 0]] == cell_host[pairs[:, 1]]
    return Cells(shapes=shapes, host=cell_host, pairs=pairs[same], shared_m=shared[same])


def _merge(faces: Geometries) -> shapely.Polygon:
    if not len(faces):
        raise ValueError("a seed got no face: two seeds closer than the raster")
    merged = faces[0] if len(faces) == 1 else shapely.coverage_union_all(faces)
    return cast(shapely.Polygon, shapely.normalize(merged))


def _strays(owner: Ints, pairs: Ints, area: Floats) -> Ints:
    """Faces that hang together with their owner's largest piece through no chain of own faces."""
    piece = np.arange(len(owner))
    own = pairs[owner[pairs[:, 0]] == owner[pairs[:, 1]]]
    while True:
        low = np.minimum(piece[own[:, 0]], piece[own[:, 1]])
        after = piece.copy()
        np.minimum.at(after, own[:, 0], low)
        np.minimum.at(after, own[:, 1], low)
        if (after == piece).all():
            break
        piece = after
    size = np.bincount(piece, area, minlength=len(owner))[piece]
    largest = np.zeros(int(owner.max()) + 1)
    np.maximum.at(largest, owner, size)
    return np.flatnonzero(size < largest[owner])


def _segments(shapes: Geometries) -> tuple[Floats, Ints]:
    rings, ring_of = shapely.get_rings(shapes, return_index=True)
    xy, of = shapely.get_coordinates(rings, return_index=True)
    joined = of[1:] == of[:-1]
    a, b = xy[:-1][joined], xy[1:][joined]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    a, b = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
    return np.hstack([a, b]), ring_of[of[:-1][joined]]


def _points(xy: Floats) -> Geometries:
    return np.asarray(shapely.points(xy), dtype=object)


def _host_of(points: Floats, areas: Sequence[shapely.Polygon]) -> Ints:
    host = np.full(len(points), -1, np.int64)
    tree = shapely.STRtree(list(areas))
    found, area = tree.query(_points(points), predicate="within")
    host[found] = area
    return host


def _inside(area: shapely.Polygon, count: int, rng: np.random.Generator) -> Floats:
    west, south, east, north = area.bounds
    share = area.area / ((east - west) * (north - south))
    found = np.empty((0, 2))
    while len(found) < count:
        xy = rng.uniform((west, south), (east, north), (int(1.2 * count / share) + 10, 2))
        found = np.vstack([found, xy[shapely.contains_xy(area, xy[:, 0], xy[:, 1])]])
    return found[:count]


def _nearest(points: Floats, seeds: Floats) -> Ints:
    tree = shapely.STRtree(_points(seeds))
    return np.asarray(tree.nearest(_points(points)), np.int64)


@njit(cache=True)
def _means(samples: Floats, weights: Floats, seeds: Floats) -> Floats:
    """The weighted mean of the samples nearest to each seed; a seed without samples stays."""
    sums, total = np.zeros_like(seeds), np.zeros(len(seeds))
    for i in range(len(samples)):
        x, y = samples[i, 0], samples[i, 1]
        best, at = np.inf, 0
        for j in range(len(seeds)):
            d = (x - seeds[j, 0]) ** 2 + (y - seeds[j, 1]) ** 2
            if d < best:
                best, at = d, j
        sums[at, 0] += weights[i] * x
        sums[at, 1] += weights[i] * y
        total[at] += weights[i]
    out = seeds.copy()
    for j in range(len(seeds)):
        if total[j] > 0:
            out[j, 0], out[j, 1] = sums[j, 0] / total[j], sums[j, 1] / total[j]
    return out
