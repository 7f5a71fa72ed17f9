"""Likely matters for a few words at a place: the words speak, and what the place lies in tips the balance a little."""

from __future__ import annotations

from uuid import UUID

from domain.base import Conn
from domain.flows.city import City
from domain.routing import suggest
from domain.routing.suggest import Suggestion
from geo.lonlat import LonLat, Position

# Wider than the widest statutory zone (20 m), because the drawn lines are approximate.
RAIL_M = 200.0
_NEAR_RAIL = """
select exists (select from rail_lines
               where geom && st_expand(st_setsrid(st_point(%(lon)s, %(lat)s), 4326), 0.005)
                 and st_dwithin(geom::geography, st_setsrid(st_point(%(lon)s, %(lat)s), 4326)::geography, %(within_m)s))
"""


async def suggest_matters(conn: Conn, city: City, text: str, position: Position | None) -> list[Suggestion[UUID]]:
    """Give the three likeliest matters for a text, best first; raises Invalid for an empty or too long one."""
    places = await surroundings(conn, city, position.lonlat) if position else ()
    return suggest.suggest(city.routing, text, places=places)


async def surroundings(conn: Conn, city: City, lonlat: LonLat) -> tuple[str, ...]:
    """Tell what a point lies in or near: ``urban`` or ``rural`` by its division code, ``rail`` within 200 m of a line."""
    found = []
    owner = city.areas.owners_at(lonlat)[city.areas.home.code]
    if owner is not None and (kind := settlement(owner.code)):
        found.append(kind)
    near = await (await conn.execute(_NEAR_RAIL, {"lon": lonlat.lon, "lat": lonlat.lat, "within_m": RAIL_M})).fetchone()
    if near and near[0]:
        found.append("rail")
    return tuple(found)


def settlement(code: str) -> str | None:
    """Tell ``urban`` (a street, town digits 001-099) from ``rural`` by a division code of 9 digits or more; None for others.

    Digits 7-9 of the statistical code name the town-level unit: 001-099 are streets, everything above towns and townships.
    """
    if len(code) < 9 or not code[:9].isdecimal() or code[6:9] == "000":
        return None
    return "urban" if int(code[6:9]) < 100 else "rural"
