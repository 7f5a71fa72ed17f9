"""Does a layer keep its promise: no overlap, no gap, every parent covered? Each breach with its place, size and codes.

Theory of operation. Let f(x) be the number of polygons over x. Crossing a border segment that one polygon enters and another
leaves does not change f; so the regions where f is constant are bounded by the *unbalanced* segments alone, those not used
equally often in both directions. In a clean partition these are just the outer border, however many polygons there are.
They are found by sorting, noded and polygonized; a bounded face with f = 0 is a gap, one with f > 1 an overlap, and only
there are polygons intersected with one another. The work is done in lon/lat, where edges are straight by definition (in a
projection a vertex on a neighbour's long edge would look like a sliver); only sizes are scaled to metres, place by place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.lonlat import GeoError, LonLat, metres_per_degree
from geo.shapes import Area

Promise = Literal["partition", "disjoint", "free"]
Kind = Literal["overlap", "gap", "uncovered", "outside"]
Severity = Literal["error", "warning"]
Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]

ERROR_M2 = 0.01
# Below this a sliver is arithmetic, not data: a millionth of a metre along a kilometre of border.
NOISE_M2 = 0.001
LIMIT = 1_000
_CODES_SHOWN = 8
_RASTER_DEG = 1e-11
_TRIES = 6


class CoverageError(GeoError):
    """Input that cannot be checked: `coverage.lengths_differ`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach: what, how bad, whose, where and how large.

    `overlap`: two polygons share area. `gap`: an enclosed hole between polygons. `uncovered`: part of a parent (the first
    code) under no polygon. `outside`: area beyond every parent.
    """

    kind: Kind
    severity: Severity
    codes: tuple[str, ...]
    place: LonLat
    area_m2: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All breaches of a layer, largest first within errors and then warnings; `left_out` counts those beyond the limit."""

    promise: Promise
    found: tuple[Finding, ...]
    left_out: int = 0

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that break the promise."""
        return tuple(f for f in self.found if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Slivers too small to break the promise, and area outside the parents."""
        return tuple(f for f in self.found if f.severity == "warning")

    @property
    def kept(self) -> bool:
        """Whether the promise is kept; warnings do not count."""
        return not self.errors


def check(
    polygons: Sequence[Area],
    codes: Sequence[str],
    promise: Promise,
    parents: Mapping[str, Area] | None = None,
    *,
    limit: int = LIMIT,
) -> Findings:
    """Return every breach of a layer's promise.

    `partition`: no overlap, no inner gap, every parent covered. `disjoint`: no overlap. `free`: nothing is promised.
    Polygons are valid, in WGS 84. A breach above 0.01 m2 is an error, a smaller one a warning; area outside the parents
    is always a warning.
    """
    if len(polygons) != len(codes):
        raise CoverageError(
            "coverage.lengths_differ",
            f"{len(polygons)} polygons but {len(codes)} codes.",
            f"多边形 {len(polygons)} 个，编码 {len(codes)} 个，数量不一致。",
        )
    if promise == "free" or not len(polygons):
        return Findings(promise, ())
    layer = _Layer(polygons, codes)
    faces, depth = layer.faces()
    found = layer.overlaps(faces[depth > 1])
    if promise == "partition" or parents:
        covered = shapely.union_all(faces[depth > 0])
        over = None if not parents else shapely.union_all(list(parents.values()))
        if promise == "partition":
            gaps = faces[depth == 0]
            found += layer.gaps(gaps, over)
            found += layer.uncovered(covered, gaps, parents or {})
        if over is not None:
            found += layer.outside(covered, over)
    order = {"error": 0, "warning": 1}
    found.sort(key=lambda f: (order[f.severity], -f.area_m2, f.codes))
    return Findings(promise, tuple(found[:limit]), max(0, len(found) - limit))


