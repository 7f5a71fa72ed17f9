"""Field work: what is mine to do, and what my phone did while it had no connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import strawberry

from api import read
from api.context import Context, Info
from api.entity import told
from api.graph.cases import Case
from api.graph.words import PositionInput
from api.scalars import uuid_of
from domain.cases.lifecycle import WITH_UNIT
from domain.errors import DomainError, Invalid
from domain.field.given import MAX_ACTIONS, FieldAction, in_order
from domain.field.record import words_of
from domain.flows import field_work
from domain.flows.assignment import read_position
from domain.flows.field_work import Outcome
from domain.people.scope import Actor, scope_for

PERMISSIONS = ("case.handle", "case.check")
_MINE = (
    f"(({{0}}.state = 'checking' and {read.sees('{0}', 'case.check')})"
    f" or ({{0}}.state = any('{{{{{','.join(WITH_UNIT)}}}}}') and {read.sees('{0}', 'case.handle')}))"
)
# Late, within two hours, within a day, later; inside each the nearest first when a position was given.
_URGENCY = (
    "case when {0}.due_at <= %(at)s then 0 when {0}.due_at <= %(at)s + interval '2 hours' then 1"
    " when {0}.due_at <= %(at)s + interval '1 day' then 2 else 3 end"
)
_NEAREST = "round(st_distancesphere({0}.position, st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)) / 10)"


@strawberry.input(description="Something done on the spot, perhaps without a connection.")
class FieldActionInput:
    """One action."""

    id: strawberry.ID = told("A UUID made by the phone; the same action sent again carries the same one.")
    case_id: strawberry.ID = told("The case.")
    kind: str = told("`arrive`, `note`, `photo` or `step`.")
    occurred_at: datetime = told("When it was done, by the phone's clock.")
    phone_now: datetime = told("What the phone's clock says while this is sent; a wrong clock is corrected by it.")
    seen: strawberry.ID | None = told(
        "Case.stage as the phone last read it. A step on a case that others have moved since becomes a note. The same for all steps"
        " of a chain done offline.", default=None,
    )  # fmt: skip
    after: strawberry.ID | None = told(
        "The action on this case that was done before and whose answer the phone does not have yet; this one waits for it.", default=None
    )
    verb: str | None = told("Of a step: one of the case's allowedVerbs.", default=None)
    reason: str | None = told("Of a step, where it needs one.", default=None)
    matter_id: strawberry.ID | None = told("Of a step, where it needs one.", default=None)
    amount: int | None = told("Of a step, where it needs one.", default=None)
    unit: str | None = told("Of a step, where it needs one.", default=None)
    text: str | None = told("Words of a note, or about photos.", default=None)
    photo_claims: list[str] | None = told("Of photos: claims that POST /uploads gave, 1 to 6.", default=None)
    role: str | None = told("Of photos: `before` or `after` the work.", default=None)
    position: PositionInput | None = told("Of an arrival; only distance and verdict are kept.", default=None)


@strawberry.type(description="What was wrong or missing, in both languages.")
class FieldTrouble:
    """An error or a warning."""

    code: str = told("Stable key.")
    zh: str = told("In Chinese.")
    en: str = told("In English.")
    field: str | None = told("Which input is meant.", default=None)


@strawberry.type(description="What became of one action.")
class FieldActionResult:
    """One result."""

    id: strawberry.ID = told("The action.")
    status: str = told("`accepted`, `repeated` (taken in before; error and warning are those of then) or `refused`.")
    retry: bool = told("Nothing was kept: mend it where the error says so, and send it again under the same id.")
    error: FieldTrouble | None = told("Why it was refused. Unless `retry`, what was attempted is kept as a note on the case.")
    warning: FieldTrouble | None = told("What was missing though it was done, such as a photo of finished work.")
    revision: int | None = told("The case's revision now; null where it is not the caller's to see.")
    state: str | None = told("The case's state now.")
    stage: strawberry.ID | None = told("The case's stage now; give it as `seen`.")


@strawberry.type
class FieldQuery:
    """Reads of a worker."""

    @strawberry.field(
        description="What is the caller's to check or to handle now: late ones first, then by deadline; with a position, the nearest first"
        " among equally urgent ones. The position is not kept. Needs case.handle or case.check."
    )
    async def my_cases(self, info: Info, position: PositionInput | None = None, first: int = 100) -> list[Case]:
        """List what is mine to do."""
        actor = await info.context.signed_in()
        scope_for(actor, *PERMISSIONS)
        values = read.scope_values(actor, PERMISSIONS)
        order = f"{_URGENCY}, {{0}}.due_at nulls last, {{0}}.id"
        if position is not None:
            here = read_position(
                lon=position.lon, lat=position.lat, datum_name=position.datum.value, accuracy_m=position.accuracy_m, where="position"
            )
            values |= {"lon": here.lonlat.lon, "lat": here.lonlat.lat}
            order = f"{_URGENCY}, {_NEAREST}, {{0}}.due_at nulls last, {{0}}.id"
        return await read.rows(info, where=["{0}.closed_at is null", _MINE], values=values, order=order, limit=first)


@strawberry.type
class FieldMutation:
    """What phones hand in."""

    @strawberry.mutation(
        description=f"Hand in what was done on the spot, at most {MAX_ACTIONS} actions, each taken or refused by itself, in a transaction"
        " of its own. Safe to send again in any order. Needs case.handle or case.check."
    )
    async def field_actions(self, info: Info, input: list[FieldActionInput]) -> list[FieldActionResult]:  # noqa: A002
        """Take actions in."""
        context = info.context
        actor = await context.signed_in()
        scope_for(actor, *PERMISSIONS)
        if len(input) > MAX_ACTIONS:
            raise Invalid(f"at most {MAX_ACTIONS} actions at once", f"一次最多提交 {MAX_ACTIONS} 项操作", field="input")
        outcomes = await _take(context, actor, input)
        context.changed()
        return [_result(outcome) for outcome in outcomes]


async def _take(context: Context, actor: Actor, items: Sequence[FieldActionInput]) -> list[Outcome]:
    read_items = [_action(item) for item in items]
    good = [item for item in read_items if isinstance(item, FieldAction)]
    done: dict[int, Outcome] = {}
    async with context.pool.connection() as conn:
        for place in in_order(good):
            item = good[place]
            try:
                async with conn.transaction():
                    at = context.now()
                    city = await context.state.jurisdictions.current(conn, at=at)
                    done[place] = await field_work.act(conn, actor, item, city=city, at=at)
            except DomainError as error:
                done[place] = Outcome(item.id, "refused", words_of(error), retry=True)
            except psycopg.errors.TransactionRollback:
                done[place] = Outcome(item.id, "refused", _BUSY, retry=True)
    taken = (done[place] for place in range(len(good)))
    return [next(taken) if isinstance(item, FieldAction) else item for item in read_items]


_BUSY = {"code": "unavailable", "zh": "系统繁忙，请稍后再试", "en": "busy just now; send it again", "field": None}


def _action(given: FieldActionInput) -> FieldAction | Outcome:
    """Read one action; one whose ids are none of ours is refused without being tried."""
    position = given.position
    try:
        return FieldAction(
            id=uuid_of(given.id, "id"), case_id=uuid_of(given.case_id, "caseId"), kind=given.kind, occurred_at=given.occurred_at,
            phone_now=given.phone_now, after=uuid_of(given.after, "after") if given.after else None,
            seen=uuid_of(given.seen, "seen") if given.seen else None, verb=given.verb, reason=given.reason,
            matter_id=uuid_of(given.matter_id, "matterId") if given.matter_id else None, amount=given.amount, unit=given.unit,
            text=given.text, photo_claims=tuple(given.photo_claims or ()), role=given.role,
            position=(position.lon, position.lat, position.datum.value, position.accuracy_m) if position else None,
        )  # fmt: skip
    except Invalid as error:
        return Outcome(given.id, "refused", words_of(error), retry=True)


def _result(outcome: Outcome) -> FieldActionResult:
    return FieldActionResult(
        id=strawberry.ID(str(outcome.id)), status=outcome.status, retry=outcome.retry, error=_trouble(outcome.error),
        warning=_trouble(outcome.warning), revision=outcome.revision, state=outcome.state,
        stage=strawberry.ID(str(outcome.stage)) if outcome.stage else None,
    )  # fmt: skip


def _trouble(words: Any) -> FieldTrouble | None:
    return FieldTrouble(code=words["code"], zh=words["zh"], en=words["en"], field=words.get("field")) if words else None
