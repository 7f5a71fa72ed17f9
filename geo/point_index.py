"""The exact index from a point to the polygons that cover it: areas now, fences later; one point or a million.

What it promises. Edges are straight in lon/lat. A border belongs to its polygon (ST_Covers). `locate` gives the polygon
with the lowest code bytewise among those that cover the point, or -1 where none does; never the nearest. The answer is
exact for the doubles given: no tolerance, no snapping, except that numbers nearer to zero than 1e-100 count as zero.
A point that is not finite or off the globe is covered by nothing. Polygons are taken as valid (`geo.shapes` checks
them); an invalid ring is read by the even-odd rule.

How it works. A raster lies over the bounding box, a few cells for every vertex. A cell no edge touches has one answer for
all its points. A cell touched by one segment (two neighbours share it as one) holds the segment and the answer on
either side: one orientation test decides. Other cells are split 4 x 4 until a piece has at most four segments; such a
piece, a chain leaf, knows which of its polygons contain a reference point inside it, and the segments that the straight
way from the point to the reference crosses flip polygons in and out. Parity at the reference points comes from one scan
over each polygon's rows; edges enter cells by walking along them, never by polygon x cell.

Why it is exact. The cell of a point is a monotone function of its coordinates, and edges enter every cell within a
padding wider than the rounding of that function, so a leaf knows all segments its points can meet. Orientation signs are
taken from doubles when Shewchuk's error bound vouches for them; a point with any doubtful sign goes to a second routine
that computes signs from exact expansions and asks first whether the point lies on a segment. A reference point that
happens to lie on a border makes the build start again with another offset.
"""

import math
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo import _around, _raster
from geo.lonlat import GeoError, metres_per_degree

MAX_VERTICES = 50_000_000
MAX_RADIUS_M = 100_000.0
CELLS_PER_VERTEX = 10
MIN_CELLS, MAX_CELLS = 1 << 12, 1 << 24
_OFFSETS = ((0.4142, 0.6180), (0.5557, 0.3819), (0.3028, 0.5413), (0.6458, 0.4495), (0.4721, 0.3166), (0.5279, 0.6623))
_EPS = float(np.finfo(np.float64).eps)


class PointIndexError(GeoError):
    """Polygons that cannot be indexed: `index.length`, `.code`, `.type`, `.empty`, `.out_of_range`, `.too_large`."""


