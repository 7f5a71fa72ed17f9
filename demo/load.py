"""Loads the demo city once: everything in one transaction, so that a load broken off leaves an empty city, never half a one."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import psycopg
import shapely
from shapely.geometry.base import BaseGeometry

from demo import city, desk, grids, history, history_rows, sources, watch
from domain.areas import publish
from domain.base import Conn, new_id
from domain.people import actions as people
from domain.people import passwords
from domain.people.scope import Grant
from domain.places import actions as places
from domain.places.fold import short_name
from domain.routing import catalogue
from geo.lonlat import LonLat, bearing_deg, distance_m, moved

Report = Callable[[float], None]

INSTALLED = "demo"
LOCK = 0x64656D6F
# Tables that are asked in more ways than by their keys.
PLANNED = ("area_versions", "area_cells", "areas", "cases", "reports", "case_transitions", "places", "matters", "duties")
STATIONS_SOURCE = "OpenStreetMap stations, extract by OpenQGIS/OMap-GeoDB, ODbL 1.0, (c) OpenStreetMap contributors"
RAIL_SOURCE = "ODbL 1.0, (c) OpenStreetMap contributors; chords between stations are our own approximation"
VILLAGES_SOURCE = "demo: village names, statistical division codes"
TOWNS_SOURCE = "demo: GeoNames, CC BY 4.0, geonames.org"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the demo city holds after its load."""

    areas: int
    places: int
    matters: int
    departments: int
    accounts: int
    devices: int
    cases: int


def load(database_url: str, *, home: Path, report: Report, at: datetime | None = None, days: int = 30, per_day: int = 4_400) -> None:
    """Load the demo city into a migrated database, unless it is there; accounts and device keys go to files in ``home``.

    ``report`` is told the share that is done (0 to 1).
    """
    asyncio.run(_connected(database_url, home, report, at or datetime.now(UTC), days, per_day))


async def load_city(conn: Conn, *, home: Path, at: datetime, report: Report, days: int = 30, per_day: int = 4_400) -> Loaded | None:
    """Load everything in the caller's transaction; None when this installation has its demo city already."""
    await conn.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
    done = await conn.execute("select 1 from installation where key = %s", (INSTALLED,))
    if await done.fetchone():
        return None
    areas = await asyncio.to_thread(grids.build)
    founded = at - timedelta(days=days + 1)
    report(0.25)
    for layer in dict.fromkeys(record.layer for record in areas.records):
        await publish.publish(conn, layer, areas.layer(layer), at=founded)
    report(0.5)
    ids = await _area_ids(conn)
    await _rail_lines(conn, at)
    named = await _gazetteer(conn, areas, at)
    matters = await catalogue.load(conn)
    bodies = await _departments(conn, areas, founded)
    await _duties(conn, areas, ids, bodies, founded)
    await desk.load(conn, {code: area_id for (layer, code), area_id in ids.items() if layer == "admin"}, bodies, at=at)
    keys = await _devices(conn, areas, at)
    accounts = await _accounts(conn, areas, ids, bodies, at)
    report(0.6)
    imagined = await history.imagine(conn, at=at, days=days, per_day=per_day)
    report(0.7)
    cases = await history_rows.write(conn, imagined, at=at, report=lambda share: report(0.7 + 0.28 * share)) if imagined else 0
    cases += await watch.load(conn, at=at) if days else 0
    _write_private(home / "demo-accounts.json", accounts)
    _write_private(home / "demo-devices.json", keys)
    value = json.dumps({"recipe": areas.recipe, "seed": areas.seed, "history_seed": history.SEED})
    await conn.execute("insert into installation (key, value, at) values (%s, %s, %s)", (INSTALLED, value, at))
    return Loaded(len(areas.records), named, matters, len(bodies), len(accounts), len(keys), cases)


async def _connected(database_url: str, home: Path, report: Report, at: datetime, days: int, per_day: int) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        async with conn.transaction():
            await load_city(conn, home=home, at=at, report=report, days=days, per_day=per_day)
        report(0.98)
        # The planner knows nothing of rows that came in one piece, and would read whole tables until autovacuum looks.
        await conn.execute(f"analyze {', '.join(PLANNED)}")
    report(1.0)


async def _area_ids(conn: Conn) -> dict[tuple[str, str], UUID]:
    """Area ids by layer and code."""
    cursor = await conn.execute("select layer, code, area_id from area_versions where valid_to is null")
    return {(layer, code): area_id for layer, code, area_id in await cursor.fetchall()}


