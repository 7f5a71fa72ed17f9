"""The map page and its files: what Vite built, served as it is, with the headers a browser needs to be strict."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.basemaps import PMTILES
from runtime.settings import Settings

# Styles are inlined by the map library; scripts never are. Tiles of configured basemaps come from elsewhere.
POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:{tiles};"
    " connect-src 'self'{tiles}; worker-src 'self' blob:; font-src 'self'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=()"),
)
UNBUILT: Final = "The map has not been built yet: run ./gridwarden up.\n地图页面尚未构建,请运行 ./gridwarden up。\n"
FOREVER: Final = "public, max-age=31536000, immutable"


class Hashed(StaticFiles):
    """Files whose names carry a hash of their content, so a browser need never ask again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file."""
        response = await super().get_response(path, scope)
        if response.status_code == 200 and "-" in path:
            response.headers["cache-control"] = FOREVER
        return response


class Guarded:
    """Adds the security headers to every answer; the content policy only matters to pages but costs nothing elsewhere."""

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self.app = app
        self.headers = [*HEADERS, (b"content-security-policy", policy.encode("ascii"))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.headers]
            await send(message)

        await self.app(scope, receive, guarded)


def routes(settings: Settings) -> list[Route | Mount]:
    """Give the routes of the page: files first, and the page itself for every other path a person may open."""
    dist = settings.web_dist

    async def page(request: Request) -> Response:
        name = request.path_params["path"]
        if name and "." in name.rsplit("/", 1)[-1]:
            return await _file(dist, name)
        index = dist / "index.html"
        if not index.exists():
            return PlainTextResponse(UNBUILT, 503)
        return FileResponse(index, headers={"cache-control": "no-cache"})

    async def basemap(request: Request) -> Response:  # noqa: ARG001
        path = settings.home / PMTILES
        return FileResponse(path) if path.exists() else PlainTextResponse("no basemap", 404)

    return [
        Route(f"/basemap/{PMTILES}", basemap),
        Mount("/assets", Hashed(directory=dist / "assets", check_dir=False)),
        Route("/{path:path}", page, methods=["GET"]),
    ]


async def _file(dist: Path, name: str) -> Response:
    path = (dist / name).resolve()
    if not path.is_relative_to(dist.resolve()) or not path.is_file():
        return PlainTextResponse("not found", 404)
    return FileResponse(path, headers={"cache-control": "no-cache"})
