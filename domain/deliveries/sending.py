"""Claiming messages, and noting what became of each attempt.

A claim is a lease: committed before anything is sent, so that two workers never send the same message, and over after a
while, so that what a killed worker held is sent again (under the same id, by which a receiver knows it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from domain import events
from domain.base import Conn, new_id
from domain.deliveries import retries
from domain.deliveries.channels import CHANNELS
from domain.errors import Conflict, Invalid

LEASE: Final = timedelta(seconds=60)
# Messages under way to one address, so that one that hangs leaves room for the others; reporters have none of their own.
AT_ONCE_REPORTERS: Final = 16
_AT_ONCE: Final = "case e.kind " + " ".join(f"when '{row.kind}' then {row.at_once}" for row in CHANNELS) + " end"
MAX_DETAIL: Final = 300

OutcomeKind = Literal["accepted", "later", "limited", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receiver said: accepted, later (try again), limited (too fast), refused (never), with receipt or reason.

    ``detail`` must hold no address and no secret. ``gone`` says that the address itself exists no more.
    """

    kind: OutcomeKind
    detail: str = ""
    retry_after_s: float | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send until ``lease_until``."""

    id: UUID
    channel: str
    template: str
    event_kind: str
    event_id: UUID | None
    case_id: UUID | None
    report_id: UUID | None
    facts: dict[str, Any]
    created_at: datetime
    attempts: int
    last_attempt: int
    lease_id: UUID
    endpoint_id: UUID | None
    sealed: bytes | None
    language: str
    failures: int
    gateway: bytes | None
    has_ladder: bool


_READY: Final = "d.state = 'pending' and d.next_at <= %(at)s"
# From one address that something waits for to the next, however much waits for each.
_CLAIM: Final = f"""
with recursive waiting (id) as (
    (select endpoint_id from deliveries where state = 'pending' and endpoint_id is not null order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id from deliveries d where d.state = 'pending' and d.endpoint_id > waiting.id order by d.endpoint_id limit 1)
    from waiting where waiting.id is not null
), busy as (
    select endpoint_id, count(*) as n from deliveries where state = 'sending' group by endpoint_id
), ready as (
    select few.id from waiting join endpoints e using (id) left join busy on busy.endpoint_id = e.id
    cross join lateral (
        select d.id from deliveries d where {_READY} and d.endpoint_id = e.id order by d.next_at, d.id
        limit greatest(0, {_AT_ONCE} - coalesce(busy.n, 0))
    ) few
    where e.active and (e.resting_until is null or e.resting_until <= %(at)s)
    union all (
        select d.id from deliveries d where {_READY} and d.endpoint_id is null order by d.next_at, d.id
        limit greatest(0, {AT_ONCE_REPORTERS} - coalesce((select n from busy where endpoint_id is null), 0))
    )
    union all select d.id from deliveries d where d.state = 'sending' and d.lease_until <= %(at)s
), mine as (
    select d.id, d.state, d.lease_until from deliveries d
    where d.id in (select id from ready) and ({_READY} or d.state = 'sending' and d.lease_until <= %(at)s)
    order by d.next_at, d.id limit %(limit)s for update skip locked
)
update deliveries d set state = 'sending', attempts = d.attempts + 1, lease_until = %(until)s, lease_id = %(lease)s
from mine where d.id = mine.id
returning case mine.state when 'sending' then mine.lease_until end,
          d.id, d.channel, d.template, d.event_kind, d.event_id, d.case_id, d.report_id, d.facts, d.created_at, d.attempts,
          d.last_attempt, d.lease_id, d.endpoint_id, (select e.sealed from endpoints e where e.id = d.endpoint_id),
          coalesce((select e.language from endpoints e where e.id = d.endpoint_id), 'zh'),
          coalesce((select e.failures from endpoints e where e.id = d.endpoint_id), 0),
          (select g.sealed from gateways g where g.kind = d.channel and g.active), d.channels <> '{{}}'
"""
_LOG: Final = "insert into delivery_attempts (id, delivery_id, attempt, at, outcome, detail, took_ms) values (%s, %s, %s, %s, %s, %s, %s)"
_SENT: Final = """
update deliveries set state = case state when 'sending' then 'sent' else state end, sent_at = %(at)s, receipt = %(detail)s,
                      last_error = null, lease_id = null, lease_until = null
where id = %(id)s and lease_id = %(lease)s
"""
_AGAIN: Final = """
update deliveries set state = case state when 'sending' then 'pending' else state end, next_at = %(next)s, last_error = %(detail)s,
                      last_attempt = last_attempt + %(free)s, lease_id = null, lease_until = null
where id = %(id)s and lease_id = %(lease)s
"""
_GIVEN_UP: Final = """
update deliveries set state = case when state <> 'sending' then state when %(ladder)s then 'failed' else 'dead' end,
                      climb_at = case when %(ladder)s and state = 'sending' then %(at)s end, last_error = %(detail)s,
                      lease_id = null, lease_until = null
where id = %(id)s and lease_id = %(lease)s
"""
_DROP: Final = """
update deliveries set state = case when channels = '{}' then 'dead' else 'failed' end, last_error = %(why)s,
                      climb_at = case when channels <> '{}' then %(at)s end