class PointIndex:
    """Polygons by position: `codes[k]` is the code of polygon k, ascending bytewise. Immutable and thread-safe."""

    def __init__(self, codes: tuple[str, ...], version: Hashable, arrays: "dict[str, Any]") -> None:
        self.codes = codes
        self.version = version
        self._raster: _raster.Raster = arrays["raster"]
        self._rings: NDArray[np.int32] = arrays["rings"]
        self._first_ring: NDArray[np.int32] = arrays["first_ring"]
        self._hole: NDArray[np.bool_] = arrays["hole"]
        self._boxes: NDArray[np.float64] = arrays["boxes"]

    @classmethod
    def build(
        cls,
        *,
        codes: Sequence[str],
        polygons: "Sequence[shapely.Polygon | shapely.MultiPolygon] | NDArray[np.object_]",
        version: Hashable = None,
    ) -> Self:
        """Index the polygons; `version` is kept as given, so that holders can compare.

        Raises PointIndexError naming the first offending code.
        """
        order, geometry = _checked(codes, polygons)
        ordered = tuple(codes[i] for i in order)
        return cls(ordered, version, _built(ordered, geometry))

    @property
    def nbytes(self) -> int:
        """The memory of the index in bytes, codes not counted."""
        return sum(array.nbytes for array in (*self._raster, self._rings, self._first_ring, self._hole, self._boxes))

    def __len__(self) -> int:
        return len(self.codes)

    def locate(self, lon: float, lat: float) -> int:
        """Return the position in `codes` of the owner of a WGS 84 point, -1 when nothing covers it."""
        return int(_raster.locate(lon, lat, *self._raster))

    def locate_many(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
        """Return the owners of many points, one thread: positions in `codes`, -1 where nothing covers the point."""
        lon = np.ascontiguousarray(lon, np.float64)
        lat = np.ascontiguousarray(lat, np.float64)
        if lon.ndim != 1 or lon.shape != lat.shape:
            raise PointIndexError(
                "index.length",
                f"lon has shape {lon.shape} and lat {lat.shape}; give two flat arrays of one length.",
                "经度与纬度数组必须是一维且长度相同。",
            )
        out = np.empty(len(lon), np.int32)
        _raster.locate_many(lon, lat, *self._raster, out)
        return out

    def candidates(self, lon: float, lat: float) -> list[int]:
        """Return every polygon that covers the point, borders included, ascending."""
        out = np.empty(2 * len(self.codes), np.int32)
        count = _raster.covering(lon, lat, *self._raster, out)
        return sorted(set(out[:count].tolist()))

    def near(self, lon: float, lat: float, radius_m: float) -> list[tuple[int, float]]:
        """Return every polygon within `radius_m` (0 to 100 km) with its distance in metres, 0 inside; nearest first.

        Measured on the plane that is true at the point: within 0.01 % up to 1 km away, 1 % up to 100 km, below 60
        degrees of latitude; not across the antimeridian.
        """
        inside = set(self.candidates(lon, lat))
        found = ((p, 0.0 if p in inside else to_border) for p, to_border, _ in self._around(lon, lat, radius_m))
        return sorted(((p, d) for p, d in found if d <= radius_m), key=lambda item: (item[1], item[0]))

    def shares(self, lon: float, lat: float, accuracy_m: float) -> list[tuple[int, float]]:
        """Return the share (0 to 1) of the accuracy disc that falls in each polygon, largest first; none are left out.

        In a partition what is missing to 1 is unowned. Measured on the same plane as `near`, with a true circle.
        """
        found = ((p, min(share, 1.0)) for p, _, share in self._around(lon, lat, accuracy_m) if share > 1e-9)
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def _around(self, lon: float, lat: float, radius_m: float) -> list[tuple[int, float, float]]:
        """Return (polygon, metres to its border, share of the disc) for polygons whose box meets the disc's."""
        if not 0.0 < radius_m <= MAX_RADIUS_M:
            raise PointIndexError(
                "index.radius", f"radius {radius_m} m is not in (0, {MAX_RADIUS_M:.0f}].", f"半径 {radius_m} 米不在范围之内。"
            )
        if not (abs(lon) <= 180.0 and abs(lat) < 90.0):
            return []
        east_m, north_m = metres_per_degree(lat)
        out = np.empty(len(self.codes), np.int32)
        measured = np.empty((len(self.codes), 2))
        wide, high = radius_m / east_m, radius_m / north_m
        count = _around.around(lon, lat, wide, high, self._boxes, self._raster.xy, self._rings, self._first_ring, self._hole, out, measured)
        return [
            (p, distance * radius_m, area / math.pi)
            for p, (distance, area) in zip(out[:count].tolist(), measured[:count].tolist(), strict=True)
        ]


def _checked(
    codes: Sequence[str], polygons: "Sequence[shapely.Polygon | shapely.MultiPolygon] | NDArray[np.object_]"
) -> tuple[list[int], NDArray[np.object_]]:
    """Return the order by code and the geometries in that order."""
    geometry = np.asarray(polygons, dtype=object)
    if geometry.ndim != 1 or len(codes) != len(geometry):
        raise PointIndexError(
            "index.length",
            f"{len(codes)} codes for polygons of shape {geometry.shape}; give one code each.",
            "编码与多边形的数量不一致。",
        )
    order = sorted(range(len(codes)), key=lambda i: codes[i].encode())
    for one, two in pairwise(order):
        if codes[one] == codes[two]:
            raise PointIndexError("index.code", f"The code {codes[one]!r} occurs twice.", f"编码 {codes[one]} 重复。", codes[one])
    geometry = geometry[order]
    if len(geometry):
        kinds = shapely.get_type_id(geometry)
        _refuse(codes, order, (kinds != 3) & (kinds != 6), "type", "is no polygon or multipolygon", "不是多边形")
        _refuse(codes, order, shapely.is_empty(geometry), "empty", "is empty", "为空")
    return order, geometry


def _refuse(codes: Sequence[str], order: list[int], bad: Any, code: str, english: str, chinese: str) -> None:
    if bad.any():
        name = codes[order[int(np.argmax(bad))]]
        raise PointIndexError(f"index.{code}", f"The geometry {english}.", f"图形{chinese}。", name)


def _built(codes: tuple[str, ...], geometry: NDArray[np.object_]) -> dict[str, Any]:
    """Return the arrays of the index for polygons in the order of their codes."""
    polygons = len(geometry)
    xy, rings, first_ring, hole = _ragged(geometry)
    vertices = len(xy)
    if vertices > MAX_VERTICES:
        raise PointIndexError("index.too_large", f"{vertices} vertices, at most {MAX_VERTICES}.", "顶点过多。")
    stray = ~(np.abs(xy) <= (180.0, 90.0)).all(axis=1)
    if stray.any():
        vertex = int(np.argmax(stray))
        name = codes[int(np.searchsorted(rings[first_ring], vertex, side="right")) - 1]
        lon, lat = xy[vertex].tolist()
        raise PointIndexError(
            "index.out_of_range",
            f"A vertex at lon {lon}, lat {lat} is not finite or leaves -180..180, -90..90.",
            "顶点坐标超出范围或不是有效数字。",
            name,
            place=(lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None,
        )
    xy[np.abs(xy) < _raster.FLUSH] = 0.0
    xy += 0.0
    owner = np.repeat(np.arange(polygons, dtype=np.int32), np.diff(rings[first_ring]))
    owner[rings[1:] - 1] = -1
    ends = np.flatnonzero((xy[1:] == xy[:-1]).all(axis=1))
    owner[ends] = -1
    flat = np.ascontiguousarray(xy).reshape(-1)
    canon = np.empty(vertices, np.int32)
    _raster.same_edges(flat, owner, canon)
    first_vertex = rings[first_ring].astype(np.int64)
    room = 1
    for offset in _OFFSETS:
        while True:
            status, raster = _attempt(flat, owner, canon, first_vertex, _frame(xy, polygons, offset), room)
            if status in (_raster.OK, _raster.REFERENCE_ON_BORDER):
                break
            room *= 2
        if status == _raster.OK:
            boxes = np.ascontiguousarray(shapely.bounds(geometry).reshape(-1, 4))
            return {"raster": raster, "rings": rings, "first_ring": first_ring, "hole": hole, "boxes": boxes}
    raise AssertionError("a reference point lies on a border for every offset")


def _ragged(
    geometry: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Return vertices (n, 2), the first vertex of each ring, the first ring of each polygon, and which rings are holes."""
    if len(geometry) == 0:
        return np.empty((0, 2)), np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(0, np.bool_)
    kind, xy, offsets = shapely.to_ragged_array(geometry, include_z=False)
    rings, parts = np.asarray(offsets[0], np.int32), np.asarray(offsets[1], np.int32)
    hole = np.ones(len(rings) - 1, np.bool_)
    hole[parts[:-1][np.diff(parts) > 0]] = False
    first_ring = parts[offsets[2]] if kind == shapely.GeometryType.MULTIPOLYGON else parts
    return np.asarray(xy, np.float64), rings, first_ring, hole


def _frame(xy: NDArray[np.float64], polygons: int, offset: tuple[float, float]) -> NDArray[np.float64]:
    """Return the `frame` of `geo._raster`: square cells in degrees, about CELLS_PER_VERTEX for every vertex."""
    if len(xy) == 0:
        return np.array([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, *offset, 0.0])
    low, high = xy.min(axis=0), xy.max(axis=0)
    low, high = np.where(low == 0.0, -_raster.FLUSH, low), np.where(high == 0.0, _raster.FLUSH, high)
    span = np.maximum(high - low, 1e-90)
    pad = 8 * _EPS * (np.maximum(np.abs(low), np.abs(high)) + span) + 4 * _raster.FLUSH
    cells = min(max(CELLS_PER_VERTEX * len(xy), MIN_CELLS), MAX_CELLS)
    columns = min(max(math.sqrt(cells * span[0] / span[1]), 1.0), float(cells))
    count = np.floor(np.array([columns, cells / columns]))
    count = np.maximum(np.minimum(count, np.floor(span / (64 * pad))), 1.0)
    scale = count / span
    while (too_far := (high - low) * scale >= count).any():
        scale = np.where(too_far, np.nextafter(scale, 0.0), scale)
    return np.array([*low, *high, *scale, *count, *pad, *offset, float(polygons)])


def _attempt(
    flat: NDArray[np.float64],
    owner: NDArray[np.int32],
    canon: NDArray[np.int32],
    first_vertex: NDArray[np.int64],
    frame: NDArray[np.float64],
    room: int,
) -> tuple[int, _raster.Raster]:
    """Build once with `room` times the usual scratch; return the status and the raster."""
    vertices = len(owner)
    root = np.full(int(frame[6]) * int(frame[7]), -1, np.int32)
    # Counted two places on, filling at the cursors of `start[1:]` leaves every cell's first entry in `start`.
    start = np.zeros(len(root) + 2, np.int32)
    _raster.walk(flat, owner, frame, start[2:], np.empty(0, np.int32), False)
    busiest = int(start.max())
    np.cumsum(start, out=start)
    entries = np.empty(start[-1], np.int32)
    _raster.walk(flat, owner, frame, start[1:], entries, True)
    xy = np.empty(2 * (vertices + room * (len(entries) + 16)))
    xy[: 2 * vertices] = flat
    slots = np.full(1 << (12 + room.bit_length()), -1, np.int32)
    scratch = room * (16 * busiest + 64)
    work = _raster.Work(
        owner=owner,
        canon=canon,
        start=start[:-1],
        entries=entries,
        parity=np.zeros(len(entries), np.uint8),
        slots=slots,
        used=np.array([_raster.OK, 0, 0, vertices], np.int64),
        edges=np.empty(scratch, np.int32),
        members=np.empty(scratch, np.int32),
        inside=np.empty(scratch, np.uint8),
    )
    pool = np.empty(room * (8 * len(entries) + 64), np.int32)
    raster = _raster.Raster(root=root, pool=pool, sets=np.zeros(3 * len(slots) // 2, np.int32), xy=xy, frame=frame)
    _raster.cover(first_vertex, raster, work)
    if work.used[_raster.STATUS] == _raster.OK:
        _raster.refine(raster, work)
    status, in_pool, in_sets, in_xy = work.used.tolist()
    return status, raster._replace(pool=pool[:in_pool].copy(), sets=raster.sets[: 3 * in_sets].copy(), xy=xy[: 2 * in_xy].copy())
