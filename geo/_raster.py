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
    CHAIN   covering value, reference vertex, next record or -1, polygons at the reference (mask), polygon count, edge
            count, the polygons ascending, then per edge: edge, mask of its polygons | REF_LEFT
"""

# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BLOCK, EDGE, CHAIN = 0, 1, 2
CHAIN_HEAD = 6
MASK_POLYGONS = 30
REF_LEFT = 1 << 30
MAX_DEPTH = 6
MAX_EDGES = 4

OK, REFERENCE_ON_BORDER, SETS_FULL, POOL_FULL, SCRATCH_FULL = 0, 1, 2, 3, 4
STATUS, POOL_USED, SETS_USED, VERTICES_USED = 0, 1, 2, 3

# Nearer to zero than this counts as zero (1e-95 m), which keeps the exact predicate free of underflow.
FLUSH = 1e-100
# Shewchuk 1997, "ccwerrboundA": (3 + 16 u) u with u = 2**-53. The absolute term leaves every sign that underflow or
# FLUSH could turn to the exact predicate.
ERR = 3.3306690738754716e-16
TINY = 1e-95


def _compiled(*signature: str) -> Callable[[Kernel], Kernel]:
    return cast(Callable[[Kernel], Kernel], cast(Any, njit)(*signature, cache=True, nogil=True, error_model="numpy"))


# --- predicates ---------------------------------------------------------------------------------------------------


@_compiled()
def _orient_exact(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Sign of the turn a, b, c without any rounding: the six products as an expansion (Shewchuk 1997)."""
    total = np.zeros(13)
    size = 0
    for k in range(6):
        if k == 0:
            p, q = ax, by
        elif k == 1:
            p, q = -ax, cy
        elif k == 2:
            p, q = -cx, by
        elif k == 3:
            p, q = -ay, bx
        elif k == 4:
            p, q = ay, cx
        else:
            p, q = cy, bx
        high = p * q
        c = 134217729.0 * p
        p1 = c - (c - p)
        p2 = p - p1
        c = 134217729.0 * q
        q1 = c - (c - q)
        q2 = q - q1
        low = p2 * q2 - (((high - p1 * q1) - p2 * q1) - p1 * q2)
        for part in range(2):
            rest = low if part == 0 else high
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
def _on_edge(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> bool:
    if px < min(ax, bx) or px > max(ax, bx) or py < min(ay, by) or py > max(ay, by):
        return False
    return _orient(ax, ay, bx, by, px, py) == 0


@_compiled()
def _crosses(ax: float, ay: float, bx: float, by: float, px: float, py: float, rx: float, ry: float) -> bool:
    """Tell whether p -> r crosses the edge; neither p nor r may lie on it; a vertex counts as below the line."""
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
        h = np.uint64(0)
        for k in range(2):
            one = bits[2 * v + 2 * k] * np.uint64(0x9E3779B97F4A7C15) ^ bits[2 * v + 2 * k + 1]
            one = (one ^ (one >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            h += one ^ (one >> np.uint64(32))
        slot = np.int64(h & np.uint64(size - 1))
        while table[slot] >= 0:
            w = table[slot]
            ax, ay, bx, by = xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3]
            cx, cy, dx, dy = xy[2 * w], xy[2 * w + 1], xy[2 * w + 2], xy[2 * w + 3]
            if (ax == cx and ay == cy and bx == dx and by == dy) or (ax == dx and ay == dy and bx == cx and by == cy):
                canon[v] = w
                break
            slot = (slot + 1) & (size - 1)
        else:
            table[slot] = v


@_compiled()
def _cell(value: float, low: float, scale: float, count: int) -> int:
    return min(max(int(np.floor((value - low) * scale)), 0), count - 1)


@_compiled()
def walk(xy: Floats, owner: Ints, frame: Floats, cursor: Longs, entries: Ints, filling: bool) -> None:
    """Visit every root cell an edge may touch: count per cell, or (filling) write the edges at the cursors."""
    x0, y0, sx, sy = frame[0], frame[1], frame[4], frame[5]
    columns, rows, pad_x, pad_y = int(frame[6]), int(frame[7]), frame[8], frame[9]
    for v in range(len(owner)):
        if owner[v] < 0:
            continue
        ax, ay, bx, by = xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3]
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
def _joined(value: int, polygon: int, sets: Ints, slots: Ints, used: Longs, polygons: int) -> int:
    """Return the value that means `value` and `polygon` too, making it when new."""
    if value < 0:
        return polygon
    size = len(slots)
    slot = ((value * 2654435761 + polygon * 40503) >> 4) & (size - 1)
    while slots[slot] >= 0:
        k = slots[slot]
        if sets[3 * k + 1] == value and sets[3 * k + 2] == polygon:
            return polygons + k
        slot = (slot + 1) & (size - 1)
    k = used[SETS_USED]
    if 2 * (k + 1) > size:
        used[STATUS] = SETS_FULL
        return polygon
    used[SETS_USED] = k + 1
    slots[slot] = k
    sets[3 * k] = min(owner_of(value, sets, polygons), polygon)
    sets[3 * k + 1] = value
    sets[3 * k + 2] = polygon
    return polygons + k


@_compiled()
def cover(
    xy: Floats,
    owner: Ints,
    first_vertex: Longs,
    frame: Floats,
    start: Longs,
    entries: Ints,
    root: Ints,
    parity: Bytes,
    sets: Ints,
    slots: Ints,
    used: Longs,
) -> None:
    """Scan every polygon's rows: cells it fills join `root`, border cells get its parity at their reference point."""
    x0, y0, sx, sy = frame[0], frame[1], frame[4], frame[5]
    columns, rows, pad_x, pad_y, fx, fy = int(frame[6]), int(frame[7]), frame[8], frame[9], frame[10], frame[11]
    polygons = len(first_vertex) - 1
    cursor = start[:-1].copy()
    flips = np.zeros(1, np.uint8)
    for p in range(polygons):
        west, east, south, north = np.inf, -np.inf, np.inf, -np.inf
        for v in range(first_vertex[p], first_vertex[p + 1]):
            west, east = min(west, xy[2 * v]), max(east, xy[2 * v])
            south, north = min(south, xy[2 * v + 1]), max(north, xy[2 * v + 1])
        c0, c1 = _cell(west - pad_x, x0, sx, columns), _cell(east + pad_x, x0, sx, columns)
        r0, r1 = _cell(south - pad_y, y0, sy, rows), _cell(north + pad_y, y0, sy, rows)
        width = c1 - c0 + 2
        if len(flips) < (r1 - r0 + 1) * width:
            flips = np.zeros((r1 - r0 + 1) * width, np.uint8)
        flips[: (r1 - r0 + 1) * width] = 0
        for v in range(first_vertex[p], first_vertex[p + 1]):
            ax, ay, bx, by = xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3]
            if owner[v] < 0 or ay == by:
                continue
            if ay > by:
                ax, ay, bx, by = bx, by, ax, ay
            for row in range(_cell(ay - pad_y, y0, sy, rows), _cell(by + pad_y, y0, sy, rows) + 1):
                ry = y0 + (row + fy) / sy
                if ay > ry or by <= ry:
                    continue
                guess = ax + (ry - ay) / (by - ay) * (bx - ax)
                column = min(max(int(np.ceil((guess - x0) * sx - fx)), c0), c1 + 1)
                while column > c0:
                    turn = _orient(ax, ay, bx, by, x0 + (column - 1 + fx) / sx, ry)
                    if turn == 0:
                        used[STATUS] = REFERENCE_ON_BORDER
                        return
                    if turn > 0:
                        break
                    column -= 1
                while column <= c1:
                    turn = _orient(ax, ay, bx, by, x0 + (column + fx) / sx, ry)
                    if turn == 0:
                        used[STATUS] = REFERENCE_ON_BORDER
                        return
                    if turn < 0:
                        break
                    column += 1
                flips[(row - r0) * width + column - c0] ^= 1
        for row in range(r0, r1 + 1):
            inside = np.uint8(0)
            for column in range(c0, c1 + 1):
                inside ^= flips[(row - r0) * width + column - c0]
                cell = row * columns + column
                at = cursor[cell]
                if at < start[cell + 1] and owner[entries[at]] == p:
                    parity[at] = inside
                    while at < start[cell + 1] and owner[entries[at]] == p:
                        at += 1
                    cursor[cell] = at
                elif inside:
                    root[cell] = _joined(root[cell], p, sets, slots, used, polygons)
        if used[STATUS] != OK:
            return


