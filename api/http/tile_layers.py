"""What the vector tiles hold: which layers exist, from which zoom an area level is drawn, and the statements.

Geometry is stored in web mercator, so a statement only cuts and rounds it, to an eighth of a pixel: what neighbours lose
of their common border is too small to be seen. Points are drawn in one tile only, labels in a layer of their own, since
a polygon cut by tiles would be named once in each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from domain.base import Conn
from domain.people.scope import SEES, Scope
from geo import datum

MAX_ZOOM: Final = 22
EARTH_M: Final = 6_378_137.0
EXTENT: Final = 4096
BUFFER: Final = 64
MEDIA_TYPE: Final = "application/vnd.mapbox-vector-tile"

# From which zoom a level is drawn and named; a level is an MVT layer of its own name.
AREA_LEVELS: Final = {
    "province": 0, "city": 0, "county": 5, "rail_section": 7, "town": 8, "special_grid": 10, "grid": 10, "village": 11,
    "other": 11, "unit_grid": 12,
}  # fmt: skip
LABEL_ZOOM: Final = {**AREA_LEVELS, "special_grid": 12, "grid": 13, "unit_grid": 14}

# Below this zoom, cases in one cell (a 32nd of a tile, 16 pixels) are one feature of the layer "clusters", with counts.
CLUSTER_CELLS: Final = 32
CLUSTER_BELOW_ZOOM: Final = 14
MOST_CASES: Final = 5000
RECENT_HOURS: Final = 24

IN_FORCE: Final = "v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s)"
# What is to be drawn further east is cut out further west.
_ENVELOPE: Final = "st_translate(st_tileenvelope(%(z)s, %(x)s, %(y)s), -%(east_m)s::float8, -%(north_m)s::float8)"
_AROUND: Final = f"st_expand({_ENVELOPE}, 40075016.6856 / (1::bigint << %(z)s::int) * {BUFFER / EXTENT})"
# A point on the border of two tiles belongs to one of them.
_INSIDE: Final = (
    f"st_x({{0}}) >= st_xmin({_ENVELOPE}) and st_x({{0}}) < st_xmax({_ENVELOPE})"
    f" and st_y({{0}}) > st_ymin({_ENVELOPE}) and st_y({{0}}) <= st_ymax({_ENVELOPE})"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The address of a tile in the usual scheme, y counting from the north, and how far everything in it is drawn aside.

    ``east_m`` and ``north_m`` are metres of web mercator; they are 0 but for base maps in GCJ-02.
    """

    z: int
    x: int
    y: int
    east_m: float = 0.0
    north_m: float = 0.0

    def parameters(self) -> dict[str, object]:
        """Give the address as a statement's named parameters."""
        return {"z": self.z, "x": self.x, "y": self.y, "east_m": self.east_m, "north_m": self.north_m}


def shifted(tile: Tile) -> Tile:
    """Return the tile with everything in it drawn where a GCJ-02 base map has it, by the shift at the tile's middle.

    The shift changes by some 2 m in a kilometre, so at any zoom the edges of a tile are off by a pixel or two.
    """
    lon, lat = _degrees(tile.x + 0.5, tile.y + 0.5, 1 << tile.z)
    gcj_lon, gcj_lat = datum.wgs84_to_gcj02(lon, lat)
    east_m, north_m = math.radians(gcj_lon - lon) * EARTH_M, (_north(gcj_lat) - _north(lat)) * EARTH_M
    return replace(tile, east_m=east_m, north_m=north_m)


def _degrees(x: float, y: float, tiles: int) -> tuple[float, float]:
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / tiles))))
    return 360 * x / tiles - 180, lat


def _north(lat: float) -> float:
    return math.asinh(math.tan(math.radians(lat)))


AREAS: Final = f"""
    with drawn as materialized (
        select v.level, v.area_id::text as id, v.code, v.name, v.approximate,
               st_asmvtgeom(v.geom_3857, {_ENVELOPE}, {EXTENT}, {BUFFER}, true) as geom
        from area_versions v where v.geom_3857 && {_AROUND} and v.level = any(%(levels)s) and {IN_FORCE}
    ), named as materialized (
        select v.area_id::text as id, v.code, v.name, v.level, v.approximate,
               st_asmvtgeom(v.label_point, {_ENVELOPE}, {EXTENT}, 0, true) as geom
        from area_versions v where v.geom_3857 && {_ENVELOPE} and v.level = any(%(labelled)s) and {IN_FORCE}
        and {_INSIDE.format("v.label_point")}
    )
    select string_agg(layer, ''::bytea order by ord) from (
        select min(array_position(%(levels)s, d.level)) as ord, st_asmvt(d, d.level, {EXTENT}, 'geom') as layer
        from drawn d where d.geom is not null group by d.level
        union all
        select 100, st_asmvt(n, 'labels', {EXTENT}, 'geom') from named n where n.geom is not null
    ) layers
"""