async def _rail_lines(conn: Conn, at: datetime) -> None:
    rows = [
        (new_id(), line["id"], line["name"], line["kind"], line["geometry"].wkb, line["geometry"].wkb, line["approximate"], RAIL_SOURCE, at)
        for line in grids.rail_lines()
        if line["city"] == city.CITY
    ]
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into rail_lines (id, code, name, kind, geom, geom_3857, approximate, source, created_at) values"
            " (%s, %s, %s, %s, st_geomfromwkb(%s, 4326), st_transform(st_geomfromwkb(%s, 4326), 3857), %s, %s, %s)",
            rows,
        )


async def _gazetteer(conn: Conn, areas: grids.DemoAreas, at: datetime) -> int:
    """Stations, town seats and villages; a village lies somewhere in its synthetic area, and its precision says how vaguely."""
    middles = {record.code: record.geometry.point_on_surface() for record in areas.layer("admin", "village")}
    spread_m = {record.code: _radius_m(record) for record in areas.layer("admin", "village")}
    stations = [
        places.PlaceRecord(
            key=str(station["id"]), kind="station", name=f"{station['name']}站", aliases=(station["name"], f"{station['name']}火车站"),
            lonlat=LonLat(lon=station["geometry"].x, lat=station["geometry"].y), precision_m=200.0,
        )
        for station in grids.stations() if station["name"] and station["city"] == city.CITY
    ]  # fmt: skip
    towns = [
        places.PlaceRecord(
            key=row["code"], kind="town", name=row["name"], code=row["code"],
            lonlat=LonLat(lon=float(row["lon"]), lat=float(row["lat"])), precision_m=1_000.0,
        )
        for row in sources.rows("townships.csv") if row["lon"] and row["code"].startswith(city.COUNTIES)
    ]  # fmt: skip
    villages = [
        places.PlaceRecord(
            key=row["code"], kind="village", name=short_name(row["name"]), aliases=(row["name"],), code=row["code"],
            lonlat=LonLat(lon=middles[row["code"]].x, lat=middles[row["code"]].y), precision_m=spread_m[row["code"]],
        )
        for row in sources.rows("villages.csv") if row["code"] in middles
    ]  # fmt: skip
    loaded = 0
    for source, records in ((STATIONS_SOURCE, stations), (TOWNS_SOURCE, towns), (VILLAGES_SOURCE, villages)):
        loaded += (await places.load(conn, records, source=source, at=at)).places
    return loaded


def _radius_m(record: grids.AreaRecord) -> float:
    west, south, east, north = record.geometry.bounds
    return distance_m(LonLat(lon=west, lat=south), LonLat(lon=east, lat=north)) / 2


async def _departments(conn: Conn, areas: grids.DemoAreas, at: datetime) -> dict[str, UUID]:
    """The city's bodies, a governance centre in every town, and a rail-protection office in every town with a section."""
    with_rail = {_town_of(record) for record in areas.layer("rail_section")}
    bodies = [*city.BODIES]
    for town in areas.layer("admin", "town"):
        county = town.code[:6]
        bodies.append(
            city.Body(f"zongzhi-{town.code}", f"{town.name}综治中心", f"Governance centre {town.code}", parent=f"zongzhi-{county}")
        )
        if town.code in with_rail:
            office = f"Rail-protection office {town.code}"
            bodies.append(city.Body(f"huluban-{town.code}", f"{town.name}护路办", office, parent=f"huluban-{county}"))
    ids = {body.code: new_id() for body in bodies}
    rows = [(ids[b.code], b.code, b.name, b.name_en, b.kind, ids[b.parent] if b.parent else None, at) for b in bodies]
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into departments (id, code, name, name_en, kind, parent_id, created_at) values (%s, %s, %s, %s, %s, %s, %s)", rows
        )
    return ids


def _town_of(record: grids.AreaRecord) -> str:
    """The town a section hangs below; sections hang below a town or a village, whose codes begin with the town's."""
    return (record.parent_code or "")[:9]


