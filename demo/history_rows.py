"""Writes an imagined history: receipts, cases, reports, steps and events, as the doors would have left them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo import beside, bulk, fates
from demo.beside import Row, Staff, Told, hex_of
from demo.bulk import NULL
from demo.history import SEED, History, limit_of
from domain.base import Conn
from domain.cases import city_calendar, ledger, rules
from domain.cases.calendar import Calendar
from domain.cases.open import CELL_RESOLUTION
from domain.routing.choose import Choice
from domain.routing.table import Matter
from geo import cells, datum

_GCJ02_SHARE: Final = 0.3
_LONGEST_WAIT_S: Final = 900

RECEIPT: Final = (
    "id", "subject_kind", "subject_id", "at", "position", "accuracy_m", "rule_code", "rule_version", "matter_id", "department_id",
    "capacity", "duty_id", "home_version_id", "owners", "candidates", "why",
)  # fmt: skip
CASE: Final = (
    "id", "number", "origin", "state", "title", "matter_id", "condition_id", "position", "position_3857", "cell", "home_area_id",
    "home_version_id", "area_ids", "department_id", "proposed_department_id", "receipt_id", "opened_at", "due_at", "due_basis",
    "due_provisional", "overdue_at", "closed_at", "updated_at", "phase", "filed_at", "dispatched_at", "accepted_at", "handled_at",
    "verified_at", "first_reply_at", "handle_due_at", "late_at", "bounces", "reworks", "reopens", "extensions", "level", "pending_request",
    "back_to", "wants_rating", "rate_until", "satisfaction", "revision", "synthetic",
)  # fmt: skip
REPORT: Final = (
    "id", "case_id", "source", "matter_id", "description", "position", "raw_lon", "raw_lat", "datum", "accuracy_m", "occurred_at",
    "received_at", "submitted_by", "tracking_hash",
)  # fmt: skip
# An event repeats its case's areas; the database copies them several times faster than it reads them.
_STAGE: Final = """
create temporary table told (id uuid, position bigint, at timestamptz, kind text, case_id uuid, department_id uuid,
                             leaves boolean, actor_id uuid) on commit drop
"""
# The history came in behind the triggers' back: the worker packs its days for the figures.
_PACK: Final = """
insert into figure_blocks (anchor, day, mark, layout, stale, cases, ids, moments, columns)
select a.anchor, d.day, gen_random_uuid(), '', true, 0, '', '', ''
from (
    select distinct i.ord, (i.at at time zone (select zone from calendar_state))::date as day
    from cases c, unnest(array[c.opened_at, coalesce(c.late_at, c.handle_due_at), c.handled_at, c.closed_at]) with ordinality i(at, ord)
    where i.at is not null
) d join (values (1, 'received'), (2, 'due'), (3, 'handled'), (4, 'closed')) a(ord, anchor) on a.ord = d.ord
on conflict (anchor, day) do update set stale = true
"""
_TELL: Final = """
insert into events (id, position, at, kind, subject_kind, subject_id, area_ids, department_ids, left_department_ids, actor_id)
select t.id, t.position, t.at, t.kind, 'case', t.case_id, c.area_ids,
       case when t.department_id is null or t.leaves then '{}' else array[t.department_id] end,
       case when t.leaves then array[t.department_id] else '{}' end, t.actor_id
