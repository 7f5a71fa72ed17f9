"""H3 cells: the only file where latitude comes first, because H3 wants it.

Cells leave this file as signed 64-bit integers, what PostgreSQL's bigint holds (an H3 index never uses the top bit).
A cover is a *filter*, exact work is done on the polygon itself. Cell edges are great circles while polygon edges are
straight in lon/lat; the difference is bounded by `edge_margin_m`, and both covers allow for it: `cover` never misses a
cell that holds a point of the polygon, `cover_full` never names a cell that reaches outside it.
"""

import math
from typing import Literal

import h3.api.basic_int as h3
import h3.api.numpy_int as h3np
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.lonlat import GeoError, LonLat, metres_per_degree

Cells = NDArray[np.int64]
Mode = Literal["overlap", "center"]

MAX_CELLS = 2_000_000
EARTH_RADIUS_M = 6_371_007.18
# Edges of one resolution differ in length; none is longer than this many times the average.
_LONGEST_EDGE = 1.5


class CellError(GeoError):
    """A cover that cannot be made: `cells.bad_resolution`, `cells.too_many`, `cells.bad_shape`."""


def cell(lonlat: LonLat, resolution: int) -> int:
    """Return the cell that holds a position.

    >>> hex(cell(LonLat(lon=114.917, lat=27.818), 10))
    '0x8a418c7aed07fff'
    """
    return int(h3.latlng_to_cell(lonlat.lat, lonlat.lon, resolution))


def cells(lon: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> Cells:
    """Return the cell of each position; shape (n,). About 0.8 million a second."""
    to_cell = h3.latlng_to_cell
    found = (to_cell(y, x, resolution) for x, y in zip(lon.tolist(), lat.tolist(), strict=True))
    return np.fromiter(found, np.int64, count=len(lon))


def center(cell_id: int) -> LonLat:
    """Return the middle of a cell."""
    lat, lon = h3.cell_to_latlng(cell_id)
    return LonLat(lon=lon, lat=lat)


def boundary(cell_id: int) -> shapely.Polygon:
    """Return a cell as a polygon in lon/lat (chords in place of great-circle edges), counter-clockwise."""
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell_id)])


def parent(cell_id: int, resolution: int) -> int:
    """Return the ancestor of a cell at a coarser resolution; children do not tile it exactly."""
    return int(h3.cell_to_parent(cell_id, resolution))


def parents(cell_ids: Cells, resolution: int) -> Cells:
    """Return the ancestor of each cell at a coarser (or the same) resolution."""
    up = h3.cell_to_parent
    return np.fromiter((up(c, resolution) for c in cell_ids.tolist()), np.int64, count=len(cell_ids))


def ancestors(cell_id: int, coarsest: int) -> list[int]:
    """Return a cell and its ancestors up to a resolution, finest first: what to probe in a compacted cover."""
    finest = h3.get_resolution(cell_id)
    return [h3.cell_to_parent(cell_id, r) for r in range(finest, coarsest - 1, -1)]


def compact(cell_ids: Cells) -> Cells:
    """Return the same cells with complete sets of siblings replaced by their parent (mixed resolutions), sorted.

    All cells must be distinct and of one resolution. A parent reaches outside its children: keep compacted covers for
    look-up by ancestor only.
    """
    return _sorted(h3np.compact_cells(cell_ids.astype(np.uint64)))


def uncompact(cell_ids: Cells, resolution: int) -> Cells:
    """Return all descendants at one resolution, sorted: the inverse of `compact`."""
    return _sorted(h3np.uncompact_cells(cell_ids.astype(np.uint64), resolution))


def neighbours(cell_id: int, steps: int) -> Cells:
    """Return all cells within a number of steps, the cell itself included, sorted."""
    return _sorted(h3np.grid_disk(cell_id, steps))


def cover(shape: BaseGeometry, resolution: int, mode: Mode = "overlap", *, max_cells: int = MAX_CELLS) -> Cells:
    """Return the sorted cells of a polygon or multipolygon.

    `overlap`: every cell that holds any point of the shape (candidates; also a few beside it). `center`: cells whose
    middle lies inside, so that the cells of a partition are a partition. Thin shapes need `overlap`.
    """
    _guard(shape, resolution, max_cells)
    if mode == "overlap":
        shape = _grown(shape, edge_margin_m(resolution, _top_latitude(shape)))
    return _fill(shape, resolution, mode)


