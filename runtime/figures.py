"""Packs changed cases for the figures, in transactions of bounded size."""

from __future__ import annotations

from domain.insights import keep
from runtime.database import Pool


async def pack_all(pool: Pool) -> int:
    """Work until everything is packed, or until another worker is at it; give how much was done."""
    done = 0
    while True:
        async with pool.connection() as conn, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read")
            step = await keep.keep_up(conn)
        if not step:
            return done
        done += step
