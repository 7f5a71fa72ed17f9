"""Vector tiles: ``/tiles/{layer}/{z}/{x}/{y}.mvt`` and a TileJSON for each layer.

``areas`` (``?asOf=`` an instant), ``rail`` and ``stations`` are public; ``cases`` needs identity and shows what the caller's scope
allows: cases that are open or were opened in the last 24 hours. ``?datum=GCJ02`` draws everything where a GCJ-02 base map has
it. Tiles of areas are kept in memory under the edition of the area layers (their versions, and which changes are in force), so a
changed boundary is never served from there.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http import tile_layers
from api.http.problems import answer, problems
from api.http.tile_layers import MAX_ZOOM, MEDIA_TYPE, Tile
from domain.base import Conn
from domain.errors import Invalid, NotFound
from domain.people.scope import scope_for
from geo.datum import Datum, parse_datum
from runtime.database import transaction

CACHE_BYTES: Final = 64 * 1024 * 1024
ENTRY_BYTES: Final = 512  # about what a kept tile costs besides its bytes, so that empty ones are bounded too
TIMEOUT_MS: Final = 5000
# Drawing leaves connections of the pool to those who write.
DRAWN_AT_ONCE: Final = 4
FORMAT: Final = "1"
PUBLIC: Final = "public, max-age=20, stale-while-revalidate=300"
PRIVATE: Final = "private, no-cache"
_NUMBER: Final = re.compile(r"[0-9]{1,7}")
_AREA_FIELDS: Final = {
    "id": "String", "code": "String", "name": "String", "level": "String", "approximate": "Boolean",
}  # fmt: skip
_CASE_FIELDS: Final = {
    "id": "String", "number": "String", "state": "String", "title": "String", "origin": "String", "overdue": "Boolean",
}  # fmt: skip
VECTOR_LAYERS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "areas": {**dict.fromkeys(tile_layers.AREA_LEVELS, _AREA_FIELDS), "labels": _AREA_FIELDS},
    "rail": {"rail": {"id": "String", "code": "String", "name": "String", "kind": "String", "approximate": "Boolean"}},
    "stations": {"stations": {"id": "String", "code": "String", "name": "String", "precision_m": "Number"}},
    "cases": {"cases": _CASE_FIELDS, "clusters": {"count": "Number", "open": "Number", "overdue": "Number"}},
}


@dataclass(slots=True)
class Drawings:
    """What one process keeps for tiles: drawn ones up to a number of bytes, and the instants at which areas change."""

    kept: OrderedDict[tuple[str, Tile], bytes] = field(default_factory=OrderedDict)
    bytes_kept: int = 0
    versions: str = ""
    changes: list[datetime] = field(default_factory=list)
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DRAWN_AT_ONCE))

    def find(self, edition: str, tile: Tile) -> bytes | None:
        """Return a kept tile, gzipped, and remember that it was wanted."""
        found = self.kept.get((edition, tile))
        if found is not None:
            self.kept.move_to_end((edition, tile))
        return found

    def keep(self, edition: str, tile: Tile, drawn: bytes) -> None:
        """Keep a tile, gzipped, and drop those wanted longest ago."""
        if (edition, tile) not in self.kept:
            self.kept[edition, tile] = drawn
            self.bytes_kept += len(drawn) + ENTRY_BYTES
        while self.bytes_kept > CACHE_BYTES:
            self.bytes_kept -= len(self.kept.popitem(last=False)[1]) + ENTRY_BYTES


@problems
async def tile(request: Request) -> Response:
    """Answer one tile of one layer."""
    layer = request.path_params["layer"]
    if layer not in _DOORS:
        raise NotFound(f"there is no tile layer {layer[:40]!r}; layers are {', '.join(_DOORS)}", "没有此瓦片图层", field="layer")
    return await _DOORS[layer](request, _address(request))


@problems
async def tilejson(request: Request) -> Response:
    """Describe a layer as TileJSON 3.0.0."""
    layer = request.path_params["layer"]
    if layer not in VECTOR_LAYERS:
        raise NotFound(f"there is no tile layer {layer[:40]!r}", "没有此瓦片图层", field="layer")
    async with request.app.state.pool.connection() as conn:
        row = await (await conn.execute(_EXTENT)).fetchone()
    content = {
        "tilejson": "3.0.0",
        "name": layer,
        "scheme": "xyz",
        "tiles": [f"{str(request.base_url).rstrip('/')}/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": 0,
        "maxzoom": 16,
        "vector_layers": [
            {"id": name, "fields": fields, "minzoom": tile_layers.AREA_LEVELS.get(name, 0), "maxzoom": MAX_ZOOM}
            for name, fields in VECTOR_LAYERS[layer].items()
        ],
    }
    if row is not None and row[0] is not None:
        content |= {"bounds": row[:4], "attribution": " · ".join(row[4] or ())}
    return answer(200, content, {"Cache-Control": "public, max-age=60"})


async def _areas(request: Request, wanted: Tile) -> Response:
    at = _as_of(request)
    state: State = request.app.state
    drawings = _drawings(state)
    async with state.pool.connection() as conn:
        edition = await _edition(conn, drawings, at)
    # The tile is part of its ETag: a map that asks for the same tile drawn in another datum compares ETags across addresses.
    headers = _headers(PUBLIC, "Accept-Encoding", "areas", edition, wanted)
    if _unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    packed = drawings.find(edition, wanted)
    if packed is None:
        async with _turn(state) as conn:
            packed = drawings.find(edition, wanted)
            if packed is None:
                packed = await _pack(await tile_layers.areas(conn, wanted, at=at))
                drawings.keep(edition, wanted, packed)
    return _mvt(request, packed, headers)


async def _cases(request: Request, wanted: Tile) -> Response:
    at = datetime.now(UTC)
    scope = scope_for(await auth.actor_of(request, at=at), "case.read")
    since = at.replace(second=0, microsecond=0) - timedelta(hours=tile_layers.RECENT_HOURS)
    async with _turn(request.app.state) as conn:
        # Every change of a case is an event. The position is read first: a tile may be newer than its ETag, never older.
        row = await (await conn.execute("select position from event_cursor")).fetchone()
        position = row[0] if row else 0
        headers = _headers(PRIVATE, "Authorization, Accept-Encoding", "cases", position, since, scope.key())
        if _unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        drawn = await tile_layers.cases(conn, wanted, scope, since=since)
    return _mvt(request, await _pack(drawn), headers)


def _plain(draw: Callable[[Conn, Tile], Awaitable[bytes]]) -> Callable[[Request, Tile], Awaitable[Response]]:
    """Make the door of a small public layer: always drawn, its ETag is its content."""

    async def door(request: Request, wanted: Tile) -> Response:
        async with _turn(request.app.state) as conn:
            drawn = await draw(conn, wanted)
        headers = _headers(PUBLIC, "Accept-Encoding", drawn)
        if _unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return _mvt(request, await _pack(drawn), headers)

    return door


_DOORS: Final[Mapping[str, Callable[[Request, Tile], Awaitable[Response]]]] = {
    "areas": _areas,
    "rail": _plain(tile_layers.rail),
    "stations": _plain(tile_layers.stations),
    "cases": _cases,
}

_VERSIONS: Final = "select string_agg(code || ':' || version, ',' order by code) from area_layers"
_CHANGES: Final = "select distinct t from area_versions v, unnest(array[v.valid_from, v.valid_to]) t where t is not null"
_EXTENT: Final = """
    select st_xmin(box), st_ymin(box), st_xmax(box), st_ymax(box),
           (select array_agg(distinct left(source, 200)) from area_versions where valid_to is null and source <> '')
    from (select st_extent(geom) as box from area_versions
          where valid_to is null and level = coalesce(
              (select 'city' from area_versions where level = 'city' and valid_to is null limit 1), level)) b
