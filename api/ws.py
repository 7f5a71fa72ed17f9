"""Subscriptions over graphql-transport-ws: what is the same for many viewers is written once and only framed for each.

strawberry reads, validates and authorises the operation and calls its resolver; the updates that resolver's stream gives
are ready JSON, so they go out without the executor visiting them again: ten thousand a second instead of six.
Queries and mutations have their own door, POST /graphql.

Protocol and close codes: graphql-transport-ws, PROTOCOL.md of enisdenjo/graphql-ws. 4403 also ends a socket whose token
has expired or whose session was ended: refresh the token and connect again with ``after``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSyntaxError, OperationType
from graphql.execution import create_source_event_stream
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api import auth, errors, limits
from api.context import Context
from api.errors import refusal
from api.execution import Documents, ReadyExecutor
from api.graph.live import RIGHTS_CHANGED
from api.live_hub import DATABASE_AWAY
from api.schema import schema
from domain.errors import Unauthenticated
from domain.people.scope import Actor
from runtime import tasks

PROTOCOL: Final = "graphql-transport-ws"
MAX_MESSAGE: Final = 64 * 1024  # characters
MAX_ID: Final = 128
INIT_WITHIN_S: Final = 10.0
PING_EVERY_S: Final = 15.0
IDLE_MOST_S: Final = 45.0  # a client answers pings, so silence this long means it is gone
LOOK_EVERY_S: Final = 1.0  # how soon an ended session or changed rights count

MAX_SOCKETS: Final = 5_000  # in one process

log = logging.getLogger("gridwarden.live")

_documents = Documents(introspection=False)
_open: set[WebSocket] = set()


class _Close(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def websocket_endpoint(websocket: WebSocket) -> None:
    """Serve one socket until either side closes it; nothing of it stays behind."""
    if PROTOCOL not in websocket.scope.get("subprotocols", ()):
        await websocket.accept()
        await websocket.close(4406, f"speak {PROTOCOL}")
        return
    await websocket.accept(PROTOCOL)
    if len(_open) >= MAX_SOCKETS:
        await websocket.close(1013, "too many sockets; try again later")
        return
    _open.add(websocket)
    socket = _Socket(websocket)
    try:
        await socket.serve()
    except _Close as close:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await websocket.close(close.code, close.reason)
    except WebSocketDisconnect:
        pass
    finally:
        _open.discard(websocket)
        await tasks.end(*socket.operations.values())


class _Socket:
    """One connection: its context, who is behind it, and its running operations."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.context = Context(websocket)
        self.operations: dict[str, asyncio.Task[None]] = {}
        self.asked: dict[str, Mapping[str, Any]] = {}

    async def serve(self) -> None:
        """Take the introduction, then listen and keep watch side by side; the first to fail ends both."""
        actor = await self._introduction()
        watch = asyncio.create_task(self._watch(actor))
        listening = asyncio.create_task(self._listen())
        try:
            done, _ = await asyncio.wait((watch, listening), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await tasks.end(watch, listening)

    async def _introduction(self) -> Actor:
        try:
            async with asyncio.timeout(INIT_WITHIN_S):
                message = await self._receive()
        except TimeoutError:
            raise _Close(4408, "Connection initialisation timeout") from None
        if message["type"] == "subscribe":
            raise _Close(4401, "Unauthorized")
        if message["type"] != "connection_init":
            raise _Close(4400, "send connection_init first")
        given = message.get("payload") or {}
        if not isinstance(given, dict) or not isinstance(given.get("authorization", ""), str):
            raise _Close(4400, "payload is {authorization: 'Bearer <token>'}")
        try:
            self.context.use_token(auth.bearer(given))
            actor = await self.context.signed_in()
        except Unauthenticated:
            raise _Close(4403, "Forbidden") from None
        except DATABASE_AWAY:
            raise _Close(1013, "try again later") from None
        await self._send({"type": "connection_ack"})
        return actor

    async def _listen(self) -> None:
        while not tasks.cancelled():
            try:
                async with asyncio.timeout(IDLE_MOST_S):
                    message = await self._receive()
            except TimeoutError:
                raise _Close(1001, "no answer to ping") from None
            await self._obey(message)

    async def _obey(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                if task := self.operations.get(_id_of(message)):
                    self.asked.pop(_id_of(message), None)
                    await tasks.end(task)
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise _Close(4429, "Too many initialisation requests")
            case _:
                raise _Close(4400, "unknown type of message")

    async def _watch(self, actor: Actor) -> None:
        """Ping, and look whether the session still runs; operations of changed rights start anew, with RESYNC."""
        pinged_at = time.monotonic()
        while not tasks.cancelled():
            await asyncio.sleep(LOOK_EVERY_S)
            if time.monotonic() - pinged_at >= PING_EVERY_S:
                pinged_at = time.monotonic()
                await self._send({"type": "ping"})
            try:
                now = await self.context.signed_in()
            except Unauthenticated:
                raise _Close(4403, "Forbidden") from None
            except DATABASE_AWAY:
                continue  # the feed is silent as well; the next look decides
            if now.grants != actor.grants:
                actor = now
                for id_, asked in list(self.asked.items()):
                    await tasks.end(self.operations[id_])
                    self._start(id_, asked, renewed=True)

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        id_, asked = _id_of(message), message.get("payload")
        if not isinstance(asked, dict) or not _well_formed(asked):
            raise _Close(4400, "payload is {query, variables, operationName}")
        if id_ in self.operations:
            raise _Close(4409, f"Subscriber for {id_} already exists")
        if len(self.operations) >= limits.MAX_SUBSCRIPTIONS:
            most = limits.MAX_SUBSCRIPTIONS
            await self._refuse(id_, [refusal("too_many", f"at most {most} subscriptions a socket", f"订阅数超过上限 {most}")])
            return
        self._start(id_, asked, renewed=False)

    def _start(self, id_: str, asked: Mapping[str, Any], *, renewed: bool) -> None:
        task = asyncio.create_task(self._operate(id_, asked, renewed=renewed))
        self.operations[id_], self.asked[id_] = task, asked
        task.add_done_callback(lambda ended: self._forget(id_, ended))

    def _forget(self, id_: str, ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and (fault := ended.exception()):
            log.error("a subscription ended in a fault", exc_info=fault)
        if self.operations.get(id_) is ended:
            del self.operations[id_]
            self.asked.pop(id_, None)

    async def _operate(self, id_: str, asked: Mapping[str, Any], *, renewed: bool) -> None:
        try:
            head, updates = await self._open(asked, renewed=renewed)
            head = f'{{"id":{_json(id_)},"type":"next","payload":{{"data":{{{_json(head)}:'
            async with contextlib.aclosing(updates):
                async for update in updates:
                    text = f"{head}{orjson.dumps(update.value).decode()}}}}}}}"
                    await self.websocket.send({"type": "websocket.send", "text": text})
            await self._send({"type": "complete", "id": id_})
        except _Refused as refused:
            await self._refuse(id_, refused.errors)
        except WebSocketDisconnect:
            pass  # the listener meets it too
        except Exception as error:  # noqa: BLE001  # told in the one form, with everything masked that is ours
            if self.websocket.application_state is WebSocketState.DISCONNECTED:
                return  # another operation has closed the socket
            if isinstance(error, DATABASE_AWAY):
                await self.websocket.close(1013, "try again later")
            else:
                await self._refuse(id_, [GraphQLError("", original_error=error)])

    async def _open(self, asked: Mapping[str, Any], *, renewed: bool) -> tuple[str, Any]:
        """Give the response key of the subscribed field and its updates; raises _Refused."""
        kinds = schema()._schema
        try:
            found = _documents.read(kinds, asked["query"])
        except GraphQLSyntaxError as error:
            raise _Refused([error]) from None
        if found.errors:
            raise _Refused([GraphQLError(e.message, nodes=e.nodes, extensions=dict(e.extensions or {})) for e in found.errors])
        executor = ReadyExecutor.build(
            kinds,
            found.document,
            RIGHTS_CHANGED if renewed else None,
            self.context,
            asked.get("variables"),
            asked.get("operationName"),
        )
        if isinstance(executor, list):
            raise _Refused(executor)
        if executor.operation.operation is not OperationType.SUBSCRIPTION:
            message = "only subscriptions are answered here; send queries and mutations to POST /graphql"
            raise _Refused([refusal("invalid", message, "此处只支持订阅；查询和变更请用 POST /graphql")])
        opened = create_source_event_stream(executor)
        updates: Any = await opened if executor.is_awaitable(opened) else opened
        if isinstance(updates, ExecutionResult):
            for told in updates.errors or []:
                if isinstance(told.original_error, DATABASE_AWAY):
                    raise told.original_error
            raise _Refused(updates.errors or [])
        field: Any = executor.operation.selection_set.selections[0]
        return field.alias.value if field.alias else field.name.value, updates

    async def _refuse(self, id_: str, found: list[GraphQLError]) -> None:
        for error in found:
            errors.tell(error)
        await self._send({"type": "error", "id": id_, "payload": [error.formatted for error in found]})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.websocket.send({"type": "websocket.send", "text": _json(message)})

    async def _receive(self) -> dict[str, Any]:
        """Take the next message, an object with a type; raises _Close 4400 for anything else."""
        received = await self.websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None or len(text) > MAX_MESSAGE:
            raise _Close(4400, f"messages are text of at most {MAX_MESSAGE} characters")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _Close(4400, "messages are JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(4400, "messages are objects with a type")
        return message


class _Refused(Exception):
    def __init__(self, found: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = found


def _id_of(message: Mapping[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID:
        raise _Close(4400, f"id is a text of 1 to {MAX_ID} characters")
    return id_


def _well_formed(asked: Mapping[str, Any]) -> bool:
    return (
        isinstance(asked.get("query"), str)
        and isinstance(asked.get("variables"), dict | None)
        and isinstance(asked.get("operationName"), str | None)
    )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
