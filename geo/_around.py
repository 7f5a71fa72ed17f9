"""Compiled measures around a point: distance to borders, area of polygons inside a disc.

Plain double arithmetic: unlike `geo._raster` nothing here decides who owns a point.
"""

# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _compiled(kernel: Kernel) -> Kernel:
    return cast(Kernel, njit(cache=True, nogil=True, error_model="numpy")(kernel))


@_compiled
def _to_edge(ax: float, ay: float, bx: float, by: float) -> float:
    """Return the distance from the origin to a segment."""
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    t = min(max(-(ax * dx + ay * dy) / length2, 0.0), 1.0) if length2 > 0.0 else 0.0
    return np.hypot(ax + t * dx, ay + t * dy)


@_compiled
def _sector(ax: float, ay: float, bx: float, by: float) -> float:
    return np.arctan2(ax * by - ay * bx, ax * bx + ay * by) / 2


@_compiled
def _in_disc(ax: float, ay: float, bx: float, by: float) -> float:
    """Return the signed area of the triangle origin, a, b inside the unit disc."""
    dx, dy = bx - ax, by - ay
    a, b, c = dx * dx + dy * dy, ax * dx + ay * dy, ax * ax + ay * ay - 1.0
    root = b * b - a * c
    if a == 0.0 or root <= 0.0:
        return _sector(ax, ay, bx, by)
    t0, t1 = max((-b - np.sqrt(root)) / a, 0.0), min((-b + np.sqrt(root)) / a, 1.0)
    if t0 >= t1:
        return _sector(ax, ay, bx, by)
    ux, uy, wx, wy = ax + t0 * dx, ay + t0 * dy, ax + t1 * dx, ay + t1 * dy
    return _sector(ax, ay, ux, uy) + (ux * wy - uy * wx) / 2 + _sector(wx, wy, bx, by)


@_compiled
def around(
    px: float,
    py: float,
    wide: float,
    high: float,
    boxes: Any,
    xy: NDArray[np.float64],
    rings: NDArray[np.int32],
    first_ring: NDArray[np.int32],
    hole: NDArray[np.bool_],
    out: NDArray[np.int32],
    measured: Any,
) -> int:
    """Measure the polygons whose box comes near the point: distance to their border and area inside the disc.

    The disc is the unit of length: it reaches `wide` degrees east and `high` degrees north. Rings may run either way.
    Writes polygons to `out` and (distance, area) to `measured`; returns how many.
    """
    count = 0
    for p in range(len(boxes)):
        if boxes[p, 0] > px + wide or boxes[p, 2] < px - wide or boxes[p, 1] > py + high or boxes[p, 3] < py - high:
            continue
        nearest, area = np.inf, 0.0
        for ring in range(first_ring[p], first_ring[p + 1]):
            cut, turn = 0.0, 0.0
            for v in range(rings[ring], rings[ring + 1] - 1):
                ax, ay = (xy[2 * v] - px) / wide, (xy[2 * v + 1] - py) / high
                bx, by = (xy[2 * v + 2] - px) / wide, (xy[2 * v + 3] - py) / high
                nearest = min(nearest, _to_edge(ax, ay, bx, by))
                cut += _in_disc(ax, ay, bx, by)
                turn += ax * by - ay * bx
            area += cut if (turn > 0.0) != hole[ring] else -cut
        out[count], measured[count, 0], measured[count, 1] = p, nearest, area
        count += 1
    return count
