"""Photos in the database: stored before they belong to anything, then claimed once by a report or a field note, else forgotten.

Whoever uploads gets a random claim, the only thing that lets a report or a note take the photo. The file itself lies in the media
store under its hash, so two rows may share one file; a lock on the hash keeps a file from being removed while somebody
stores it again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.base import Conn, new_id
from domain.errors import Invalid

UNCLAIMED_LIFE: Final = timedelta(hours=24)
LOCK_SPACE: Final = 0x6D656469
LONGEST_CLAIM: Final = 100
FREE: Final = "report_id is null and note_id is null"


class Unclaimable(Invalid):
    """A photo is unknown, used already or forgotten; uploading it again mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhoto:
    """A photo about to be stored; sizes in pixels and bytes, ``taken_at`` from the camera if it said so,
    ``likeness`` the picture's 64-bit hash, signed."""

    media_key: str
    width: int
    height: int
    byte_count: int
    taken_at: datetime | None
    likeness: int | None = None


async def lock_file(conn: Conn, media_key: str) -> None:
    """Keep the stored file of this key as it is until the transaction ends."""
    await conn.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (LOCK_SPACE, media_key))


async def add(conn: Conn, photo: NewPhoto, *, at: datetime) -> tuple[UUID, str]:
    """Write a photo that nothing has claimed yet; returns its id and the claim."""
    photo_id, claim_token = new_id(), secrets.token_urlsafe(24)
    await conn.execute(
        "insert into photos (id, media_key, claim_hash, width, height, byte_count, taken_at, likeness, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            photo_id, photo.media_key, _hash(claim_token), photo.width, photo.height, photo.byte_count, photo.taken_at,
            photo.likeness, at,
        ),
    )  # fmt: skip
    return photo_id, claim_token


async def lock_claims(conn: Conn, claims: Sequence[str]) -> set[str]:
    """Lock the photos behind these claims and return the claims that are still free."""
    hashes = {_hash(given): given for given in claims if 0 < len(given) <= LONGEST_CLAIM}
    cursor = await conn.execute(
        f"select claim_hash from photos where claim_hash = any(%s) and {FREE} order by id for update",
        (list(hashes),),
    )
    return {hashes[bytes(found)] for (found,) in await cursor.fetchall()}


async def hashes_of(conn: Conn, claims: Sequence[str]) -> dict[str, int]:
    """Give the picture hashes behind these claims, where there are any."""
    hashes = {_hash(given): given for given in claims if 0 < len(given) <= LONGEST_CLAIM}
    cursor = await conn.execute(
        "select claim_hash, likeness from photos where claim_hash = any(%s) and likeness is not null", (list(hashes),)
    )
    return {hashes[bytes(found)]: likeness for found, likeness in await cursor.fetchall()}


async def claim(conn: Conn, claims: Sequence[str], report_id: UUID) -> None:
    """Give the photos behind these claims to a report; raises Unclaimable when one is unknown or used."""
    await _claim(conn, claims, "report_id = %s", (report_id,))


async def claim_for_note(conn: Conn, claims: Sequence[str], note_id: UUID, role: str) -> None:
    """Give the photos behind these claims to a field note, as before or after the work; raises Unclaimable as ``claim``."""
    await _claim(conn, claims, "note_id = %s, role = %s", (note_id, role))


async def _claim(conn: Conn, claims: Sequence[str], change: str, values: tuple[object, ...]) -> None:
    if not claims:
        return
    hashes = [_hash(given) for given in claims]
    cursor = await conn.execute(
        f"update photos set {change} where claim_hash = any(%s) and {FREE} returning claim_hash", (*values, hashes)
    )
    if {bytes(found) for (found,) in await cursor.fetchall()} != set(hashes) or len(set(hashes)) < len(hashes):
        message = "a photo is unknown or already used; upload it again"
        raise Unclaimable(message, "照片无效或已被使用，请重新上传", field="photoClaims")


async def forget_unclaimed(conn: Conn, *, at: datetime, limit: int = 200) -> list[str]:
    """Delete photos nobody claimed in a day; returns the keys of files nothing needs, locked until the transaction ends."""
    cursor = await conn.execute(
        f"delete from photos where id in (select id from photos where {FREE} and created_at < %s"
        " order by created_at limit %s for update skip locked) returning media_key",
        (at - UNCLAIMED_LIFE, limit),
    )
    keys = sorted({key for (key,) in await cursor.fetchall()})
    for key in keys:
        await lock_file(conn, key)
    cursor = await conn.execute("select k from unnest(%s::text[]) k where not exists (select from photos p where p.media_key = k)", (keys,))
    return [key for (key,) in await cursor.fetchall()]


def _hash(claim_token: str) -> bytes:
    return hashlib.sha256(claim_token.encode()).digest()
