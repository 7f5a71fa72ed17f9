"""Client-made ids: the small table that makes a retry the same submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.base import Conn
from domain.errors import Conflict

_INSERT = """
insert into submissions (submission_id, kind, result_id, digest, created_at)
select t.submission_id, %(kind)s, t.result_id, t.digest, %(at)s
from unnest(%(ids)s::uuid[], %(results)s::uuid[], %(digests)s::bytea[]) as t (submission_id, result_id, digest)
order by t.submission_id
on conflict do nothing
returning submission_id
"""


async def register(conn: Conn, kind: str, items: Sequence[tuple[UUID, UUID, bytes]], *, at: datetime) -> set[UUID]:
    """Claim submission ids for (submission id, result id, digest) items; give those that are new.

    A concurrent twin waits here until the first has committed; rows are taken in id order, so twins never deadlock.
    """
    cursor = await conn.execute(
        _INSERT,
        {
            "kind": kind,
            "at": at,
            "ids": [item[0] for item in items],
            "results": [item[1] for item in items],
            "digests": [item[2] for item in items],
        },
    )
    return {row[0] for row in await cursor.fetchall()}


async def earlier(conn: Conn, kind: str, submission_id: UUID, digest: bytes) -> UUID:
    """Give the result of an id that was already taken; raises Conflict when it stood for something else."""
    cursor = await conn.execute(
        "select kind, result_id, digest from submissions where submission_id = %s", (submission_id,)
    )
    row = await cursor.fetchone()
    if row is None or row[0] != kind or bytes(row[2]) != digest:
        raise Conflict(
            "this submission id was already used for something else; make a new one",
            "该提交编号已用于其他内容，请重新生成",
            field="submissionId",
        )
    result: UUID = row[1]
    return result
