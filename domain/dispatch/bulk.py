"""Jobs over many cases: the rows of a job, taken one by one by any number of workers, each with its own result.

An item is taken, its step written and its result noted in one transaction; a worker that dies in between has done nothing, and
the next one does it. What a step is and whether it is allowed is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.base import Conn

MOST_CASES: Final = 5_000

_JOB: Final = """
insert into bulk_jobs (id, verb, given, asked_by, asked_at, undo_of) values (%s, %s, %s, %s, %s, %s) on conflict (id) do nothing
"""
_ITEMS: Final = """
insert into bulk_items (job_id, case_id, ord, state)
select %s, c.case_id, c.ord - 1, 'waiting' from unnest(%s::uuid[]) with ordinality c(case_id, ord)
"""
# The lowest places of all jobs go first, so that ten cases do not wait behind five thousand.
_TAKE: Final = """
select i.job_id, i.case_id, j.verb, j.given, j.asked_by, j.undo_of, o.before_department_id, o.before_matter_id, o.revision
from bulk_items i join bulk_jobs j on j.id = i.job_id left join bulk_items o on o.job_id = j.undo_of and o.case_id = i.case_id
where i.state = 'waiting' order by i.ord, i.job_id limit 1 for update of i skip locked
"""
_DONE: Final = """
update bulk_items set state = 'done', done_at = %s, before_department_id = %s, before_matter_id = %s, revision = %s
where job_id = %s and case_id = %s
"""
_FAILED: Final = """
update bulk_items set state = 'failed', done_at = %s, code = %s, message_zh = %s, message_en = %s where job_id = %s and case_id = %s
"""
_CANCEL: Final = """
update bulk_items set state = 'failed', done_at = %s, code = 'cancelled', message_zh = '任务已撤销，未执行',
    message_en = 'the job was undone first'
where job_id = %s and state = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was asked for."""

    id: UUID
    verb: str
    given: Mapping[str, Any]
    asked_by: UUID
    undo_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One case of a job; of an undo also where the case was before and the revision it was left at."""

    job_id: UUID
    case_id: UUID
    verb: str
    given: Mapping[str, Any]
    asked_by: UUID
    undo_of: UUID | None
    before_department_id: UUID | None
    before_matter_id: UUID | None
    revision: int | None


async def create(conn: Conn, job: Job, case_ids: Sequence[UUID], *, at: datetime) -> bool:
    """Write a job with its cases, each once, in order; False when a job of that id is there already."""
    values = (job.id, job.verb, Jsonb(dict(job.given)), job.asked_by, at, job.undo_of)
    if not (await conn.execute(_JOB, values)).rowcount:
        return False
    await conn.execute(_ITEMS, (job.id, list(dict.fromkeys(case_ids))))
    return True


async def find(conn: Conn, job_id: UUID) -> Job | None:
    """Lock a job and give it, None when there is none."""
    statement = "select id, verb, given, asked_by, undo_of from bulk_jobs where id = %s for update"
    row = await (await conn.execute(statement, (job_id,))).fetchone()
    return Job(*row) if row else None


async def done_cases(conn: Conn, job_id: UUID) -> list[UUID]:
    """List the cases whose step was taken, last first: what came last is taken back first."""
    statement = "select case_id from bulk_items where job_id = %s and state = 'done' order by ord desc"
    return [case_id for (case_id,) in await (await conn.execute(statement, (job_id,))).fetchall()]


async def cancel_waiting(conn: Conn, job_id: UUID, *, at: datetime) -> None:
    """Let what has not begun not begin."""
    await conn.execute(_CANCEL, (at, job_id))


async def take(conn: Conn) -> Item | None:
    """Take an item nobody else is at, locked until the caller's transaction ends; None when nothing waits."""
    row = await (await conn.execute(_TAKE)).fetchone()
    return Item(*row) if row else None


async def note_done(conn: Conn, item: Item, *, department_id: UUID | None, matter_id: UUID | None, revision: int, at: datetime) -> None:
    """Note that the step was taken, where the case was before it and the revision it left."""
    await conn.execute(_DONE, (at, department_id, matter_id, revision, item.job_id, item.case_id))


async def note_failed(conn: Conn, item: Item, code: str, zh: str, en: str, *, at: datetime) -> None:
    """Note why the step was not taken."""
    await conn.execute(_FAILED, (at, code, zh, en, item.job_id, item.case_id))
