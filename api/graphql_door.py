"""POST /graphql: one operation in, JSON out, errors in one form. Subscriptions have their own door on the same path."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from api import errors, limits
from api.context import Context
from api.http import body
from api.schema import schema
from domain.errors import DomainError

OPTIONS: Final = orjson.OPT_UTC_Z
ANSWERED: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
# The page of a developer: it loads its program from elsewhere, which the page of a city never does.
IDE_POLICY: Final = "default-src 'self' https: 'unsafe-inline'; img-src 'self' https: data:"


class Door:
    """The endpoint of one process. GET answers a developer's page in development and nothing otherwise."""

    def __init__(self, *, development: bool = False) -> None:
        self.development = development
        self.schema = schema(development=development)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every refusal is JSON."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except DomainError as error:
            response = _refused(413 if error.code == "too_large" else 400, error)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET" and self.development:
            return HTMLResponse(get_graphql_ide_html("graphiql"), headers={"Content-Security-Policy": IDE_POLICY})
        if request.method != "POST":
            return _refused(405, errors.bad_request("send operations by POST"))
        if not request.headers.get("content-type", "").startswith("application/json"):
            # Also what keeps a form on another site from sending anything.
            return _refused(415, errors.bad_request("send Content-Type: application/json"))
        query, variables, name = _asked(await body.read(request, most=limits.MAX_BODY_BYTES))
        try:
            result = await self.schema.execute(
                query, variables, context_value=Context(request), operation_name=name, allowed_operation_types=ANSWERED
            )
        except CannotGetOperationTypeError:
            raise errors.bad_request("name one of the document's operations in operationName") from None
        except InvalidOperationTypeError:
            raise errors.bad_request("subscribe over a WebSocket on this path, with graphql-transport-ws") from None
        except MissingQueryError:
            raise errors.bad_request("the document is empty") from None
        if not result.errors:
            return Response(orjson.dumps({"data": result.data}, option=OPTIONS), 200, _HEADERS, "application/json")
        return _told(result.data, [error.formatted for error in result.errors])


_HEADERS: Final = {"Cache-Control": "no-store"}


def _asked(raw: bytes) -> tuple[str, dict[str, Any] | None, str | None]:
    try:
        asked = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise errors.bad_request(f"the body is no JSON: {error}") from None
    match asked:
        case {"query": str(query)} if asked.keys() <= {"query", "variables", "operationName", "extensions"}:
            variables, name = asked.get("variables"), asked.get("operationName")
            if isinstance(variables, dict | None) and isinstance(name, str | None):
                return query, variables, name
    raise errors.bad_request("the body is {query, variables, operationName}: a text, an object and a text")


def _told(data: Any, found: list[Any]) -> Response:
    """Answer with errors; only those that concern the whole request show in the status."""
    status = errors.status_of(found)
    headers = {**_HEADERS, "WWW-Authenticate": "Bearer"} if status == 401 else _HEADERS
    return Response(orjson.dumps({"data": data, "errors": found}, option=OPTIONS), status, headers, "application/json")


def _refused(status: int, error: DomainError) -> Response:
    told = errors.refusal(error.code, error.message_en, error.message_zh, error.field).formatted
    return Response(orjson.dumps({"data": None, "errors": [told]}), status, _HEADERS, "application/json")
