"""Bulk jobs: one step over many cases, watched while it runs and taken back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from api import read
from api.context import Info
from api.entity import column, entity, many, told
from api.graph.cases import CaseFilter, conditions
from api.scalars import uuid_of
from domain.base import Conn
from domain.dispatch.bulk import MOST_CASES
from domain.errors import Invalid, NotFound
from domain.flows import bulk
from domain.flows.bulk import NewBulk
from domain.people.scope import SEES, Actor, scope_for
from runtime.database import transaction

_COUNT = "(select count(*) from bulk_items i where i.job_id = {0}.id and i.state %s)"
_LEFT = "exists (select from bulk_items i where i.job_id = {0}.id and i.state {1} 'waiting')"
_UNDOABLE = ", ".join(f"'{verb}'" for verb in bulk.WAY_BACK)
_READS = "({0}.asked_by = %(me)s or %(everything)s)"


@entity("(select i.*, i.case_id as id, c.number from bulk_items i join cases c on c.id = i.case_id)", "A case of a job and its result.")
class BulkResult:
    """A result."""

    case_id: strawberry.ID = column("{0}.case_id", "The case.")
    number: str = column("{0}.number", "Its number.")
    state: str = column("{0}.state", "`waiting`, `done` or `failed`.")
    ok: bool = column("{0}.state = 'done'", "Whether the step was taken.")
    error_code: str | None = column("{0}.code", "Code of what refused it.")
    error_zh: str | None = column("{0}.message_zh", "Why not, in Chinese.")
    error_en: str | None = column("{0}.message_en", "Why not, in English.")


@entity("bulk_jobs", "One step over many cases, taken case by case in the background.")
class BulkJob:
    """A job."""

    id: strawberry.ID = column("{0}.id", "Id, made by the client.")
    verb: str = column("{0}.verb", "The step; of an undo: the step that is taken back.")
    state: str = column(
        f"case when not {_LEFT.format('{0}', '=')} then 'done' when {_LEFT.format('{0}', '<>')} then 'running' else 'waiting' end",
        "`waiting`, `running` or `done`.",
    )
    total: int = column(_COUNT % "is not null", "Cases in it.")
    done: int = column(_COUNT % "= 'done'", "Steps taken.")
    failed: int = column(_COUNT % "= 'failed'", "Steps refused.")
    asked_at: datetime = column("{0}.asked_at", "When it was asked for.")
    asked_by_name: str | None = column("(select u.display_name from users u where u.id = {0}.asked_by)", "By whom.")
    undo_of: strawberry.ID | None = column("{0}.undo_of", "The job it takes back.")
    undone_by: strawberry.ID | None = column("(select j.id from bulk_jobs j where j.undo_of = {0}.id)", "The job that takes it back.")
    can_undo: bool = column(
        f"{{0}}.undo_of is null and {{0}}.verb = any(array[{_UNDOABLE}])"
        " and not exists (select from bulk_jobs j where j.undo_of = {0}.id)",
        "Whether undoBulk may be asked for.",
    )
    results: list[BulkResult] = many(
        "{0}.job_id = {1}.id", "Results, refused ones first, at most 500; bulkResults gives all.", order="{0}.state <> 'failed', {0}.ord"
    )


@strawberry.input(description="One step over many cases: those listed, or those a filter finds.")
class BulkStepInput:
    """Input of bulkStep."""

    job_id: strawberry.ID = told("Made by the client: the same job sent again is the same job.")
    verb: str = told(f"One of {', '.join(bulk.BULK_VERBS)}.")
    case_ids: list[strawberry.ID] | None = told("The cases, in the order they are to be stepped.", default=None)
    filter: CaseFilter | None = told(f"Or those found by this, most urgent first; at most {MOST_CASES}.", default=None)
    department_id: strawberry.ID | None = told("To whom, where the step needs it.", default=None)
    matter_id: strawberry.ID | None = told("The matter, where the step names it.", default=None)
    target_id: strawberry.ID | None = told("The case to merge into.", default=None)
    reason: str | None = told("Why, where the step needs it.", default=None)


@strawberry.type
class BulkQuery:
    """Reads of jobs."""

    @strawberry.field(description="A job of the caller's, or of anybody for whoever dispatches in the whole city; null when there is none.")
    async def bulk_job(self, info: Info, id: strawberry.ID) -> BulkJob | None:  # noqa: A002
        """Read a job."""
        values = {"id": uuid_of(id, "id"), **_reader(await info.context.signed_in())}
        return await read.first(info, where=["{0}.id = %(id)s", _READS], values=values)

    @strawberry.field(description="The caller's jobs, newest first.")
    async def bulk_jobs(self, info: Info, first: int = 20) -> list[BulkJob]:
        """List jobs."""
        values = _reader(await info.context.signed_in())
        return await read.rows(info, where="{0}.asked_by = %(me)s", values=values, order="{0}.asked_at desc, {0}.id", limit=first)

    @strawberry.field(description="Results of a job in its order, from a place on. Readable like bulkJob.")
    async def bulk_results(self, info: Info, job_id: strawberry.ID, start: int = 0, first: int = 100) -> list[BulkResult]:
        """List results."""
        values = {"job": uuid_of(job_id, "jobId"), "start": start, **_reader(await info.context.signed_in())}
        where = "{0}.job_id = %(job)s and {0}.ord >= %(start)s and exists (select from bulk_jobs j where j.id = {0}.job_id and "
        return await read.rows(info, where=f"{where}{_READS.replace('{0}', 'j')})", values=values, order="{0}.ord", limit=first)


@strawberry.type
class BulkMutation:
    """Changes of jobs."""

    @strawberry.mutation(description="Begin a job. Every case is stepped by itself, with its own result. Needs what the step needs.")
    async def bulk_step(self, info: Info, input: BulkStepInput) -> BulkJob:  # noqa: A002
        """Begin a job."""
        context = info.context
        actor, job_id, at = await context.signed_in(), uuid_of(input.job_id, "jobId"), context.now()
        async with transaction(context.pool) as conn:
            new = NewBulk(
                id=job_id, verb=input.verb, case_ids=await _chosen(conn, actor, input, at),
                department_id=uuid_of(input.department_id, "departmentId") if input.department_id else None,
                matter_id=uuid_of(input.matter_id, "matterId") if input.matter_id else None,
                target_id=uuid_of(input.target_id, "targetId") if input.target_id else None, reason=input.reason,
            )  # fmt: skip
            await bulk.start(conn, actor, new, at=at)
            return await read.by_id(info, job_id, conn=conn)

    @strawberry.mutation(description="Take a job back: each case nobody has moved since; answers the job that does it.")
    async def undo_bulk(self, info: Info, job_id: strawberry.ID) -> BulkJob:
        """Take a job back."""
        context = info.context
        actor, wanted = await context.signed_in(), uuid_of(job_id, "jobId")
        async with transaction(context.pool) as conn:
            back = await bulk.undo(conn, actor, wanted, at=context.now())
            return await read.by_id(info, back, conn=conn)


def _reader(actor: Actor) -> dict[str, object]:
    return {"me": actor.user_id, "everything": actor.may("case.dispatch") and scope_for(actor, "case.dispatch").everything}


async def _chosen(conn: Conn, actor: Actor, given: BulkStepInput, at: datetime) -> list[UUID]:
    """List the cases of a job: those named, or those the filter finds in what the caller may see."""
    if (given.case_ids is None) == (given.filter is None):
        raise Invalid("give caseIds or a filter, one of them", "请选择案件或给出筛选条件（二者之一）", field="caseIds")
    if given.case_ids is not None:
        return [uuid_of(one, "caseIds") for one in given.case_ids]
    where, values = conditions(given.filter, actor)
    text = " and ".join(condition.format("c") for condition in where) or "true"
    statement = f"select c.id from cases c where {text} and {SEES.format('c')} order by c.due_at nulls last, c.id limit {MOST_CASES + 1}"
    given_values = {**values, "at": at, **scope_for(actor, "case.read").parameters()}
    found = [case_id for (case_id,) in await (await conn.execute(statement, given_values)).fetchall()]
    if not found:
        raise NotFound("the filter finds no case", "没有符合条件的案件", field="filter")
    return found
