"""An import of a list of reports: batch after batch, each a transaction, with its progress in a row anybody may ask for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.errors import Conflict, DomainError, NotFound
from domain.flows import report_import
from domain.flows.city import CityHolder
from domain.flows.report_import import BATCH, COLUMNS, Options, Outcome
from runtime.clock import Clock
from runtime.database import Pool, transaction
from runtime.sheets import Row

KEPT_PROBLEMS: Final = 1000

_START = """
insert into imports (id, file_name, file_hash, source, dry_run, rows_total, started_by, started_at)
values (%(id)s, %(name)s, %(hash)s, %(source)s, %(dry_run)s, %(total)s, %(by)s, %(at)s)
"""
_PROGRESS = """
update imports set rows_done = rows_done + %(done)s, accepted = accepted + %(accepted)s, repeated = repeated + %(repeated)s,
    refused = refused + %(refused)s,
    problems = case when jsonb_array_length(problems) < %(kept)s then problems || %(problems)s else problems end
where id = %(id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An import to be run; ``id`` is made by whoever starts it, so that its progress can be asked for meanwhile."""

    id: UUID
    file_name: str
    data: bytes
    rows: Sequence[Row]
    options: Options
    dry_run: bool


async def run(
    pool: Pool, holder: CityHolder, job: Job, *, clock: Clock, secret: bytes, told: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Run an import to its end and give what ``look`` gives. Raises Invalid for a header or source that cannot be read, Conflict
    for an id used before. A dry run does everything and keeps nothing but its result.
    """
    report_import.check(job.options)
    report_import.columns_of(list(job.rows[0].values) if job.rows else [])
    await _start(pool, job, at=clock.now())
    for begin in range(0, len(job.rows), BATCH):
        batch = job.rows[begin : begin + BATCH]
        outcomes = await _batch(pool, holder, job, batch, at=clock.now(), secret=secret)
        told(begin + len(outcomes))
    async with transaction(pool) as conn:
        await conn.execute("update imports set finished_at = %s where id = %s", (clock.now(), job.id))
    return await look(pool, job.id, job.options.submitted_by)


async def look(pool: Pool, import_id: UUID, user_id: UUID | None) -> dict[str, Any]:
    """Tell how far somebody's import is. Raises NotFound."""
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        found = await cursor.execute(
            "select id, file_name, source, dry_run, rows_total, rows_done, accepted, repeated, refused, problems, started_at, finished_at"
            " from imports where id = %s and started_by is not distinct from %s",
            (import_id, user_id),
        )
        row = await found.fetchone()
    if row is None:
        raise NotFound("there is no such import of yours", "没有您的该导入记录", field="id")
    return row


async def _start(pool: Pool, job: Job, *, at: datetime) -> None:
    values = {
        "id": job.id, "name": job.file_name[:200].replace("\0", ""), "hash": hashlib.sha256(job.data).digest(),
        "source": job.options.source, "dry_run": job.dry_run, "total": len(job.rows), "by": job.options.submitted_by, "at": at,
    }  # fmt: skip
    try:
        async with transaction(pool) as conn:
            await conn.execute(_START, values)
    except UniqueViolation as error:
        raise Conflict("an import with this id was started already", "该导入编号已使用", field="id") from error


async def _batch(pool: Pool, holder: CityHolder, job: Job, batch: Sequence[Row], *, at: datetime, secret: bytes) -> list[Outcome]:
    rows = [(row.number, row.values) for row in batch]
    async with transaction(pool) as conn:
        async with conn.transaction(force_rollback=job.dry_run):
            outcomes = await report_import.import_rows(conn, holder, rows, job.options, at=at, secret=secret)
        counts = {status: sum(one.status == status for one in outcomes) for status in ("accepted", "repeated", "refused")}
        problems = Jsonb([_problem(one.row, one.error) for one in outcomes if one.error])
        await conn.execute(_PROGRESS, {"id": job.id, "done": len(batch), "kept": KEPT_PROBLEMS, "problems": problems, **counts})
    return outcomes


def _problem(row: int, error: DomainError) -> dict[str, object]:
    column = COLUMNS.get(error.field or "", (error.field,))[0]
    return {"row": row, "column": column, "code": error.code, "message": error.message_en, "messageZh": error.message_zh}