@_compiled()
def _address(offset: int, kind: int) -> int:
    return -(2 + ((offset << 2) | kind))


@_compiled()
def _passes(xy: Floats, v: int, west: float, south: float, east: float, north: float) -> bool:
    """Tell whether the edge's line meets the box only along the edge itself: one end behind the box, one ahead."""
    ax, ay, bx, by = xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3]
    behind = (bx > ax and ax <= west) or (bx < ax and ax >= east) or (by > ay and ay <= south) or (by < ay and ay >= north)
    ahead = (bx > ax and bx >= east) or (bx < ax and bx <= west) or (by > ay and by >= north) or (by < ay and by <= south)
    return behind and ahead


@_compiled()
def _misses(xy: Floats, v: int, west: float, south: float, east: float, north: float) -> bool:
    """Tell whether the edge surely stays out of the box (False when in doubt)."""
    ax, ay, bx, by = xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3]
    if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
        return True
    side = _orient(ax, ay, bx, by, west, south)
    return (
        side != 0
        and side == _orient(ax, ay, bx, by, east, south)
        and side == _orient(ax, ay, bx, by, west, north)
        and side == _orient(ax, ay, bx, by, east, north)
    )


@_compiled()
def _unique(edges: Ints, e0: int, e1: int, canon: Ints, owner: Ints, limit: int, found: Longs) -> int:
    """Write the first positions of distinct edges to `found`; return how many, or `limit` + 1 when there are more."""
    count = 0
    for i in range(e0, e1):
        c = canon[edges[i]]
        for j in range(count):
            if canon[edges[found[j]]] == c:
                if owner[edges[found[j]]] == owner[edges[i]]:
                    return limit + 1
                break
        else:
            if count == limit:
                return limit + 1
            found[count] = i
            count += 1
    return count


