"""Compiled kernels of the point index: predicates, raster build, look-ups.

All of them live in this one file on purpose: numba's disk cache notices a change of the file a kernel stands in, but not
of a file it calls into, so a kernel split off would go on running yesterday's machine code. The theory of operation is
in `geo.point_index`; this file refuses anything that is not a plain array.

Layout of the arrays
    xy      vertices as x, y, x, y ...; edge v runs from vertex v to v + 1; reference points follow the last vertex
    frame   x0, y0, x1, y1, cells per degree x and y, columns, rows, padding x and y, reference offset x and y, polygons
    root    one value per cell, row by row
    sets    triples (owner, parent value, polygon): polygons beyond the first that cover the same place
    pool    blocks, edge leaves and chain leaves, addressed by values

A value is -1 (nothing), a polygon, polygons + k (the k-th triple of `sets`), or below -1 the address of something finer:
    BLOCK   16 values, 4 x 4 children
    EDGE    edge, value on its left, value on its right
    CHAIN   value of what covers all of it, reference vertex, next record or -1, mask of the polygons at the reference,
            polygon count, edge count, the polygons ascending, then per edge: edge, mask of its polygons | REF_LEFT
"""

# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]
cgutils: Any = _cgutils
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class Raster(NamedTuple):
    """What a look-up reads."""

    root: Ints
    pool: Ints
    xy: Floats
    sets: Ints
    frame: Floats


class Work(NamedTuple):
    """What only the build needs: edges by root cell, and scratch."""

    owner: Ints  # polygon of each edge, -1 where a vertex starts none
    canon: Ints  # the first edge with the same two ends
    start: Ints  # first entry of each root cell, end included
    entries: Ints  # edges that may touch the cell, by polygon
    parity: Bytes  # at a polygon's first entry: does it contain the cell's reference point
    slots: Ints  # hash table over `sets`
    used: Longs  # status, and how much of pool, sets and xy is taken
    edges: Ints  # stack of the edges of the pieces being split
    members: Ints  # stack of their polygons
    inside: Bytes  # does the member contain the reference point


BLOCK, EDGE, CHAIN = 0, 1, 2
CHAIN_HEAD = 6
MASK_POLYGONS = 30
REF_LEFT = 1 << 30
MAX_DEPTH = 6
MAX_EDGES = 4
STRETCH = 256

OK, REFERENCE_ON_BORDER, SETS_FULL, POOL_FULL, SCRATCH_FULL = 0, 1, 2, 3, 4
STATUS, POOL_USED, SETS_USED, VERTICES_USED = 0, 1, 2, 3

# Nearer to zero than this counts as zero (1e-95 m), which keeps the exact predicate free of underflow.
FLUSH = 1e-100
# Shewchuk 1997, "ccwerrboundA": (3 + 16 u) u with u = 2**-53. The absolute term leaves every sign that underflow or
# FLUSH could turn to the exact predicate.
ERR = 3.3306690738754716e-16
TINY = 1e-95


_I32, _I64, _F64, _U8 = (types.Array(t, 1, "C") for t in (types.int32, types.int64, types.float64, types.uint8))
_ARRAYS = (_I32, _I32, _F64, _I32, _F64)
_tuple_of = cast(Any, types.NamedTuple)
_RASTER = _tuple_of(_ARRAYS, Raster)
_WORK = _tuple_of([_I32, _I32, _I32, _I32, _U8, _I32, _I64, _I32, _I32, _U8], Work)
_GIVEN = types.Array(types.float64, 1, "C", readonly=True)
_PLACE = (types.float64, types.float64)
_SETTLE = types.int64(*[types.int64] * 5, *[types.float64] * 5, types.int64, _RASTER, _WORK)
_COVERING = types.int64(*_PLACE, *_ARRAYS, _I32)
_LOCATE = types.int64(*_PLACE, *_ARRAYS)
_LOCATE_MANY = types.void(_GIVEN, _GIVEN, *_ARRAYS, _I32)


def _compiled(*signature: Any) -> Callable[[Kernel], Kernel]:
    return cast(Callable[[Kernel], Kernel], cast(Any, njit)(*signature, cache=True, nogil=True, error_model="numpy"))


# --- predicates ---------------------------------------------------------------------------------------------------


