"""The reporter's side: follow a report by its code, answer, rate, reopen, withdraw. Public, limited by address and by code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from api import read
from api.context import Context, Info
from api.entity import column, derived, entity, many
from api.graph.words import Words, state_words
from api.scalars import uuid_of
from domain.cases.lifecycle import BY_VERB, OPEN_STATES
from domain.cases.rules import REOPEN_WINDOW
from domain.errors import Invalid
from domain.flows import rating, replies, reporters
from domain.reports.intake import tracking_hash
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

OPENED = {"zh": "受理立案", "en": "Taken in"}
LOOKUPS = Limit("track", 120, 60, "查询过于频繁", "tracking look-ups from this address")
WORDS_OF_ADDRESS = Limit("reporter", 120, 600, "操作过于频繁", "messages from this address")
WORDS_OF_REPORT = Limit("reporter_code", 20, 600, "操作过于频繁", "messages about this report")
LONGEST_CODE = 64
# What goes on inside the house (supervision, requests, joint action) is not among them.
SHOWN_VERBS = (
    "confirm", "refute", "file", "reject", "dispatch", "transfer", "accept", "start", "finish", "verify", "rework", "rate", "close",
    "reopen", "withdraw", "merge", "unmerge", "suspend", "resume",
)  # fmt: skip

_ALONE = (
    f"not exists ({reporters.DOWN.format('{0}.id')} select from reports x join down on down.id = x.case_id"
    f" where x.id <> {{0}}.report_id and not {reporters.WITHDRAWN.format('x.id')})"
)
_WITHDRAWN = reporters.WITHDRAWN.format("{0}.report_id")
_OPEN = f"{{0}}.state = any('{{{{{','.join(OPEN_STATES)}}}}}')"
_WITHDRAWABLE = f"{{0}}.state = any('{{{{{','.join(BY_VERB['withdraw'].before)}}}}}')"
_MINE = "select g.satisfaction from case_ratings g where g.report_id = {0}.report_id and g.case_id = {0}.id and g.round = {0}.round"
_ASKED = (
    "exists (select from case_messages m where m.kind = 'question' and m.case_id = any({0}.family)"
    " and (m.report_id is null or m.report_id = {0}.report_id))"
)
_REOPEN_END = f"{{0}}.closed_at + interval '{REOPEN_WINDOW.days} days'"
_PHOTOS = (
    "(select p.*, true as own from photos p where p.report_id = {1}.report_id union all"
    " select p.*, false from photos p join case_notes n on n.id = p.note_id"
    " where n.case_id = any({1}.family) and p.role = 'after' and p.released_at is not null)"
)


def step_words(verb: str) -> dict[str, str]:
    """Name a step of a case in two languages."""
    step = BY_VERB.get(verb)
    return {"zh": step.zh, "en": step.en} if step else OPENED


@entity("case_transitions", "A step the public may know of.")
class TrackedStep:
    """A public step."""

    at: datetime = column("{0}.at", "When.")
    verb: str = column("{0}.verb", "Key of the step.")
    name: Words = derived("{0}.verb", step_words, "Name of the step.")


@entity("case_messages", "A message to or from the reporter.")
class TrackedMessage:
    """A message."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When.")
    kind: str = column("{0}.kind", "From the city: auto_reply, question, reply; from the reporter: answer, withdrawal, reopening.")
    text: str = column("{0}.text", "The words, or the Chinese text of a template.")
    text_en: str | None = column("{0}.text_en", "The English text of a template.")


@entity("(select p.*, p.report_id is not null as own from photos p)", "A photo the reporter may see: their own, or one of the result.")
class TrackedPhoto:
    """A photo."""

    id: strawberry.ID = column("{0}.id", "Id.")
    own: bool = column("{0}.own", "Sent with this report; otherwise it shows the finished work.")
    width: int = column("{0}.width", "Pixels.")
    height: int = column("{0}.height", "Pixels.")
    url: str = column("'/media/' || {0}.id", "Path on this server; send the code in the header Tracking-Code.")


