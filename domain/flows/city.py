"""What intake asks of the city, kept in memory: who owns a point, and who acts on a matter there.

Inside the intake transaction the holder first takes the layers' shared locks and then compares versions, so what it hands
out is what the database holds at that moment; an older copy is replaced before anything is assigned by it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from domain.areas import jurisdictions
from domain.areas.jurisdictions import Jurisdictions
from domain.areas.publish import LOCK_SPACE
from domain.base import Conn
from domain.routing import table as routing
from domain.routing.table import RoutingTable

_READ = "(routed or code = 'admin')"
_LOCKS = f"select pg_advisory_xact_lock_shared({LOCK_SPACE}, hashtext(code)) from area_layers where {_READ}"
_VERSIONS = f"select code, version from area_layers where {_READ} union all select '', version from routing_state"


@dataclass(frozen=True, slots=True)
class City:
    """Areas and routing table as they stood together."""

    areas: Jurisdictions
    routing: RoutingTable


class CityHolder:
    """One a process: the city as last read, read again when it has changed."""

    def __init__(self) -> None:
        self.latest: City | None = None
        self._reading = asyncio.Lock()

    async def current(self, conn: Conn, *, at: datetime) -> City:
        """Give the city as it is for the caller's transaction, which it keeps from changing until it ends."""
        async with conn.pipeline():
            await conn.execute(_LOCKS)
            cursor = await conn.execute(_VERSIONS)
        versions: dict[str, int] = dict(await cursor.fetchall())
        routing_version = versions.pop("")
        city = self.latest
        if city and city.areas.is_current(versions, at) and city.routing.is_current(routing_version, at):
            return city
        async with self._reading:
            city = self.latest
            areas = city.areas if city and city.areas.is_current(versions, at) else await jurisdictions.load(conn, at=at)
            table = (
                city.routing
                if city and city.routing.is_current(routing_version, at)
                else await routing.load(conn, at=at)
            )
            self.latest = City(areas, table)
            return self.latest

    async def warm(self, conn: Conn, *, at: datetime) -> City:
        """Read the city before the first report needs it, from one snapshot and without holding a publication back."""
        async with self._reading, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read, read only")
            self.latest = City(await jurisdictions.load(conn, at=at), await routing.load(conn, at=at))
            return self.latest