@_compiled()
def _edge_leaf(
    xy: Floats, edge: int, members: Ints, inside: Bytes, m0: int, m1: int, base: int, rx: float, ry: float,
    pool: Ints, sets: Ints, slots: Ints, used: Longs, polygons: int,
) -> int:  # fmt: skip
    left, right = base, base
    ref_left = _orient(xy[2 * edge], xy[2 * edge + 1], xy[2 * edge + 2], xy[2 * edge + 3], rx, ry) > 0
    for m in range(m0, m1):
        if (inside[m] != 0) == ref_left:
            left = _joined(left, members[m], sets, slots, used, polygons)
        else:
            right = _joined(right, members[m], sets, slots, used, polygons)
    at = used[POOL_USED]
    if at + 3 > len(pool):
        used[STATUS] = POOL_FULL
        return -1
    used[POOL_USED] = at + 3
    pool[at], pool[at + 1], pool[at + 2] = edge, left, right
    return _address(at, EDGE)


@_compiled()
def _chain_leaf(
    xy: Floats,
    canon: Ints,
    owner: Ints,
    edges: Ints,
    e0: int,
    e1: int,
    members: Ints,
    inside: Bytes,
    m0: int,
    m1: int,
    base: int,
    rx: float,
    ry: float,
    pool: Ints,
    used: Longs,
) -> int:
    ref = used[VERTICES_USED]
    if 2 * ref + 2 > len(xy):
        used[STATUS] = POOL_FULL
        return -1
    used[VERTICES_USED] = ref + 1
    xy[2 * ref], xy[2 * ref + 1] = rx, ry
    head, previous, e = -1, -1, e0
    for group in range(m0, m1, MASK_POLYGONS):
        stop = min(group + MASK_POLYGONS, m1)
        at = used[POOL_USED]
        segments = at + CHAIN_HEAD + stop - group
        if segments + 2 * (e1 - e0) > len(pool):
            used[STATUS] = POOL_FULL
            return -1
        mask, count = 0, 0
        for m in range(group, stop):
            pool[at + CHAIN_HEAD + m - group] = members[m]
            if inside[m]:
                mask |= 1 << (m - group)
            bit = 1 << (m - group)
            while e < e1 and owner[edges[e]] == members[m]:
                c = canon[edges[e]]
                for j in range(count):
                    if pool[segments + 2 * j] == c and not pool[segments + 2 * j + 1] & bit:
                        pool[segments + 2 * j + 1] |= bit
                        break
                else:
                    turn = _orient(xy[2 * c], xy[2 * c + 1], xy[2 * c + 2], xy[2 * c + 3], rx, ry)
                    pool[segments + 2 * count] = c
                    pool[segments + 2 * count + 1] = bit | (REF_LEFT if turn > 0 else 0)
                    count += 1
                e += 1
        pool[at], pool[at + 1], pool[at + 2], pool[at + 3], pool[at + 4], pool[at + 5] = base, ref, -1, mask, stop - group, count
        used[POOL_USED] = segments + 2 * count
        if head < 0:
            head = at
        else:
            pool[previous + 2] = at
        previous = at
    return _address(head, CHAIN)


