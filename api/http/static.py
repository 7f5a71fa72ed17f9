"""The web pages: files of ``web/dist``, and its ``index.html`` for every address that is a page of the application.

Files below ``assets/`` carry a hash in their name and are kept for a year; everything else is asked for again each time.
These routes come last: they answer whatever no other door has taken.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from api.http.problems import problems
from domain.errors import NotFound

FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
# Addresses of other doors: a wrong one below them is an error and not a page.
DOORS: Final = ("graphql", "tiles", "uploads", "media", "ingest", "healthz", "basemap", "assets")
PACKED_TYPES: Final = ("text/javascript", "text/css", "text/html", "application/javascript", "application/json", "image/svg+xml")

mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("application/manifest+json", ".webmanifest")

NOT_BUILT: Final = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>Gridwarden</title>
<body style="font-family:sans-serif;max-width:40em;margin:4em auto;line-height:1.6">
<h1>网页尚未构建 · The web pages are not built yet</h1>
<p>服务已在运行。请运行 <code>./gridwarden up</code>,它会构建网页;然后刷新本页。</p>
<p>The server is running. Run <code>./gridwarden up</code>, which builds the pages, then reload.</p></body></html>"""


@problems
async def page(request: Request) -> Response:
    """Answer a file of the web pages, or the application itself."""
    dist: Path = request.app.state.settings.web_dist
    path = request.path_params["path"]
    if not await asyncio.to_thread((dist / "index.html").is_file):
        if _is_page(path):
            return HTMLResponse(NOT_BUILT, 503, {"Cache-Control": "no-store", "Retry-After": "10"})
        raise _missing()
    found = await _file(request, dist, path or "index.html")
    if found is None and _is_page(path):
        found = await _file(request, dist, "index.html")
    if found is None:
        raise _missing()
    return found


async def _file(request: Request, dist: Path, path: str) -> Response | None:
    if "\0" in path or any(part.startswith(".") for part in path.split("/")):
        return None
    try:
        response = await _files(dist).get_response(path, request.scope)
    except HTTPException:
        return None
    if response.status_code not in (200, 304):
        return None
    response.headers["Cache-Control"] = FOREVER if path.startswith("assets/") else ASK_AGAIN
    response.headers["Vary"] = "Accept-Encoding"
    if isinstance(response, FileResponse) and _may_be_packed(request, response):
        stat = await asyncio.to_thread(Path(response.path).stat)
        packed = await asyncio.to_thread(_packed, str(response.path), stat.st_mtime_ns)
        headers = {**response.headers, "content-encoding": "gzip", "content-length": str(len(packed))}
        return Response(packed if request.method == "GET" else b"", headers=headers)
    return response


def _may_be_packed(request: Request, response: FileResponse) -> bool:
    accepted = request.headers.get("accept-encoding", "")
    packs = response.media_type is not None and response.media_type.startswith(PACKED_TYPES)
    return packs and "gzip" in accepted and "range" not in request.headers


@lru_cache(maxsize=64)
def _packed(path: str, _changed: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 6, mtime=0)


@lru_cache(maxsize=8)
def _files(dist: Path) -> StaticFiles:
    return StaticFiles(directory=dist, check_dir=False)


def _is_page(path: str) -> bool:
    first, _, _ = path.partition("/")
    return first not in DOORS and not path.startswith(("/", "\\")) and "." not in path.rpartition("/")[2]


def _missing() -> NotFound:
    return NotFound("there is nothing at this address", "此地址不存在", field="path")


ROUTES: list[Route] = [
    Route("/{path:path}", page),
]
