"""The search box: words, codes and coordinates become ranked positions."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.entity import told
from domain.places import search as places


@strawberry.type(description="A place the text may mean, best first.")
class PlaceCandidate:
    """A candidate."""

    id: strawberry.ID = told("Id of the area or place; made from the numbers for typed coordinates.")
    kind: str = told("`county`, `village`, `grid`, `station`, `coordinates`, ...")
    name: str = told("Name.")
    detail: str = told("What tells it from others of its name.")
    lon: float = told("Longitude, WGS 84.")
    lat: float = told("Latitude, WGS 84.")
    precision_m: float = told("How far the real place may be from the position, in metres.")
    confidence: float = told("How likely it is the one that was meant, 0-1.")
    area_id: strawberry.ID | None = told("The area, when it is one.")
    bbox: list[float] | None = told("West, south, east, north, when it has an extent.")


@strawberry.type
class PlacesQuery:
    """Search."""

    @strawberry.field(description="Places a text may mean: names, codes, coordinates. Best first.")
    async def search_places(self, info: Info, text: str, first: int = 10) -> list[PlaceCandidate]:
        """Search."""
        async with info.context.pool.connection() as conn:
            found = await places.search(conn, text, first=first, at=info.context.now())
        return [
            PlaceCandidate(
                id=strawberry.ID(str(place.id)),
                kind=place.kind,
                name=place.name,
                detail=place.detail,
                lon=place.lonlat[0],
                lat=place.lonlat[1],
                precision_m=place.precision_m,
                confidence=place.confidence,
                area_id=strawberry.ID(str(place.area_id)) if place.area_id else None,
                bbox=list(place.bbox) if place.bbox else None,
            )
            for place in found
        ]
