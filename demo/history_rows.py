"""Writes an imagined history: receipts, cases, reports, steps and events, as the doors would have left them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

import numpy as np

from demo import bulk
from demo.bulk import NULL, Instants
from demo.history import SEED, History
from domain.base import Conn
from domain.cases import ledger
from domain.cases.calendar import Calendar
from domain.cases.open import CELL_RESOLUTION
from domain.routing.choose import Choice
from geo import cells, datum

Row = tuple[str, ...]

_SOURCES: Final = ("citizen", "hotline", "staff")
_SOURCE_SHARES: Final = (0.62, 0.24, 0.14)
_GCJ02_SHARE: Final = 0.3
_LONGEST_WAIT_S: Final = 900
_REASONS: Final = {"return": "位置描述不清，请核实后再派", "rework": "现场复核未达标，请返工", "reject": "不在本市范围内"}
# Steps of whoever handles the case; the others are the dispatcher's.
_HANDLING: Final = frozenset(("accept", "finish", "return"))
_ENDS: Final = ("closed", "rejected")

RECEIPT: Final = (
    "id", "subject_kind", "subject_id", "at", "position", "accuracy_m", "rule_code", "rule_version", "matter_id", "department_id",
    "capacity", "duty_id", "home_version_id", "owners", "candidates", "why",
)  # fmt: skip
CASE: Final = (
    "id", "number", "origin", "state", "title", "matter_id", "condition_id", "position", "position_3857", "cell", "home_area_id",
    "home_version_id", "area_ids", "department_id", "receipt_id", "opened_at", "due_at", "due_basis", "overdue_at", "closed_at",
    "updated_at", "revision", "synthetic",
)  # fmt: skip
REPORT: Final = (
    "id", "case_id", "source", "matter_id", "description", "position", "raw_lon", "raw_lat", "datum", "accuracy_m", "occurred_at",
    "received_at", "submitted_by", "tracking_hash",
)  # fmt: skip
STEP: Final = ("id", "case_id", "at", "verb", "from_state", "to_state", "actor_id", "department_id", "reason")
EVENT: Final = ("id", "position", "at", "kind", "case_id", "department_id", "leaves", "actor_id")
# An event repeats its case's areas; the database copies them several times faster than it reads them.
_STAGE: Final = """
create temporary table told (id uuid, position bigint, at timestamptz, kind text, case_id uuid, department_id uuid,
                             leaves boolean, actor_id uuid) on commit drop
"""
_TELL: Final = """
insert into events (id, position, at, kind, subject_kind, subject_id, area_ids, department_ids, left_department_ids, actor_id)
select t.id, t.position, t.at, t.kind, 'case', t.case_id, c.area_ids,
       case when t.department_id is null or t.leaves then '{}' else array[t.department_id] end,
       case when t.leaves then array[t.department_id] else '{}' end, t.actor_id
from told t join cases c on c.id = t.case_id
"""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who takes the steps: accounts by user name and by department, ids in hex."""

    by_name: dict[str, str]
    by_department: dict[UUID, str]

    def handler(self, choice: Choice, county: str) -> str:
        """Name who handles a case: the department's own clerk, else the county's grid manager."""
        own = self.by_department.get(choice.department.id) if choice.department else None
        return own or self.by_name.get("wangge-fenyi" if county == "360521" else "wangge-yushui", NULL)


@dataclass(frozen=True, slots=True)
class Told:
    """The history with everything several tables need as COPY text, one entry a case."""

    history: History
    rng: np.random.Generator
    case_id: list[str]
    report_id: list[str]
    receipt_id: list[str]
    opened: list[str]
    position: list[str]
    areas: list[str]
    department: list[str]
    handler: list[str]
    source: list[str]
    submitter: list[str]
    dispatcher: str
    overdue: Instants
    first_number: int
    head: int


