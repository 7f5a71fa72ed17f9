"""A department is dissolved: what it has in hand goes back to the queue, in sight of whoever dispatches, and its duties end.

The department is closed first, so that nothing new is sent to it; its cases follow in bounded steps. A report that was being
taken in at that moment may still reach it: calling again, as the worker's sweep does, finds it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from domain import events
from domain.base import Conn
from domain.cases.rules import StepInput
from domain.errors import NotFound
from domain.flows import case_steps
from domain.flows.city import City

REASON: Final = "承办部门已撤销"
_CLOSE: Final = "update departments set active = false where code = %s and active returning id"
_END_DUTIES: Final = "update duties set valid_to = %(at)s where department_id = %(id)s and (valid_to is null or valid_to > %(at)s)"
_LEFT: Final = """
select c.id from cases c join departments d on d.id = c.department_id
where not d.active and c.state in ('dispatched', 'accepted', 'handling') and c.closed_at is null
order by c.id limit %s for update of c skip locked
"""


async def retire(conn: Conn, code: str, *, at: datetime) -> UUID:
    """Close a department and end its duties; raises NotFound for a code no open department has."""
    row = await (await conn.execute(_CLOSE, (code,))).fetchone()
    if row is None:
        raise NotFound(f"there is no open department {code[:64]}", f"没有在用的部门 {code[:64]}", field="code")
    retired: UUID = row[0]
    await conn.execute(_END_DUTIES, {"id": retired, "at": at})
    await events.record(
        conn, [events.Event(kind="department.retired", subject_kind="department", subject_id=retired, at=at, department_ids=[retired])]
    )
    return retired


async def take_back(conn: Conn, *, city: City, at: datetime, limit: int = 100) -> int:
    """Put up to ``limit`` cases of closed departments back into the queue and give how many; call again while it gives ``limit``."""
    rows = await (await conn.execute(_LEFT, (limit,))).fetchall()
    for (case_id,) in rows:
        await case_steps.step_as_system(conn, case_id, "recall", StepInput(reason=REASON), city=city, at=at)
    return len(rows)
