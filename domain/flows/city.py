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
from domain.cases import city_calendar
from domain.cases.calendar import Calendar
from domain.dispatch import admissions
from domain.dispatch.admissions import Standing
from domain.routing import table as routing
from domain.routing.table import RoutingTable

_READ = "(routed or code = 'admin')"
_LOCKS = f"select pg_advisory_xact_lock_shared({LOCK_SPACE}, hashtext(code)) from area_layers where {_READ}"
_VERSIONS = (
    f"select code, version from area_layers where {_READ} union all select '', version from routing_state"
    " union all select '#', revision from calendar_state"
)

_CALENDAR_REVISION = "select revision from calendar_state"


@dataclass(frozen=True, slots=True)
class City:
    """Areas, routing table, working calendar and what grids take, as they stood together."""

    areas: Jurisdictions
    routing: RoutingTable
    calendar: Calendar
    grids: Standing


class CityHolder:
    """One a process: the city as last read, read again when it has changed."""

    def __init__(self) -> None:
        self.latest: City | None = None
        self._reading = asyncio.Lock()
        self._calendar: Calendar | None = None

    async def current(self, conn: Conn, *, at: datetime) -> City:
        """Give the city as it is for the caller's transaction, which it keeps from changing until it ends."""
        async with conn.pipeline():
            await conn.execute(_LOCKS)
            cursor = await conn.execute(_VERSIONS)
        versions: dict[str, int] = dict(await cursor.fetchall())
        routing_version, calendar_revision = versions.pop(""), versions.pop("#")

        def in_force(city: City | None) -> tuple[Jurisdictions | None, RoutingTable | None, Calendar | None, Standing | None]:
            if city is None:
                return None, None, None, None
            return (
                city.areas if city.areas.is_current(versions, at) else None,
                city.routing if city.routing.is_current(routing_version, at) else None,
                city.calendar if city.calendar.revision == calendar_revision else None,
                city.grids if city.grids.is_current(routing_version, at) else None,
            )

        if self.latest and all(in_force(self.latest)):
            return self.latest
        async with self._reading:
            areas, table, calendar, grids = in_force(self.latest)
            self.latest = City(
                areas or await jurisdictions.load(conn, at=at),
                table or await routing.load(conn, at=at),
                calendar or await city_calendar.load(conn),
                grids or await admissions.standing(conn, version=routing_version, at=at),
            )
            return self.latest

    async def calendar(self, conn: Conn) -> Calendar:
        """Give the working calendar as it is for the caller's transaction, without reading the rest of the city."""
        row = await (await conn.execute(_CALENDAR_REVISION)).fetchone()
        if self._calendar is None or row is None or self._calendar.revision != row[0]:
            self._calendar = await city_calendar.load(conn)
        return self._calendar

    async def warm(self, conn: Conn, *, at: datetime) -> City:
        """Read the city before the first report needs it, from one snapshot and without holding a publication back."""
        async with self._reading, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read, read only")
            self.latest = await read_city(conn, at=at)
            return self.latest


async def read_city(conn: Conn, *, at: datetime) -> City:
    """Read the whole city once, for a process that keeps none."""
    areas, table, calendar = await jurisdictions.load(conn, at=at), await routing.load(conn, at=at), await city_calendar.load(conn)
    return City(areas, table, calendar, await admissions.standing(conn, version=table.version, at=at))