@_compiled()
def _orient_exact(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Sign of the turn a, b, c without any rounding: the six products as an expansion (Shewchuk 1997)."""
    total = np.zeros(12)
    size = 0
    for p, q in ((ax, by), (-ax, cy), (-cx, by), (-ay, bx), (ay, cx), (cy, bx)):
        high = p * q
        c = 134217729.0 * p
        p1 = c - (c - p)
        p2 = p - p1
        c = 134217729.0 * q
        q1 = c - (c - q)
        q2 = q - q1
        low = p2 * q2 - (((high - p1 * q1) - p2 * q1) - p1 * q2)
        for part in (low, high):
            rest = part
            for i in range(size):
                s = rest + total[i]
                bb = s - rest
                total[i] = (rest - (s - bb)) + (total[i] - bb)
                rest = s
            total[size] = rest
            size += 1
    for i in range(size - 1, -1, -1):
        if total[i] > 0.0:
            return 1
        if total[i] < 0.0:
            return -1
    return 0


@_compiled()
def _orient(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Return 1 when c lies left of a -> b, -1 right, 0 on the line; exact."""
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    det = left - right
    bound = ERR * (abs(left) + abs(right)) + TINY
    if det > bound:
        return 1
    if -det > bound:
        return -1
    return _orient_exact(ax, ay, bx, by, cx, cy)


@_compiled()
def _edge(xy: Floats, v: int) -> tuple[float, float, float, float]:
    return xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3]


@_compiled()
def _side(xy: Floats, v: int, px: float, py: float) -> int:
    """Return 1 when the point lies left of edge v, -1 right, 0 on its line; exact."""
    ax, ay, bx, by = _edge(xy, v)
    return _orient(ax, ay, bx, by, px, py)


@_compiled()
def _on_edge(xy: Floats, v: int, px: float, py: float) -> bool:
    ax, ay, bx, by = _edge(xy, v)
    if px < min(ax, bx) or px > max(ax, bx) or py < min(ay, by) or py > max(ay, by):
        return False
    return _orient(ax, ay, bx, by, px, py) == 0


@_compiled()
def _crosses(xy: Floats, v: int, px: float, py: float, rx: float, ry: float) -> bool:
    """Tell whether p -> r crosses edge v; neither p nor r may lie on it; a vertex on the line counts as right of it."""
    ax, ay, bx, by = _edge(xy, v)
    if (_orient(px, py, rx, ry, ax, ay) > 0) == (_orient(px, py, rx, ry, bx, by) > 0):
        return False
    return (_orient(ax, ay, bx, by, px, py) > 0) != (_orient(ax, ay, bx, by, rx, ry) > 0)


# --- build --------------------------------------------------------------------------------------------------------


