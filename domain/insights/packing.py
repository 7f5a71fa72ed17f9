"""Packs cases into columns: what a block holds, how it is read from the cases, and how it travels.

A packed case is an id, the instant of its anchor and a few 32-bit numbers: place, unit and kind (see the tables of numbers),
the bits of its facts, its measures. Rows come by binary COPY, so a million cost about a second and no Python object each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.base import Conn
from domain.insights.facts import ANCHORS, KIND_KEY, MASK, MEASURES, MISSING, UNIT_KEY, seconds

COLUMNS: Final = ("place", "unit", "kind", "facts", *MEASURES)
WIDTH: Final = len(COLUMNS)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEADER: Final = 19
_TRAILER: Final = 2
_LOCK: Final = 0x66696E75

_NUMBERS: Final = (
    "insert into figure_places (area_ids) select distinct c.area_ids from cases c"
    " where {which} and not exists (select from figure_places p where p.area_ids = c.area_ids) on conflict do nothing",
    "insert into figure_units (key, department_id, about_department_id, party_ids)"
    f" select distinct on (k.key) k.key, k.department_id, k.about_department_id, k.party_ids from (select {UNIT_KEY.format('c')} as key,"
    " c.department_id, c.about_department_id, c.party_ids from cases c where {which}) k"
    " where not exists (select from figure_units u where u.key = k.key) on conflict do nothing",
    "insert into figure_kinds (key, matter_id, source) select distinct on (k.key) k.key, k.matter_id,"
    f" split_part(k.key, '/', 2) from (select {KIND_KEY.format('c')} as key, c.matter_id from cases c where {{which}}) k"
    " where not exists (select from figure_kinds u where u.key = k.key) on conflict do nothing",
)


@dataclass(frozen=True, slots=True)
class Packed:
    """Cases as columns: ``ids`` are two 64-bit halves each, ``moments`` microseconds since 1970, ``columns`` (WIDTH, n)."""

    ids: NDArray[np.uint64]
    moments: NDArray[np.int64]
    columns: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.moments)

    def taken(self, keep: NDArray[np.bool_]) -> Packed:
        """Keep some of the rows."""
        return Packed(self.ids[keep], self.moments[keep], self.columns[:, keep])

    def without(self, ids: NDArray[np.uint64]) -> Packed:
        """Leave out the cases with these ids."""
        hits = np.flatnonzero(np.isin(self.ids[:, 1], ids[:, 1]))
        if not len(hits):
            return self
        gone = {pair.tobytes() for pair in ids}
        keep = np.ones(len(self), np.bool_)
        keep[[hit for hit in hits.tolist() if self.ids[hit].tobytes() in gone]] = False
        return self.taken(keep)


NOTHING: Final = Packed(np.empty((0, 2), np.uint64), np.empty(0, np.int64), np.empty((WIDTH, 0), np.int32))


def together(parts: Sequence[Packed]) -> Packed:
    """Put packed cases one after the other."""
    if not parts:
        return NOTHING
    return Packed(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.moments for part in parts]),
        np.concatenate([part.columns for part in parts], axis=1),
    )


def unpacked(ids: bytes, moments: bytes, columns: bytes) -> Packed:
    """Read what a block's row holds; ``ids`` may be left out."""
    rows = len(moments) // 8
    return Packed(
        np.frombuffer(ids, np.uint64).reshape(-1, 2), np.frombuffer(moments, "<i8"), np.frombuffer(columns, "<i4").reshape(WIDTH, rows)
    )


def packed_ids(ids: Sequence[UUID]) -> NDArray[np.uint64]:
    """Write ids as they stand in blocks."""
    return np.frombuffer(b"".join(one.bytes for one in ids), np.uint64).reshape(len(ids), 2)


