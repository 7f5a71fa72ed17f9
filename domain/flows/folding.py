"""A new report joins the open case of the same thing: because its sender says so, or by itself when that is sure.

Only what the public reports joins by itself: staff have seen the place and decide for themselves. Locks on the matter in the
surrounding cells make two reports of one thing at the same instant wait for each other, so that the second finds the
first's case; the case itself is locked too, so that it cannot end while a report is joining.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import events
from domain.base import Conn, new_id
from domain.flows import duplicates
from domain.flows.duplicates import JOINABLE, LINK, PER_CELL, Candidate, Match
from domain.reports import likeness
from domain.reports.likeness import Likeness, Trace
from geo import cells

# Who complains of somebody gets a case of their own: the open one may be with the very body complained of, whose people would
# read it. Words of blame, and of the bodies blamed most, are enough; that some other reports are not joined costs little.
COMPLAINS: Final = re.compile("投诉|举报|态度|不作为|乱收费|推诿|敷衍|欺负|勾结|受贿|包庇|物业|城管|承包商")
LOCK_SPACE: Final = 0x64757065
LOCK_RESOLUTION: Final = 8
_STILL_OPEN: Final = "select id from cases where id = any(%s) and closed_at is null and state = any(%s) order by id for update"
_WANTS_RATING: Final = "update cases set wants_rating = true, updated_at = %s where id = any(%s)"


@dataclass(frozen=True, slots=True)
class Offer:
    """A new report: what is compared, the case it would open, the case its sender named, and whether it may join by itself."""

    trace: Trace
    own: Candidate
    said: str | None
    may_fold: bool


@dataclass(frozen=True, slots=True)
class Join:
    """A report that joins a case; its number is not known yet when both came in one call."""

    candidate: Candidate
    likeness: Likeness
    said_same: bool

    @property
    def kind(self) -> str:
        """Kind of the link."""
        return "same_as" if self.said_same else "folded"


async def decide(conn: Conn, offers: Mapping[int, Offer], *, at: datetime) -> dict[int, Join]:
    """Decide which reports join an open case, or one that another report of this call opens; lock those cases.

    All locks are held until the transaction ends.
    """
    offers = {i: offer for i, offer in offers.items() if not any(COMPLAINS.search(text) for text in offer.trace.texts)}
    folding = {i: offer for i, offer in offers.items() if offer.may_fold and offer.trace.matter_id}
    said = await duplicates.numbered(conn, {offer.said for offer in offers.values() if offer.said}, at=at)
    if not folding and not said:
        return {}
    traces = [offer.trace for offer in folding.values()]
    await _lock(conn, traces)
    near = dict(zip(folding, await duplicates.find(conn, traces, at=at, within_m=likeness.SURE_M), strict=True))
    joins = {i: join for i, offer in offers.items() if (join := _join(offer, said, near.get(i, ()))) is not None}
    if joins:
        ids = [join.candidate.case_id for join in joins.values()]
        still = {case_id for (case_id,) in await (await conn.execute(_STILL_OPEN, (ids, list(JOINABLE)))).fetchall()}
        joins = {i: join for i, join in joins.items() if join.candidate.case_id in still}
    return joins | _among_themselves(offers, joins)


def _join(offer: Offer, said: Mapping[str, Candidate], near: Sequence[Match]) -> Join | None:
    meant = said.get(offer.said) if offer.said else None
    if meant is not None and duplicates.may_be_meant(offer.trace, meant):
        return Join(meant, likeness.compare(offer.trace, meant.trace), said_same=True)
    sure = duplicates.surest(near)
    return Join(sure.candidate, sure.likeness, said_same=False) if sure is not None else None


def _among_themselves(offers: Mapping[int, Offer], joined: Mapping[int, Join]) -> dict[int, Join]:
    """Let a report join the case that an earlier one of the same call opens."""
    opened: dict[tuple[UUID, int], list[Candidate]] = {}
    joins: dict[int, Join] = {}
    for i, offer in offers.items():
        matter_id = offer.trace.matter_id
        if i in joined or matter_id is None:
            continue
        if offer.may_fold:
            near = [one for cell in duplicates.around(offer.trace.lonlat) for one in opened.get((matter_id, cell), ())[-PER_CELL:]]
            sure = duplicates.surest(duplicates.ranked(offer.trace, near))
            if sure is not None:
                joins[i] = Join(sure.candidate, sure.likeness, said_same=False)
                continue
        opened.setdefault((matter_id, offer.own.cell), []).append(offer.own)
    return joins


async def write(conn: Conn, joined: Sequence[tuple[UUID, Join]], *, at: datetime) -> list[events.Event]:
    """Write why these reports joined their cases, whose reporters will be asked to rate; give the events, not yet recorded."""
    if not joined:
        return []
    rows = [
        (new_id(), join.candidate.case_id, join.kind, report_id, None, join.likeness.score, Jsonb(join.likeness.features()), None, at)
        for report_id, join in joined
    ]
    cases = {join.candidate.case_id: join.candidate for _, join in joined}
    async with conn.cursor() as cursor:
        await cursor.executemany(LINK, rows)
    await conn.execute(_WANTS_RATING, (at, list(cases)))
    return [joined_event(candidate, None, at) for candidate in cases.values()]


def joined_event(candidate: Candidate, actor_id: UUID | None, at: datetime) -> events.Event:
    """Make the event that a report or a case has joined a case."""
    departments = [*([candidate.department_id] if candidate.department_id else []), *candidate.party_ids]
    return events.Event(
        kind="case.joined", subject_kind="case", subject_id=candidate.case_id, at=at, area_ids=candidate.area_ids,
        department_ids=departments, actor_id=actor_id,
    )  # fmt: skip


async def _lock(conn: Conn, traces: Sequence[Trace]) -> None:
    """Make reports of one matter within 50 m of each other wait for each other, in one order, until the transaction ends."""
    keys = {
        zlib.crc32(trace.matter_id.bytes + cells.parent(cell, LOCK_RESOLUTION).to_bytes(8, "big")) - (1 << 31)
        for trace in traces
        if trace.matter_id
        for cell in duplicates.around(trace.lonlat)
    }
    if keys:
        await conn.execute("select pg_advisory_xact_lock(%s, k) from unnest(%s::int[]) k", (LOCK_SPACE, sorted(keys)))