@_compiled(
    "int64(float64[::1], int32[::1], int32[::1], float64[::1], int32[::1], int32[::1], int32[::1], int64[::1], int32[::1],"
    " int64, int64, int32[::1], uint8[::1], int64, int64, int64, float64, float64, float64, float64, float64, int64)"
)
def _settle(
    xy: Floats,
    owner: Ints,
    canon: Ints,
    frame: Floats,
    pool: Ints,
    sets: Ints,
    slots: Ints,
    used: Longs,
    edges: Ints,
    e0: int,
    e1: int,
    members: Ints,
    inside: Bytes,
    m0: int,
    m1: int,
    base: int,
    rx: float,
    ry: float,
    left: float,
    low: float,
    size: float,
    depth: int,
) -> int:
    """Turn one cell with its edges into a leaf or a block of finer cells; return its value.

    The cell is `size` wide at (left, low), in root cells; edges[e0:e1] may touch it, members[m0:m1] are their polygons
    with their parity at the reference point; room after e1 and m1 is scratch for the children.
    """
    if used[STATUS] != OK:
        return -1
    polygons = int(frame[12])
    for i in range(e0, e1):
        v = edges[i]
        if _on_edge(xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3], rx, ry):
            used[STATUS] = REFERENCE_ON_BORDER
            return -1
    west, east = frame[0] + left / frame[4] - frame[8], frame[0] + (left + size) / frame[4] + frame[8]
    south, north = frame[1] + low / frame[5] - frame[9], frame[1] + (low + size) / frame[5] + frame[9]
    found = np.empty(MAX_EDGES, np.int64)
    count = _unique(edges, e0, e1, canon, owner, MAX_EDGES, found)
    if count == 1 and _passes(xy, edges[e0], west, south, east, north):
        edge = canon[edges[e0]]
        return _edge_leaf(xy, edge, members, inside, m0, m1, base, rx, ry, pool, sets, slots, used, polygons)
    fine = size / 4
    if count <= MAX_EDGES or depth == MAX_DEPTH or fine / frame[4] < 64 * frame[8] or fine / frame[5] < 64 * frame[9]:
        return _chain_leaf(xy, canon, owner, edges, e0, e1, members, inside, m0, m1, base, rx, ry, pool, used)
    block = used[POOL_USED]
    if block + 16 > len(pool):
        used[STATUS] = POOL_FULL
        return -1
    if 2 * e1 - e0 > len(edges) or 2 * m1 - m0 > len(members):
        used[STATUS] = SCRATCH_FULL
        return -1
    used[POOL_USED] = block + 16
    for child in range(16):
        x, y = left + (child & 3) * fine, low + (child >> 2) * fine
        qx, qy = frame[0] + (x + frame[10] * fine) / frame[4], frame[1] + (y + frame[11] * fine) / frame[5]
        west, east = frame[0] + x / frame[4] - frame[8], frame[0] + (x + fine) / frame[4] + frame[8]
        south, north = frame[1] + y / frame[5] - frame[9], frame[1] + (y + fine) / frame[5] + frame[9]
        value, i, e, m = base, e0, e1, m1
        for member in range(m0, m1):
            flag, before = inside[member], e
            while i < e1 and owner[edges[i]] == members[member]:
                v = edges[i]
                if _crosses(xy[2 * v], xy[2 * v + 1], xy[2 * v + 2], xy[2 * v + 3], qx, qy, rx, ry):
                    flag ^= 1
                if not _misses(xy, v, west, south, east, north):
                    edges[e] = v
                    e += 1
                i += 1
            if e > before:
                members[m], inside[m] = members[member], flag
                m += 1
            elif flag:
                value = _joined(value, members[member], sets, slots, used, polygons)
        if e > e1:
            value = _settle(
                xy, owner, canon, frame, pool, sets, slots, used, edges, e1, e, members, inside, m1, m, value, qx, qy, x, y, fine, depth + 1
            )
        pool[block + child] = value
    return _address(block, BLOCK)


