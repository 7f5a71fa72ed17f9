"""Group grid cells into towns and villages, and name them; the shapes of villages are invented, their names are real.

No public source has village borders, so a village here is a connected union of grids of its town. Ten towns and streets
have no border of their own either: they share a host polygon, which is divided in the same way.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SUFFIX = re.compile(r"(社区|村)?(居民委员会|村民委员会|居委会|村委会|委员会)$")


def short_name(name: str) -> str:
    """Return a village's name without the words for its committee ("站前社区居民委员会" -> "站前社区").

    >>> short_name("水北村民委员会"), short_name("城东居委会")
    ('水北村', '城东社区')
    """
    match = _SUFFIX.search(name)
    if match is None:
        return name
    kind = match[1] or ("村" if match[2].startswith("村") else "社区")
    return name[: match.start()] + kind


def grow(pairs: Ints, middles: Floats, starts: Sequence[int], shares: Sequence[float]) -> Ints:
    """Divide cells among regions that grow side by side from one start cell each; every region stays connected.

    `pairs` (k, 2) are neighbours, `middles` (n, 2) the cells' centres, `shares` the wanted relative numbers of cells.
    Cells that no region can reach join the region of the nearest reached cell. Returns the region of each cell, (n,).
    """
    around: list[list[int]] = [[] for _ in middles]
    for a, b in pairs.tolist():
        around[a].append(b)
        around[b].append(a)
    region = np.full(len(middles), -1, np.int64)
    size = np.zeros(len(starts))
    edge: list[set[int]] = [{start} for start in starts]
    heart = middles[list(starts)]
    for r, start in enumerate(starts):
        region[start] = r
        size[r] = 1
        edge[r] = set(around[start])
    open_regions = set(range(len(starts)))
    while open_regions:
        r = min(open_regions, key=lambda q: (size[q] / shares[q], q))
        edge[r] = {cell for cell in edge[r] if region[cell] < 0}
        if not edge[r]:
            open_regions.discard(r)
            continue
        cell = min(edge[r], key=lambda c: (float(((middles[c] - heart[r]) ** 2).sum()), c))
        region[cell] = r
        size[r] += 1
        edge[r].update(around[cell])
    for lost in np.flatnonzero(region < 0).tolist():
        reached = np.flatnonzero(region >= 0)
        away = ((middles[reached] - middles[lost]) ** 2).sum(axis=1)
        region[lost] = region[reached[np.argmin(away)]]
    return region


def spread(middles: Floats, count: int, first: int) -> list[int]:
    """Return `count` cells far from one another, the given one first (greedy farthest point)."""
    chosen = [first]
    away = ((middles - middles[first]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, ((middles - middles[chosen[-1]]) ** 2).sum(axis=1))
    return chosen


def reading_order(middles: Floats) -> list[int]:
    """Return indices in the order grids are numbered: rows from north to south, each from west to east."""
    rows = max(1, round(len(middles) ** 0.5))
    from_north = np.argsort(-middles[:, 1], kind="stable")
    order: list[int] = []
    for row in np.array_split(from_north, rows):
        order.extend(row[np.argsort(middles[row, 0], kind="stable")].tolist())
    return order
