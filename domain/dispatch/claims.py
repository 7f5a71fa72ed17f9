"""Presence: who has a case open at a desk right now, so that two people do not begin the same work.

A claim is advice with a short lease, never a lock: nobody is kept from a step by it, and whoever goes away frees it by doing
nothing. It lives in the database, so several API processes agree on it and a lost Redis changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.base import Conn

LEASE: Final = timedelta(seconds=60)

# A free, expired or own row is taken; somebody else's running lease leaves the row alone and gives it back as it is.
_CLAIM: Final = """
insert into case_claims as k (case_id, user_id, claimed_at, until) values (%(case)s, %(user)s, %(at)s, %(until)s)
on conflict (case_id) do update set user_id = excluded.user_id, until = excluded.until,
    claimed_at = case when k.user_id = excluded.user_id and k.until > %(at)s then k.claimed_at else excluded.claimed_at end
where k.until <= %(at)s or k.user_id = excluded.user_id
returning user_id, claimed_at, until
"""
_HOLDER: Final = "select user_id, claimed_at, until from case_claims where case_id = %s"
_RELEASE: Final = "delete from case_claims where case_id = %s and user_id = %s returning until"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has the case and until when; ``fresh`` when it has just passed to them."""

    user_id: UUID
    until: datetime
    fresh: bool


async def claim(conn: Conn, case_id: UUID, user_id: UUID, *, at: datetime) -> Claim:
    """Take or keep a case for a minute, or learn who has it."""
    values = {"case": case_id, "user": user_id, "at": at, "until": at + LEASE}
    while True:
        row = await (await conn.execute(_CLAIM, values)).fetchone()
        if row is not None:
            return Claim(row[0], row[2], fresh=row[1] == at)
        held = await (await conn.execute(_HOLDER, (case_id,))).fetchone()
        if held is not None:  # else it was let go between the two statements: it is free now
            return Claim(held[0], held[2], fresh=False)


async def release(conn: Conn, case_id: UUID, user_id: UUID, *, at: datetime) -> bool:
    """Let a case go; gives whether it was held."""
    row = await (await conn.execute(_RELEASE, (case_id, user_id))).fetchone()
    return row is not None and row[0] > at


async def forget_expired(conn: Conn, *, at: datetime) -> int:
    """Delete leases that ran out; gives how many."""
    return (await conn.execute("delete from case_claims where until < %s", (at - LEASE,))).rowcount
