"""Headers on every answer that tell the browser what this product never does, so that nobody else can make it do so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import basemaps
from runtime.settings import Settings

FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=(), usb=(), interest-cohort=()",
}
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_CHOICE: Final = re.compile(r"\{(?:s|([0-9a-z])-([0-9a-z]))\}")


class SecurityHeaders:
    """ASGI middleware; a header an answer already has stays as it is."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on and add the headers to its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        urls = tuple(basemap.url for basemap in basemaps.listed(self.settings))
        policy = content_policy(urls, Headers(scope=scope).get("host", ""))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FIXED.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", policy)
            await send(message)

        await self.app(scope, receive, send_with_headers)


@lru_cache(maxsize=64)
def content_policy(basemap_urls: tuple[str, ...], host: str) -> str:
    """Give the policy of the pages: everything from here, pictures also from the configured background maps.

    ``host`` is added for web sockets, which older browsers do not count as 'self'.
    """
    elsewhere = " ".join(_origins(basemap_urls))
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; "
        f"img-src 'self' blob: data: {elsewhere}; connect-src 'self'{sockets} {elsewhere}; "
        "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'"
    ).replace(" ;", ";")


def _origins(urls: Iterable[str]) -> list[str]:
    """Return the origins of tile addresses; a choice of hosts ({s}, {0-7}) is all of them, as the map asks them."""
    found: set[str] = set()
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in ("http", "https"):
            found.update(f"{parts.scheme}://{host}" for host in _hosts(parts.netloc) if _HOST.fullmatch(host))
    return sorted(found)


def _hosts(host: str) -> list[str]:
    choice = _CHOICE.search(host)
    if choice is None:
        return [host]
    first, last = (choice[1], choice[2]) if choice[1] else ("a", "c")
    return [host.replace(choice[0], chr(code)) for code in range(ord(first), ord(last) + 1)]
