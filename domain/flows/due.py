"""Deadlines that have passed: each is announced once, by whichever worker takes it, at the instant it was due."""

from __future__ import annotations

from datetime import datetime

from domain import events
from domain.base import Conn

_TAKE = """
update cases set overdue_at = due_at, updated_at = %(at)s
where id in (
    select id from cases where overdue_at is null and closed_at is null and due_at <= %(at)s
    order by due_at limit %(limit)s for update skip locked
)
returning id, due_at, area_ids, department_id
"""


async def announce_due(conn: Conn, *, at: datetime, limit: int = 200) -> int:
    """Announce up to ``limit`` passed deadlines and give how many; call again while it gives ``limit``.

    Rows another worker holds are skipped, a closed case is never announced, and after an outage nothing is missed: the
    row records the due instant, the event when it was noticed.
    """
    rows = await (await conn.execute(_TAKE, {"at": at, "limit": limit})).fetchall()
    await events.record(
        conn,
        [
            events.Event(
                kind="case.overdue",
                subject_kind="case",
                subject_id=case_id,
                at=at,
                area_ids=area_ids,
                department_ids=[department_id] if department_id else [],
            )
            for case_id, _, area_ids, department_id in sorted(rows, key=lambda row: (row[1], row[0]))
        ],
    )
    return len(rows)
