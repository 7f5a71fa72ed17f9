"""Field work handed in by a phone: each action taken once, in its order, and never lost.

An action that cannot be done any more (somebody else has moved the case, it is with another unit now) becomes a note of kind
``conflict`` on the case that says what was attempted. Only what the phone itself can mend is answered without being kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain import events
from domain.base import Conn
from domain.cases.rules import StepInput
from domain.errors import Conflict, DomainError, Invalid, NotFound
from domain.field import given as field_given
from domain.field import moments, presence, record
from domain.field.given import FieldAction
from domain.field.moments import Moment
from domain.flows import case_steps, waking
from domain.flows.assignment import read_position
from domain.flows.city import City
from domain.people.scope import SEES, Actor, scope_for
from domain.reports import photos
from geo.lonlat import LonLat

# 'warn' (default), 'refuse' or 'off': whether work is finished without a photo of it.
FINISH_OPTION: Final = "field.finish_without_photo"
NO_PHOTO: Final = {"code": "no_after_photo", "zh": "未提交处置后照片", "en": "there is no photo of the finished work"}

_CASE: Final = f"""
select st_x(c.position), st_y(c.position), c.department_id, c.area_ids, c.party_ids, {SEES.format("c")},
       (c.about_department_id is null or c.about_department_id <> all(%(scope_own)s::uuid[]))
       and exists (select from case_transitions t where t.case_id = c.id and t.department_id = any(%(scope_departments)s::uuid[])),
       {record.STAGE.format("c")}