async def write(conn: Conn, history: History, *, at: datetime, report: Callable[[float], None]) -> int:
    """Write the history in the caller's transaction and return its number of cases.

    Events get their positions here, right after the last one given, so that the live cursor stays dense.
    """
    told = _told(history, at, await _staff(conn), *await _continued(conn))
    tables: tuple[tuple[str, Sequence[str], Iterator[Row]], ...] = (
        ("receipts", RECEIPT, _receipts(told)),
        ("cases", CASE, _cases(told)),
        ("reports", REPORT, _reports(told)),
        ("case_transitions", STEP, _steps(told)),
        ("told", EVENT, _events(told)),
    )
    await _check_keys(conn, by_row=False)
    await conn.execute(_STAGE)
    await conn.execute("set local work_mem = '128MB'")
    indexes = await bulk.set_aside_indexes(conn, ["receipts", "cases", "reports", "case_transitions", "events"])
    for number, (table, columns, rows) in enumerate(tables, 1):
        written = await bulk.copy(conn, table, columns, rows)
        report(0.15 * number)
    await conn.execute(_TELL)
    for number, statement in enumerate(indexes, 1):
        await conn.execute(statement)
        report(0.75 + 0.25 * number / len(indexes))
    await _check_keys(conn, by_row=True)
    await conn.execute("update event_cursor set position = position + %s where id = 1", (written,))
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
    count, lives = len(history.opened), history.lives
    end = np.full(count, np.datetime64(at.replace(tzinfo=None), "s"))
    ended = np.isin(lives.after, _ENDS)
    end[lives.case[ended]] = lives.at[ended]
    source = [_SOURCES[i] for i in rng.choice(len(_SOURCES), count, p=_SOURCE_SHARES).tolist()]
    clerk = staff.by_name.get("dispatcher", NULL)
    nat = np.datetime64("NaT")
    return Told(
        history=history, rng=rng, case_id=bulk.ids(history.opened, rng), report_id=bulk.ids(history.opened, rng),
        receipt_id=bulk.ids(history.opened, rng), opened=bulk.instants(history.opened),
        position=bulk.points(history.lon, history.lat, 4326),
        areas=["{" + ",".join([area.hex for area in place.area_ids]) + "}" for place in history.places],
        department=[_hex(choice.department.id if choice.department else None) for choice in history.choices],
        handler=[staff.handler(*of) for of in zip(history.choices, (place.county for place in history.places), strict=True)],
        source=source, submitter=[NULL if one == "citizen" else clerk for one in source], dispatcher=clerk,
        overdue=np.where(history.due < end, history.due, nat), first_number=first_number, head=head,
    )  # fmt: skip


def _receipts(told: Told) -> Iterator[Row]:
    history = told.history
    reasons: dict[int, str] = {}
    for i, (place, choice, matter) in enumerate(zip(history.places, history.choices, history.matters, strict=True)):
        chosen = reasons.get(id(choice)) or reasons.setdefault(id(choice), _reasons(choice))
        yield (
            told.receipt_id[i], "report", told.report_id[i], told.opened[i], told.position[i], str(history.accuracy_m[i]),
            choice.rule.code, str(choice.rule.version), _hex(matter.id), told.department[i], choice.capacity or NULL,
            _hex(choice.duty.id if choice.duty else None), _hex(place.home_version), place.owners, place.candidates,
            place.reasons[:-1] + ", " + chosen[1:],
        )  # fmt: skip


def _cases(told: Told) -> Iterator[Row]:
    history, lives = told.history, told.history.lives
    count = len(history.opened)
    state = np.where(np.array(told.department) == NULL, "filed", "dispatched").astype("<U10")
    state[lives.case] = lives.after  # in order of time, so the last one stays
    updated, closed = history.opened.copy(), np.full(count, np.datetime64("NaT"), "datetime64[s]")
    updated[lives.case] = lives.at
    ended = np.isin(lives.after, _ENDS)
    closed[lives.case[ended]] = lives.at[ended]
    updated = np.fmax(updated, told.overdue)
    revision = 1 + np.bincount(lives.case, minlength=count)
    home_of = [(_hex(place.home_area), _hex(place.home_version)) for place in history.places]
    day = np.datetime_as_string((history.opened + np.timedelta64(8, "h")).astype("datetime64[D]"))
    columns = zip(
        state.tolist(), bulk.points(*bulk.mercator(history.lon, history.lat), 3857),
        cells.cells(history.lon, history.lat, CELL_RESOLUTION).tolist(), bulk.instants(history.due), bulk.instants(told.overdue),
        bulk.instants(closed), bulk.instants(updated), revision.tolist(), np.char.replace(day, "-", "").tolist(), strict=True,
    )  # fmt: skip
    for i, (now, mercator, cell, due, overdue, done, touched, changes, date) in enumerate(columns):
        matter = history.matters[i]
        condition = matter.condition
        basis = _basis(condition.amount, condition.unit, history.calendar) if condition else NULL
        yield (
            told.case_id[i], f"{date}-{told.first_number + i:06d}", "report", now, bulk.text(matter.name), _hex(matter.id),
            _hex(condition.id if condition else None), told.position[i], mercator, str(cell), *home_of[i], told.areas[i],
            NULL if now == "filed" else told.department[i], told.receipt_id[i], told.opened[i], due, basis,
            overdue, done, touched, str(changes), "t",
        )  # fmt: skip


