"""What the worker does about deadlines: fires timers that have come, and follows the calendar when it has changed."""

from __future__ import annotations

from typing import Final

from domain.cases import city_calendar
from domain.flows import calendar_change, due
from domain.flows.city import CityHolder
from runtime.clock import Clock
from runtime.database import Pool, transaction

BATCH: Final = 200


async def fire_all_due(pool: Pool, holder: CityHolder, clock: Clock) -> int:
    """Fire every timer that has come, in transactions of bounded size; give how many."""
    fired = 0
    while True:
        async with transaction(pool) as conn:
            batch = await due.fire(conn, holder, at=clock.now(), limit=BATCH)
        fired += batch
        if not batch:
            return fired


async def recompute_all(pool: Pool, holder: CityHolder, clock: Clock) -> int:
    """Keep the calendar's version and compute deadlines again that another one made; give how many moved."""
    moved = 0
    while True:
        async with transaction(pool) as conn:
            calendar = await holder.calendar(conn)
            await city_calendar.keep(conn, calendar, at=clock.now())
            batch = await calendar_change.recompute(conn, calendar, at=clock.now(), limit=BATCH)
        moved += batch.moved
        if not batch.seen:
            return moved
