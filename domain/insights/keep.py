"""Keeps the blocks current: changed cases are taken from the queue and moved between blocks, stale blocks are made anew.

A block of a day is some thousand cases, so a pass rewrites only the days its cases were and are counted in. Readers do not
wait for it: they look at the queue too (``reading.py``), so a figure is exact at any moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from domain.base import Conn, new_id
from domain.insights import packing
from domain.insights.facts import ANCHORS, layout
from domain.insights.packing import EPOCH, NOTHING, Packed

TAKEN: Final = 2_000
REMADE: Final = 8
# From here on whole days are made anew, which costs less than moving every case.
MANY: Final = 20_000
MARKED: Final = 200_000
_LOCK: Final = 0x66696775

_FREE: Final = f"select pg_try_advisory_xact_lock({_LOCK})"
_ZONE: Final = "select zone from calendar_state"
_STALE: Final = "select anchor, day from figure_blocks where stale or layout <> %s order by day desc limit %s for update"
_QUEUE: Final = "select id, case_id, before from figure_changes order by id limit %s"
_BLOCK: Final = "select ids, moments, columns from figure_blocks where anchor = %s and day = %s and not stale and layout = %s for update"
_KEPT: Final = "select anchor, day from figure_blocks where anchor = %s and day = any(%s)"
_WRITE: Final = """
insert into figure_blocks (anchor, day, mark, layout, stale, cases, ids, moments, columns)
values (%(anchor)s, %(day)s, %(mark)s, %(layout)s, false, %(cases)s, %(ids)s, %(moments)s, %(columns)s)
on conflict (anchor, day) do update set mark = excluded.mark, layout = excluded.layout, stale = false, cases = excluded.cases,
    ids = excluded.ids, moments = excluded.moments, columns = excluded.columns
"""
_REMOVE: Final = "delete from figure_blocks where anchor = %s and day = %s"
_DAYS: Final = " union ".join(
    f"select '{anchor}' as anchor, ({word.sql.format('c')} at time zone %(zone)s)::date as day"
    " from cases c where c.id in (select case_id from gone)"
    f" union select '{anchor}', (before[{i}] at time zone %(zone)s)::date from gone"
    for i, (anchor, word) in enumerate(ANCHORS.items(), 1)
)
_MARK_STALE: Final = f"""
with gone as (
    delete from figure_changes where id in (select id from figure_changes order by id limit %(limit)s) returning case_id, before
), days as ({_DAYS})
insert into figure_blocks (anchor, day, mark, layout, stale, cases, ids, moments, columns)
select anchor, day, gen_random_uuid(), '', true, 0, '', '', '' from days where day is not null
on conflict (anchor, day) do update set stale = true, mark = excluded.mark
"""


async def zone_of(conn: Conn) -> ZoneInfo:
    """Read the zone whose midnights part the days."""
    row = await (await conn.execute(_ZONE)).fetchone()
    return ZoneInfo(row[0] if row else "Asia/Shanghai")


async def keep_up(conn: Conn) -> int:
    """Do one bounded piece of work and give how much there was; 0 when everything is current or another worker is at it.

    Belongs in a transaction of its own with isolation level repeatable read; whoever loses against another pass tries again.
    """
    cursor = await conn.execute(_FREE)
    if (free := await cursor.fetchone()) is None or not free[0]:
        return 0
    zone = await zone_of(conn)
    remade = await (await conn.execute(_STALE, (layout(zone.key), REMADE))).fetchall()
    for anchor, day in remade:
        await _remake(conn, anchor, day, zone)
    return len(remade) + await _fold(conn, zone)


async def _remake(conn: Conn, anchor: str, day: date, zone: ZoneInfo) -> None:
    instant = ANCHORS[anchor].sql.format("c")
    which = f"{instant} >= %(since)s and {instant} < %(until)s"
    values = {"since": packing.begin(day, zone), "until": packing.begin(day + timedelta(days=1), zone)}
    packed = await packing.of_anchor(conn, anchor, which, values)
    if packing.has_unknown(packed):
        await packing.number(conn, which, values)
        packed = await packing.of_anchor(conn, anchor, which, values)
    await _write(conn, anchor, day, packed, zone)


async def _fold(conn: Conn, zone: ZoneInfo) -> int:
    queue = await (await conn.execute(_QUEUE, (MANY + 1,))).fetchall()
    if len(queue) > MANY:
        await conn.execute(_MARK_STALE, {"zone": zone.key, "limit": MARKED})
        return len(queue)
    queue = queue[:TAKEN]
    if not queue:
        return 0
    cases = list({case_id for _, case_id, _ in queue})
    which, values = "c.id = any(%(ids)s)", {"ids": cases}
    fresh = await packing.of_all_anchors(conn, which, values)
    if any(packing.has_unknown(packed) for packed in fresh.values()):
        await packing.number(conn, which, values)
        fresh = await packing.of_all_anchors(conn, which, values)
    for (anchor, day), rows in by_block(fresh, (before for _, _, before in queue), zone).items():
        if (known := await _block(conn, anchor, day, zone)) is not None:
            await _write(conn, anchor, day, packing.together([known.without(packing.packed_ids(cases)), rows]), zone)
    await conn.execute("delete from figure_changes where id = any(%s)", ([number for number, _, _ in queue],))
    return len(queue)


def by_block(fresh: Mapping[str, Packed], befores: Iterable[list[Any] | None], zone: ZoneInfo) -> dict[tuple[str, date], Packed]:
    """Tell which blocks changed cases are or were in, and what each block has of them now."""
    touched: dict[tuple[str, date], Packed] = defaultdict(lambda: NOTHING)
    for before in befores:
        for anchor, instant in zip(ANCHORS, before or (), strict=False):
            if instant is not None:
                touched[anchor, instant.astimezone(zone).date()] = NOTHING
    for anchor, rows in fresh.items():
        day_of = packing.days(rows.moments, zone)
        for day in np.unique(day_of).tolist():
            touched[anchor, EPOCH.date() + timedelta(days=day)] = rows.taken(day_of == day)
    return touched


async def _block(conn: Conn, anchor: str, day: date, zone: ZoneInfo) -> Packed | None:
    """Read a block to change it: empty when there is none yet, None when it is to be made anew anyway."""
    row = await (await conn.execute(_BLOCK, (anchor, day, layout(zone.key)))).fetchone()
    if row is not None:
        return packing.unpacked(*row)
    stale = await (await conn.execute(_KEPT, (anchor, [day]))).fetchone()
    return None if stale else NOTHING


async def _write(conn: Conn, anchor: str, day: date, packed: Packed, zone: ZoneInfo) -> None:
    if not len(packed):
        await conn.execute(_REMOVE, (anchor, day))
        return
    await conn.execute(
        _WRITE,
        {
            "anchor": anchor, "day": day, "mark": new_id(), "layout": layout(zone.key), "cases": len(packed), "ids": packed.ids.tobytes(),
            "moments": packed.moments.astype("<i8").tobytes(), "columns": np.ascontiguousarray(packed.columns, "<i4").tobytes(),
        },
    )  # fmt: skip


async def pending(conn: Conn, *, limit: int) -> list[tuple[UUID, list[Any] | None]]:
    """List cases that changed since they were packed, with the anchors they had; at most ``limit``."""
    cursor = await conn.execute("select case_id, before from figure_changes order by id limit %s", (limit,))
    return [(case_id, before) for case_id, before in await cursor.fetchall()]