@entity(
    "(select e.id, o.number, e.number as answering, e.id <> o.id as moved, e.state, e.title, o.opened_at, e.due_at, e.closed_at,"
    " e.department_id, o.home_version_id, e.first_reply_at, e.rate_until, e.reworks + e.reopens as round, r.id as report_id,"
    " r.tracking_hash, r.description, f.family"
    f" from reports r join cases o on o.id = r.case_id"
    f" cross join lateral (select array_agg(up.id order by up.n) as family from ({reporters.UP.format('r.case_id')} select * from up) up) f"
    " join cases e on e.id = f.family[array_upper(f.family, 1)])",
    "What the sender of a report may see of it and of the case that answers for it.",
)
class TrackedReport:
    """A followed report."""

    number: str = column("{0}.number", "Number of the report's own case.")
    merged_into: str | None = column("case when {0}.moved then {0}.answering end", "Number of the case that answers for it after a merge.")
    state: str = column("{0}.state", "Key of the state.")
    state_name: Words = derived("{0}.state", state_words, "Name of the state.")
    title: str = column("{0}.title", "Name of the matter.")
    area_name: str | None = column("(select v.name from area_versions v where v.id = {0}.home_version_id)", "The grid that owns it.")
    department_name: str | None = column("(select d.name from departments d where d.id = {0}.department_id)", "Who has it now.")
    opened_at: datetime = column("{0}.opened_at", "When it was opened.")
    due_at: datetime | None = column("{0}.due_at", "When it is to be handled by.")
    first_reply_at: datetime | None = column("{0}.first_reply_at", "When a person first answered.")
    closed_at: datetime | None = column("{0}.closed_at", "When it was closed.")
    withdrawn: bool = column(_WITHDRAWN, "Withdrawn by its sender.")
    can_answer: bool = column(f"{_OPEN} and {_ASKED}", "A question was asked and the case is open: answerQuestion.")
    can_rate: bool = column(
        "{0}.state in ('verified', 'rated', 'closed') and coalesce({0}.rate_until >= %(at)s, false)"
        f" and not exists ({_MINE}) and not {_WITHDRAWN}", "The result can be rated now: rateCase.",
    )  # fmt: skip
    rate_until: datetime | None = column("{0}.rate_until", "Until when the result can be rated.")
    satisfaction: str | None = column(f"({_MINE})", "How this reporter has rated the present result.")
    can_reopen_until: datetime | None = column(
        f"case when {{0}}.state in ('closed', 'rejected', 'withdrawn') and {_REOPEN_END} >= %(at)s then {_REOPEN_END} end",
        "Until when reopenReport is possible; null: not now.",
    )
    can_withdraw: bool = column(
        f"not {_WITHDRAWN} and ({_WITHDRAWABLE} or ({_OPEN} and not {_ALONE}))", "withdrawReport is possible now.",
    )  # fmt: skip
    messages: list[TrackedMessage] = many(
        "{0}.case_id = any({1}.family) and ({0}.report_id is null or {0}.report_id = {1}.report_id)", "What was said, oldest first.",
        order="{0}.at, {0}.id",
    )  # fmt: skip
    photos: list[TrackedPhoto] = many(
        "true", "Own photos, and those of the result that staff have released.", order="{0}.id", limit=50, source=_PHOTOS
    )
    steps: list[TrackedStep] = many(
        f"{{0}}.case_id = any({{1}}.family) and {{0}}.verb = any('{{{{{','.join(SHOWN_VERBS)}}}}}')", "Steps so far, oldest first.",
        order="{0}.at, {0}.id",
    )  # fmt: skip


@strawberry.type
class TrackingQuery:
    """Reads of the public."""

    @strawberry.field(description="Follow a report with its tracking code; null for an unknown code. Limited by address.")
    async def track_report(self, info: Info, code: str) -> TrackedReport | None:
        """Follow a report."""
        await ratelimit.spend(info.context.state.redis, LOOKUPS, info.context.address)
        return await _tracked(info, code)


@strawberry.type
class TrackingMutation:
    """What a reporter may do with the code. Each carries a submissionId made by the sender: a retry is the same deed."""

    @strawberry.mutation(description="Answer a question about a report. Public; limited by address and code.")
    async def answer_question(self, info: Info, code: str, text: str, submission_id: strawberry.ID) -> TrackedReport:
        """Answer."""
        context, submission = info.context, uuid_of(submission_id, "submissionId")
        await _spend(context, code)
        async with transaction(context.pool) as conn:
            await replies.answer(conn, code, text, submission_id=submission, at=context.now())
        context.changed()
        return await _tracked(info, code)

    @strawberry.mutation(
        description="Rate a result: satisfied, fair or dissatisfied, once for each result. Public; limited by address and code."
    )
    async def rate_case(
        self, info: Info, code: str, satisfaction: str, submission_id: strawberry.ID, words: str | None = None
    ) -> TrackedReport:
        """Rate."""
        context, submission = info.context, uuid_of(submission_id, "submissionId")
        await _spend(context, code)
        async with transaction(context.pool) as conn:
            at = context.now()
            city = await context.state.jurisdictions.current(conn, at=at)
            await rating.rate(conn, code, satisfaction, words, submission_id=submission, city=city, at=at)
        context.changed()
        return await _tracked(info, code)

    @strawberry.mutation(
        description=f"Reopen an ended case, within {REOPEN_WINDOW.days} days and with a reason. Public; limited by address and code."
    )
    async def reopen_report(self, info: Info, code: str, reason: str, submission_id: strawberry.ID) -> TrackedReport:
        """Reopen."""
        context, submission = info.context, uuid_of(submission_id, "submissionId")
        await _spend(context, code)
        async with transaction(context.pool) as conn:
            at = context.now()
            city = await context.state.jurisdictions.current(conn, at=at)
            await replies.reopen(conn, code, reason, submission_id=submission, city=city, at=at)
        context.changed()
        return await _tracked(info, code)

    @strawberry.mutation(
        description="Withdraw a report; its case ends only when nobody else waits for it. Public; limited by address and code."
    )
    async def withdraw_report(self, info: Info, code: str, reason: str, submission_id: strawberry.ID) -> TrackedReport:
        """Withdraw."""
        context, submission = info.context, uuid_of(submission_id, "submissionId")
        await _spend(context, code)
        async with transaction(context.pool) as conn:
            at = context.now()
            city = await context.state.jurisdictions.current(conn, at=at)
            await replies.withdraw(conn, code, reason, submission_id=submission, city=city, at=at)
        context.changed()
        return await _tracked(info, code)


async def _spend(context: Context, code: str) -> None:
    await ratelimit.spend(context.state.redis, WORDS_OF_ADDRESS, context.address)
    check_code(code)
    await ratelimit.spend(context.state.redis, WORDS_OF_REPORT, tracking_hash(code).hex())


async def _tracked(info: Info, code: str) -> Any:
    check_code(code)
    return await read.first(info, where=["{0}.tracking_hash = %(hash)s"], values={"hash": tracking_hash(code)})


def check_code(code: str) -> None:
    """Raise Invalid for what is too long to be a tracking code."""
    if len(code) > LONGEST_CODE:
        raise Invalid(f"a tracking code has at most {LONGEST_CODE} characters", "查询码过长", field="code")
