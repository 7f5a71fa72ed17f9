"""Duplicates: open cases of the same matter close by, to be offered to a reporter, folded into when sure, or shown to staff.

Candidates are looked up by H3 cell: two points within 50 m lie in the same cell of resolution 10 or in neighbouring ones. What
is done about them stands elsewhere: ``folding`` joins new reports, ``merging`` joins and parts whole cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.base import Conn, new_id
from domain.cases.open import CELL_RESOLUTION
from domain.reports import likeness
from domain.reports.likeness import Likeness, Trace
from geo import cells
from geo.lonlat import LonLat

# States in which another report of the same thing changes nothing that is being done about it.
JOINABLE: Final = ("checking", "filed", "dispatched", "accepted", "handling", "suspended")
SAME_AS_WINDOW: Final = timedelta(days=30)
PER_CELL: Final = 20
OFFERED: Final = 3
LATEST_REPORTS: Final = 5
LATEST_PHOTOS: Final = 12

_COLUMNS: Final = """
c.id, c.number, c.state, c.title, c.matter_id, st_x(c.position), st_y(c.position), c.cell, c.opened_at, c.area_ids, c.department_id,
c.party_ids
"""
_SAID: Final = f"""
cross join lateral (
    select array_agg(s.description order by s.received_at desc) as texts, max(s.received_at) as latest, max(s.accuracy_m) as accuracy_m
    from (select r.description, r.received_at, r.accuracy_m from reports r where r.case_id = c.id
          order by r.received_at desc limit {LATEST_REPORTS}) s) said
cross join lateral (
    select array_agg(s.likeness) as hashes
    from (select p.likeness from reports r join photos p on p.report_id = r.id
          where r.case_id = c.id and p.likeness is not null limit {LATEST_PHOTOS}) s) seen
"""
_NEAR: Final = f"""
select q.i, {_COLUMNS}, said.texts, said.latest, said.accuracy_m, seen.hashes
from unnest(%(i)s::int[], %(matters)s::uuid[], %(cells)s::bigint[]) as q (i, matter_id, cell)
cross join lateral (
    select * from cases o
    where o.cell = q.cell and o.matter_id = q.matter_id and o.closed_at is null and o.origin = 'report'
      and o.about_department_id is null and o.state = any(%(joinable)s) and o.opened_at > %(since)s
    order by o.opened_at desc limit {PER_CELL}) c
{_SAID}
where said.texts is not null
"""
_NUMBERED: Final = f"""
select 0, {_COLUMNS}, said.texts, said.latest, said.accuracy_m, seen.hashes from cases c {_SAID}
where c.number = any(%(numbers)s) and c.closed_at is null and c.origin = 'report' and c.about_department_id is null
  and c.state = any(%(joinable)s) and c.opened_at > %(since)s and said.texts is not null
"""
LINK: Final = """
insert into case_links (id, case_id, kind, report_id, other_case_id, score, features, actor_id, at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open case another report may be about, with what its reporters said; never given to the public as it is."""

    case_id: UUID
    number: str | None
    state: str
    title: str
    cell: int
    opened_at: datetime
    area_ids: Sequence[UUID]
    department_id: UUID | None
    party_ids: Sequence[UUID]
    trace: Trace


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate and how alike it is to what was asked about."""

    candidate: Candidate
    likeness: Likeness


async def find(conn: Conn, asked: Sequence[Trace], *, at: datetime) -> list[list[Match]]:
    """Give for each trace the open cases of its matter in its cell and the cells around it, likest first.

    Looks back seven days. A trace without a matter finds nothing.
    """
    wanted = [(i, trace, int(cell)) for i, trace in enumerate(asked) if trace.matter_id for cell in around(trace.lonlat)]
    if not wanted:
        return [[] for _ in asked]
    cursor = await conn.execute(
        _NEAR,
        {
            "i": [i for i, _, _ in wanted], "matters": [trace.matter_id for _, trace, _ in wanted],
            "cells": [cell for _, _, cell in wanted], "joinable": list(JOINABLE), "since": at - likeness.RECENT,
        },
    )  # fmt: skip
    near: list[list[Candidate]] = [[] for _ in asked]
    for i, *row in await cursor.fetchall():
        near[i].append(_candidate(row))
    return [ranked(trace, candidates) for trace, candidates in zip(asked, near, strict=True)]


def ranked(trace: Trace, candidates: Sequence[Candidate]) -> list[Match]:
    """Compare a trace with candidates, likest first."""
    matches = [Match(candidate, likeness.compare(trace, candidate.trace)) for candidate in candidates]
    return sorted(matches, key=lambda match: (-match.likeness.score, match.candidate.case_id))


def surest(matches: Sequence[Match]) -> Match | None:
    """Give the likest match that is sure, or None."""
    return next((match for match in matches if match.likeness.sure), None)


def around(lonlat: LonLat) -> Sequence[int]:
    """List the cell of a point and its neighbours."""
    found: Sequence[int] = cells.neighbours(cells.cell(lonlat, CELL_RESOLUTION), 1).tolist()
    return found


async def link_cases(
    conn: Conn, kind: str, case_id: UUID, other_id: UUID, alike: Likeness | None, actor_id: UUID | None, *, at: datetime
) -> None:
    """Write down that staff merged ``other_id`` into ``case_id``, or split ``case_id`` off it."""
    score, features = (alike.score, alike.features()) if alike else (None, {})
    await conn.execute(LINK, (new_id(), case_id, kind, None, other_id, score, Jsonb(features), actor_id, at))


async def compare_cases(conn: Conn, one: UUID, other: UUID) -> Likeness | None:
    """Compare two cases by their reports; None where one of them has none."""
    query = f"select 0, {_COLUMNS}, said.texts, said.latest, said.accuracy_m, seen.hashes from cases c {_SAID} where c.id = any(%s)"
    found = [_candidate(row[1:]) for row in await (await conn.execute(query, ([one, other],))).fetchall() if row[13]]
    return likeness.compare(found[0].trace, found[1].trace) if len(found) == 2 else None


async def numbered(conn: Conn, numbers: set[str], *, at: datetime) -> dict[str, Candidate]:
    """Give the open cases of these numbers that a sender may say theirs is about."""
    if not numbers:
        return {}
    given = {"numbers": list(numbers), "joinable": list(JOINABLE), "since": at - SAME_AS_WINDOW}
    found = [_candidate(row[1:]) for row in await (await conn.execute(_NUMBERED, given)).fetchall()]
    return {candidate.number: candidate for candidate in found if candidate.number}


def may_be_meant(trace: Trace, candidate: Candidate) -> bool:
    """Tell whether a sender could have been offered this case: same matter, if they named one, and a cell next to theirs."""
    return trace.matter_id in (None, candidate.trace.matter_id) and candidate.cell in around(trace.lonlat)


def _candidate(row: Sequence[Any]) -> Candidate:
    (case_id, number, state, title, matter_id, lon, lat, cell, opened_at, area_ids, department_id, party_ids,
     texts, latest, accuracy_m, hashes) = row  # fmt: skip
    trace = Trace(
        matter_id=matter_id, lonlat=LonLat(lon=lon, lat=lat), at=latest or opened_at, accuracy_m=accuracy_m,
        texts=tuple(texts or ()), hashes=tuple(hashes or ()),
    )  # fmt: skip
    return Candidate(case_id, number, state, title, cell, opened_at, area_ids, department_id, party_ids, trace)