where endpoint_id = %(endpoint)s and state = 'pending'
"""
_RETRY: Final = """
update deliveries set state = 'pending', next_at = %(at)s, last_attempt = attempts + %(attempts)s, climb_at = null
where id = %(id)s and state in ('dead', 'failed', 'discarded') and (endpoint_id is not null or report_id is not null)
"""
_DISCARD: Final = """
update deliveries set state = 'discarded', last_error = %(why)s, climb_at = null, lease_id = null, lease_until = null
where id = %(id)s and state in ('pending', 'sending', 'failed', 'dead')
"""
_WELL: Final = "update endpoints set failures = 0, resting_until = null, last_ok_at = %s where id = %s"
_REST: Final = "update endpoints set failures = failures + %s, resting_until = %s, active = active and not %s where id = %s"


async def claim(conn: Conn, *, at: datetime, limit: int) -> list[Claimed]:
    """Claim up to ``limit`` messages that are to be sent now, few of each endpoint; commit before sending any."""
    values = {"at": at, "until": at + LEASE, "lease": new_id(), "limit": limit}
    rows = await (await conn.execute(_CLAIM, values)).fetchall()
    claimed = [(lost_at, Claimed(*row)) for lost_at, *row in rows]
    lost = [(new_id(), one.id, one.attempts - 1, lost_at, "lost", None, None) for lost_at, one in claimed if lost_at]
    if lost:
        async with conn.cursor() as cursor:
            await cursor.executemany(_LOG, lost)
    return [one for _, one in claimed]


async def finish(conn: Conn, claimed: Claimed, outcome: Outcome, *, at: datetime, took: timedelta, chance: float) -> bool:
    """Note what became of an attempt; False when the lease was lost meanwhile, then the other sender's word counts.

    ``chance`` (0-1) spreads retries.
    """
    detail = outcome.detail[:MAX_DETAIL]
    values: dict[str, object] = {"id": claimed.id, "lease": claimed.lease_id, "at": at, "detail": detail}
    left = claimed.last_attempt - claimed.attempts
    if outcome.kind == "accepted":
        cursor = await conn.execute(_SENT, values)
        await conn.execute(_WELL, (at, claimed.endpoint_id))
    elif outcome.kind == "limited":
        rest = retries.limited_rest(claimed.channel, outcome.retry_after_s)
        # Not the message's fault: the attempt is not counted.
        cursor = await conn.execute(_AGAIN, values | {"next": at + rest, "free": 1})
        await conn.execute(_REST, (0, at + rest, False, claimed.endpoint_id))
    elif outcome.kind == "later" and left > 0:
        cursor = await conn.execute(_AGAIN, values | {"next": at + retries.pause(left, chance), "free": 0})
        await conn.execute(_REST, (1, at + retries.rest(claimed.failures + 1), False, claimed.endpoint_id))
    else:
        cursor = await conn.execute(_GIVEN_UP, values | {"ladder": claimed.has_ladder})
        await conn.execute(_REST, (1, at + retries.rest(claimed.failures + 1), outcome.gone, claimed.endpoint_id))
    if outcome.gone and claimed.endpoint_id:
        await drop_pending(conn, claimed.endpoint_id, why="the address exists no more", at=at)
    log = (new_id(), claimed.id, claimed.attempts, at, outcome.kind, detail or None, round(took / timedelta(milliseconds=1)))
    await conn.execute(_LOG, log)
    return bool(cursor.rowcount)


async def drop_pending(conn: Conn, endpoint_id: UUID, *, why: str, at: datetime) -> None:
    """Give up what waits for an address that is no more; the next in line is told at once."""
    await conn.execute(_DROP, {"endpoint": endpoint_id, "why": why, "at": at})


async def retry(conn: Conn, delivery_id: UUID, *, by: UUID | None, at: datetime) -> None:
    """Send a message again that was given up or discarded, with all attempts before it.

    Raises Conflict when it is on its way, sent or read, or has no address any more.
    """
    cursor = await conn.execute(_RETRY, {"id": delivery_id, "at": at, "attempts": retries.ATTEMPTS})
    if not cursor.rowcount:
        raise Conflict("only a message that was given up and still has an address is sent again", "只有发送失败且地址仍在的消息可以重发")
    await _record(conn, "delivery.retried", delivery_id, by, at)


async def discard(conn: Conn, delivery_id: UUID, *, reason: str, by: UUID | None, at: datetime) -> None:
    """Give a message up for good, saying why; nobody further is told.

    Raises Invalid without a reason, Conflict when it was sent or read already or is none.
    """
    why = reason.strip()
    if not why or len(why) > MAX_DETAIL or "\x00" in why:
        raise Invalid(f"say why, in at most {MAX_DETAIL} characters", f"须说明理由，不超过 {MAX_DETAIL} 个字", field="reason")
    cursor = await conn.execute(_DISCARD, {"id": delivery_id, "why": why})
    if not cursor.rowcount:
        raise Conflict("the message was sent already, or there is none", "该消息已发出或不存在")
    await _record(conn, "delivery.discarded", delivery_id, by, at)


async def _record(conn: Conn, kind: str, delivery_id: UUID, by: UUID | None, at: datetime) -> None:
    await events.record(conn, [events.Event(kind=kind, subject_kind="delivery", subject_id=delivery_id, at=at, actor_id=by)])
