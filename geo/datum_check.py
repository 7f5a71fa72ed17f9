"""Does a file lie about its datum? Much Chinese data labelled WGS 84 is in fact GCJ-02, about 600 m away.

An import is compared with areas already known: under each datum its coordinates might have been in, how much of its outer
border falls on a known border, or how many of its points fall inside. When another datum fits far better than the declared
one, that is a suspicion for a person to judge; nothing is corrected here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo import datum as datums
from geo.coverage import unbalanced_segments
from geo.lonlat import Datum
from geo.metric import LocalMetric

Floats = NDArray[np.float64]

NEAR_M = 30.0
_SAMPLES = 4_000
# What chance or another surveyor's border would not explain.
_LEAST_HITS = 20
_LEAST_SHARE = 0.05
_BETTER_TIMES = 3.0
_LEAST_OUTSIDE = 10
_REMAINING_OUTSIDE = 0.2


@dataclass(frozen=True, slots=True)
class ShiftSuspicion:
    """A better fitting datum than the declared one.

    `offset_m` is how far the import lies off if the suspicion holds; the shares (0-1) say how well border or points fit
    the known areas as declared and as suspected.
    """

    declared: Datum
    likely: Datum
    offset_m: float
    fit_declared_share: float
    fit_likely_share: float

    @property
    def message_en(self) -> str:
        """The suspicion as a sentence."""
        return (
            f"declared as {self.declared}, but read as {self.likely} it fits the known areas far better "
            f"({self.fit_likely_share:.0%} against {self.fit_declared_share:.0%}); it seems to lie {self.offset_m:.0f} m off."
        )

    @property
    def message_zh(self) -> str:
        """The suspicion as a Chinese sentence."""
        return (
            f"声明为 {self.declared}，但按 {self.likely} 解读与已有区域吻合得多"
            f"({self.fit_likely_share:.0%} 对 {self.fit_declared_share:.0%}),疑似偏移约 {self.offset_m:.0f} 米。"
        )


def suspect_gcj02(
    shapes: Sequence[BaseGeometry], reference: Sequence[BaseGeometry], declared: Datum = Datum.WGS84
) -> ShiftSuspicion | None:
    """Return the suspicion that an import is in another datum than declared, or None.

    `shapes` are the import's polygons or points, already brought to WGS 84 as declared; `reference` are polygons known to
    be right, such as the parents or the layer's earlier version. CGCS2000 counts as WGS84.
    """
    if not len(shapes) or not len(reference):
        return None
    truth = Datum.WGS84 if declared is Datum.CGCS2000 else declared
    areas = all(shape.geom_type in ("Polygon", "MultiPolygon") for shape in shapes)
    xy = _outline(shapes) if areas else shapely.get_coordinates(np.asarray(shapes, dtype=object))
    fit = _Border(reference) if areas else _Inside(reference)
    raw = _raw(xy, truth)
    as_declared = fit.hits(xy)
    best: ShiftSuspicion | None = None
    for likely in (Datum.WGS84, Datum.GCJ02, Datum.BD09):
        if likely is truth:
            continue
        moved = np.column_stack(datums.to_wgs84_many(raw[:, 0], raw[:, 1], likely))
        hits = fit.hits(moved)
        if fit.convincing(as_declared, hits, len(xy)) and (best is None or hits / len(xy) > best.fit_likely_share):
            offset = float(np.median(np.hypot(*(fit.plane_xy(moved) - fit.plane_xy(xy)).T)))
            best = ShiftSuspicion(declared, likely, offset, as_declared / len(xy), hits / len(xy))
    return best


class _Border:
    """Counts points that fall on a border of the reference areas."""

    def __init__(self, reference: Sequence[BaseGeometry]) -> None:
        self.plane = LocalMetric.around(np.asarray(reference, dtype=object))
        lines = shapely.get_parts(shapely.boundary(self.plane.to_plane(np.asarray(reference, dtype=object))))
        ends = [shapely.get_coordinates(line) for line in lines]
        segments = np.vstack([np.hstack([xy[:-1], xy[1:]]) for xy in ends])
        self.tree = shapely.STRtree(np.asarray(shapely.linestrings(segments.reshape(-1, 2, 2)), dtype=object))

    def plane_xy(self, xy: Floats) -> Floats:
        """Metres of positions."""
        return self.plane.points(xy[:, 0], xy[:, 1])

    def hits(self, xy: Floats) -> int:
        """Points within NEAR_M of a border."""
        points = np.asarray(shapely.points(self.plane_xy(xy)), dtype=object)
        near = self.tree.query_nearest(points, max_distance=NEAR_M, all_matches=False)
        return int(near.shape[1])

    @staticmethod
    def convincing(declared: int, other: int, count: int) -> bool:
        """Whether the other datum puts far more of the outline on known borders."""
        return other >= max(_LEAST_HITS, _LEAST_SHARE * count) and other >= _BETTER_TIMES * declared


class _Inside:
    """Counts points that fall inside the reference areas."""

    def __init__(self, reference: Sequence[BaseGeometry]) -> None:
        self.plane = LocalMetric.around(np.asarray(reference, dtype=object))
        self.area: Any = shapely.union_all(np.asarray(reference, dtype=object))
        shapely.prepare(self.area)

    def plane_xy(self, xy: Floats) -> Floats:
        """Metres of positions."""
        return self.plane.points(xy[:, 0], xy[:, 1])

    def hits(self, xy: Floats) -> int:
        """Points inside."""
        return int(shapely.intersects_xy(self.area, xy[:, 0], xy[:, 1]).sum())

    @staticmethod
    def convincing(declared: int, other: int, count: int) -> bool:
        """Whether the other datum brings nearly all stray points in."""
        outside = count - declared
        return outside >= _LEAST_OUTSIDE and count - other <= _REMAINING_OUTSIDE * outside


def _outline(shapes: Sequence[BaseGeometry]) -> Floats:
    """Points along the outer border of a set of polygons, evenly by length: the same from run to run."""
    oriented = shapely.orient_polygons(np.asarray(shapes, dtype=object))
    segments = unbalanced_segments(np.asarray(oriented, dtype=object))
    length = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    ends = np.cumsum(length)
    at = (np.arange(_SAMPLES) + 0.5) / _SAMPLES * ends[-1]
    i = np.minimum(np.searchsorted(ends, at), len(segments) - 1)
    share = ((at - (ends[i] - length[i])) / np.where(length[i] > 0, length[i], 1.0))[:, None]
    points: Floats = segments[i, :2] + share * (segments[i, 2:] - segments[i, :2])
    return points


def _raw(xy: Floats, declared: Datum) -> Floats:
    """The coordinates as they stood in the file."""
    if declared is Datum.GCJ02:
        return np.column_stack(datums.wgs84_to_gcj02_many(xy[:, 0], xy[:, 1]))
    if declared is Datum.BD09:
        return np.array([datums.wgs84_to_bd09(x, y) for x, y in xy.tolist()])
    return xy
