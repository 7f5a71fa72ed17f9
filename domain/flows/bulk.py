"""One step over many cases, with progress and a way back: the town is flooded and five hundred reports go to one unit.

A job is only a list; every case is stepped by itself through the one life-cycle, on behalf of whoever asked and with the
rights they have at that moment, and keeps its own result. The same job and case always make the same command, so nothing is
done twice whatever dies when.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import psycopg

from domain.base import Conn
from domain.cases.lifecycle import BY_VERB
from domain.cases.rules import MAX_REASON, StepInput
from domain.dispatch import bulk
from domain.dispatch.bulk import MOST_CASES, Item, Job
from domain.errors import Conflict, DomainError, Invalid, NotFound, TooMany
from domain.flows import case_steps
from domain.flows.city import City, CityHolder
from domain.people import sign_in
from domain.people.scope import SEES, Actor, scope_for

# Steps that ask for nothing but what all cases of a job can share.
BULK_VERBS: Final = (
    "file", "reject", "classify", "dispatch", "transfer", "recall", "accept", "start", "suspend", "resume", "supervise", "verify",
    "close", "merge",
)  # fmt: skip
# The step that takes a step back; what is not here stays done.
WAY_BACK: Final[Mapping[str, str]] = {
    "dispatch": "recall", "transfer": "transfer", "recall": "dispatch", "classify": "classify", "suspend": "resume",
    "resume": "suspend", "merge": "unmerge",
}  # fmt: skip
UNDONE: Final = "撤销批量操作（bulk action taken back）"
_SEEN: Final = f"select count(*) from cases c where c.id = any(%(ids)s) and {SEES.format('c')}"
_BEFORE: Final = "select department_id, matter_id from cases where id = %s"
_IDS: Final = ("department_id", "matter_id", "target_id")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBulk:
    """A job as a dispatcher asks for it; ``id`` is made by the client."""

    id: UUID
    verb: str
    case_ids: Sequence[UUID]
    department_id: UUID | None = None
    matter_id: UUID | None = None
    target_id: UUID | None = None
    reason: str | None = None


async def start(conn: Conn, actor: Actor, new: NewBulk, *, at: datetime) -> None:
    """Write a job down; the worker begins it within a second. The same job again changes nothing.

    Raises Invalid for a verb that is not for many or what it lacks, Forbidden without its permission, TooMany for too many
    cases, Conflict for a job id somebody else used.
    """
    row = BY_VERB.get(new.verb)
    if row is None or new.verb not in BULK_VERBS:
        raise Invalid(f"in bulk one of {', '.join(BULK_VERBS)}", "该操作不能批量执行", field="verb")
    words = [word for word in (row.permission, *row.also) if "." in word]
    scope_for(actor, words[0], *words[1:])
    if not new.case_ids:
        raise Invalid("no case was chosen", "没有选中任何案件", field="caseIds")
    if len(new.case_ids) > MOST_CASES:
        raise TooMany(f"at most {MOST_CASES} cases in one job", f"一次最多批量处理 {MOST_CASES} 件", field="caseIds")
    if new.reason is not None and (len(new.reason) > MAX_REASON or "\0" in new.reason):
        raise Invalid(f"a reason has at most {MAX_REASON} characters", f"理由不得超过 {MAX_REASON} 个字", field="reason")
    given = {name: str(value) for name in _IDS if (value := getattr(new, name)) is not None}
    if new.reason and new.reason.strip():
        given["reason"] = new.reason.strip()
    for need in row.needs:
        if need not in given and f"{need}_id" not in given:
            raise Invalid(f"{row.en} needs a {need}", f"「{row.zh}」缺少必填项", field=need if need == "reason" else f"{need}Id")
    values = {"ids": list(new.case_ids), **scope_for(actor, "case.read").parameters()}
    ((seen,),) = await (await conn.execute(_SEEN, values)).fetchall()
    if seen != len(set(new.case_ids)):
        raise NotFound("some of these cases do not exist or lie outside your remit", "部分案件不存在或不在您的管辖范围内", field="caseIds")
    if not await bulk.create(conn, Job(new.id, new.verb, given, actor.user_id), new.case_ids, at=at):
        known = await bulk.find(conn, new.id)
        if known is None or known.asked_by != actor.user_id or known.verb != new.verb:
            raise Conflict("this job id was used already", "该任务编号已被使用", field="jobId")


async def undo(conn: Conn, actor: Actor, job_id: UUID, *, at: datetime) -> UUID:
    """Take a job back, case by case, where nobody has moved the case since; gives the id of the job that does it.

    What has not begun is cancelled. Raises NotFound for a job of somebody else, Conflict for a step that has no way back.
    """
    job = await bulk.find(conn, job_id)
    if job is None or not (job.asked_by == actor.user_id or (actor.may("case.dispatch") and scope_for(actor, "case.dispatch").everything)):
        raise NotFound("there is no such job of yours", "没有该批量任务", field="jobId")
    if job.undo_of is not None or job.verb not in WAY_BACK:
        raise Conflict(f"{BY_VERB[job.verb].en} cannot be taken back", f"「{BY_VERB[job.verb].zh}」不能撤销", field="jobId")
    back = uuid5(job_id, "undo")
    await bulk.cancel_waiting(conn, job_id, at=at)
    await bulk.create(conn, Job(back, job.verb, {}, actor.user_id, job_id), await bulk.done_cases(conn, job_id), at=at)
    return back


async def work_one(conn: Conn, holder: CityHolder, *, at: datetime) -> bool:
    """Take one waiting case of any job, step it and note the result, in the caller's transaction; False when none waits."""
    item = await bulk.take(conn)
    if item is None:
        return False
    city = await holder.current(conn, at=at)
    try:
        async with conn.transaction():
            await _step(conn, item, city, at)
    except DomainError as refusal:
        await bulk.note_failed(conn, item, refusal.code, refusal.message_zh, refusal.message_en, at=at)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise  # the database is away or two waited for each other: the item stays and is tried again
    except Exception:
        log.exception("the step of case %s in job %s failed", item.case_id, item.job_id)
        await bulk.note_failed(conn, item, "internal", "系统内部错误", "an error of ours; it has been noted", at=at)
    return True


async def _step(conn: Conn, item: Item, city: City, at: datetime) -> None:
    actor = await sign_in.load_actor(conn, item.asked_by)
    # A merge locks two cases in the order of their ids; to lock one of them before would turn that round.
    lock = "" if item.verb == "merge" else " for update"
    before = await (await conn.execute(_BEFORE + lock, (item.case_id,))).fetchone()
    department_id, matter_id = before or (None, None)
    verb, given = _back(item) if item.undo_of else (item.verb, _given(item.given))
    command = StepInput(**given, command_id=uuid5(item.job_id, item.case_id.hex))
    done = await case_steps.step(conn, actor, item.case_id, verb, command, city=city, at=at)
    await bulk.note_done(conn, item, department_id=department_id, matter_id=matter_id, revision=done.revision, at=at)


def _given(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: UUID(value) if name in _IDS else value for name, value in stored.items()}


def _back(item: Item) -> tuple[str, dict[str, Any]]:
    """The step back, refused by its revision when anybody has moved the case since."""
    verb = WAY_BACK[item.verb]
    given: dict[str, Any] = {"revision": item.revision, "reason": UNDONE}
    if verb in ("dispatch", "transfer"):
        given["department_id"] = item.before_department_id
    if verb == "classify":
        given["matter_id"] = item.before_matter_id
    return verb, given
