"""Reads the cases of a period as columns: blocks where they are current, the cases themselves where they are not.

One snapshot serves the whole reading: what the queue says has changed is left out of the blocks and read from the cases, what
is stale is read from the cases altogether. So a figure tells exactly what the database holds, whatever the worker has done.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.base import Conn
from domain.errors import Invalid
from domain.insights import keep, packing
from domain.insights.facts import ANCHORS, SOURCES, layout
from domain.insights.packing import Packed

MAX_DAYS: Final = 1_100
KEPT_BYTES: Final = 96_000_000

_MARKS: Final = """
select anchor, day, mark, stale or layout <> %s from figure_blocks where anchor = any(%s) and day between %s and %s order by anchor, day
"""
_LAST: Final = """
select (select coalesce(max(id), 0) from figure_places), (select coalesce(max(id), 0) from figure_units),
       (select coalesce(max(id), 0) from figure_kinds)
"""
# When in a day a case counts matters only for the day that is not over.
_BLOCKS: Final = """
select mark, cases, case when day >= %s then moments else '' end, columns from figure_blocks where anchor = %s and day = any(%s)
"""
_IDS: Final = "select day, ids from figure_blocks where anchor = %s and day = any(%s)"


class Unknown(Exception):
    """Cases have places, units or kinds without a number yet; give them numbers and read again."""


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from ``first`` to ``last``, both counted; nothing after ``at``."""

    first: date
    last: date
    at: datetime

    def check(self) -> None:
        """Raise Invalid unless it is a period of at most MAX_DAYS."""
        length = (self.last - self.first).days + 1
        if not 1 <= length <= MAX_DAYS or not 2000 <= self.first.year <= 2100:
            raise Invalid(f"a period has 1 to {MAX_DAYS} days", f"统计期间须为 1 至 {MAX_DAYS} 天", field="to")

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Give the instants it spans, the end excluded."""
        end = packing.begin(self.last + timedelta(days=1), zone)
        return packing.begin(self.first, zone), min(end, self.at + timedelta(microseconds=1))


@dataclass(slots=True)
class Numbers:
    """What the numbers in packed cases stand for, and the other way round; only ever grows."""

    last: dict[str, int] = field(default_factory=lambda: {"place": 0, "unit": 0, "kind": 0})
    places_of: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))
    units_of: dict[UUID | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    units_about: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))
    units_with_party: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))
    kinds_of: dict[UUID | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    kinds_from: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    async def catch_up(self, conn: Conn) -> None:
        """Read the numbers given since the last time."""
        last = await (await conn.execute(_LAST)).fetchone()
        if last is None or all(there <= here for there, here in zip(last, self.last.values(), strict=True)):
            return
        for number, areas in await self._after(conn, "place", "figure_places", "area_ids"):
            for area in areas:
                self.places_of[area].append(number)
        columns = "department_id, about_department_id, party_ids"
        for number, department, about, parties in await self._after(conn, "unit", "figure_units", columns):
            self.units_of[department].append(number)
            for party in parties:
                self.units_with_party[party].append(number)
            if about is not None:
                self.units_about[about].append(number)
        for number, matter, source in await self._after(conn, "kind", "figure_kinds", "matter_id, source"):
            self.kinds_of[matter].append(number)
            self.kinds_from[source].append(number)

    async def _after(self, conn: Conn, what: str, table: str, columns: str) -> list[Any]:
        async with conn.cursor(binary=True) as cursor:
            await cursor.execute(f"select id, {columns} from {table} where id > %s order by id", (self.last[what],))
            found = await cursor.fetchall()
        if found:
            self.last[what] = max(self.last[what], found[-1][0])
        return found

    def sources(self) -> NDArray[np.int64]:
        """Give a table that tells the source of each kind, by its place among SOURCES."""
        found = np.zeros(self.last["kind"] + 1, np.int64)
        for source, kinds in self.kinds_from.items():
            found[kinds] = SOURCES.index(source)
        return found

    def marks(self, what: str, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Give a table that is true at these numbers."""
        found = np.zeros(self.last[what] + 1, np.bool_)
        found[list(numbers)] = True
        return found


Held: TypeAlias = tuple[bytes, bytes]
Changes: TypeAlias = Sequence[tuple[UUID, list[datetime | None] | None]]


@dataclass(slots=True)
class FigureMemory:
    """One a process: numbers, and the blocks read last, at most KEPT_BYTES of them."""

    numbers: Numbers = field(default_factory=Numbers)
    blocks: OrderedDict[UUID, tuple[bytes, bytes]] = field(default_factory=OrderedDict)
    kept_bytes: int = 0

    def known(self, mark: UUID) -> tuple[bytes, bytes] | None:
        """Give the moments and columns of a block read before."""
        if (found := self.blocks.get(mark)) is not None:
            self.blocks.move_to_end(mark)
        return found

    def keep(self, mark: UUID, moments: bytes, columns: bytes) -> None:
        """Keep a block, and forget those not used for longest."""
        self.blocks[mark] = (moments, columns)
        self.kept_bytes += len(moments) + len(columns)
        while self.kept_bytes > KEPT_BYTES:
            _, (old, oldest) = self.blocks.popitem(last=False)
            self.kept_bytes -= len(old) + len(oldest)