def _reports(told: Told) -> Iterator[Row]:
    history, count = told.history, len(told.history.opened)
    waited = told.rng.integers(20, _LONGEST_WAIT_S, count) * np.timedelta64(1, "s")
    hidden = told.rng.random(count) < _GCJ02_SHARE
    shifted = datum.wgs84_to_gcj02_many(history.lon, history.lat)
    lon, lat = (np.where(hidden, theirs, ours) for theirs, ours in zip(shifted, (history.lon, history.lat), strict=True))
    columns = zip(
        told.source, lon.tolist(), lat.tolist(), hidden.tolist(), history.accuracy_m.tolist(), bulk.instants(history.opened - waited),
        bulk.hashes(count, told.rng), strict=True,
    )  # fmt: skip
    for i, (via, x, y, gcj02, radius, occurred, tracking) in enumerate(columns):
        matter = history.matters[i]
        yield (
            told.report_id[i], told.case_id[i], via, _hex(matter.id), f"发现{bulk.text(matter.name)}问题，请派人处理。", told.position[i],
            repr(x), repr(y), "GCJ02" if gcj02 else "WGS84", str(radius), occurred, told.opened[i],
            told.submitter[i], tracking,
        )  # fmt: skip


def _steps(told: Told) -> Iterator[Row]:
    opened = told.history.opened
    for i, pair in enumerate(zip(bulk.ids(opened, told.rng), bulk.ids(opened, told.rng), strict=True)):
        step, other = sorted(pair)  # both at one instant: the id tells which came first
        yield step, told.case_id[i], told.opened[i], "file", NULL, "filed", NULL, NULL, NULL
        if told.department[i] != NULL:
            yield other, told.case_id[i], told.opened[i], "dispatch", "filed", "dispatched", NULL, told.department[i], NULL
    lives = told.history.lives
    order = np.argsort(lives.at, kind="stable")
    columns = (column[order].tolist() for column in (lives.case, lives.verb, lives.before, lives.after))
    for step, at, i, verb, before, after in zip(bulk.ids(lives.at[order], told.rng), bulk.instants(lives.at[order]), *columns, strict=True):
        department = NULL if after == "filed" else told.department[i]
        yield step, told.case_id[i], at, verb, before, after, _actor(told, i, verb), department, _REASONS.get(verb, NULL)


def _events(told: Told) -> Iterator[Row]:
    """Everything that happened, in order of time: the order their positions tell."""
    history, lives = told.history, told.history.lives
    late = np.flatnonzero(~np.isnat(told.overdue))
    case = np.concatenate([np.arange(len(history.opened)), lives.case, late])
    at = np.concatenate([history.opened, lives.at, told.overdue[late]])
    kind = np.concatenate([np.full(len(history.opened), "opened"), lives.verb, np.full(len(late), "overdue")])
    order = np.argsort(at, kind="stable")
    case, at, kind = case[order], at[order], kind[order]
    columns = zip(bulk.ids(at, told.rng), bulk.instants(at), case.tolist(), kind.tolist(), strict=True)
    for position, (event, moment, i, verb) in enumerate(columns, told.head + 1):
        actor = told.submitter[i] if verb == "opened" else NULL if verb == "overdue" else _actor(told, i, verb)
        leaves = "t" if verb == "return" else "f"
        yield event, str(position), moment, f"case.{verb}", told.case_id[i], told.department[i], leaves, actor


def _actor(told: Told, case: int, verb: str) -> str:
    return told.handler[case] if verb in _HANDLING else told.dispatcher


def _hex(value: UUID | None) -> str:
    return value.hex if value is not None else NULL


def _reasons(choice: Choice) -> str:
    return bulk.text(json.dumps(choice.reasons, ensure_ascii=False, default=str))


@cache
def _basis(amount: int, unit: str, calendar: Calendar) -> str:
    return bulk.text(ledger.basis(amount, unit, calendar))
