"""The whole application with the small city, and systems that may use its doors."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from domain.connectors import clients
from runtime.database import transaction
from tests.api.graph import Graph, opened
from tests.flows.conftest import SOUTH, WEST

HERE = {"lat": f"{SOUTH + 0.005:.6f}", "long": f"{WEST + 0.005:.6f}"}


@dataclass
class Connected:
    """The application, and what a test of the connectors asks of it."""

    graph: Graph

    @property
    def http(self) -> httpx.AsyncClient:
        return self.graph.doors.client

    async def client(self, door: str, source: str, code: str = "sender") -> str:
        """Add a system and give its key."""
        async with transaction(self.graph.doors.pool) as conn:
            _, key = await clients.add(conn, code=code, name=code, door=door, source=source, at=datetime.now(UTC))
        return key

    async def place(self, name: str, *, lon: float = WEST + 0.005, lat: float = SOUTH + 0.005, precision_m: float = 30.0) -> UUID:
        """Put a place into the gazetteer."""
        from domain.places import actions
        from domain.places.actions import PlaceRecord
        from geo.lonlat import LonLat

        record = PlaceRecord(key=name, kind="address", name=name, lonlat=LonLat(lon=lon, lat=lat), precision_m=precision_m)
        async with transaction(self.graph.doors.pool) as conn:
            await actions.load(conn, [record], source=str(uuid4()), at=datetime.now(UTC))
            row = await (await conn.execute("select id from places where name = %s", (name,))).fetchone()
        assert row is not None
        found: UUID = row[0]
        return found

    async def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        async with self.graph.doors.pool.connection() as conn:
            return await (await conn.execute(query, parameters)).fetchall()


@pytest.fixture
async def connected(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Connected]:
    async with opened(tmp_path, database_url, redis_url) as graph:
        yield Connected(graph)