from told t join cases c on c.id = t.case_id
"""


async def write(conn: Conn, history: History, *, at: datetime, report: Callable[[float], None]) -> int:
    """Write the history in the caller's transaction and return its number of cases.

    Events get their positions here, right after the last one given, so that the live cursor stays dense.
    """
    told = _told(history, at, await _staff(conn), *await _continued(conn))
    tables: tuple[tuple[str, Sequence[str], Iterator[Row]], ...] = (
        ("receipts", RECEIPT, _receipts(told)),
        ("cases", CASE, _cases(told)),
        ("reports", REPORT, _reports(told)),
        ("case_transitions", beside.STEP, beside.steps(told)),
        ("case_clock", beside.TICK, beside.ticks(told)),
        ("case_timers", beside.TIMER, beside.timers(told)),
        ("case_escalations", beside.RISE, beside.rises(told, at)),
        ("case_requests", beside.REQUEST, beside.requests(told)),
        ("case_ratings", beside.RATING, beside.ratings(told)),
        ("case_messages", beside.MESSAGE, beside.greetings(told)),
        ("told", beside.EVENT, beside.events(told)),
    )
    await city_calendar.keep(conn, history.calendar, at=at)
    await _check_keys(conn, by_row=False)
    await conn.execute(_STAGE)
    await conn.execute("set local work_mem = '128MB'")
    indexes = await bulk.set_aside_indexes(conn, [*(table for table, _, _ in tables[:-1]), "events"])
    written = {}
    for number, (table, columns, rows) in enumerate(tables, 1):
        written[table] = await bulk.copy(conn, table, columns, rows)
        report(0.75 * number / len(tables))
    await conn.execute(_TELL)
    for number, statement in enumerate(indexes, 1):
        await conn.execute(statement)
        report(0.75 + 0.25 * number / len(indexes))
    await conn.execute(_PACK)
    await _check_keys(conn, by_row=True)
    await conn.execute("update event_cursor set position = position + %s where id = 1", (written["told"],))
    await conn.execute("select setval('case_numbers', %s)", (told.first_number + len(history.opened) - 1,))
    return len(history.opened)


async def _check_keys(conn: Conn, *, by_row: bool) -> None:
    """Spare three million look-ups of keys read from this database a moment ago; only where the server is our own."""
    row = await (await conn.execute("select rolsuper from pg_roles where rolname = current_user")).fetchone()
    if row and row[0]:
        await conn.execute(f"set local session_replication_role = {'origin' if by_row else 'replica'}")


async def _staff(conn: Conn) -> Staff:
    cursor = await conn.execute(
        "select u.username, u.department_id, u.id, exists (select from user_roles r where r.user_id = u.id and r.role = 'clerk')"
        " from users u where u.is_demo and u.active"
    )
    rows = await cursor.fetchall()
    return Staff({name: user.hex for name, _, user, _ in rows}, {department: user.hex for _, department, user, clerk in rows if clerk})


async def _continued(conn: Conn) -> tuple[int, int]:
    """Read the next case number and the last position given, keeping others from giving either until the end."""
    number = await conn.execute("select case when is_called then last_value + 1 else last_value end from case_numbers")
    head = await conn.execute("select position from event_cursor where id = 1 for update")
    (first,), (last,) = await number.fetchone() or (1,), await head.fetchone() or (0,)
    return int(first), int(last)


def _told(history: History, at: datetime, staff: Staff, first_number: int, head: int) -> Told:
    rng = np.random.default_rng(SEED + 1)
    day = np.datetime_as_string((history.opened + np.timedelta64(8, "h")).astype("datetime64[D]"))
    clerk = staff.by_name.get("dispatcher", NULL)
    counties = [place.county for place in history.places]
    return Told(
        history=history, fates=fates.tell(history, at), rng=rng, case_id=bulk.ids(history.opened, rng),
        report_id=bulk.ids(history.opened, rng), receipt_id=bulk.ids(history.opened, rng), opened=bulk.instants(history.opened),
        number=[f"{date}-{first_number + i:06d}" for i, date in enumerate(np.char.replace(day, "-", "").tolist())],
        position=bulk.points(history.lon, history.lat, 4326),
        areas=["{" + ",".join([area.hex for area in place.area_ids]) + "}" for place in history.places],
        department=[hex_of(choice.department.id if choice.department else None) for choice in history.choices],
        handler=[staff.handler(*of) for of in zip(history.choices, counties, strict=True)],
        checker=[staff.grid_manager(county) for county in counties],
        submitter=[clerk if source in ("hotline", "police110", "staff") else NULL for source in history.sources],
        dispatcher=clerk, supervisor=staff.by_name.get("supervisor", NULL), first_number=first_number, head=head,
    )  # fmt: skip


def _receipts(told: Told) -> Iterator[Row]:
    history = told.history
    reasons: dict[int, str] = {}
    for i, (place, choice, matter) in enumerate(zip(history.places, history.choices, history.matters, strict=True)):
        chosen = reasons.get(id(choice)) or reasons.setdefault(id(choice), _reasons(choice))
        yield (
            told.receipt_id[i], "report", told.report_id[i], told.opened[i], told.position[i], str(history.accuracy_m[i]),
            choice.rule.code, str(choice.rule.version), hex_of(matter.id), told.department[i], choice.capacity or NULL,
            hex_of(choice.duty.id if choice.duty else None), hex_of(place.home_version), place.owners, place.candidates,
            place.reasons[:-1] + ", " + chosen[1:],
        )  # fmt: skip


def _cases(told: Told) -> Iterator[Row]:
    history, fates = told.history, told.fates
    home_of = [(hex_of(place.home_area), hex_of(place.home_version)) for place in history.places]
    revision = 1 + np.bincount(history.lives.case, minlength=len(history.opened))
    instants = [
        bulk.instants(column)
        for column in (
            fates.due, fates.overdue, fates.closed, fates.updated, fates.filed, fates.dispatched, fates.accepted, fates.handled,
            fates.verified, fates.first_reply, fates.handle_due, fates.late, fates.rate_until,
        )
    ]  # fmt: skip
    words = [_or_null(column) for column in (fates.phase, fates.pending, fates.back_to, fates.satisfaction)]
    numbers = [fates.counts[verb].tolist() for verb in ("return", "rework", "reopen", "extend")]
    columns = zip(
        fates.state.tolist(), bulk.points(*bulk.mercator(history.lon, history.lat), 3857),
        cells.cells(history.lon, history.lat, CELL_RESOLUTION).tolist(), fates.has_unit.tolist(), fates.provisional.tolist(),
        history.begun.wants_rating.tolist(), fates.level.tolist(), revision.tolist(), zip(*instants, strict=True),
        zip(*words, strict=True), zip(*numbers, strict=True), strict=True,
    )  # fmt: skip
    for i, (state, mercator, cell, unit, provisional, wants, level, changes, moments, told_words, counted) in enumerate(columns):
        matter, (phase, pending, back, said) = history.matters[i], told_words
        due, overdue, closed, updated, filed, sent, accepted, handled, verified, reply, handle_due, late, rate_until = moments
        basis = NULL if due == NULL else _basis(*_limit_of(matter, phase), history.calendar)
        yield (
            told.case_id[i], told.number[i], "report", state, bulk.text(matter.name), hex_of(matter.id),
            hex_of(matter.condition.id if matter.condition else None), told.position[i], mercator, str(cell), *home_of[i], told.areas[i],
            told.department[i] if unit else NULL, told.department[i], told.receipt_id[i], told.opened[i], due, basis,
            "t" if provisional else "f", overdue, closed, updated, phase, filed, sent, accepted, handled, verified, reply, handle_due, late,
            *map(str, counted), str(level), pending, back, "t" if wants else "f", rate_until, said, str(changes), "t",
        )  # fmt: skip


def _limit_of(matter: Matter, phase: str) -> tuple[int, str]:
    return {"check": rules.CHECK_LIMIT, "verify": rules.VERIFY_LIMIT}.get(phase) or limit_of(matter)


def _or_null(words: NDArray[np.str_]) -> list[str]:
    return [word or NULL for word in words.tolist()]


def _reports(told: Told) -> Iterator[Row]:
    history, count = told.history, len(told.history.opened)
    waited = told.rng.integers(20, _LONGEST_WAIT_S, count) * np.timedelta64(1, "s")
    hidden = told.rng.random(count) < _GCJ02_SHARE
    shifted = datum.wgs84_to_gcj02_many(history.lon, history.lat)
    lon, lat = (np.where(hidden, theirs, ours) for theirs, ours in zip(shifted, (history.lon, history.lat), strict=True))
    columns = zip(
        history.sources, lon.tolist(), lat.tolist(), hidden.tolist(), history.accuracy_m.tolist(), bulk.instants(history.opened - waited),
        bulk.hashes(count, told.rng), strict=True,
    )  # fmt: skip
    for i, (via, x, y, gcj02, radius, occurred, tracking) in enumerate(columns):
        matter = history.matters[i]
        yield (
            told.report_id[i], told.case_id[i], via, hex_of(matter.id), f"发现{bulk.text(matter.name)}问题，请派人处理。", told.position[i],
            repr(x), repr(y), "GCJ02" if gcj02 else "WGS84", str(radius), occurred, told.opened[i],
            told.submitter[i], tracking,
        )  # fmt: skip


def _reasons(choice: Choice) -> str:
    return bulk.text(json.dumps(choice.reasons, ensure_ascii=False, default=str))


@cache
def _basis(amount: int, unit: str, calendar: Calendar) -> str:
    return bulk.text(ledger.basis(amount, unit, calendar))