RAIL: Final = f"""
    select st_asmvt(r, 'rail', {EXTENT}, 'geom') from (
        select id::text, code, name, kind, approximate,
               st_asmvtgeom(geom_3857, {_ENVELOPE}, {EXTENT}, {BUFFER}, true) as geom
        from rail_lines where geom_3857 && {_AROUND} order by code
    ) r where r.geom is not null
"""

STATIONS: Final = f"""
    select st_asmvt(s, 'stations', {EXTENT}, 'geom') from (
        select id::text, code, name, precision_m,
               st_asmvtgeom(st_transform(position, 3857), {_ENVELOPE}, {EXTENT}, {BUFFER}, true) as geom
        from places where kind = 'station' and position && st_transform({_AROUND}, 4326) order by source_key
    ) s where s.geom is not null
"""

_SHOWN: Final = f"""
    select c.id::text, c.number, c.state, c.title, c.origin, c.closed_at is null as open,
           c.closed_at is null and c.overdue_at is not null as overdue, c.opened_at, c.position_3857 as p
    from cases c where c.position_3857 && {_ENVELOPE} and {SEES.format("c")}
    and {_INSIDE.format("c.position_3857")}
    and (c.closed_at is null or c.opened_at >= %(since)s)
"""
_CASE: Final = "id, number, state, title, origin, overdue"
_CASE_GEOM: Final = f"st_asmvtgeom(p, {_ENVELOPE}, {EXTENT}, 0, true) as geom"

CASES: Final = f"""
    select coalesce(st_asmvt(c, 'cases', {EXTENT}, 'geom'), '') from (
        select {_CASE}, {_CASE_GEOM} from ({_SHOWN}) s order by opened_at desc limit {MOST_CASES}
    ) c
"""

CASES_CLUSTERED: Final = f"""
    with grid as (select (st_xmax({_ENVELOPE}) - st_xmin({_ENVELOPE})) / {CLUSTER_CELLS} as size), cells as materialized (
        select count(*) as n, count(*) filter (where s.open) as open, count(*) filter (where s.overdue) as late,
               avg(st_x(s.p)) as x, avg(st_y(s.p)) as y, min(s.id) as id, min(s.number) as number, min(s.state) as state,
               min(s.title) as title, min(s.origin) as origin, bool_or(s.overdue) as overdue
        from ({_SHOWN}) s, grid group by floor(st_x(s.p) / grid.size), floor(st_y(s.p) / grid.size)
    ), placed as materialized (select *, st_setsrid(st_point(x, y), 3857) as p from cells)
    select coalesce((select st_asmvt(c, 'cases', {EXTENT}, 'geom') from (
               select {_CASE}, {_CASE_GEOM} from placed where n = 1) c), '')
        || coalesce((select st_asmvt(c, 'clusters', {EXTENT}, 'geom') from (
               select n as count, open, late as overdue, {_CASE_GEOM} from placed where n > 1) c), '')
"""


def _levels_at(zoom: int, first: dict[str, int]) -> list[str]:
    return [level for level, from_zoom in first.items() if zoom >= from_zoom]


async def areas(conn: Conn, tile: Tile, *, at: datetime) -> bytes:
    """Draw the areas in force at an instant."""
    levels = {"levels": _levels_at(tile.z, AREA_LEVELS), "labelled": _levels_at(tile.z, LABEL_ZOOM)}
    return await _drawn(conn, AREAS, {**tile.parameters(), **levels, "at": at})


async def rail(conn: Conn, tile: Tile) -> bytes:
    """Draw the railway lines."""
    return await _drawn(conn, RAIL, tile.parameters())


async def stations(conn: Conn, tile: Tile) -> bytes:
    """Draw the stations."""
    return await _drawn(conn, STATIONS, tile.parameters())


async def cases(conn: Conn, tile: Tile, scope: Scope, *, since: datetime) -> bytes:
    """Draw the cases inside the scope that are open or were opened since the instant."""
    statement = CASES_CLUSTERED if tile.z < CLUSTER_BELOW_ZOOM else CASES
    return await _drawn(conn, statement, {**tile.parameters(), **scope.parameters(), "since": since})


async def _drawn(conn: Conn, statement: str, parameters: dict[str, Any]) -> bytes:
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(statement, parameters)
        row = await cursor.fetchone()
    return bytes(row[0]) if row and row[0] is not None else b""
