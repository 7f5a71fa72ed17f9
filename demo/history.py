"""A month of reports that never happened, marked synthetic: the same from run to run, but owned by the real index and routed by
the real rules, so that what a demo shows of yesterday is what the product would have done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from demo import bulk, limits, story
from demo.bulk import Floats, Instants
from domain.areas.jurisdictions import DOUBT_M, Layer
from domain.base import Conn
from domain.cases.calendar import Calendar
from domain.flows import assignment
from domain.flows.city import City, read_city
from domain.flows.report_intake import CHECKED_FIRST
from domain.reports.tables import FROM_THE_PUBLIC
from domain.routing.choose import Choice, choose
from domain.routing.table import Matter, RoutingTable
from geo.lonlat import Datum, LonLat, Position

Shapes = NDArray[np.object_]

SEED: Final = 20240918
# Fewer metres than a degree of longitude has in this city, so a border is never nearer than the product says.
_METRES_A_DEGREE: Final = 98_000.0
_LOST_SHARE: Final = 0.002
_SOURCES: Final = ("citizen", "qr", "hotline", "police110", "staff")
_SOURCE_SHARES: Final = (0.52, 0.1, 0.22, 0.03, 0.13)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report is, as receipts and cases tell it; texts are JSON ready for COPY."""

    owners: str
    candidates: str
    reasons: str
    area_ids: tuple[UUID, ...]
    owned_ids: tuple[UUID, ...]
    home_area: UUID | None
    home_version: UUID | None
    county: str


@dataclass(frozen=True, slots=True)
class History:
    """The reports, column by column, in order of time."""

    opened: Instants
    lon: Floats
    lat: Floats
    accuracy_m: Floats
    matters: Sequence[Matter]
    places: Sequence[Place]
    choices: Sequence[Choice]
    sources: Sequence[str]
    begun: story.Beginnings
    due: Instants
    calendar: Calendar
    lives: story.Lives


async def imagine(conn: Conn, *, at: datetime, days: int, per_day: int, seed: int = SEED) -> History | None:
    """Make up ``days`` days of reports that end at ``at`` for the city in the database; None where nothing can be reported."""
    city = await read_city(conn, at=at)
    matters = [matter for matter in city.routing.matters.values() if matter.enabled and matter.kind != "alert" and matter.condition]
    if not matters or days * per_day < 1:
        return None
    shapes = await _shapes(conn, city.areas.home)
    rng = np.random.default_rng(seed)
    matters.sort(key=lambda matter: (matter.kind, matter.major, matter.minor, matter.name))
    opened = story.instants(at, days, per_day, rng)
    accuracy_m = np.round(rng.gamma(4.0, 3.0, len(opened)) + 3.0, 1)
    lon, lat, near = _points(city.areas.home, shapes, rng, accuracy_m)
    chosen = [matters[i] for i in rng.choice(len(matters), len(opened), p=story.matter_weights(matters, rng)).tolist()]
    places = _places(city, lon, lat, accuracy_m, near)
    choices = _choices(city.routing, chosen, places)
    sources = [_SOURCES[i] for i in rng.choice(len(_SOURCES), len(opened), p=_SOURCE_SHARES).tolist()]
    begun = _beginnings(opened, sources, chosen, choices)
    filed = story.filed(begun, rng)
    due = limits.deadlines(city.calendar, filed, np.array([limit_of(one)[0] for one in chosen]), [limit_of(one)[1] for one in chosen])
    lives = story.lives(begun, filed, due, at, rng)
    return History(opened, lon, lat, accuracy_m, chosen, places, choices, sources, begun, due, city.calendar, lives)


def _beginnings(opened: Instants, sources: Sequence[str], chosen: Sequence[Matter], choices: Sequence[Choice]) -> story.Beginnings:
    return story.Beginnings(
        opened=opened,
        checked_first=np.array([source in CHECKED_FIRST for source in sources]),
        wants_rating=np.array([source in FROM_THE_PUBLIC for source in sources]),
        owned=np.array([choice.department is not None for choice in choices]),
        urgent=np.array([limit_of(matter)[1].startswith("urgent") for matter in chosen]),
    )


def limit_of(matter: Matter) -> tuple[int, str]:
    """Give the allowance of a matter's filing condition; the history has no matter without one."""
    if matter.condition is None:
        raise ValueError(f"{matter.name} has no filing condition")
    return matter.condition.amount, matter.condition.unit


async def _shapes(conn: Conn, home: Layer) -> Shapes:
    ids = [owner.version_id for owner in home.owners]
    cursor = await conn.execute("select id, st_asbinary(geom) from area_versions where id = any(%s)", (ids,))
    found = dict(await cursor.fetchall())
    return np.asarray(shapely.from_wkb([bytes(found[one]) for one in ids]))


