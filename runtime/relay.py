"""The relay: gives every committed event its dense position, and tells the live readers.

Exactly one process does it at a time: a session-level advisory lock on the very connection the work is done on, so a
relay that lost its connection has lost the lock as well; standbys in the other workers ask for the lock and go on when
it is free. The row lock on event_cursor keeps positions right even if that ever failed.

A position is only given to what is committed, so a transaction left open for an hour holds up nobody; its events get
their positions when it commits. Within one batch the order of insertion decides.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any, Final

import psycopg
from psycopg.rows import args_row

from domain.base import Conn
from runtime import tasks
from runtime.bus import Channels, Listener, Published, Redis, Sender, pack

log = logging.getLogger(__name__)

BATCH: Final = 1_000
POLL_S: Final = 0.1
STANDBY_S: Final = 0.2
HEARTBEAT_S: Final = 0.5
LOCK: Final = 0x72656C61  # one relay per database
# A relay that hangs without dying would keep the lock for ever; working or standing by it is never silent this long.
LONGEST_SILENCE_MS: Final = 5_000

_COLUMNS = ", ".join(f"e.{name}" for name in Published.__slots__)
_GIVE = f"""
    with pending as (
        select id, %(head)s + row_number() over (order by seq) as given
        from events where position is null order by seq limit %(limit)s
    ), told as (
        update events e set position = pending.given from pending where e.id = pending.id returning {_COLUMNS}
    )
    select * from told order by position
"""
_READ = f"""
    select {_COLUMNS} from events e
    where position > %(after)s and position <= %(until)s order by position limit %(limit)s
"""


async def give_positions(conn: Conn, *, limit: int = BATCH) -> list[Published]:
    """Give the next positions to committed events that have none, in a transaction of its own; return them in order."""
    waiting = await conn.execute("select 1 from events where position is null limit 1")
    if await waiting.fetchone() is None:
        return []
    async with conn.transaction():
        # A statement of its own: the next one must take its snapshot after the lock is held.
        cursor = await conn.execute("select position from event_cursor where id = 1 for update")
        (head,) = await cursor.fetchone() or (0,)
        given = await _published(conn, _GIVE, {"head": head, "limit": limit})
        await conn.execute("update event_cursor set position = %s where id = 1", (head + len(given),))
    return given


async def read_after(conn: Conn, position: int, *, until: int | None = None, limit: int = BATCH) -> list[Published]:
    """Read published events with a greater position (and at most `until`), in order."""
    values = {"after": position, "until": 2**63 - 1 if until is None else until, "limit": limit}
    return await _published(conn, _READ, values)


async def head(conn: Conn) -> int:
    """Read the last position given; 0 before the first event."""
    row = await (await conn.execute("select position from event_cursor where id = 1")).fetchone()
    return int(row[0]) if row else 0


async def run(database_url: str, redis: Redis, channels: Channels) -> None:
    """Stand by until no other relay works, then relay until cancelled.

    Raises psycopg.Error when the database goes away; the caller starts it again. Redis may come and go.
    """
    name = f"gridwarden relay {os.getpid()}"
    conn = await psycopg.AsyncConnection.connect(database_url, autocommit=True, application_name=name)
    async with conn:
        await conn.execute(f"set idle_session_timeout = {LONGEST_SILENCE_MS}")
        await conn.execute(f"set idle_in_transaction_session_timeout = {LONGEST_SILENCE_MS}")
        while not await _take_lock(conn) and not tasks.cancelled():  # noqa: ASYNC110  # the lock is another process's to free
            await asyncio.sleep(STANDBY_S)
        log.info("this process is the relay")
        async with Listener(redis, channels.poke) as pokes:
            await _relay(conn, pokes, Sender(redis), channels)


async def _relay(conn: Conn, pokes: Listener, sender: Sender, channels: Channels) -> None:
    last = await head(conn)
    told_at = 0.0  # the first round tells the head: the relay before us may have died between commit and publishing
    while not tasks.cancelled():
        given = await give_positions(conn)
        if given:
            last = given[-1].position
        if given or time.monotonic() - told_at > HEARTBEAT_S:
            for message in pack(last, given):
                await sender.send(channels.events, message)
            told_at = time.monotonic()
        if len(given) < BATCH:
            await pokes.next(POLL_S)
            pokes.drain()


async def _take_lock(conn: Conn) -> bool:
    # Asked for again and again, not waited for: a waiting statement would hold back vacuum for as long as it waits.
    row = await (await conn.execute("select pg_try_advisory_lock(%s)", (LOCK,))).fetchone()
    return bool(row and row[0])


async def _published(conn: Conn, statement: str, values: dict[str, Any]) -> list[Published]:
    async with conn.cursor(row_factory=args_row(_of_row)) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchall()


def _of_row(*row: Any) -> Published:
    return Published(*row[:6], *map(tuple, row[6:]))
