"""What is due: timers that have come fire once each, by whichever worker takes them, at the instant they record.

A batch is one transaction: it takes timers together with their cases, skipping what another worker or somebody's step holds,
acts, and replaces or removes every timer it took. So nothing fires twice, nothing is missed after a downtime, and a clock
that is set back fires nothing again. Rows tell when it was due, events when it was noticed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from domain import events
from domain.base import Conn
from domain.cases import escalation, timers
from domain.cases.escalation import GRID, Rise
from domain.cases.rules import StepInput
from domain.errors import DomainError
from domain.events import Event
from domain.flows import case_steps, dispatching, waking
from domain.flows.city import City, CityHolder

log = logging.getLogger(__name__)

# A worker takes these apart, so that a rise never waits for a flood of steps.
DEADLINES: Final = ("deadline",)
STEPS: Final = ("accept", "rate")
# How often a case is passed on by itself before whoever dispatches has to decide.
MAX_PASSES: Final = 2

# Cases first: a step locks its case before its timers, and what is skipped here must not be waited for.
_TAKE: Final = """
select c.id, t.chain, t.kind, t.due_at, c.state, c.phase, c.due_at, c.department_id, c.area_ids, c.party_ids
from cases c join case_timers t on t.case_id = c.id
where t.due_at <= %(at)s and t.chain = any(%(chains)s) order by t.due_at limit %(limit)s for update of c, t skip locked
"""
_NEXT: Final = """
update case_timers t set kind = x.kind, due_at = x.due_at
from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(dues)s::timestamptz[]) x (id, kind, due_at)
where t.case_id = x.id and t.chain = 'deadline'
"""
_REMOVE: Final = "delete from case_timers where case_id = any(%(ids)s) and chain = %(chain)s"
_PASSES: Final = """
select count(*) from case_transitions t join cases c on c.id = t.case_id
where t.case_id = %s and t.verb = 'pass_on' and t.at >= coalesce(c.filed_at, '-infinity')
"""
_NAME: Final = "select name from departments where id = %s"


@dataclass(frozen=True, slots=True)
class _Due:
    """A timer that was taken, with what its case needs to be told about."""

    case_id: UUID
    chain: str
    kind: str
    due_at: datetime
    state: str
    phase: str | None
    deadline: datetime | None
    department_id: UUID | None
    area_ids: Sequence[UUID]
    party_ids: Sequence[UUID]

    def event(self, kind: str, at: datetime) -> Event:
        """Tell it to whoever sees the case."""
        units = [*([self.department_id] if self.department_id else []), *self.party_ids]
        return Event(kind=kind, subject_kind="case", subject_id=self.case_id, at=at, area_ids=self.area_ids, department_ids=units)


async def fire(
    conn: Conn, holder: CityHolder, *, at: datetime, limit: int = 200, chains: Sequence[str] = (*DEADLINES, *STEPS)
) -> int:
    """Fire up to ``limit`` timers of some chains that have come, and give how many; call again until it gives 0.

    Of several timers of one case the first fires; the others are looked at again in the next batch, as the case is then.
    """
    rows = await (await conn.execute(_TAKE, {"at": at, "limit": limit, "chains": list(chains)})).fetchall()
    first: dict[UUID, _Due] = {}
    for row in rows:
        first.setdefault(row[0], _Due(*row))
    await _deadlines(conn, holder, [one for one in first.values() if one.chain == "deadline"], at=at)
    steps = [one for one in first.values() if one.chain != "deadline"]
    if steps:
        city = await holder.current(conn, at=at)
        for one in steps:
            await _step(conn, city, one, at=at)
    return len(first)


async def _deadlines(conn: Conn, holder: CityHolder, taken: Sequence[_Due], *, at: datetime) -> None:
    if not taken:
        return
    calendar = await holder.calendar(conn)
    ledgers = await timers.entries_of(conn, [one.case_id for one in taken])
    known = await escalation.done(conn, [one.case_id for one in taken if one.kind != "warn"])
    following: dict[UUID, timers.Timer] = {}
    happened: list[Event] = []
    rises: list[Rise] = []
    for one in taken:
        if one.phase is None or one.deadline is None:
            continue  # nothing runs: the timer goes
        try:
            then = timers.timer_after(one.kind, ledgers.get(one.case_id, []), calendar, one.deadline)
        except DomainError as error:  # one ledger that cannot be read must not hold up everybody's deadlines
            log.error("case %s rises no further: its ledger cannot be read: %s", one.case_id, error)
            then = None
        if then is not None:
            following[one.case_id] = then
        if one.kind == "warn":
            happened.append(one.event("case.warning", at))
            continue
        owed_by = one.department_id if one.phase == "handle" else None
        rise = Rise(one.case_id, one.phase, timers.level_of(one.kind), one.due_at, owed_by)
        rises.append(rise)
        if rise.key not in known:
            happened.append(one.event("case.overdue" if rise.level == GRID else "case.escalated", at))
    await escalation.write(conn, rises, known=known, at=at)
    await _replace(conn, [one.case_id for one in taken], following)
    await events.record(conn, happened)
    await waking.wake(conn, happened, at=at)


async def _replace(conn: Conn, taken: Sequence[UUID], following: dict[UUID, timers.Timer]) -> None:
    over = [case_id for case_id in taken if case_id not in following]
    if over:
        await conn.execute(_REMOVE, {"ids": over, "chain": "deadline"})
    if following:
        kinds, dues = zip(*following.values(), strict=True)
        await conn.execute(_NEXT, {"ids": list(following), "kinds": list(kinds), "dues": list(dues)})


async def _step(conn: Conn, city: City, one: _Due, *, at: datetime) -> None:
    """Take the step a timer asks for; one that is refused leaves the case as it is, and the timer goes."""
    await conn.execute(_REMOVE, {"ids": [one.case_id], "chain": one.chain})
    if (one.kind, one.state) not in (("accept_late", "dispatched"), ("rate_end", "verified")):
        return
    for verb, given in await _steps(conn, one, city.calendar.zone, at=at):
        try:
            async with conn.transaction():
                await case_steps.step_as_system(conn, one.case_id, verb, given, city=city, at=at)
        except (DomainError, psycopg.IntegrityError, psycopg.DataError) as error:
            log.warning("timer %s of case %s: %s was refused: %s", one.kind, one.case_id, verb, error)
        else:
            return


async def _steps(conn: Conn, one: _Due, zone: ZoneInfo, *, at: datetime) -> list[tuple[str, StepInput]]:
    """List the steps to try, the first that is not refused counts."""
    if one.kind == "rate_end":
        return [("close", StepInput())]
    row = await (await conn.execute(_PASSES, (one.case_id,))).fetchone()
    passes = row[0] if row else 0
    target = await dispatching.next_unit(conn, one.case_id, at=at) if passes < MAX_PASSES else None
    name = await (await conn.execute(_NAME, (one.department_id,))).fetchone()
    until, unit = f"{one.due_at.astimezone(zone):%m-%d %H:%M}", name[0] if name else ""
    recall = "recall", StepInput(reason=f"{unit}未在 {until} 前受理，退回派遣 / not accepted by {until}, back to dispatch")
    if target is None:
        return [recall]
    on = f"{unit}未在 {until} 前受理，自动改派 / not accepted by {until}, passed on ({passes + 1}/{MAX_PASSES})"
    return [("pass_on", StepInput(department_id=target, reason=on)), recall]
