"""Who owns a point: the versions in force of every routed layer, each behind an exact in-process index."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import shapely

from domain.base import Conn
from domain.errors import NotFound
from geo.lonlat import LonLat
from geo.point_index import PointIndex

ADMIN = "admin"
# Without a declared accuracy a point this close to a border is still told apart from a sure one.
DOUBT_M = 15.0
# A phone that claims worse than this says nothing about a border.
MAX_DOUBT_M = 500.0
MAX_CANDIDATES = 8

_LAYERS = "select code, name, name_en, version, home, routed from area_layers order by ord, code"
_AREAS = """
select v.code, v.name, v.area_id, v.id, v.path, st_asbinary(v.geom, 'NDR') from area_versions v
where v.layer = %(layer)s and v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s)
"""
_COUNTIES = _AREAS + " and v.level = 'county'"
_CITIES = """
select distinct unnest(v.path) from area_versions v
where v.layer = %(layer)s and v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s) and v.level = 'city'
"""
_NEXT_CHANGE = """
select min(t) from (
    select min(valid_from) as t from area_versions where valid_from > %(at)s
    union all select min(valid_to) from area_versions where valid_to > %(at)s
) s
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """An area version that owns a point in one layer."""

    code: str
    name: str
    area_id: UUID
    version_id: UUID
    path: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An owner near a border: how far away it begins, and its share (0-1) of the accuracy disc."""

    owner: Owner
    distance_m: float
    share: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One routed layer as it was at one version: its areas in code order behind their index."""

    code: str
    name: str
    name_en: str
    version: int
    home: bool
    owners: Sequence[Owner]
    index: PointIndex

    def owner_at(self, point: LonLat) -> Owner | None:
        """Give the owner of a point, the lowest code where several claim it; None outside everything."""
        found = self.index.locate(point.lon, point.lat)
        return None if found < 0 else self.owners[found]

    def candidates(self, point: LonLat, accuracy_m: float | None) -> list[Candidate]:
        """List the areas within the accuracy disc, nearest and largest share first; the owner alone when it is sure."""
        radius = min(max(accuracy_m or 0.0, DOUBT_M), MAX_DOUBT_M)
        near = self.index.near(point.lon, point.lat, radius)
        if len(near) < 2:
            return [Candidate(self.owners[i], distance, 1.0) for i, distance in near]
        shares = dict(self.index.shares(point.lon, point.lat, radius))
        found = [Candidate(self.owners[i], distance, shares.get(i, 0.0)) for i, distance in near]
        found.sort(key=lambda candidate: (candidate.distance_m, -candidate.share, candidate.owner.code))
        return found[:MAX_CANDIDATES]


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    """Every routed layer at one instant, and the administrative areas a point outside every grid still lies in."""

    layers: tuple[Layer, ...]
    counties: Layer
    city_ids: tuple[UUID, ...]
    valid_until: datetime | None

    @property
    def home(self) -> Layer:
        """The layer whose grid owns a case."""
        return next(layer for layer in self.layers if layer.home)

    def versions(self) -> dict[str, int]:
        """Give each layer's version."""
        return {layer.code: layer.version for layer in (self.counties, *self.layers)}

    def is_current(self, versions: Mapping[str, int], at: datetime) -> bool:
        """Tell whether nothing has been published since, nor come into force by ``at``."""
        return self.versions() == versions and (self.valid_until is None or at < self.valid_until)

    def owners_at(self, point: LonLat) -> dict[str, Owner | None]:
        """Give one owner per routed layer, in layer order."""
        return {layer.code: layer.owner_at(point) for layer in self.layers}

    def seen_from(self, point: LonLat, owners: Mapping[str, Owner | None]) -> list[UUID]:
        """List every area a point lies in, which is what scope is checked against.

        A point no grid owns is still seen by its county, and outside every county by the city itself, so that it vanishes
        from nobody's map; being seen gives nobody a duty.
        """
        found = dict.fromkeys(owned_path(owners))
        if owners[self.home.code] is None:
            county = self.counties.owner_at(point)
            found.update(dict.fromkeys(county.path if county else self.city_ids))
        return list(found)


def owned_path(owners: Mapping[str, Owner | None]) -> list[UUID]:
    """List the areas that own a point, layer by layer, each from its root down."""
    found: dict[UUID, None] = {}
    for owner in owners.values():
        if owner is not None:
            found.update(dict.fromkeys(owner.path))
    return list(found)


async def load(conn: Conn, *, at: datetime) -> Jurisdictions:
    """Read every routed layer's versions in force at ``at`` and build their indexes, off the event loop."""
    layers = []
    for code, name, name_en, version, home, routed in await (await conn.execute(_LAYERS)).fetchall():
        if routed:
            layers.append(Layer(code, name, name_en, version, home, *await _indexed(conn, _AREAS, code, at)))
        elif code == ADMIN:
            counties = Layer(code, name, name_en, version, False, *await _indexed(conn, _COUNTIES, code, at))
    cities = await (await conn.execute(_CITIES, {"layer": ADMIN, "at": at})).fetchall()
    ((until,),) = await (await conn.execute(_NEXT_CHANGE, {"at": at})).fetchall()
    return Jurisdictions(tuple(layers), counties, tuple(row[0] for row in cities), until)


async def load_layer(conn: Conn, layer: str, *, at: datetime) -> Layer:
    """Read one layer in force at ``at``, whatever it is for; raises NotFound for an unknown one."""
    rows = await (await conn.execute(_LAYERS)).fetchall()
    known = {code: (name, name_en, version, home) for code, name, name_en, version, home, _ in rows}
    if layer not in known:
        raise NotFound(f"there is no layer {layer!r}; there are: {', '.join(known)}", f"没有图层 {layer!r}", field="layer")
    return Layer(layer, *known[layer], *await _indexed(conn, _AREAS, layer, at))


async def _indexed(conn: Conn, query: str, layer: str, at: datetime) -> tuple[list[Owner], PointIndex]:
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(query, {"layer": layer, "at": at})
        rows = await cursor.fetchall()
    rows.sort(key=lambda row: row[0].encode())
    owners = [Owner(code, name, area_id, version_id, tuple(path)) for code, name, area_id, version_id, path, _ in rows]

    def build() -> PointIndex:
        return PointIndex.build(codes=[o.code for o in owners], polygons=shapely.from_wkb([row[5] for row in rows]))

    return owners, await asyncio.to_thread(build)
