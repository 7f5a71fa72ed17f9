"""The worker: relays events, fires what is due, sends messages, sweeps what nobody claimed. `python -m runtime.worker`.

Any number of workers may run: the relay takes turns by a lock, timers are taken by SKIP LOCKED, a sweep done twice
finds nothing the second time. Every job runs in its own loop; one that fails (the database restarts, Redis is away)
is tried again with growing pauses and never takes the others with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from domain.dispatch import claims
from domain.field import record
from domain.flows.city import CityHolder
from domain.people import sign_in
from runtime import bulk, bus, deadlines, deliver, figures, media, relay, tasks, upward
from runtime.clock import Clock, SystemClock
from runtime.database import Pool, open_pool, transaction
from runtime.settings import Settings, from_environment

log = logging.getLogger(__name__)

DUE_EVERY_S: Final = 1.0
CALENDAR_EVERY_S: Final = 300.0
BULK_EVERY_S: Final = 0.5
PACK_EVERY_S: Final = 20.0
ASK_ABOVE_EVERY_S: Final = 60.0
SWEEP_EVERY_S: Final = 600.0
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
PASSING_TROUBLE: Final = (psycopg.Error, PoolTimeout, RedisError, OSError, TimeoutError)

Job = Callable[[], Awaitable[None]]


async def run(settings: Settings, *, clock: Clock) -> None:
    """Work until cancelled."""
    pool = await open_pool(settings.database_url, size=8)
    holder = CityHolder()
    client = bus.connect(settings.redis_url)
    sender, channels = bus.Sender(client), bus.channels_of(settings.database_url)
    above = upward.Upward(pool, deliver.outgoing(settings), clock)

    async def fire_due() -> None:
        if await deadlines.fire_all_due(pool, holder, clock):
            await sender.poke(channels)

    async def step_due() -> None:
        if await deadlines.step_all_due(pool, holder, clock):
            await sender.poke(channels)

    async def follow_calendar() -> None:
        if await deadlines.recompute_all(pool, holder, clock):
            await sender.poke(channels)

    async def step_many() -> None:
        await bulk.run(pool, holder, clock, told=partial(sender.poke, channels))

    async def sweep_up() -> None:
        await sweep(pool, settings, clock)

    async def send() -> None:
        await deliver.run(pool, deliver.outgoing(settings), clock)

    async def climb() -> None:
        await deliver.climb_all_due(pool, clock)

    async def pack() -> None:
        await figures.pack_all(pool)

    async def hand_up() -> None:
        await upward.run(settings.database_url, above)

    async def ask_above() -> None:
        if await above.ask_all():
            await sender.poke(channels)

    async def give_positions() -> None:
        await relay.run(settings.database_url, client, channels)

    try:
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(keep_doing("relay", give_positions, every_s=0.0))
            jobs.create_task(keep_doing("deadlines", fire_due, every_s=DUE_EVERY_S))
            jobs.create_task(keep_doing("steps", step_due, every_s=DUE_EVERY_S))
            jobs.create_task(keep_doing("calendar", follow_calendar, every_s=CALENDAR_EVERY_S))
            jobs.create_task(keep_doing("deliveries", send, every_s=0.0))
            jobs.create_task(keep_doing("ladders", climb, every_s=DUE_EVERY_S))
            jobs.create_task(keep_doing("bulk jobs", step_many, every_s=BULK_EVERY_S))
            jobs.create_task(keep_doing("figures", pack, every_s=PACK_EVERY_S))
            jobs.create_task(keep_doing("hand-ups", hand_up, every_s=1.0))
            jobs.create_task(keep_doing("answers from above", ask_above, every_s=ASK_ABOVE_EVERY_S))
            jobs.create_task(keep_doing("sweeps", sweep_up, every_s=SWEEP_EVERY_S))
    finally:
        await client.aclose()
        await pool.close()


async def keep_doing(name: str, job: Job, *, every_s: float) -> None:
    """Do a job again and again; after a failure sooner or later, by a pause that doubles from 0.1 to 5 s."""
    pause_s = FIRST_PAUSE_S
    clock_s = asyncio.get_running_loop().time
    while not tasks.cancelled():
        begun_s, wait_s = clock_s(), every_s
        try:
            await job()
            pause_s = FIRST_PAUSE_S
        except PASSING_TROUBLE as error:
            if clock_s() - begun_s > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S  # it worked for a while: the trouble is a new one
            log.warning("%s: %s; trying again in %.1f s", name, str(error).strip().split("\n")[0], pause_s)
            wait_s, pause_s = pause_s, min(2 * pause_s, LONGEST_PAUSE_S)
        if not tasks.cancelled():
            await asyncio.sleep(wait_s)


async def sweep(pool: Pool, settings: Settings, clock: Clock) -> None:
    """Forget photos nothing claimed within a day, sign-ins that ran out, and what phones and looks at photos left long ago."""
    now = clock.now()
    async with transaction(pool) as conn:
        await sign_in.forget_expired(conn, at=now)
        await claims.forget_expired(conn, at=now)
        await record.forget_old(conn, at=now)
    gone = 1
    while gone:
        async with transaction(pool) as conn:
            gone = await media.sweep(conn, settings.media_dir, at=now)


async def _until_told_to_stop(settings: Settings) -> None:
    work = asyncio.create_task(run(settings, clock=SystemClock()))
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def main() -> None:
    """Run the worker of the city named by the environment until SIGTERM."""
    settings = from_environment()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_until_told_to_stop(settings))


if __name__ == "__main__":
    main()
