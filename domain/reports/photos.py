"""Photos wait unclaimed until a report names them by the token their uploader was given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

from domain.base import Conn
from domain.errors import Invalid


def claim_hash(claim: str) -> bytes:
    """Hash a claim token; the token itself is never stored."""
    return hashlib.sha256(claim.encode()).digest()


async def lock_claims(conn: Conn, claims: Iterable[str]) -> set[str]:
    """Give those of the claims whose photo is still free, and keep them free for this transaction."""
    by_hash = {claim_hash(claim): claim for claim in claims}
    cursor = await conn.execute(
        "select claim_hash from photos where claim_hash = any(%s) and report_id is null order by id for update",
        (list(by_hash),),
    )
    return {by_hash[bytes(row[0])] for row in await cursor.fetchall()}


async def claim(conn: Conn, claims: Iterable[str], report_id: UUID) -> None:
    """Attach photos to a report; raises Invalid when one of them is unknown or taken."""
    hashes = [claim_hash(one) for one in claims]
    cursor = await conn.execute(
        "update photos set report_id = %s where claim_hash = any(%s) and report_id is null", (report_id, hashes)
    )
    if cursor.rowcount != len(hashes):
        raise Invalid("a photo is unknown or already used; upload it again", "照片无效或已被使用,请重新上传", field="photoClaims")
