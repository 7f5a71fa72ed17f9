"""The sender: claims messages, sends each through its channel's adapter, and notes what became of it.

Any number of workers may run it. A claim is committed before anything is sent; each send has its own task and its own time
limit, far shorter than the lease, so that a receiver that hangs holds up neither the worker nor the others.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from domain.deliveries import ladder, letters, sealing, sending
from domain.deliveries.channels import BY_KIND
from domain.deliveries.letters import Letter
from domain.deliveries.sending import Claimed, Outcome
from domain.errors import Invalid
from domain.flows import waking
from runtime import tasks
from runtime.adapters import dingtalk, mail, sms, webhook, webpush, wecom
from runtime.adapters.guard import Guard
from runtime.adapters.http import Outgoing
from runtime.clock import Clock
from runtime.database import Pool, transaction
from runtime.settings import Settings

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 32
POLL_S: Final = 0.25
CLIMB_BATCH: Final = 200

Adapter = Callable[[Outgoing, Letter], Awaitable[Outcome]]
ADAPTERS: Final[Mapping[str, Adapter]] = {
    "wecom": wecom.send, "dingtalk": dingtalk.send, "sms": sms.send, "email": mail.send, "webpush": webpush.send, "webhook": webhook.send,
}  # fmt: skip


def outgoing(settings: Settings) -> Outgoing:
    """Give what this installation sends with."""
    return Outgoing(guard=Guard(settings.deliveries_allow), public_url=settings.public_url, secret=settings.signing_key())


async def run(pool: Pool, out: Outgoing, clock: Clock) -> None:
    """Send until cancelled; raises psycopg.Error when the database goes away, and the caller starts it again."""
    under_way: set[asyncio.Task[None]] = set()
    try:
        while not tasks.cancelled():
            async with transaction(pool) as conn:
                claimed = await sending.claim(conn, at=clock.now(), limit=MOST_AT_ONCE - len(under_way))
            for together in combined(claimed):
                task = asyncio.create_task(_deliver(pool, out, clock, together))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await _pause(under_way, full=len(under_way) >= MOST_AT_ONCE)
    finally:
        await tasks.end(*under_way)


async def climb_all_due(pool: Pool, clock: Clock) -> None:
    """Tell the next in line for every message unread in time, in transactions of bounded size."""
    while True:
        async with transaction(pool) as conn:
            climbed = await ladder.climb_due(conn, at=clock.now(), limit=CLIMB_BATCH)
        if climbed < CLIMB_BATCH:
            return


async def deliver_once(pool: Pool, out: Outgoing, clock: Clock) -> int:
    """Send what is to be sent now and wait until it is done; give how many were tried."""
    async with transaction(pool) as conn:
        claimed = await sending.claim(conn, at=clock.now(), limit=MOST_AT_ONCE)
    await asyncio.gather(*(_deliver(pool, out, clock, together) for together in combined(claimed)))
    return len(claimed)


def combined(claimed: Sequence[Claimed]) -> list[list[Claimed]]:
    """Put together what is said in one message: everything for one address where its channel combines."""
    groups: dict[UUID, list[Claimed]] = {}
    for one in claimed:
        together = one.endpoint_id if BY_KIND[one.channel].combines else None
        groups.setdefault(together or one.id, []).append(one)
    return list(groups.values())


async def _pause(under_way: set[asyncio.Task[None]], *, full: bool) -> None:
    if under_way:
        # A finished one makes room; without need for room new messages are looked for as often as when nothing is sent.
        await asyncio.wait(under_way, timeout=None if full else POLL_S, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(POLL_S)


async def _deliver(pool: Pool, out: Outgoing, clock: Clock, together: Sequence[Claimed]) -> None:
    begun_s = time.monotonic()
    outcome = await _attempt(pool, out, clock, together)
    took = timedelta(seconds=time.monotonic() - begun_s)
    for claimed in together:
        try:
            async with transaction(pool) as conn:
                kept = await sending.finish(conn, claimed, outcome, at=clock.now(), took=took, chance=random.random())  # noqa: S311
        except (psycopg.Error, PoolTimeout) as error:
            # The lease runs out and the message is sent again under the same id.
            log.warning("delivery %s: what became of it could not be noted: %s", claimed.id, type(error).__name__)
            continue
        if outcome.kind != "accepted":
            log.info("delivery %s by %s, attempt %d: %s, %s", claimed.id, claimed.channel, claimed.attempts, outcome.kind, outcome.detail)
        if not kept:
            log.warning("delivery %s: somebody else took it over while it was being sent", claimed.id)


async def _attempt(pool: Pool, out: Outgoing, clock: Clock, together: Sequence[Claimed]) -> Outcome:
    try:
        ready = [letter for one in together if (letter := await _letter(pool, out, clock, one)) is not None]
        if not ready:
            return Outcome("refused", "there is no address any more")
        return await ADAPTERS[ready[0].channel](out, replace(ready[0], others=tuple(ready[1:])))
    except Invalid as error:
        return Outcome("refused", error.message_en)
    except (psycopg.Error, PoolTimeout) as error:
        return Outcome("later", f"the database: {type(error).__name__}")
    except Exception as error:  # whatever an adapter did, the others go on
        log.exception("delivery %s by %s", together[0].id, together[0].channel)
        return Outcome("later", f"a fault of ours: {type(error).__name__}")


async def _letter(pool: Pool, out: Outgoing, clock: Clock, claimed: Claimed) -> Letter | None:
    """Make what is sent; None where there is no address any more, which is so for all of one endpoint or for none."""
    address = await _address(pool, out, claimed)
    if address is None:
        return None
    gateway = sealing.unseal(out.secret, f"gateway:{claimed.channel}", claimed.gateway) if claimed.gateway else {}
    title, text = letters.words(claimed.template, claimed.language, claimed.facts)
    return Letter(
        id=claimed.id, channel=claimed.channel, address=address, gateway=gateway, title=title, text=text,
        link=letters.link_to(out.public_url, claimed.case_id, claimed.id, claimed.template), event_kind=claimed.event_kind,
        event_id=claimed.event_id, facts=claimed.facts, created_at=claimed.created_at, sent_at=clock.now(),
    )  # fmt: skip


async def _address(pool: Pool, out: Outgoing, claimed: Claimed) -> Mapping[str, str] | None:
    if claimed.endpoint_id is not None and claimed.sealed is not None:
        return sealing.unseal(out.secret, str(claimed.endpoint_id), claimed.sealed)
    if claimed.report_id is None:
        return None
    async with pool.connection() as conn:
        phone = await waking.phone_of(conn, claimed.report_id)
    return {"phone": phone} if phone else None