def cover_full(shape: BaseGeometry, resolution: int, margin_m: float | None = None, *, max_cells: int = MAX_CELLS) -> Cells:
    """Return the sorted cells that lie surely and wholly inside a shape: no point of them needs the exact test.

    `margin_m` widens the strip along the border that is left out; never less than `edge_margin_m`.
    """
    _guard(shape, resolution, max_cells)
    least = edge_margin_m(resolution, _top_latitude(shape))
    inner = _grown(shape, -max(least, margin_m or 0.0))
    return np.empty(0, np.int64) if inner.is_empty else _fill(inner, resolution, "full")


def edge_margin_m(resolution: int, lat: float) -> float:
    """Return a bound in metres on how far a cell's true edge strays from the lon/lat chord between its corners.

    A lon/lat chord has a geodesic curvature of at most 2 tan(lat) / R, so over an edge of length L it strays by at most
    L^2/8 times that; doubled, plus a millimetre for rounding.
    """
    edge_m = _LONGEST_EDGE * float(h3.average_hexagon_edge_length(_resolution(resolution), unit="m"))
    bend = 2 * math.tan(math.radians(min(abs(lat), 85.0))) / EARTH_RADIUS_M
    return 2 * edge_m * edge_m / 8 * bend + 0.001


def estimate(shape: BaseGeometry, resolution: int) -> int:
    """Return about how many cells an overlap cover will have, without making it; at most a tenth too low."""
    _, south, _, north = shape.bounds
    east_m, north_m = metres_per_degree((south + north) / 2)
    area_m2 = shape.area * east_m * north_m
    border_m = shape.length * max(east_m, north_m)
    cell_m2 = 0.8 * float(h3.average_hexagon_area(_resolution(resolution), unit="m^2"))
    return math.ceil(area_m2 / cell_m2 + 1.2 * border_m / math.sqrt(cell_m2)) + 2


def _guard(shape: BaseGeometry, resolution: int, max_cells: int) -> None:
    _resolution(resolution)
    if shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise CellError(
            "cells.bad_shape",
            f"cells cover polygons, not {'an empty ' if shape.is_empty else 'a '}{shape.geom_type}.",
            "只有非空的多边形可以划分六边形单元。",
        )
    expected = estimate(shape, resolution)
    if expected > max_cells:
        raise CellError(
            "cells.too_many",
            f"about {expected} cells at resolution {resolution}, more than {max_cells}; use a coarser resolution.",
            f"第 {resolution} 级约需 {expected} 个单元，超过上限 {max_cells}，请降低级别。",
        )


def _resolution(resolution: int) -> int:
    if not 0 <= resolution <= 15:
        raise CellError(
            "cells.bad_resolution",
            f"H3 resolution {resolution} is not in 0..15.",
            f"H3 级别 {resolution} 不在 0 至 15 之内。",
        )
    return resolution


def _fill(shape: BaseGeometry, resolution: int, contain: str) -> Cells:
    parts = shapely.get_parts(shape)
    filled = [h3np.h3shape_to_cells_experimental(_to_h3(part), resolution, contain) for part in parts]
    return np.unique(np.concatenate(filled)).astype(np.int64)


def _sorted(found: NDArray[np.uint64]) -> Cells:
    return np.sort(found.astype(np.int64))


def _to_h3(polygon: shapely.Polygon) -> h3.LatLngPoly:
    rings = [polygon.exterior, *polygon.interiors]
    return h3.LatLngPoly(*(shapely.get_coordinates(ring)[:-1, ::-1].tolist() for ring in rings))


def _top_latitude(shape: BaseGeometry) -> float:
    _, south, _, north = shape.bounds
    return float(max(abs(south), abs(north)))


def _grown(shape: BaseGeometry, metres: float) -> BaseGeometry:
    """The shape buffered by at least a distance, in lon/lat; a degree of longitude is the shorter one."""
    east_m, _ = metres_per_degree(min(_top_latitude(shape), 85.0))
    return shapely.buffer(shape, metres / east_m, quad_segs=1, join_style="mitre", mitre_limit=2.0)
