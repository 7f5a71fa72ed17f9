"""Was somebody at the spot: a verdict about one visit from distance and accuracy, so that no position needs to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from geo.lonlat import LonLat, Position, distance_m

Verdict = Literal["inside", "outside", "uncertain"]

NEAR_M: Final = 50.0  # a case's own point is rarely better than this
WORST_ACCURACY_M: Final = 100.0  # a receiver that claims less says nothing about being there


@dataclass(frozen=True, slots=True)
class Presence:
    """How far from the case somebody was, and what that says; metres."""

    verdict: Verdict
    distance_m: float | None
    accuracy_m: float | None


def judge(spot: LonLat, here: Position | None) -> Presence:
    """Judge a visit.

    ``outside`` is said only where even the edge of the accuracy disc is farther than 50 m; a disc of more than 100 m, one of
    unknown size and no position at all are ``uncertain``, never held against anybody.
    """
    if here is None:
        return Presence("uncertain", None, None)
    away_m = distance_m(spot, here.lonlat)
    return Presence(verdict_of(away_m, here.accuracy_m), round(away_m, 1), here.accuracy_m)


def verdict_of(away_m: float, accuracy_m: float | None) -> Verdict:
    """Say what a distance means under an accuracy; both in metres.

    >>> verdict_of(60, 15), verdict_of(60, 5), verdict_of(60, 500), verdict_of(10, None)
    ('inside', 'outside', 'uncertain', 'uncertain')
    """
    if accuracy_m is None:
        return "uncertain"
    if away_m > NEAR_M + accuracy_m:
        return "outside"
    return "inside" if accuracy_m <= WORST_ACCURACY_M else "uncertain"