def _points(home: Layer, shapes: Shapes, rng: np.random.Generator, accuracy_m: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Draw points grid by grid (grids are small where people are many), and a few beside the city; tell which lie near a border.

    Of those near a border most are drawn again: few reports come from the line itself, and each needs an answer of its own.
    """
    count = len(accuracy_m)
    grid = rng.integers(0, len(shapes), count)
    lon, lat = np.empty(count), np.empty(count)
    missing = np.arange(count)
    for draw in range(2):
        while len(missing):
            lon[missing], lat[missing] = _inside_box(shapely.bounds(shapes[grid[missing]]).T, rng, len(missing))
            missing = missing[home.index.locate_many(lon[missing], lat[missing]) != grid[missing]]
        if draw == 0:
            missing = np.flatnonzero(_near_border(shapes, grid, lon, lat, accuracy_m))
    lost = rng.choice(count, round(count * _LOST_SHARE), replace=False)
    grid[lost] = -1
    while len(lost):
        lon[lost], lat[lost] = _inside_box(shapely.total_bounds(shapes), rng, len(lost))
        lost = lost[home.index.locate_many(lon[lost], lat[lost]) >= 0]
    return lon, lat, _near_border(shapes, grid, lon, lat, accuracy_m)


def _inside_box(box: NDArray[np.float64], rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    west, south, east, north = box
    return np.round(rng.uniform(west, east, count), 6), np.round(rng.uniform(south, north, count), 6)


def _near_border(shapes: Shapes, grid: NDArray[np.int64], lon: Floats, lat: Floats, accuracy_m: Floats) -> NDArray[np.bool_]:
    """Find the points whose border needs a look of its own; the bound misses none."""
    away_m = shapely.distance(shapely.points(lon, lat), shapely.boundary(shapes)[np.maximum(grid, 0)]) * _METRES_A_DEGREE
    near: NDArray[np.bool_] = (grid < 0) | (away_m <= np.maximum(accuracy_m, DOUBT_M) * 1.01)
    return near


def _places(city: City, lon: Floats, lat: Floats, accuracy_m: Floats, near: NDArray[np.bool_]) -> list[Place]:
    """Own every point by the index; points sure to lie inside the same areas share one answer of the real assignment."""
    owned = np.column_stack([layer.index.locate_many(lon, lat) for layer in city.areas.layers])
    kinds, kind = np.unique(owned, axis=0, return_inverse=True)
    shared: list[Place | None] = [None] * len(kinds)
    places = []
    for x, y, radius, close, which in zip(
        lon.tolist(), lat.tolist(), accuracy_m.tolist(), near.tolist(), kind.ravel().tolist(), strict=True
    ):
        place = None if close else shared[which]
        if place is None:
            place = _place(city, x, y, radius)
            if not close:
                shared[which] = place
        places.append(place)
    return places


def _place(city: City, lon: float, lat: float, accuracy_m: float) -> Place:
    position = Position(lonlat=LonLat(lon=lon, lat=lat), accuracy_m=accuracy_m, datum_declared=Datum.WGS84, raw_lon=lon, raw_lat=lat)
    assigned = assignment.assign(city, position, None)
    return Place(
        owners=_json(assignment.owners_json(city.areas, assigned.owners)),
        candidates=_json(assignment.candidates_json(assigned.candidates)),
        reasons=_json(assigned.reasons[: len(assigned.reasons) - len(assigned.choice.reasons)]),
        area_ids=tuple(assigned.area_ids),
        owned_ids=tuple(assigned.owned_ids),
        home_area=assigned.home.area_id if assigned.home else None,
        home_version=assigned.home.version_id if assigned.home else None,
        county=assigned.home.code[:6] if assigned.home else "",
    )


def _choices(table: RoutingTable, chosen: Sequence[Matter], places: Sequence[Place]) -> list[Choice]:
    """Ask the real rules once for every matter and set of areas somebody has a duty in."""
    with_duty = {area_id for _, area_id in table.duties}
    ground: dict[int, tuple[UUID | None, ...]] = {}
    known: dict[tuple[UUID, tuple[UUID | None, ...]], Choice] = {}
    found = []
    for matter, place in zip(chosen, places, strict=True):
        if (on := ground.get(id(place))) is None:
            on = ground[id(place)] = tuple(area_id if area_id in with_duty else None for area_id in place.owned_ids)
        if (choice := known.get((matter.id, on))) is None:
            choice = known[matter.id, on] = choose(table, matter, place.owned_ids)
        found.append(choice)
    return found


def _json(value: object) -> str:
    return bulk.text(json.dumps(value, ensure_ascii=False, default=str))
