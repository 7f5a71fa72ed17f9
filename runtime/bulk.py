"""Works bulk jobs off: case by case, each in a transaction of its own, so that a killed worker leaves nothing half done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from domain.flows import bulk
from domain.flows.city import CityHolder
from runtime import tasks
from runtime.clock import Clock
from runtime.database import Pool, transaction

TELL_EVERY: Final = 20


async def run(pool: Pool, holder: CityHolder, clock: Clock, *, told: Callable[[], Awaitable[object]]) -> int:
    """Step every waiting case of every job and give how many; open maps are ``told`` every twenty cases and at the end."""
    done = 0
    while not tasks.cancelled():
        async with transaction(pool) as conn:
            at = clock.now()
            if not await bulk.work_one(conn, holder, at=at):
                break
        done += 1
        if done % TELL_EVERY == 0:
            await told()
    if done % TELL_EVERY:
        await told()
    return done
