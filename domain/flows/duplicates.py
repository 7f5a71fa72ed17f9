"""Duplicates: open cases of the same matter close by, to be offered to a reporter, folded into when sure, or shown to staff.

Candidates are looked up by H3 cell: two points within 50 m lie in the same cell of resolution 10 or in neighbouring ones. What
is done about them stands elsewhere: ``folding`` joins new reports, ``merging`` joins and parts whole cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
# A little more than 200 m at Chinese latitudes, for the index.
NEAR_DEGREES: Final = 0.003
WORTH_SHOWING: Final = 0.4
SHOWN: Final = 10

_COLUMNS: Final = """
c.id, c.number, c.state, c.title, c.matter_id, st_x(c.position), st_y(c.position), c.cell, c.opened_at, c.area_ids, c.department_id,
c.party_ids
"""


def _said(alias: str) -> str:
    """Join the latest words and pictures of a case's reports."""
    return f"""
cross join lateral (
    select array_agg(s.description order by s.received_at desc) as texts, max(s.received_at) as latest, max(s.accuracy_m) as accuracy_m
    from (select r.description, r.received_at, r.accuracy_m from reports r where r.case_id = {alias}.id
          order by r.received_at desc limit {LATEST_REPORTS}) s) said
cross join lateral (
    select array_agg(s.likeness) as hashes
    from (select p.likeness from reports r join photos p on p.report_id = r.id
          where r.case_id = {alias}.id and p.likeness is not null limit {LATEST_PHOTOS}) s) seen
"""


_SAID: Final = _said("c")
NEAR: Final = f"""
select q.i, {_COLUMNS}, said.texts, said.latest, said.accuracy_m, seen.hashes
from unnest(%(i)s::int[], %(matters)s::uuid[], %(cells)s::bigint[], %(lons)s::float8[], %(lats)s::float8[])
    as q (i, matter_id, cell, lon, lat)
cross join lateral (
    select * from cases o
    where o.cell = q.cell and o.matter_id = q.matter_id and o.closed_at is null and o.origin = 'report'
      and o.about_department_id is null and o.state = any(%(joinable)s) and o.opened_at > %(since)s
      and (%(within_m)s::float8 is null
           or st_dwithin(o.position::geography, st_point(q.lon, q.lat, 4326)::geography, %(within_m)s::float8))
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


async def find(conn: Conn, asked: Sequence[Trace], *, at: datetime, within_m: float | None = None) -> list[list[Match]]:
    """Give for each trace the open cases of its matter in its cell and the cells around it, likest first.

    Looks back seven days. A trace without a matter finds nothing. With ``within_m`` only cases so near are looked at; what
    the public is offered goes by cells alone.
    """
    if not any(trace.matter_id for trace in asked):
        return [[] for _ in asked]
    cursor = await conn.execute(NEAR, near_values(asked, at=at, within_m=within_m))
    near: list[list[Candidate]] = [[] for _ in asked]
    for i, *row in await cursor.fetchall():
        near[i].append(_candidate(row))
    return [ranked(trace, candidates) for trace, candidates in zip(asked, near, strict=True)]


def near_values(asked: Sequence[Trace], *, at: datetime, within_m: float | None) -> dict[str, object]:
    """Give the values of ``NEAR``: each trace that has a matter, with its cell and the cells around it."""
    wanted = [(i, trace, cell) for i, trace in enumerate(asked) if trace.matter_id for cell in around(trace.lonlat)]
    return {
        "i": [i for i, _, _ in wanted], "matters": [trace.matter_id for _, trace, _ in wanted], "cells": [cell for _, _, cell in wanted],
        "lons": [trace.lonlat.lon for _, trace, _ in wanted], "lats": [trace.lonlat.lat for _, trace, _ in wanted],
        "joinable": list(JOINABLE), "since": at - likeness.RECENT, "within_m": within_m,
    }  # fmt: skip


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


def near_sql(alias: str, sees: str) -> str:
    """Write the JSON of a case and the open ones it may double, for ``alike``; ``sees`` is the condition on alias ``o``.

    Within 200 m and seven days, of the same matter or where one of the two has none yet; what is over has no duplicates.
    """
    return f"""
(select jsonb_build_object('own', {_facts_sql("x")}, 'others', coalesce((
    select jsonb_agg(found.facts) from (
        select {_facts_sql("o")} as facts from cases o {_said("o")}
        where o.id <> x.id and o.closed_at is null and o.origin = 'report' and o.state <> 'merged' and said.texts is not null
          and (o.matter_id = x.matter_id or o.matter_id is null or x.matter_id is null)
          and o.position && st_expand(x.position, {NEAR_DEGREES})
          and st_dwithin(o.position::geography, x.position::geography, {likeness.NEAR_M})
          and o.opened_at between x.opened_at - interval '7 days' and x.opened_at + interval '7 days' and {sees}
        order by st_distance(o.position::geography, x.position::geography), o.id limit {PER_CELL}) found), '[]'::jsonb))
 from (select {alias}.*) x {_said("x")} where x.closed_at is null and x.origin = 'report' and said.texts is not null)
"""


def alike(found: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Likeness]]:
    """Rank what ``near_sql`` gives: id, number and state of each case with its likeness, likest first, the unlike left out."""
    own = _trace_of(found["own"])
    compared = [(other, likeness.compare(own, _trace_of(other))) for other in found["others"]]
    worth = [(other, like) for other, like in compared if like.score >= WORTH_SHOWING]
    return sorted(worth, key=lambda pair: (-pair[1].score, str(pair[0]["id"])))[:SHOWN]


def _facts_sql(alias: str) -> str:
    return (
        f"jsonb_build_object('id', {alias}.id, 'number', {alias}.number, 'state', {alias}.state, 'matter_id', {alias}.matter_id,"
        f" 'lon', st_x({alias}.position), 'lat', st_y({alias}.position), 'at', extract(epoch from said.latest),"
        " 'accuracy_m', said.accuracy_m, 'texts', said.texts, 'hashes', seen.hashes)"
    )


def _trace_of(facts: Mapping[str, Any]) -> Trace:
    return Trace(
        matter_id=UUID(facts["matter_id"]) if facts["matter_id"] else None, lonlat=LonLat(lon=facts["lon"], lat=facts["lat"]),
        at=datetime.fromtimestamp(facts["at"], UTC), accuracy_m=facts["accuracy_m"], texts=facts["texts"], hashes=facts["hashes"] or (),
    )  # fmt: skip
