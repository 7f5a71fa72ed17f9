"""The GraphQL endpoint: HTTP and graphql-transport-ws on one path, orjson on the wire, one form of errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter as StrawberryAdapter
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from api import errors, limits
from api.context import Context
from api.http import body
from api.schema import schema
from domain.errors import DomainError, Unauthenticated

INIT_PATIENCE: Final = timedelta(seconds=10)
OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class TextAdapter(StrawberryAdapter):
    """Sends JSON as text frames, as the protocol wants, though it is encoded to bytes."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one message."""
        try:
            await self.ws.send_text(orjson.dumps(message, option=OPTIONS).decode())
        except (RuntimeError, OSError) as gone:
            raise WebSocketDisconnected from gone


class Door(GraphQL[Context, None]):
    """The endpoint of one process."""

    websocket_adapter_class = TextAdapter

    def __init__(self, *, development: bool = False) -> None:
        super().__init__(
            schema(development=development),
            graphql_ide="graphiql" if development else None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_PATIENCE,
            max_subscriptions_per_connection=limits.MAX_SUBSCRIPTIONS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a socket; every refusal is JSON."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            if request.method == "POST":
                # Kept where starlette looks for a body that was read before.
                request._body = await body.read(request, most=limits.MAX_BODY_BYTES)
            response = await self.run(request)
        except DomainError as error:
            response = _refused(413 if error.code == "too_large" else 400, error.code, error.message_en, error.message_zh)
        except HTTPException as error:
            response = _refused(error.status_code, "invalid", error.reason, "请求格式不正确")
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        """Give the resolvers what they need to know."""
        return Context(request)

    def decode_json(self, data: str | bytes) -> object:
        """Read JSON; what is no object is refused before anything looks into it."""
        found = orjson.loads(data)
        if not isinstance(found, dict):
            raise HTTPException(400, "a GraphQL request is a JSON object with query, variables and operationName")
        return found

    def encode_json(self, data: object) -> bytes:
        """Write JSON, ready fragments included."""
        return orjson.dumps(data, option=OPTIONS)

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """Answer; only errors that concern the whole request show in the status."""
        found = response_data.get("errors")
        status = errors.status_of(found) if found else sub_response.status_code or 200
        headers = {"Cache-Control": "no-store", **({"WWW-Authenticate": "Bearer"} if status == 401 else {})}
        return Response(self.encode_json(response_data), status, headers, "application/json")

    async def on_ws_connect(self, context: Context) -> UnsetType:
        """Take the token a socket opens with; a bad one closes it with 4403, none leaves it public."""
        given = (context.connection_params or {}).get("authorization")
        kind, _, token = str(given or "").partition(" ")
        if given is not None:
            context.use_token(token if kind.lower() == "bearer" else "-")
        try:
            await context.actor()
        except Unauthenticated as error:
            raise ConnectionRejectionError from error
        nothing: UnsetType = UNSET
        return nothing


def _refused(status: int, code: str, message_en: str, message_zh: str) -> Response:
    told = errors.refusal(code, message_en, message_zh).formatted
    return Response(orjson.dumps({"data": None, "errors": [told]}), status, {"Cache-Control": "no-store"}, "application/json")