@_compiled()
def refine(
    xy: Floats,
    owner: Ints,
    canon: Ints,
    frame: Floats,
    start: Longs,
    entries: Ints,
    parity: Bytes,
    root: Ints,
    pool: Ints,
    sets: Ints,
    slots: Ints,
    used: Longs,
    edges: Ints,
    members: Ints,
    inside: Bytes,
) -> None:
    """Settle every root cell that edges touch."""
    columns = int(frame[6])
    for cell in range(len(root)):
        if start[cell] == start[cell + 1]:
            continue
        count, member = start[cell + 1] - start[cell], 0
        if count > len(edges) or count > len(members):
            used[STATUS] = SCRATCH_FULL
            return
        for i in range(count):
            v = entries[start[cell] + i]
            edges[i] = v
            if member == 0 or members[member - 1] != owner[v]:
                members[member], inside[member] = owner[v], parity[start[cell] + i]
                member += 1
        x, y = float(cell % columns), float(cell // columns)
        rx, ry = frame[0] + (x + frame[10]) / frame[4], frame[1] + (y + frame[11]) / frame[5]
        root[cell] = _settle(
            xy, owner, canon, frame, pool, sets, slots, used, edges, 0, count, members, inside, 0, member, root[cell], rx, ry, x, y, 1.0, 0
        )
        if used[STATUS] != OK:
            return


# --- look-ups -----------------------------------------------------------------------------------------------------


@_compiled()
def _chain_owner(at: int, px: float, py: float, xy: Floats, pool: Ints, sets: Ints, polygons: int) -> int:
    """Return the owner inside a chain leaf, or -2 where rounding leaves any doubt."""
    best = owner_of(pool[at], sets, polygons)
    rx, ry = xy[2 * pool[at + 1]] - px, xy[2 * pool[at + 1] + 1] - py
    while at >= 0:
        mask = pool[at + 3]
        first = at + CHAIN_HEAD + pool[at + 4]
        for s in range(first, first + 2 * pool[at + 5], 2):
            v = 2 * pool[s]
            ax, ay, bx, by = xy[v] - px, xy[v + 1] - py, xy[v + 2] - px, xy[v + 3] - py
            one, two = rx * ay, ry * ax
            turn_a = one - two
            sure = abs(turn_a) > ERR * (abs(one) + abs(two)) + TINY
            one, two = rx * by, ry * bx
            turn_b = one - two
            sure &= abs(turn_b) > ERR * (abs(one) + abs(two)) + TINY
            if not sure:
                return -2
            if (turn_a > 0) != (turn_b > 0):
                one, two = ax * by, ay * bx
                turn = one - two
                if not abs(turn) > ERR * (abs(one) + abs(two)) + TINY:
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
def _descend(px: float, py: float, root: Ints, pool: Ints, frame: Floats) -> int:
    """Return the value that holds at a point: never a block; -1 outside the frame and for NaN."""
    if not (px >= frame[0] and px <= frame[2] and py >= frame[1] and py <= frame[3]):
        return -1
    tx, ty = (px - frame[0]) * frame[4], (py - frame[1]) * frame[5]
    column, row = int(tx), int(ty)
    return _down(int(root[row * int(frame[6]) + column]), tx - column, ty - row, pool)


@_compiled()
def _down(value: int, tx: float, ty: float, pool: Ints) -> int:
    """Follow blocks to the leaf; (tx, ty) is the place inside the cell, in [0, 1): exact, for each step takes bits off."""
    while value < -1 and -(value + 2) & 3 == BLOCK:
        tx, ty = 4 * tx, 4 * ty
        column, row = int(tx), int(ty)
        value = int(pool[(-(value + 2) >> 2) + 4 * row + column])
        tx, ty = tx - column, ty - row
    return value


@_compiled()
def _leaf_owner(value: int, px: float, py: float, xy: Floats, pool: Ints, sets: Ints, polygons: int) -> int:
    """Return the owner at a point inside the leaf, or -2 where rounding leaves any doubt."""
    if value >= -1:
        return owner_of(value, sets, polygons)
    at = -(value + 2) >> 2
    if -(value + 2) & 3 == CHAIN:
        return _chain_owner(at, px, py, xy, pool, sets, polygons)
    v = 2 * pool[at]
    one = (xy[v] - px) * (xy[v + 3] - py)
    two = (xy[v + 1] - py) * (xy[v + 2] - px)
    turn = one - two
    if not abs(turn) > ERR * (abs(one) + abs(two)) + TINY:
        return -2
    return owner_of(int(pool[at + 1] if turn > 0 else pool[at + 2]), sets, polygons)


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


@_compiled("int64(float64, float64, int32[::1], int32[::1], float64[::1], int32[::1], float64[::1], int32[::1])")
def covering(px: float, py: float, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats, out: Ints) -> int:
    """Write every polygon that covers the point, borders included, to `out` (unordered, perhaps twice); exact.

    `out` needs room for twice the polygons. Returns how many were written.
    """
    polygons = int(frame[12])
    value = _descend(px, py, root, pool, frame)
    px, py = (0.0 if abs(px) < FLUSH else px), (0.0 if abs(py) < FLUSH else py)
    if value >= -1:
        return _listed(value, sets, polygons, out, 0)
    at = -(value + 2) >> 2
    if -(value + 2) & 3 == EDGE:
        v, count = 2 * pool[at], 0
        turn = _orient(xy[v], xy[v + 1], xy[v + 2], xy[v + 3], px, py)
        if turn >= 0:
            count = _listed(int(pool[at + 1]), sets, polygons, out, count)
        if turn <= 0:
            count = _listed(int(pool[at + 2]), sets, polygons, out, count)
        return count
    count = _listed(int(pool[at]), sets, polygons, out, 0)
    rx, ry = xy[2 * pool[at + 1]], xy[2 * pool[at + 1] + 1]
    while at >= 0:
        mask, border = pool[at + 3], 0
        first = at + CHAIN_HEAD + pool[at + 4]
        for s in range(first, first + 2 * pool[at + 5], 2):
            v, bits = 2 * pool[s], pool[s + 1] & (REF_LEFT - 1)
            if _on_edge(xy[v], xy[v + 1], xy[v + 2], xy[v + 3], px, py):
                border |= bits
            elif _crosses(xy[v], xy[v + 1], xy[v + 2], xy[v + 3], px, py, rx, ry):
                mask ^= bits
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
    owner = -1
    for i in range(count):
        if owner < 0 or out[i] < owner:
            owner = int(out[i])
    return owner


@_compiled("int64(float64, float64, int32[::1], int32[::1], float64[::1], int32[::1], float64[::1])")
def locate(px: float, py: float, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats) -> int:
    """Return the owner of one point, -1 for none."""
    value = _descend(px, py, root, pool, frame)
    owner = _leaf_owner(value, px, py, xy, pool, sets, int(frame[12]))
    return owner if owner != -2 else _exact_owner(px, py, root, pool, xy, sets, frame)


@_compiled("void(float64[::1], float64[::1], int32[::1], int32[::1], float64[::1], int32[::1], float64[::1], int32[::1])")
def locate_many(lon: Floats, lat: Floats, root: Ints, pool: Ints, xy: Floats, sets: Ints, frame: Floats, out: Ints) -> None:
    """Write the owner of every point to `out`.

    In stages over short stretches, without a branch that depends on the point: memory answers for many points are then
    under way at once, and few predictions miss.
    """
    x0, y0, x1, y1, sx, sy = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    columns, polygons = int(frame[6]), int(frame[12])
    stretch = 1024
    cells = np.empty(stretch, np.int32)
    todo = np.empty(stretch, np.int32)
    for begin in range(0, len(lon), stretch):
        size = min(stretch, len(lon) - begin)
        for i in range(size):
            px, py = lon[begin + i], lat[begin + i]
            inside = (px >= x0) & (px <= x1) & (py >= y0) & (py <= y1)
            tx, ty = (px - x0) * sx, (py - y0) * sy
            cells[i] = np.int32(ty) * columns + np.int32(tx) if inside else -1
        count = 0
        for i in range(size):
            coarse = root[cells[i]] if cells[i] >= 0 else np.int32(-1)
            out[begin + i] = coarse
            todo[count] = i
            count += (coarse < -1) | (coarse >= polygons)
        for j in range(count):
            i = begin + todo[j]
            px, py = lon[i], lat[i]
            tx, ty = (px - x0) * sx, (py - y0) * sy
            value = _down(int(out[i]), tx - int(tx), ty - int(ty), pool)
            owner = _leaf_owner(value, px, py, xy, pool, sets, polygons)
            out[i] = owner if owner != -2 else _exact_owner(px, py, root, pool, xy, sets, frame)


# --- around a point -----------------------------------------------------------------------------------------------


@_compiled()
def _to_edge(ax: float, ay: float, bx: float, by: float) -> float:
    """Return the distance from the origin to a segment."""
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    t = min(max(-(ax * dx + ay * dy) / length2, 0.0), 1.0) if length2 > 0.0 else 0.0
    return np.hypot(ax + t * dx, ay + t * dy)


@_compiled()
def _sector(ax: float, ay: float, bx: float, by: float) -> float:
    return np.arctan2(ax * by - ay * bx, ax * bx + ay * by) / 2


@_compiled()
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


@_compiled("int64(float64, float64, float64, float64, float64[:, ::1], float64[::1], int32[::1], int32[::1], int32[::1], float64[:, ::1])")
def around(
    px: float, py: float, wide: float, high: float, boxes: Any, xy: Floats, rings: Ints, first_ring: Ints, out: Ints, measured: Any
) -> int:
    """Measure the polygons whose box comes near the point: distance to their border and area inside the disc.

    The disc is the unit of length: it reaches `wide` degrees east and `high` degrees north. Shells run anticlockwise,
    holes clockwise. Writes polygons to `out` and (distance, area) to `measured`; returns how many.
    """
    count = 0
    for p in range(len(boxes)):
        if boxes[p, 0] > px + wide or boxes[p, 2] < px - wide or boxes[p, 1] > py + high or boxes[p, 3] < py - high:
            continue
        nearest, area = np.inf, 0.0
        for ring in range(first_ring[p], first_ring[p + 1]):
            for v in range(rings[ring], rings[ring + 1] - 1):
                ax, ay = (xy[2 * v] - px) / wide, (xy[2 * v + 1] - py) / high
                bx, by = (xy[2 * v + 2] - px) / wide, (xy[2 * v + 3] - py) / high
                nearest = min(nearest, _to_edge(ax, ay, bx, by))
                area += _in_disc(ax, ay, bx, by)
        out[count], measured[count, 0], measured[count, 1] = p, nearest, area
        count += 1
    return count
