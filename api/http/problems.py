"""What goes wrong at a plain HTTP door, told as a problem document (RFC 9457) with both languages and a status."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Final

import orjson
import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError, Invalid
from geo.lonlat import GeoError

STATUS: Final[Mapping[str, int]] = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "too_many": 429,
    "unavailable": 503,
}
RETRY_AFTER_S: Final = 5

Handler = Callable[[Request], Awaitable[Response]]
_log = logging.getLogger(__name__)


class TooLarge(DomainError):
    """The body is longer than the door takes."""

    code = "too_large"


class Unavailable(DomainError):
    """The door cannot answer just now; the same request may succeed in a moment."""

    code = "unavailable"


def answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a JSON body."""
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def problem(error: DomainError) -> Response:
    """Turn an error of the closed set into a problem document."""
    status = STATUS.get(error.code, 400)
    content = {
        "type": f"urn:gridwarden:problem:{error.code}",
        "title": error.code.replace("_", " "),
        "status": status,
        "detail": error.message_en,
        "detailZh": error.message_zh,
        "code": error.code,
    }
    if error.field is not None:
        content["field"] = error.field
    headers = {"Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(content), status, headers, "application/problem+json")


def problems(handler: Handler) -> Handler:
    """Answer with a problem document where the handler raises; faults of ours are logged and say nothing of themselves."""

    @wraps(handler)
    async def told(request: Request) -> Response:
        try:
            return await handler(request)
        except DomainError as error:
            return problem(error)
        except GeoError as error:
            return problem(Invalid(error.message_en, error.message_zh, field=error.where or None))
        except (PoolTimeout, psycopg.OperationalError) as error:
            _log.warning("%s %s: %s", request.method, request.url.path, type(error).__name__)
            return problem(Unavailable("the database is busy or away; try again", "数据库繁忙，请稍后再试"))

    return told