class _Layer:
    """The polygons under check with what is derived from them once."""

    def __init__(self, polygons: Sequence[Area], codes: Sequence[str]) -> None:
        self.shapes: Geometries = np.asarray(shapely.orient_polygons(np.asarray(polygons, dtype=object)), dtype=object)
        self.codes = codes
        self.tree = shapely.STRtree(self.shapes)

    def faces(self) -> tuple[Geometries, NDArray[np.int64]]:
        """The bounded faces of the unbalanced segments and how many polygons lie over each."""
        segments = unbalanced_segments(self.shapes)
        if not len(segments):
            return np.empty(0, object), np.empty(0, np.int64)
        noded = shapely.union_all(shapely.linestrings(segments.reshape(-1, 2, 2)), grid_size=_RASTER_DEG)
        faces = np.asarray(shapely.get_parts(shapely.polygonize([noded])), dtype=object)
        faces = faces[self._area(faces) >= NOISE_M2]
        return faces, self._depth(faces)

    def overlaps(self, faces: Geometries) -> list[Finding]:
        """Pairs of polygons that share area, each connected part apart."""
        face, polygon = self.tree.query(faces, predicate="intersects")
        pairs: set[tuple[int, int]] = set()
        for f in range(len(faces)):
            pairs.update(combinations(sorted(polygon[face == f].tolist()), 2))
        if not pairs:
            return []
        couples = np.array(sorted(pairs))
        couples = couples[shapely.intersects(self.shapes[couples[:, 0]], self.shapes[couples[:, 1]])]
        shared = shapely.intersection(self.shapes[couples[:, 0]], self.shapes[couples[:, 1]])
        found = []
        for (a, b), shape in zip(couples.tolist(), shared, strict=True):
            found += self._report("overlap", shape, tuple(sorted((self.codes[a], self.codes[b]))))
        return found

    def gaps(self, faces: Geometries, over: BaseGeometry | None) -> list[Finding]:
        """Enclosed holes, as far as they lie in a parent."""
        found = []
        for face in faces:
            hole = face if over is None else shapely.intersection(face, over)
            found += self._report("gap", hole, self._around(face))
        return found

    def uncovered(self, covered: BaseGeometry, gaps: Geometries, parents: Mapping[str, Area]) -> list[Finding]:
        """Parts of parents under no polygon, enclosed gaps apart (they are reported as such)."""
        found = []
        reported = shapely.union_all([covered, *gaps]) if len(gaps) else covered
        for code, parent in parents.items():
            rest = shapely.difference(parent, reported)
            found += self._report("uncovered", rest, (code,))
        return found

    def outside(self, covered: BaseGeometry, over: BaseGeometry) -> list[Finding]:
        """Area of the layer beyond all parents, never more than a warning."""
        found = []
        for part in shapely.get_parts(shapely.difference(covered, over)):
            found += self._report("outside", part, self._around(part), worst="warning")
        return found

    def _report(self, kind: Kind, shape: BaseGeometry, codes: tuple[str, ...], worst: Severity = "error") -> list[Finding]:
        parts = np.asarray(shapely.get_parts(shapely.get_parts(shape)), dtype=object)
        areas = self._area(parts)
        found = []
        for part, area in zip(parts, areas.tolist(), strict=True):
            if area < NOISE_M2:
                continue
            spot = shapely.point_on_surface(part)
            place = LonLat(lon=spot.x, lat=spot.y)
            severity: Severity = worst if area > ERROR_M2 else "warning"
            found.append(Finding(kind=kind, severity=severity, codes=codes, place=place, area_m2=area))
        return found

    def _around(self, shape: BaseGeometry) -> tuple[str, ...]:
        near = self.tree.query(shape, predicate="intersects").tolist()
        return tuple(sorted(self.codes[i] for i in near)[:_CODES_SHOWN])

    def _area(self, shapes: Geometries) -> Floats:
        """Square metres: the lon/lat area times what a square degree measures at the middle of each shape.

        Projecting the corners would bend long edges, and a sliver beside a kilometre of border would seem metres wide.
        """
        _, south, _, north = np.nan_to_num(shapely.bounds(shapes)).reshape(-1, 4).T
        metres = np.array([metres_per_degree(lat) for lat in ((south + north) / 2).tolist()]).reshape(-1, 2)
        return np.asarray(shapely.area(shapes) * metres.prod(axis=1), np.float64)

    def _depth(self, faces: Geometries) -> NDArray[np.int64]:
        """How many polygons lie over each face, from a point of it that is on no polygon's border."""
        depth = np.zeros(len(faces), np.int64)
        todo = np.arange(len(faces))
        points = np.asarray(shapely.point_on_surface(faces), dtype=object)
        for attempt in range(_TRIES):
            at, polygon = self.tree.query(points, predicate="intersects")
            depth[todo] = np.bincount(at, minlength=len(todo))
            on_border = shapely.touches(points[at], self.shapes[polygon])
            again = np.unique(at[on_border])
            todo = todo[again]
            if not len(todo):
                break
            points = np.array([_other_point(face, attempt) for face in faces[todo]], dtype=object)
        return depth


def unbalanced_segments(shapes: Geometries) -> Floats:
    """Return the (n, 4) segments not used equally often in both directions: of a clean partition, its outer border.

    Polygons are oriented alike; a segment is x0, y0, x1, y1 in lon/lat.
    """
    rings = shapely.get_rings(shapely.get_parts(shapes))
    xy, of = shapely.get_coordinates(rings, return_index=True)
    joined = of[1:] == of[:-1]
    key = np.rint(xy / _RASTER_DEG).astype(np.int64)
    a, b = key[:-1][joined], key[1:][joined]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    low, high = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
    keys = np.hstack([low, high])
    order = np.lexsort(keys.T)
    keys, sense = keys[order], np.where(swap[order], -1, 1)
    first = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    net = np.add.reduceat(sense, first)
    kept = order[first[net != 0]]
    return np.hstack([xy[:-1][joined][kept], xy[1:][joined][kept]])


def _other_point(face: Any, attempt: int) -> shapely.Point:
    """A point inside the face's largest triangle, another one at each attempt."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(face))
    corners = shapely.get_coordinates(triangles[np.argmax(shapely.area(triangles))])[:3]
    weights = np.array([1.0, 1.37 + 0.211 * attempt, 0.83 + 0.173 * attempt])
    return shapely.Point(weights @ corners / weights.sum())
