"""From an address in words to a position somebody may be sent to; never a false point where the words do not say enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.base import Conn
from domain.places import search as places
from domain.places.search import PlaceCandidate
from geo.lonlat import LonLat

SURE: Final = 0.6
PRECISE_M: Final = 200.0  # a grid is a few hundred metres across; a town's middle names the wrong one
SHOWN: Final = 8

_PLACE = "select name, st_x(position), st_y(position), precision_m from places where id = %s"


@dataclass(frozen=True, slots=True)
class Found:
    """A position taken for an address; ``confidence`` 0-1, ``accuracy_m`` how far the real place may be."""

    name: str
    lonlat: LonLat
    accuracy_m: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Looked:
    """What an address may mean: the place, if one is sure and precise enough, and the candidates, best first."""

    found: Found | None
    candidates: Sequence[PlaceCandidate]

    def as_json(self) -> list[Mapping[str, Any]]:
        """Give the candidates as they are kept and shown."""
        return [
            {
                "id": str(place.id), "kind": place.kind, "name": place.name, "detail": place.detail, "lon": place.lonlat[0],
                "lat": place.lonlat[1], "precision_m": place.precision_m, "confidence": place.confidence,
                "is_point": place.area_id is None and place.precision_m <= PRECISE_M,
            }
            for place in self.candidates
        ]  # fmt: skip


async def look(conn: Conn, text: str, *, at: datetime) -> Looked:
    """Look an address up; the best candidate is taken when it is likely (0.6) and precise (200 m) enough."""
    candidates = await places.search(conn, text[: places.MAX_TEXT], first=SHOWN, at=at)
    best = candidates[0] if candidates else None
    if best is None or best.confidence < SURE or best.precision_m > PRECISE_M:
        return Looked(None, candidates)
    return Looked(Found(best.name, LonLat(lon=best.lonlat[0], lat=best.lonlat[1]), best.precision_m, best.confidence), candidates)


async def by_id(conn: Conn, place_id: UUID) -> Found | None:
    """Find a place of the gazetteer by its id."""
    row = await (await conn.execute(_PLACE, (place_id,))).fetchone()
    return Found(row[0], LonLat(lon=row[1], lat=row[2]), float(row[3]), 1.0) if row else None