from cases c where c.id = %(id)s for update
"""
_NOW: Final = f"select c.revision, c.state, {record.STAGE.format('c')} from cases c where c.id = %s"
_AFTER_PHOTO: Final = """
select coalesce((select value from installation where key = %(option)s), 'warn'),
       exists (select from photos p join case_notes n on n.id = p.note_id join cases c on c.id = n.case_id
               where c.id = %(id)s and p.role = 'after' and n.at >= coalesce(c.dispatched_at, c.opened_at))
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action: accepted, repeated or refused.

    ``retry``: nothing was kept, so the phone sends it again, mended where ``error`` says so. Revision, state and stage are
    those of the case now, None where it is not the caller's to see.
    """

    id: UUID | str
    status: str
    error: Mapping[str, Any] | None = None
    warning: Mapping[str, Any] | None = None
    retry: bool = False
    revision: int | None = None
    state: str | None = None
    stage: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    spot: LonLat
    department_ids: Sequence[UUID]
    area_ids: Sequence[UUID]
    seen: bool
    stage: UUID | None


async def act(conn: Conn, actor: Actor, given: FieldAction, *, city: City, at: datetime) -> Outcome:
    """Take one action in, in a transaction of its own.

    Raises what the phone can mend or send again: Invalid for an action without meaning, TooEarly before the action it comes
    after, Forbidden and NotFound where the case never was theirs. Everything else is an Outcome and is remembered.
    """
    field_given.check(given)
    here = _position(given)
    case = await _locked(conn, actor, given.case_id)
    if (known := await record.earlier(conn, given.id)) is not None:
        return await _again(conn, actor, given, known, case)
    if given.after is not None and await record.earlier(conn, given.after) is None:
        raise TooEarly("the action before this one has not come yet; send it first", "前一项操作尚未收到，请先提交", field="after")
    moment = moments.corrected(given.occurred_at, phone_now=given.phone_now, received_at=at)
    warning = await _unfinished(conn, given)
    refusal: DomainError | None = None
    try:
        async with conn.transaction():
            if not case.seen:
                raise Conflict("the case is with others now; what you did is kept as a note", "案件已转出，您的操作已作为记录保留")
            await _do(conn, actor, given, moment, case, here, city=city, at=at)
    except photos.Unclaimable:
        raise
    except DomainError as error:
        refusal, warning = error, None
        await _keep(conn, actor, given, moment, case, here, error, at=at)
    revision, state, stage = await _now(conn, given.case_id)
    stages = (case.stage, stage) if given.kind == "step" else (None, None)
    if not await record.action(conn, given, actor.user_id, moment, refusal=refusal, warning=warning, stages=stages, at=at):
        raise _used()
    if refusal is not None or given.kind != "step":
        await _tell(conn, actor, given, case, refusal is not None, at)
    told = record.words_of(refusal) if refusal else None
    shown = (revision, state, stage) if case.seen else (None, None, None)
    return Outcome(given.id, "refused" if refusal else "accepted", told, warning, False, *shown)


class TooEarly(Conflict):
    """The action before this one is still on its way."""

    code = "too_early"


async def _locked(conn: Conn, actor: Actor, case_id: UUID) -> _Case:
    """Lock the case, so that two phones are taken one after the other; raises NotFound where it never was theirs."""
    scope = scope_for(actor, "case.handle", "case.check")
    row = await (await conn.execute(_CASE, {"id": case_id, **scope.parameters()})).fetchone()
    if row is None or not (row[5] or row[6]):
        raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
    lon, lat, department_id, area_ids, party_ids, seen, _, stage = row
    return _Case(LonLat(lon=lon, lat=lat), [*([department_id] if department_id else []), *party_ids], area_ids, seen, stage)


async def _again(conn: Conn, actor: Actor, given: FieldAction, known: record.Earlier, case: _Case) -> Outcome:
    if known.user_id != actor.user_id or known.digest != given.digest():
        raise _used()
    shown = await _now(conn, given.case_id) if case.seen else (None, None, None)
    return Outcome(given.id, "repeated", known.refusal, known.warning, False, *shown)


def _used() -> Conflict:
    return Conflict("this id was already used for another action; make a new one", "该编号已用于其他操作，请重新生成", field="id")


async def _now(conn: Conn, case_id: UUID) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = await (await conn.execute(_NOW, (case_id,))).fetchone()
    if row is None:
        raise AssertionError("a locked case does not go away")
    return row


def _position(given: FieldAction) -> Any:
    if given.position is None:
        return None
    lon, lat, datum, accuracy_m = given.position
    return read_position(lon=lon, lat=lat, datum_name=datum, accuracy_m=accuracy_m, where="position")


async def _do(
    conn: Conn, actor: Actor, given: FieldAction, moment: Moment, case: _Case, here: Any, *, city: City, at: datetime
) -> None:  # fmt: skip
    if given.kind == "arrive":
        await record.visit(conn, given.case_id, actor.user_id, moment, presence.judge(case.spot, here), at=at)
    elif given.kind == "note":
        await record.note(conn, given.case_id, actor.user_id, "note", given.text, moment, at=at)
    elif given.kind == "photo":
        note_id = await record.note(conn, given.case_id, actor.user_id, "photos", given.text, moment, at=at)
        await photos.claim_for_note(conn, given.photo_claims, note_id, given.role or "after")
    else:
        await _step(conn, actor, given, moment, case, city=city, at=at)


async def _step(conn: Conn, actor: Actor, given: FieldAction, moment: Moment, case: _Case, *, city: City, at: datetime) -> None:
    """Take the step unless anybody but this person has moved the case since the phone saw it."""
    if given.seen is not None and await record.own_advance(conn, given.case_id, actor.user_id, given.seen) != case.stage:
        raise Conflict(
            "somebody else has moved this case meanwhile; what you did is kept as a note", "案件已被他人处理，您的操作已作为记录保留",
            field="seen",
        )  # fmt: skip
    what = StepInput(
        reason=given.reason, matter_id=given.matter_id, amount=given.amount, unit=given.unit, command_id=given.id,
        occurred_at=moment.occurred_at,
    )  # fmt: skip
    await case_steps.step(conn, actor, given.case_id, given.verb or "", what, city=city, at=at)


async def _unfinished(conn: Conn, given: FieldAction) -> Mapping[str, str] | None:
    """Warn of finished work without a photo or a reason, or refuse it where the city has chosen so."""
    if given.verb != "finish" or given.kind != "step" or (given.reason or "").strip():
        return None
    values = {"option": FINISH_OPTION, "id": given.case_id}
    ((option, shown),) = await (await conn.execute(_AFTER_PHOTO, values)).fetchall()
    if shown or option == "off":
        return None
    if option == "refuse":
        raise Invalid("send a photo of the finished work, or say why there is none", "请提交处置后照片或说明原因", field="photoClaims")
    return NO_PHOTO


async def _keep(
    conn: Conn, actor: Actor, given: FieldAction, moment: Moment, case: _Case, here: Any, error: DomainError, *, at: datetime
) -> None:
    """Keep what was attempted as a note, with its photos."""
    attempted: dict[str, Any] = {"kind": given.kind, "verb": given.verb, "reason": given.reason, "role": given.role, "error": error.code}
    if given.kind == "arrive":
        judged = presence.judge(case.spot, here)
        attempted |= {"verdict": judged.verdict, "distance_m": judged.distance_m}
    kept = {name: value for name, value in attempted.items() if value is not None}
    text = given.text or given.reason
    note_id = await record.note(conn, given.case_id, actor.user_id, "conflict", text, moment, at=at, attempted=kept)
    if given.photo_claims:
        await photos.claim_for_note(conn, given.photo_claims, note_id, given.role or "after")


async def _tell(conn: Conn, actor: Actor, given: FieldAction, case: _Case, conflict: bool, at: datetime) -> None:
    kind = "case.conflict" if conflict else {"arrive": "case.visited", "note": "case.noted", "photo": "case.photographed"}[given.kind]
    happened = events.Event(
        kind=kind, subject_kind="case", subject_id=given.case_id, at=at, area_ids=case.area_ids, department_ids=case.department_ids,
        actor_id=actor.user_id,
    )  # fmt: skip
    await events.record(conn, [happened])
    if conflict:
        await waking.wake(conn, [happened], at=at)