async def read(conn: Conn, memory: FigureMemory, anchors: Sequence[str], period: Period) -> dict[str, Packed]:
    """Read the cases of a period for each anchor; their ids are left out.

    Belongs in a transaction with isolation level repeatable read. Raises Unknown when numbers have to be given first.
    """
    zone = await keep.zone_of(conn)
    changed = await keep.pending(conn, limit=keep.MANY + 1)
    if len(changed) > keep.MANY:
        found = {anchor: await _from_cases(conn, anchor, period, zone, None) for anchor in anchors}
    else:
        found = await _patched(conn, memory, anchors, period, zone, changed)
    await memory.numbers.catch_up(conn)
    return found


async def give_numbers(conn: Conn, anchors: Sequence[str], period: Period) -> None:
    """Give numbers to all that cases of the period need, in the caller's transaction."""
    zone = await keep.zone_of(conn)
    since, until = period.instants(zone)
    for anchor in anchors:
        instant = ANCHORS[anchor].sql.format("c")
        await packing.number(conn, f"{instant} >= %(since)s and {instant} < %(until)s", {"since": since, "until": until})


async def _patched(
    conn: Conn, memory: FigureMemory, anchors: Sequence[str], period: Period, zone: ZoneInfo, changed: Changes
) -> dict[str, Packed]:
    cases = list({case_id for case_id, _ in changed})
    fresh = await packing.of_all_anchors(conn, "c.id = any(%(ids)s)", {"ids": cases}) if cases else {}
    touched = keep.by_block(fresh, (before for _, before in changed), zone)
    ids = packing.packed_ids(cases)
    blocks, stale = await _blocks(conn, memory, anchors, period, zone)
    found = {}
    for anchor in anchors:
        kept, made_anew = blocks[anchor], stale[anchor]
        moved = {day: rows for (of, day), rows in touched.items() if of == anchor and period.first <= day <= period.last}
        if current := [day for day in moved if day in kept]:
            for day, raw in await (await conn.execute(_IDS, (anchor, current))).fetchall():
                rows = kept[day]
                kept[day] = Packed(np.frombuffer(raw, np.uint64).reshape(len(rows), 2), rows.moments, rows.columns).without(ids)
        parts = [*kept.items(), *((day, rows) for day, rows in moved.items() if day not in made_anew)]
        _refuse_unknown([rows for day, rows in moved.items() if day not in made_anew])
        told = [_until(period, zone, day, rows) for day, rows in parts]
        if made_anew:
            told.append(await _from_cases(conn, anchor, period, zone, made_anew))
        found[anchor] = packing.together([Packed(packing.NOTHING.ids, rows.moments, rows.columns) for rows in told])
    return found


def _refuse_unknown(read: Sequence[Packed]) -> None:
    if any(packing.has_unknown(rows) for rows in read):
        raise Unknown


def _until(period: Period, zone: ZoneInfo, day: date, rows: Packed) -> Packed:
    """Leave out what lies after the period's instant; a day that was over by then needs no look."""
    if day < period.at.astimezone(zone).date():
        return rows
    _, until = period.instants(zone)
    inside = rows.moments < (until - packing.EPOCH) // timedelta(microseconds=1)
    return Packed(packing.NOTHING.ids, rows.moments[inside], rows.columns[:, inside])


async def _blocks(
    conn: Conn, memory: FigureMemory, anchors: Sequence[str], period: Period, zone: ZoneInfo
) -> tuple[dict[str, dict[date, Packed]], dict[str, set[date]]]:
    """Read the current blocks of a period, and tell the days whose blocks are stale, for each anchor."""
    listed = await (await conn.execute(_MARKS, (layout(zone.key), list(anchors), period.first, period.last))).fetchall()
    held: dict[UUID, Held] = {mark: known for _, _, mark, old in listed if not old and (known := memory.known(mark)) is not None}
    found: dict[str, dict[date, Packed]] = {}
    for anchor in anchors:
        wanted = {day: mark for of, day, mark, old in listed if of == anchor and not old}
        if missing := [day for day, mark in wanted.items() if mark not in held]:
            async with conn.cursor(binary=True) as lent:
                await lent.execute(_BLOCKS, (period.at.astimezone(zone).date(), anchor, missing))
                for mark, cases, moments, columns in await lent.fetchall():
                    held[mark] = (moments or bytes(8 * cases), columns)
                    memory.keep(mark, *held[mark])
        found[anchor] = {day: packing.unpacked(b"", *held[mark]) for day, mark in wanted.items()}
    return found, {anchor: {day for of, day, _, old in listed if of == anchor and old} for anchor in anchors}


async def _from_cases(conn: Conn, anchor: str, period: Period, zone: ZoneInfo, days: set[date] | None) -> Packed:
    """Read the period, or only some days of it, from the cases themselves."""
    since, until = period.instants(zone)
    instant = ANCHORS[anchor].sql.format("c")
    which = f"{instant} >= %(since)s and {instant} < %(until)s"
    if days is not None:
        which += f" and ({instant} at time zone %(zone)s)::date = any(%(days)s)"
    rows = await packing.of_anchor(conn, anchor, which, {"since": since, "until": until, "zone": zone.key, "days": list(days or ())})
    _refuse_unknown([rows])
    return rows