"""


async def _edition(conn: Conn, drawings: Drawings, at: datetime) -> str:
    """Name the state of all areas at an instant: equal names mean equal tiles."""
    row = await (await conn.execute(_VERSIONS)).fetchone()
    versions = str(row[0]) if row else ""
    if versions != drawings.versions:
        changes = sorted([t for (t,) in await (await conn.execute(_CHANGES)).fetchall()])
        drawings.changes, drawings.versions = changes, versions
    return f"{versions}@{bisect_right(drawings.changes, at)}"


def _address(request: Request) -> Tile:
    numbers = [request.path_params[name] for name in ("z", "x", "y")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        raise Invalid("a tile is addressed by three whole numbers, z/x/y", "瓦片地址须为三个整数 z/x/y", field="tile")
    z, x, y = map(int, numbers)
    if z > MAX_ZOOM or x >= 1 << z or y >= 1 << z:
        raise Invalid(f"zoom is 0 to {MAX_ZOOM}, x and y are below 2^z", f"缩放级别为 0 至 {MAX_ZOOM},x、y 须小于 2^z", field="tile")
    wanted = Tile(z, x, y)
    drawn_in = parse_datum(request.query_params.get("datum", Datum.WGS84))
    if drawn_in is Datum.BD09:
        raise Invalid("tiles are drawn in WGS84, CGCS2000 or GCJ02", "瓦片坐标系须为 WGS84、CGCS2000 或 GCJ02", field="datum")
    return tile_layers.shifted(wanted) if drawn_in is Datum.GCJ02 else wanted


def _as_of(request: Request) -> datetime:
    given = request.query_params.get("asOf")
    if given is None:
        return datetime.now(UTC)
    with suppress(ValueError):
        at = datetime.fromisoformat(given.replace(" ", "+"))  # a plus sign that was not escaped arrives as a space
        if at.tzinfo is not None and 1900 <= at.year <= 2200:
            return at
    raise Invalid("asOf is an instant with its offset, 2026-01-31T08:00:00Z", "asOf 须为带时区的时间", field="asOf")


@asynccontextmanager
async def _turn(state: State) -> AsyncIterator[Conn]:
    """Wait for a turn to draw, then lend a connection whose statements end in time."""
    async with _drawings(state).turn, transaction(state.pool) as conn:
        await conn.execute(f"set local statement_timeout = {TIMEOUT_MS}")
        yield conn


def _headers(cache: str, vary: str, *facts: object) -> dict[str, str]:
    tag = sha256(repr((FORMAT, facts)).encode()).hexdigest()[:24]
    return {"ETag": f'W/"{tag}"', "Cache-Control": cache, "Vary": vary}


def _unchanged(request: Request, etag: str) -> bool:
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    return "*" in known or etag in known or etag.removeprefix("W/") in known


async def _pack(drawn: bytes) -> bytes:
    return await asyncio.to_thread(gzip.compress, drawn, 6, mtime=0) if drawn else b""


def _mvt(request: Request, packed: bytes, headers: dict[str, str]) -> Response:
    """Answer a gzipped tile, unpacked for whoever does not take gzip; an empty tile has no body."""
    if not packed:
        return Response(status_code=204, headers=headers)
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=MEDIA_TYPE)
    return Response(gzip.decompress(packed), headers=headers, media_type=MEDIA_TYPE)


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False


def _drawings(state: State) -> Drawings:
    if not hasattr(state, "drawings"):
        state.drawings = Drawings()
    drawings: Drawings = state.drawings
    return drawings


ROUTES: list[Route] = [Route("/tiles/{layer}.json", tilejson), Route("/tiles/{layer}/{z}/{x}/{y}.mvt", tile)]
