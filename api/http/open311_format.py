"""How Open311 answers: one structure written as XML, or as JSON after the spec's Spark convention.

A list in XML is an element that holds its items, each under the item's name; in JSON it is an array. Errors are a list too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from html import escape
from typing import Any, Final

import orjson
import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError, Invalid, NotFound
from geo.lonlat import GeoError

MEDIA: Final = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
# What an element that holds a list calls its items.
ITEMS: Final[Mapping[str, str]] = {
    "services": "service", "attributes": "attribute", "values": "value", "service_requests": "request", "errors": "error",
    "endpoints": "endpoint", "formats": "format", "service_request_updates": "request_update",
}  # fmt: skip
STATUS: Final[Mapping[str, int]] = {"not_found": 404, "unauthenticated": 403, "forbidden": 403}
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Handler = Callable[[Request, str], Awaitable[Response]]


def instant(at: datetime | None) -> str | None:
    """Write an instant as the spec wants it: W3C note, with a zone."""
    return None if at is None else at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def written(format_: str, root: str, content: Any, *, status: int = 200) -> Response:
    """Answer with a structure under a root element; JSON has no root."""
    body = orjson.dumps(content) if format_ == "json" else xml(root, content)
    # A page of another site may show what is public here anyway, without identity.
    return Response(body, status, {"Content-Type": MEDIA[format_], "Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"})


def xml(root: str, content: Any) -> bytes:
    """Write a structure as an XML document; characters XML cannot hold are left out."""
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + _element(root, content).encode()


def refused(format_: str, errors: Sequence[DomainError]) -> Response:
    """Answer with the spec's list of errors: 404 for what does not exist, 403 for a key, 400 for everything else."""
    status = STATUS.get(errors[0].code, 400)
    told = [{"code": STATUS.get(error.code, 400), "description": _description(error)} for error in errors]
    return written(format_, "errors", told, status=status)


def answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Give the handler the format asked for, and answer in it whatever goes wrong."""

    @wraps(handler)
    async def told(request: Request) -> Response:
        format_ = str(request.path_params.get("format", "xml"))
        if format_ not in MEDIA:
            return refused("xml", [Invalid(f"the format {format_[:20]!r} is not offered; use xml or json", "格式须为 xml 或 json")])
        try:
            return await handler(request, format_)
        except DomainError as error:
            return refused(format_, [error])
        except GeoError as error:
            return refused(format_, [Invalid(error.message_en, error.message_zh, field=error.where or None)])
        except (PoolTimeout, psycopg.OperationalError):
            return refused(format_, [Invalid("the service is not reachable just now; try again", "服务暂不可用，请稍后再试")])

    return told


def missing(format_: str) -> Response:
    """Answer for an address that is none of the spec's."""
    return refused(format_, [NotFound("there is no such resource", "没有该资源")])


def _description(error: DomainError) -> str:
    where = f"{error.field}: " if error.field else ""
    return f"{where}{error.message_en} / {error.message_zh}"


def _element(name: str, value: Any) -> str:
    if value is None or value == "":
        return f"<{name}/>"
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(key, part) for key, part in value.items())}</{name}>"
    if isinstance(value, list):
        return f"<{name}>{''.join(_element(ITEMS[name], part) for part in value)}</{name}>"
    if isinstance(value, bool):
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    return f"<{name}>{escape(_UNWRITABLE.sub('', str(value)), quote=False)}</{name}>"
