"""Background maps that lie in the home: a PMTiles file, read by ranges, and an MBTiles file, read tile by tile."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from api import basemaps, mbtiles
from api.http.problems import Unavailable, problems
from domain.errors import NotFound

KEPT: Final = {"Cache-Control": "public, max-age=3600"}
_NUMBER: Final = re.compile(r"[0-9]{1,8}", re.ASCII)


@problems
async def archive(request: Request) -> Response:
    """Answer the PMTiles file, whole or by ranges."""
    path = request.app.state.settings.home / basemaps.PMTILES
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("no background map is installed", "未安装离线底图", field="path")
    return FileResponse(path, media_type="application/vnd.pmtiles", headers=KEPT)


@problems
async def tile(request: Request) -> Response:
    """Answer one picture of the MBTiles file; rows count from the north, as in the addresses of other services."""
    numbers = [request.path_params[name] for name in ("z", "x", "y")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        raise _missing()
    z, x, y = map(int, numbers)
    found = await asyncio.to_thread(_read, request.app.state.settings.home / basemaps.MBTILES, z, x, y)
    if found is None:
        raise _missing()
    media_type, picture = found
    return Response(picture, headers=KEPT, media_type=media_type)


def _read(path: Path, z: int, x: int, y: int) -> tuple[str, bytes] | None:
    about = mbtiles.about(path)
    try:
        picture = mbtiles.picture(path, z, x, y) if about else None
    except mbtiles.Unreadable as error:
        raise Unavailable("the background map cannot be read just now", "离线底图暂时无法读取") from error
    return (about.media_type, picture) if about and picture is not None else None


def _missing() -> NotFound:
    return NotFound("the background map has no such tile", "离线底图没有此瓦片", field="path")


ROUTES: list[Route] = [
    Route(f"/basemap/{basemaps.PMTILES}", archive),
    Route("/basemap/mbtiles/{z}/{x}/{y}", tile),
]
