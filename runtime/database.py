"""Connections to PostgreSQL: one pool a process, one transaction a door call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from domain.base import Conn

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)

Pool: TypeAlias = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


async def open_pool(url: str, *, size: int = 8, timeout_s: float = 5.0) -> Pool:
    """Open a pool of autocommit connections; it keeps trying in the background while the database is away."""
    pool: Pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=timeout_s,
        open=False,
        kwargs={"autocommit": True},
        check=AsyncConnectionPool.check_connection,
    )
    await pool.open()
    return pool


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Conn]:
    """Lend a connection with an open transaction: committed at the end, rolled back by any exception."""
    async with pool.connection() as conn, conn.transaction():
        yield conn