async def _duties(conn: Conn, areas: grids.DemoAreas, ids: dict[tuple[str, str], UUID], bodies: dict[str, UUID], at: datetime) -> None:
    found: list[tuple[str, UUID, str, str | None, str | None, str | None]] = []
    root = ids["admin", city.CITY]
    for owned in city.OWNERSHIPS:
        found += [(owned.body, root, "owner", owned.kind, owned.major, minor) for minor in owned.minors or (None,)]
    for county in city.COUNTIES:
        found.append((f"zongzhi-{county}", ids["admin", county], "territory", None, None, None))
        found.append((f"huluban-{county}", ids["admin", county], "owner", "alert", "rail", None))
    for town in areas.layer("admin", "town"):
        found.append((f"zongzhi-{town.code}", ids["admin", town.code], "territory", None, None, None))
    for section in areas.layer("rail_section"):
        office = f"huluban-{_town_of(section)}"
        found.append((office if office in bodies else "huluban", ids["rail_section", section.code], "owner", "alert", "rail", None))
    for estate in areas.layer("special_grid"):
        area = ids["special_grid", estate.code]
        found += [("wuye", area, "owner", "component", None, None), ("wuye", area, "owner", "alert", "safety", "falling_object")]
    rows = [(new_id(), bodies[body], *rest, at) for body, *rest in found]
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into duties (id, department_id, area_id, capacity, kind, major, minor, valid_from)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )


async def _accounts(
    conn: Conn, areas: grids.DemoAreas, ids: dict[tuple[str, str], UUID], bodies: dict[str, UUID], at: datetime
) -> list[dict[str, str]]:
    listed = []
    rail = tuple(ids["rail_section", section.code] for section in areas.layer("rail_section"))
    for post in city.POSTS:
        password = passwords.random_password()
        body = bodies[post.body] if post.body else None
        over = rail if post.rail else tuple(ids["admin", code] for code in post.areas)
        grants = [Grant(post.role, area, None) for area in over]
        if post.role == "clerk" or post.rail:
            grants.append(Grant(post.role, None, body))
        new = people.NewUser(
            username=post.username, display_name=post.name_zh, password=password, department_id=body,
            grants=tuple(grants or [Grant(post.role, None, None)]), is_demo=True,
        )  # fmt: skip
        await people.create_user(conn, people.CONSOLE, new, at=at)
        role, sees = f"{post.name_zh} · {post.name_en}", " · ".join(post.sees)
        listed.append({"username": post.username, "password": password, "role": role, "sees": sees})
    return listed


async def _devices(conn: Conn, areas: grids.DemoAreas, at: datetime) -> list[dict[str, str]]:
    """Stand sensors beside the lines at even distances, and return their keys, which the database does not hold."""
    keys, rows = [], []
    (ground,) = (record.geometry for record in areas.layer("admin", "city"))
    lines = [(str(line["name"]), line["geometry"].intersection(ground)) for line in grids.rail_lines() if line["city"] == city.CITY]
    for number, (line, spot) in enumerate(_beside(lines), 1):
        kind, word = city.TRACKSIDE[number % len(city.TRACKSIDE)]
        code, key = f"rail-{number:03d}", secrets.token_urlsafe(24)
        keys.append({"code": code, "kind": kind, "key": key, "lon": f"{spot.lon:.6f}", "lat": f"{spot.lat:.6f}"})
        wkb = shapely.Point(spot.lon, spot.lat).wkb
        rows.append((new_id(), code, kind, f"{line}{word} {number:03d}", sha256(key.encode()).digest(), wkb, at))
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into devices (id, code, kind, name, key_hash, position, is_demo, created_at)"
            " values (%s, %s, %s, %s, %s, st_geomfromwkb(%s, 4326), true, %s)",
            rows,
        )
    return keys


def _beside(lines: Sequence[tuple[str, BaseGeometry]]) -> list[tuple[str, LonLat]]:
    total = sum(shape.length for _, shape in lines)
    spots = []
    for name, shape in lines:
        for part in shapely.get_parts(shape):
            count = round(city.TRACKSIDE_COUNT * part.length / total)
            for k in range(count):
                here, ahead = (part.interpolate((k + share) / count, normalized=True) for share in (0.5, 0.51))
                track = LonLat(lon=here.x, lat=here.y)
                along = bearing_deg(track, LonLat(lon=ahead.x, lat=ahead.y))
                spots.append((name, moved(track, bearing=along + 90, distance=city.TRACKSIDE_OFFSET_M)))
    return spots


def _write_private(path: Path, value: object) -> None:
    """Write a file only its owner can read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
