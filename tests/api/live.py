"""A served application with a relay beside it, and clients of its live feed, for the tests of live."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import uvicorn
import websockets

from api.app import create_app
from api.live_hub import Hub
from domain.base import Conn
from domain.events import Event, record
from domain.people.scope import Grant
from runtime import bus, relay, tasks, worker
from runtime.database import transaction
from runtime.settings import Settings
from tests.api import city
from tests.api.doors import Doors

SELECTED = "position kind eventKind at caseId case { id number state title lon lat }"
LIVE = f"subscription($area: ID, $bbox: [Float!], $after: BigInt) {{ live(areaId: $area, bbox: $bbox, after: $after) {{ {SELECTED} }} }}"


@dataclass
class Served:
    """A city on a port of its own."""

    doors: Doors
    url: str
    areas: dict[str, UUID]
    departments: dict[str, UUID] = field(default_factory=dict)

    @property
    def hub(self) -> Hub:
        hub: Hub = self.doors.state.hub
        return hub

    async def case(self, number: str, grid: str, *, department: str | None = None) -> UUID:
        """Open a case, with its event."""
        async with transaction(self.doors.pool) as conn:
            given = self.departments[department] if department else None
            case_id = await city.case(conn, number, grid=grid, at=datetime.now(UTC), department_id=given)
            await happen(conn, "case.opened", case_id)
        return case_id

    async def transfer(self, case_id: UUID, department: str) -> None:
        """Give a case to another department, with its event."""
        async with transaction(self.doors.pool) as conn:
            cursor = await conn.execute("select department_id from cases where id = %s", (case_id,))
            row = await cursor.fetchone()
            assert row is not None
            await conn.execute("update cases set department_id = %s where id = %s", (self.departments[department], case_id))
            await happen(conn, "case.transfer", case_id, left=row[0])

    async def head(self) -> int:
        """Wait until every event has a position and give the last."""
        async with asyncio.timeout(10), self.doors.pool.connection() as conn:
            while await (await conn.execute("select 1 from events where position is null")).fetchone():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            return await relay.head(conn)

    async def query(self, text: str, headers: dict[str, str]) -> Any:
        """Ask over HTTP."""
        answer = await self.doors.client.post("/graphql", json={"query": text}, headers=headers)
        found = answer.json()
        assert "errors" not in found, found
        return found["data"]


async def happen(conn: Conn, kind: str, case_id: UUID, *, left: UUID | None = None) -> None:
    """Record what happened to a case, as the domain does."""
    row = await (await conn.execute("select area_ids, department_id from cases where id = %s", (case_id,))).fetchone()
    assert row is not None
    event = Event(
        kind=kind, subject_kind="case", subject_id=case_id, at=datetime.now(UTC), area_ids=row[0],
        department_ids=[row[1]] if row[1] else [], left_department_ids=[left] if left else [],
    )  # fmt: skip
    await record(conn, [event])


@asynccontextmanager
async def served(home: Path, database_url: str, redis_url: str, *, relaying: bool = True) -> AsyncIterator[Served]:
    """Serve the test city on a free port of this machine, in this process."""
    settings = Settings(home=home, given_database_url=database_url, given_redis_url=redis_url, web_dist=home / "dist")
    settings.media_dir.mkdir(parents=True, exist_ok=True)
    app = create_app(settings)
    options: dict[str, Any] = {"ws": "websockets-sansio", "ws_per_message_deflate": False, "log_level": "warning"}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, timeout_graceful_shutdown=1, **options))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    redis = bus.connect(redis_url)
    at_work = [asyncio.create_task(server._serve())]
    if relaying:
        channels = bus.channels_of(database_url)
        relaying_on = worker.keep_doing("relay", lambda: relay.run(database_url, redis, channels), every_s=0.0)
        at_work.append(asyncio.create_task(relaying_on))
    try:
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with transaction(app.state.pool) as conn:
            areas = await city.build(conn, at=datetime.now(UTC))
            departments = {code: await city.department(conn, code, at=datetime.now(UTC)) for code in ("WATER", "ROADS")}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield Served(Doors(app, client), f"ws://127.0.0.1:{port}/graphql", areas, departments)
    finally:
        server.should_exit = True
        await asyncio.wait(at_work[:1], timeout=5)
        await tasks.end(*at_work)
        await redis.aclose()


class Client:
    """One socket that speaks graphql-transport-ws."""

    def __init__(self, opened: websockets.ClientConnection) -> None:
        self.socket = opened

    async def send(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self, within_s: float = 10.0) -> dict[str, Any]:
        """Take the next message that is not a ping."""
        async with asyncio.timeout(within_s):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                if message["type"] != "ping":
                    return message
                await self.send(type="pong")

    async def watch(self, id_: str = "1", *, query: str = LIVE, **variables: object) -> None:
        await self.send(type="subscribe", id=id_, payload={"query": query, "variables": variables})

    async def update(self, within_s: float = 10.0) -> dict[str, Any]:
        """Take the next update."""
        message = await self.receive(within_s)
        assert message["type"] == "next", message
        update: dict[str, Any] = message["payload"]["data"]["live"]
        return update

    async def case_update(self, within_s: float = 10.0) -> dict[str, Any]:
        """Take the next update about a case; the city's own making may still be being told."""
        while (update := await self.update(within_s))["eventKind"] == "area.layer_changed":
            pass
        return update

    async def caught_up(self) -> list[dict[str, Any]]:
        """Take updates until the past is told; give them without that note."""
        updates = []
        while (update := await self.update())["kind"] != "CAUGHT_UP":
            updates.append(update)
        return updates

    async def closed(self, within_s: float = 10.0) -> int:
        """Wait for the server to close the socket; give its code."""
        async with asyncio.timeout(within_s):
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def connected(place: Served, headers: dict[str, str] | None, *, receive_buffer_bytes: int | None = None) -> AsyncIterator[Client]:
    """Open a socket; with headers of a person, introduce it with their token."""
    link = socket.create_connection(("127.0.0.1", int(place.url.split(":")[2].split("/")[0])))
    if receive_buffer_bytes is not None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    protocols = [websockets.Subprotocol("graphql-transport-ws")]
    async with websockets.connect(place.url, subprotocols=protocols, sock=link, ping_interval=None) as opened:
        client = Client(opened)
        if headers is not None:
            await client.send(type="connection_init", payload={"authorization": headers["Authorization"]})
            assert (await client.receive())["type"] == "connection_ack"
        yield client


@asynccontextmanager
async def watching(place: Served, headers: dict[str, str], **variables: Any) -> AsyncIterator[Client]:
    """Open a socket with a subscription that has caught up."""
    async with connected(place, headers) as client:
        await client.watch(**variables)
        await client.caught_up()
        yield client


def everywhere(role: str = "dispatcher") -> Grant:
    return Grant(role, None, None)