@_compiled()
def same_edges(xy: Floats, owner: Ints, canon: Ints) -> None:
    """Give every edge the first edge that joins the same two vertices, in either direction."""
    size = 16
    while size < 2 * len(owner):
        size *= 2
    table = np.full(size, -1, np.int32)
    bits = xy.view(np.uint64)
    for v in range(len(owner)):
        canon[v] = v
        if owner[v] < 0:
            continue
        mixed = np.uint64(0)
        for k in (2 * v, 2 * v + 2):
            end = bits[k] * np.uint64(0x9E3779B97F4A7C15) ^ bits[k + 1]
            end = (end ^ (end >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed += end ^ (end >> np.uint64(32))
        slot = np.int64(mixed & np.uint64(size - 1))
        ax, ay, bx, by = _edge(xy, v)
        while table[slot] >= 0:
            cx, cy, dx, dy = _edge(xy, table[slot])
            if (ax == cx and ay == cy and bx == dx and by == dy) or (ax == dx and ay == dy and bx == cx and by == cy):
                canon[v] = table[slot]
                break
            slot = (slot + 1) & (size - 1)
        else:
            table[slot] = v


@_compiled()
def _cell(value: float, low: float, scale: float, count: int) -> int:
    return min(max(int(np.floor((value - low) * scale)), 0), count - 1)


@_compiled()
def walk(xy: Floats, owner: Ints, frame: Floats, cursor: Ints, entries: Ints, filling: bool) -> None:
    """Visit every root cell an edge may touch: count per cell, or (filling) write the edges at the cursors."""
    x0, y0, sx, sy = frame[0], frame[1], frame[4], frame[5]
    columns, rows, pad_x, pad_y = int(frame[6]), int(frame[7]), frame[8], frame[9]
    for v in range(len(owner)):
        if owner[v] < 0:
            continue
        ax, ay, bx, by = _edge(xy, v)
        first = _cell(min(ay, by) - pad_y, y0, sy, rows)
        last = _cell(max(ay, by) + pad_y, y0, sy, rows)
        for row in range(first, last + 1):
            west, east = min(ax, bx), max(ax, bx)
            if first != last and ay != by:
                t0 = min(max((y0 + row / sy - pad_y - ay) / (by - ay), 0.0), 1.0)
                t1 = min(max((y0 + (row + 1) / sy + pad_y - ay) / (by - ay), 0.0), 1.0)
                xa, xb = ax + t0 * (bx - ax), ax + t1 * (bx - ax)
                west, east = min(xa, xb), max(xa, xb)
            for column in range(_cell(west - pad_x, x0, sx, columns), _cell(east + pad_x, x0, sx, columns) + 1):
                cell = row * columns + column
                if filling:
                    entries[cursor[cell]] = v
                cursor[cell] += 1


@_compiled()
def owner_of(value: int, sets: Ints, polygons: int) -> int:
    """Return the lowest polygon of a value, -1 for none."""
    return value if value < polygons else sets[3 * (value - polygons)]


@_compiled()
def _joined(value: int, polygon: int, r: Raster, w: Work) -> int:
    """Return the value that means `value` and `polygon` too, making it when new."""
    if value < 0:
        return polygon
    polygons, size = int(r.frame[12]), len(w.slots)
    slot = ((value * 2654435761 + polygon * 40503) >> 4) & (size - 1)
    while w.slots[slot] >= 0:
        k = w.slots[slot]
        if r.sets[3 * k + 1] == value and r.sets[3 * k + 2] == polygon:
            return polygons + k
        slot = (slot + 1) & (size - 1)
    k = w.used[SETS_USED]
    if 2 * (k + 1) > size:
        w.used[STATUS] = SETS_FULL
        return polygon
    w.used[SETS_USED] = k + 1
    w.slots[slot] = k
    r.sets[3 * k] = min(owner_of(value, r.sets, polygons), polygon)
    r.sets[3 * k + 1] = value
    r.sets[3 * k + 2] = polygon
    return polygons + k


@_compiled()
def _reference(frame: Floats, left: float, low: float, size: float) -> tuple[float, float]:
    """Return the reference point of a cell given in root cells."""
    return frame[0] + (left + frame[10] * size) / frame[4], frame[1] + (low + frame[11] * size) / frame[5]


@_compiled()
def _box(frame: Floats, left: float, low: float, size: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a cell, padded so that every point sorted into it lies inside."""
    return (
        frame[0] + left / frame[4] - frame[8],
        frame[1] + low / frame[5] - frame[9],
        frame[0] + (left + size) / frame[4] + frame[8],
        frame[1] + (low + size) / frame[5] + frame[9],
    )


@_compiled()
def _first_right_of(ax: float, ay: float, bx: float, by: float, row: int, c0: int, c1: int, frame: Floats) -> int:
    """Return the first column of c0..c1 whose reference point lies right of the upward edge, c1 + 1 for none.

    -1 when a reference point lies on the edge.
    """
    _, ry = _reference(frame, 0.0, float(row), 1.0)
    guess = (ax + (ry - ay) / (by - ay) * (bx - ax) - frame[0]) * frame[4] - frame[10]
    column = int(min(max(np.ceil(guess), c0), c1 + 1))
    while column > c0:
        turn = _orient(ax, ay, bx, by, _reference(frame, float(column - 1), 0.0, 1.0)[0], ry)
        if turn == 0:
            return -1
        if turn > 0:
            break
        column -= 1
    while column <= c1:
        turn = _orient(ax, ay, bx, by, _reference(frame, float(column), 0.0, 1.0)[0], ry)
        if turn == 0:
            return -1
        if turn < 0:
            break
        column += 1
    return column


@_compiled()
def _first_entry(cell: int, polygon: int, w: Work) -> int:
    """Return the polygon's first entry in a root cell, -1 for none; entries are ordered by polygon."""
    low, high = w.start[cell], w.start[cell + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if w.owner[w.entries[middle]] < polygon:
            low = middle + 1
        else:
            high = middle
    return low if low < end and w.owner[w.entries[low]] == polygon else -1


@_compiled()
def cover(first_vertex: Longs, r: Raster, w: Work) -> None:
    """Scan every polygon's rows: cells it fills join `root`, border cells get its parity at their reference point."""
    xy, frame = r.xy, r.frame
    x0, y0, sx, sy = frame[0], frame[1], frame[4], frame[5]
    columns, rows, pad_x, pad_y = int(frame[6]), int(frame[7]), frame[8], frame[9]
    flips = np.zeros(1, np.uint8)
    for p in range(len(first_vertex) - 1):
        x, y = xy[2 * first_vertex[p] : 2 * first_vertex[p + 1] : 2], xy[2 * first_vertex[p] + 1 : 2 * first_vertex[p + 1] : 2]
        c0, c1 = _cell(x.min() - pad_x, x0, sx, columns), _cell(x.max() + pad_x, x0, sx, columns)
        r0, r1 = _cell(y.min() - pad_y, y0, sy, rows), _cell(y.max() + pad_y, y0, sy, rows)
        width = c1 - c0 + 2
        if len(flips) < (r1 - r0 + 1) * width:
            flips = np.zeros((r1 - r0 + 1) * width, np.uint8)
        flips[: (r1 - r0 + 1) * width] = 0
        for v in range(first_vertex[p], first_vertex[p + 1]):
            ax, ay, bx, by = _edge(xy, v)
            if w.owner[v] < 0 or ay == by:
                continue
            if ay > by:
                ax, ay, bx, by = bx, by, ax, ay
            for row in range(_cell(ay - pad_y, y0, sy, rows), _cell(by + pad_y, y0, sy, rows) + 1):
                _, ry = _reference(frame, 0.0, float(row), 1.0)
                if ay > ry or by <= ry:
                    continue
                column = _first_right_of(ax, ay, bx, by, row, c0, c1, frame)
                if column < 0:
                    w.used[STATUS] = REFERENCE_ON_BORDER
                    return
                flips[(row - r0) * width + column - c0] ^= 1
        for row in range(r0, r1 + 1):
            inside = np.uint8(0)
            for column in range(c0, c1 + 1):
                inside ^= flips[(row - r0) * width + column - c0]
                cell = row * columns + column
                at = _first_entry(cell, p, w)
                if at >= 0:
                    w.parity[at] = inside
                elif inside:
                    r.root[cell] = _joined(r.root[cell], p, r, w)
        if w.used[STATUS] != OK:
            return


@_compiled()
def _passes(xy: Floats, v: int, west: float, south: float, east: float, north: float) -> bool:
    """Tell whether the edge's line meets the box only along the edge itself: one end behind the box, one ahead."""
    ax, ay, bx, by = _edge(xy, v)
    behind = (bx > ax and ax <= west) or (bx < ax and ax >= east) or (by > ay and ay <= south) or (by < ay and ay >= north)
    ahead = (bx > ax and bx >= east) or (bx < ax and bx <= west) or (by > ay and by >= north) or (by < ay and by <= south)
    return behind and ahead


@_compiled()
def _misses(xy: Floats, v: int, west: float, south: float, east: float, north: float) -> bool:
    """Tell whether the edge surely stays out of the box (False when in doubt)."""
    ax, ay, bx, by = _edge(xy, v)
    if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
        return True
    side = _side(xy, v, west, south)
    if side == 0 or side != _side(xy, v, east, south):
        return False
    return side == _side(xy, v, west, north) and side == _side(xy, v, east, north)


@_compiled()
def _distinct(e0: int, e1: int, w: Work) -> int:
    """Count the distinct edges of edges[e0:e1] up to MAX_EDGES; more, or an edge twice in one polygon, is one above."""
    found = np.empty(MAX_EDGES, np.int32)
    count = 0
    for i in range(e0, e1):
        edge = w.edges[i]
        for j in range(count):
            if w.canon[found[j]] == w.canon[edge]:
                if w.owner[found[j]] == w.owner[edge]:
                    return MAX_EDGES + 1
                break
        else:
            if count == MAX_EDGES:
                return MAX_EDGES + 1
            found[count] = edge
            count += 1
    return count


@_compiled()
def _taken(size: int, r: Raster, w: Work) -> int:
    """Take room from the pool; 0 and a status when it is full."""
    at = w.used[POOL_USED]
    if at + size > len(r.pool):
        w.used[STATUS] = POOL_FULL
        return 0
    w.used[POOL_USED] = at + size
    return at


@_compiled()
def _address(offset: int, kind: int) -> int:
    return -(2 + ((offset << 2) | kind))


@_compiled()
def _edge_leaf(edge: int, m0: int, m1: int, base: int, rx: float, ry: float, r: Raster, w: Work) -> int:
    left, right = base, base
    reference_left = _side(r.xy, edge, rx, ry) > 0
    for m in range(m0, m1):
        if (w.inside[m] != 0) == reference_left:
            left = _joined(left, w.members[m], r, w)
        else:
            right = _joined(right, w.members[m], r, w)
    at = _taken(3, r, w)
    r.pool[at], r.pool[at + 1], r.pool[at + 2] = edge, left, right
    return _address(at, EDGE)


@_compiled()
def _chain_leaf(e0: int, e1: int, m0: int, m1: int, base: int, rx: float, ry: float, r: Raster, w: Work) -> int:
    ref = w.used[VERTICES_USED]
    if 2 * ref + 2 > len(r.xy):
        w.used[STATUS] = POOL_FULL
        return -1
    w.used[VERTICES_USED] = ref + 1
    r.xy[2 * ref], r.xy[2 * ref + 1] = rx, ry
    head, previous, e = -1, -1, e0
    for group in range(m0, m1, MASK_POLYGONS):
        stop = min(group + MASK_POLYGONS, m1)
        at = _taken(CHAIN_HEAD + stop - group + 2 * (e1 - e), r, w)
        if w.used[STATUS] != OK:
            return -1
        first = at + CHAIN_HEAD + stop - group
        mask, end = 0, first
        for m in range(group, stop):
            bit = 1 << (m - group)
            r.pool[at + CHAIN_HEAD + m - group] = w.members[m]
            mask |= bit if w.inside[m] else 0
            while e < e1 and w.owner[w.edges[e]] == w.members[m]:
                end = _edge_added(w.canon[w.edges[e]], bit, first, end, rx, ry, r)
                e += 1
        r.pool[at], r.pool[at + 1], r.pool[at + 2], r.pool[at + 3] = base, ref, -1, mask
        r.pool[at + 4], r.pool[at + 5] = stop - group, (end - first) // 2
        w.used[POOL_USED] = end
        if head < 0:
            head = at
        else:
            r.pool[previous + 2] = at
        previous = at
    return _address(head, CHAIN)


@_compiled()
def _edge_added(edge: int, bit: int, first: int, end: int, rx: float, ry: float, r: Raster) -> int:
    """Give pool[first:end], the edges of a chain, one more edge or one more polygon on an edge; return the new end."""
    for s in range(first, end, 2):
        if r.pool[s] == edge and not r.pool[s + 1] & bit:
            r.pool[s + 1] |= bit
            return end
    r.pool[end] = edge
    r.pool[end + 1] = bit | (REF_LEFT if _side(r.xy, edge, rx, ry) > 0 else 0)
    return end + 2


@_compiled(_SETTLE)
def _settle(
    e0: int,
    e1: int,
    m0: int,
    m1: int,
    base: int,
    rx: float,
    ry: float,
    left: float,
    low: float,
    size: float,
    depth: int,
    r: Raster,
    w: Work,
) -> int:
    """Turn one cell with its edges into a leaf or a block of finer cells; return its value.

    The cell is `size` wide at (left, low), in root cells; edges[e0:e1] may touch it, members[m0:m1] are their polygons;
    `base` covers all of it. Room after e1 and m1 is scratch for the children.
    """
    for i in range(e0, e1):
        if _on_edge(r.xy, w.edges[i], rx, ry):
            w.used[STATUS] = REFERENCE_ON_BORDER
    if w.used[STATUS] != OK:
        return -1
    west, south, east, north = _box(r.frame, left, low, size)
    count = _distinct(e0, e1, w)
    if count == 1 and _passes(r.xy, w.edges[e0], west, south, east, north):
        return _edge_leaf(w.canon[w.edges[e0]], m0, m1, base, rx, ry, r, w)
    fine = size / 4
    too_fine = fine / r.frame[4] < 64 * r.frame[8] or fine / r.frame[5] < 64 * r.frame[9]
    if count <= MAX_EDGES or depth == MAX_DEPTH or too_fine:
        return _chain_leaf(e0, e1, m0, m1, base, rx, ry, r, w)
    if 2 * e1 - e0 > len(w.edges) or 2 * m1 - m0 > len(w.members):
        w.used[STATUS] = SCRATCH_FULL
        return -1
    block = _taken(16, r, w)
    for child in range(16):
        x, y = left + (child & 3) * fine, low + (child >> 2) * fine
        qx, qy = _reference(r.frame, x, y, fine)
        west, south, east, north = _box(r.frame, x, y, fine)
        value, i, e, m = base, e0, e1, m1
        for member in range(m0, m1):
            inside, before = w.inside[member], e
            while i < e1 and w.owner[w.edges[i]] == w.members[member]:
                if _crosses(r.xy, w.edges[i], qx, qy, rx, ry):
                    inside ^= 1
                if not _misses(r.xy, w.edges[i], west, south, east, north):
                    w.edges[e] = w.edges[i]
                    e += 1
                i += 1
            if e > before:
                w.members[m], w.inside[m] = w.members[member], inside
                m += 1
            elif inside:
                value = _joined(value, w.members[member], r, w)
        if e > e1:
            value = _settle(e1, e, m1, m, value, qx, qy, x, y, fine, depth + 1, r, w)
        if w.used[STATUS] != OK:
            return -1
        r.pool[block + child] = value
    return _address(block, BLOCK)


@_compiled()
def refine(r: Raster, w: Work) -> None:
    """Settle every root cell that edges touch."""
    columns = int(r.frame[6])
    for cell in range(len(r.root)):
        first, count, m = w.start[cell], w.start[cell + 1] - w.start[cell], 0
        if count == 0:
            continue
        for i in range(count):
            edge = w.entries[first + i]
            w.edges[i] = edge
            if m == 0 or w.members[m - 1] != w.owner[edge]:
                w.members[m], w.inside[m] = w.owner[edge], w.parity[first + i]
                m += 1
        x, y = float(cell % columns), float(cell // columns)
        rx, ry = _reference(r.frame, x, y, 1.0)
        r.root[cell] = _settle(0, count, 0, m, r.root[cell], rx, ry, x, y, 1.0, 0, r, w)
        if w.used[STATUS] != OK:
            return


# --- look-ups -----------------------------------------------------------------------------------------------------


def _prefetch(_typing: Any, array: Any, _index: Any) -> Any:
    """Ask the processor to bring an array element near; the index must be inside the array."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = cgutils.get_item_pointer(context, builder, signature.args[0], view, [arguments[1]])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        reading, keep, data = number(0), number(3), number(1)
        builder.call(prefetch, [builder.bitcast(place, byte), reading, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.int64), lower


_fetch = cast(Callable[[Any, int], None], cast(Any, intrinsic)(_prefetch))


@_compiled()
def _sure(turn: float, one: float, two: float) -> bool:
    return abs(turn) > ERR * (abs(one) + abs(two)) + TINY


@_compiled()
def _chain_owner(at: int, px: float, py: float, pool: Ints, xy: Floats, sets: Ints, polygons: int) -> int:
    """Return the owner inside a chain leaf, or -2 where rounding leaves any doubt."""
    best = owner_of(pool[at], sets, polygons)
    rx, ry = xy[2 * pool[at + 1]] - px, xy[2 * pool[at + 1] + 1] - py
    while at >= 0:
        mask = pool[at + 3]
        first = at + CHAIN_HEAD + pool[at + 4]
        for s in range(first, first + 2 * pool[at + 5], 2):
            v = 2 * pool[s]
            ax, ay, bx, by = xy[v] - px, xy[v + 1] - py, xy[v + 2] - px, xy[v + 3] - py
            turn_a, turn_b = rx * ay - ry * ax, rx * by - ry * bx
            if not (_sure(turn_a, rx * ay, ry * ax) and _sure(turn_b, rx * by, ry * bx)):
                return -2
            if (turn_a > 0) != (turn_b > 0):
                turn = ax * by - ay * bx
                if not _sure(turn, ax * by, ay * bx):
                    return -2
                if (turn > 0) != (pool[s + 1] & REF_LEFT != 0):
                    mask ^= pool[s + 1] & (REF_LEFT - 1)
        if mask:
            k = 0
            while not (mask >> k) & 1:
                k += 1
            owner = pool[at + CHAIN_HEAD + k]
            return owner if best < 0 else min(best, owner)
        at = pool[at + 2]
    return best


@_compiled()
def _down(value: int, tx: float, ty: float, pool: Ints) -> int:
    """Follow blocks to the leaf; (tx, ty) is the place inside the cell, in [0, 1): exact, for each step takes bits off."""
    while value < -1 and -(value + 2) & 3 == BLOCK:
        tx, ty = 4 * tx, 4 * ty
        column, row = int(tx), int(ty)
        value = pool[(-(value + 2) >> 2) + 4 * row + column]
        tx, ty = tx - column, ty - row
    return value


@_compiled()
def _value_at(px: float, py: float, root: Ints, pool: Ints, frame: Floats) -> int:
    """Return the value that holds at a point: never a block; -1 outside the frame and for NaN."""
    if not (px >= frame[0] and px <= frame[2] and py >= frame[1] and py <= frame[3]):
        return -1
    tx, ty = (px - frame[0]) * frame[4], (py - frame[1]) * frame[5]
    column, row = int(tx), int(ty)
    return _down(root[row * int(frame[6]) + column], tx - column, ty - row, pool)


@_compiled()
def _leaf_owner(value: int, px: float, py: float, pool: Ints, xy: Floats, sets: Ints, polygons: int) -> int:
    """Return the owner at a point inside the leaf, or -2 where rounding leaves any doubt."""
    if value >= -1:
        return owner_of(value, sets, polygons)
    at = -(value + 2) >> 2
    if -(value + 2) & 3 == CHAIN:
        return _chain_owner(at, px, py, pool, xy, sets, polygons)
    ax, ay, bx, by = _edge(xy, pool[at])
    one, two = (ax - px) * (by - py), (ay - py) * (bx - px)
    if not _sure(one - two, one, two):
        return -2
    return owner_of(pool[at + 1] if one > two else pool[at + 2], sets, polygons)


@_compiled()
def _listed(value: int, sets: Ints, polygons: int, out: Ints, count: int) -> int:
    while value >= polygons:
        out[count] = sets[3 * (value - polygons) + 2]
        value = sets[3 * (value - polygons) + 1]
        count += 1
    if value >= 0:
        out[count] = value
        count += 1
    return count


@_compiled(_COVERING)
def covering(px: float, py: float, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats, out: Ints) -> int:
    """Write every polygon that covers the point, borders included, to `out` (unordered, perhaps twice); exact.

    `out` needs room for twice the polygons. Returns how many were written.
    """
    polygons = int(frame[12])
    value = _value_at(px, py, root, pool, frame)
    px, py = (0.0 if abs(px) < FLUSH else px), (0.0 if abs(py) < FLUSH else py)
    if value >= -1:
        return _listed(value, sets, polygons, out, 0)
    at = -(value + 2) >> 2
    if -(value + 2) & 3 == EDGE:
        turn = _side(xy, pool[at], px, py)
        count = _listed(pool[at + 1], sets, polygons, out, 0) if turn >= 0 else 0
        return _listed(pool[at + 2], sets, polygons, out, count) if turn <= 0 else count
    count = _listed(pool[at], sets, polygons, out, 0)
    rx, ry = xy[2 * pool[at + 1]], xy[2 * pool[at + 1] + 1]
    while at >= 0:
        mask, border = pool[at + 3], 0
        first = at + CHAIN_HEAD + pool[at + 4]
        for s in range(first, first + 2 * pool[at + 5], 2):
            if _on_edge(xy, pool[s], px, py):
                border |= pool[s + 1]
            elif _crosses(xy, pool[s], px, py, rx, ry):
                mask ^= pool[s + 1]
        for k in range(pool[at + 4]):
            if ((mask | border) >> k) & 1:
                out[count] = pool[at + CHAIN_HEAD + k]
                count += 1
        at = pool[at + 2]
    return count


@_compiled()
def _exact_owner(px: float, py: float, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats) -> int:
    out = np.empty(2 * int(frame[12]), np.int32)
    count = covering(px, py, root, pool, xy, sets, frame, out)
    return out[:count].min() if count else -1


@_compiled(_LOCATE)
def locate(px: float, py: float, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats) -> int:
    """Return the owner of one point, -1 for none."""
    owner = _leaf_owner(_value_at(px, py, root, pool, frame), px, py, pool, xy, sets, int(frame[12]))
    return owner if owner != -2 else _exact_owner(px, py, root, pool, xy, sets, frame)


@_compiled()
def _coarse(lon: Floats, lat: Floats, begin: int, size: int, root: Ints, frame: Floats, out: Ints, todo: Ints) -> int:
    """Write the root values of a stretch to `out`; list in `todo` the points that are not settled by theirs."""
    x0, y0, x1, y1, sx, sy = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    columns, polygons = int(frame[6]), int(frame[12])
    cells = np.empty(STRETCH, np.int32)
    for i in range(size):
        px, py = lon[begin + i], lat[begin + i]
        inside = (px >= x0) & (px <= x1) & (py >= y0) & (py <= y1)
        tx, ty = (px - x0) * sx, (py - y0) * sy
        cells[i] = np.int32(ty) * columns + np.int32(tx) if inside else -1
    count = 0
    for i in range(size):
        coarse = root[cells[i]] if cells[i] >= 0 else np.int32(-1)
        out[begin + i] = coarse
        todo[count] = begin + i
        count += int((coarse < -1) | (coarse >= polygons))
    return count


@_compiled()
def _split(todo: Ints, count: int, pool: Ints, xy: Floats, out: Ints, simple: Ints, rest: Ints) -> int:
    """Part `todo` into points in edge leaves, of which the number is returned, and the rest; fetch what they will read."""
    for j in range(count):
        value = out[todo[j]]
        _fetch(pool, -(value + 2) >> 2 if value < -1 else 0)
    simples = 0
    for j in range(count):
        value = out[todo[j]]
        at, kind = -(value + 2) >> 2, -(value + 2) & 3
        edge = (value < -1) & (kind == EDGE)
        simple[simples] = todo[j]
        rest[j - simples] = todo[j]
        simples += int(edge)
        if edge:
            _fetch(xy, 2 * pool[at])
        elif value < -1 and kind == CHAIN:
            _fetch(xy, 2 * pool[at + 1])
            _fetch(xy, 2 * pool[at + CHAIN_HEAD + pool[at + 4]])
    return simples


@_compiled()
def _beside_edges(
    lon: Floats, lat: Floats, simple: Ints, simples: int, pool: Ints, xy: Floats, polygons: int, out: Ints, rest: Ints, rests: int
) -> int:
    """Settle the points in edge leaves by one orientation each; add the doubtful ones to the rest, now that many."""
    for j in range(simples):
        i = simple[j]
        px, py, at = lon[i], lat[i], -(out[i] + 2) >> 2
        ax, ay, bx, by = _edge(xy, pool[at])
        one, two = (ax - px) * (by - py), (ay - py) * (bx - px)
        owner = pool[at + 1] if one > two else pool[at + 2]
        plain = _sure(one - two, one, two) & (owner < polygons)
        out[i] = owner if plain else out[i]
        rest[rests] = i
        rests += int(not plain)
    return rests


@_compiled(_LOCATE_MANY)
def locate_many(lon: Floats, lat: Floats, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats, out: Ints) -> None:
    """Write the owner of every point to `out`.

    In stages over short stretches, with hardly a branch that depends on the point, and what the next stage reads fetched
    ahead: few branches are predicted wrongly, and memory answers for many points are under way at once. Point by point,
    this takes up to twice as long.
    """
    x0, y0, sx, sy, polygons = frame[0], frame[1], frame[4], frame[5], int(frame[12])
    todo, simple, rest = np.empty(STRETCH, np.int32), np.empty(STRETCH, np.int32), np.empty(STRETCH, np.int32)
    for begin in range(0, len(lon), STRETCH):
        count = _coarse(lon, lat, begin, min(STRETCH, len(lon) - begin), root, frame, out, todo)
        simples = _split(todo, count, pool, xy, out, simple, rest)
        rests = _beside_edges(lon, lat, simple, simples, pool, xy, polygons, out, rest, count - simples)
        for j in range(rests):
            i = rest[j]
            tx, ty = (lon[i] - x0) * sx, (lat[i] - y0) * sy
            value = _down(out[i], tx - int(tx), ty - int(ty), pool)
            owner = _leaf_owner(value, lon[i], lat[i], pool, xy, sets, polygons)
            out[i] = owner if owner != -2 else _exact_owner(lon[i], lat[i], root, pool, xy, sets, frame)