def days(moments: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Tell the local day of each instant, in days since 1970."""
    if not len(moments):
        return np.empty(0, np.int64)
    first, last = (instant_of(int(end)).astimezone(zone).date() for end in (moments.min(), moments.max()))
    span = (last - first).days + 1
    begins = [begin_micros(first + timedelta(days=n), zone) for n in range(span)]
    found: NDArray[np.int64] = np.searchsorted(np.array(begins), moments, "right") - 1 + (first - EPOCH.date()).days
    return found


def begin_micros(day: date, zone: ZoneInfo) -> int:
    """Give the local midnight a day begins with, in microseconds since 1970."""
    return (begin(day, zone) - EPOCH) // timedelta(microseconds=1)


def begin(day: date, zone: ZoneInfo) -> datetime:
    """Give the local midnight a day begins with."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def instant_of(micros: int) -> datetime:
    """Give microseconds since 1970 as an aware instant in UTC."""
    return EPOCH + timedelta(microseconds=micros)


async def number(conn: Conn, which: str, values: Mapping[str, object]) -> None:
    """Give numbers to the places, units and kinds of these cases that have none; ``which`` is SQL with alias c.

    One transaction at a time does it, so that numbers become visible in their order and readers can ask for those after the last.
    """
    await conn.execute(f"select pg_advisory_xact_lock({_LOCK})")
    for statement in _NUMBERS:
        await conn.execute(statement.format(which=which), values)


async def of_anchor(conn: Conn, anchor: str, which: str, values: Mapping[str, object]) -> Packed:
    """Pack cases that have this anchor; ``which`` is SQL with alias c. Numbers that are missing come as -1."""
    rows = await _copied(conn, _select([_micros(anchor)], which + f" and {ANCHORS[anchor].sql.format('c')} is not null"), values, 1)
    return Packed(_ids(rows), rows["m0"].astype(np.int64), _columns(rows))


async def of_all_anchors(conn: Conn, which: str, values: Mapping[str, object]) -> dict[str, Packed]:
    """Pack cases once for every anchor they have."""
    rows = await _copied(conn, _select([_micros(anchor) for anchor in ANCHORS], which), values, len(ANCHORS))
    ids, columns = _ids(rows), _columns(rows)
    found = {}
    for i, anchor in enumerate(ANCHORS):
        moments = rows[f"m{i}"].astype(np.int64)
        found[anchor] = Packed(ids, moments, columns).taken(moments != MISSING)
    return found


def has_unknown(packed: Packed) -> bool:
    """Tell whether a case has a place, unit or kind without a number."""
    return bool((packed.columns[:3] < 0).any())


def _micros(anchor: str) -> str:
    return f"coalesce((extract(epoch from {ANCHORS[anchor].sql.format('c')}) * 1000000)::bigint, {MISSING})"


@cache
def _rest() -> str:
    measures = ", ".join(f"coalesce({seconds(measure)}, {MISSING})" for measure in MEASURES)
    numbers = ", ".join(f"coalesce({alias}.id, {MISSING})" for alias in ("p", "u", "k"))
    return f"{numbers}, {MASK}, {measures}".format("c")


def _select(moments: Sequence[str], which: str) -> str:
    return (
        f"select c.id, {', '.join(moments)}, {_rest()} from cases c left join figure_places p on p.area_ids = c.area_ids"
        f" left join figure_units u on u.key = {UNIT_KEY.format('c')} left join figure_kinds k on k.key = {KIND_KEY.format('c')}"
        f" where {which} order by c.id"
    )


async def _copied(conn: Conn, select: str, values: Mapping[str, object], moments: int) -> NDArray[np.void]:
    """Run a select through binary COPY into an array of records: id, m0.., c0.."""
    fields: list[tuple[str, str]] = [("n", ">i2"), ("l", ">i4"), ("id", "V16")]
    for i in range(moments):
        fields += [(f"lm{i}", ">i4"), (f"m{i}", ">i8")]
    for i in range(WIDTH):
        fields += [(f"lc{i}", ">i4"), (f"c{i}", ">i4")]
    async with conn.cursor() as cursor, cursor.copy(f"copy ({select}) to stdout (format binary)", values) as sent:
        data = b"".join([bytes(piece) async for piece in sent])
    return np.frombuffer(data[_HEADER : len(data) - _TRAILER], np.dtype(fields))


def _ids(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    return np.frombuffer(rows["id"].tobytes(), np.uint64).reshape(len(rows), 2)


def _columns(rows: NDArray[np.void]) -> NDArray[np.int32]:
    return np.stack([rows[f"c{i}"].astype(np.int32) for i in range(WIDTH)]) if len(rows) else NOTHING.columns
