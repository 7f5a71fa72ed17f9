"""What the worker does about deadlines: fires timers that have come, and follows the calendar when it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.cases import city_calendar
from domain.flows import calendar_change, due
from domain.flows.city import CityHolder
from runtime import tasks
from runtime.clock import Clock
from runtime.database import Pool, transaction

BATCH: Final = 200
# A step costs as much as a person's: short transactions, so that nobody who opens one of these cases waits long.
STEP_BATCH: Final = 10


async def fire_all_due(pool: Pool, holder: CityHolder, clock: Clock) -> int:
    """Fire every warning, deadline and rise that has come, in transactions of bounded size; give how many."""
    return await _fire(pool, holder, clock, due.DEADLINES, BATCH)


async def step_all_due(pool: Pool, holder: CityHolder, clock: Clock) -> int:
    """Take every step that has come: pass on what nobody accepted, close what can be rated no longer; give how many."""
    return await _fire(pool, holder, clock, due.STEPS, STEP_BATCH)


async def _fire(pool: Pool, holder: CityHolder, clock: Clock, chains: Sequence[str], limit: int) -> int:
    fired = 0
    while not tasks.cancelled():
        async with transaction(pool) as conn:
            batch = await due.fire(conn, holder, at=clock.now(), limit=limit, chains=chains)
        fired += batch
        if not batch:
            break
    return fired


async def recompute_all(pool: Pool, holder: CityHolder, clock: Clock) -> int:
    """Keep the calendar's version and compute deadlines again that another one made; give how many moved."""
    moved = 0
    while not tasks.cancelled():
        async with transaction(pool) as conn:
            calendar = await holder.calendar(conn)
            await city_calendar.keep(conn, calendar, at=clock.now())
            batch = await calendar_change.recompute(conn, calendar, at=clock.now(), limit=BATCH)
        moved += batch.moved
        if not batch.seen:
            break
    return moved
