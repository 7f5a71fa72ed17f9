"""Publishing a layer: the new versions open and the old ones close in one transaction, or nothing happens.

The layer's lock is taken alone here and shared by intake, so a report is assigned either wholly before or wholly after a
publication; the raised layer version then tells every process that its index is of yesterday.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import shapely

from domain import events
from domain.areas.changes import AreaRecord, Changes, Known, Written, compare
from domain.base import Conn
from domain.errors import Conflict, NotFound
from geo import cells

CELL_RESOLUTION = 10
# H3 covers serve set re-assignment of small areas; a county's cover would be large and never asked for.
COVERED_LEVELS = ("grid", "unit_grid", "special_grid", "rail_section", "other")
LOCK_SPACE = 0x67726177

_STAGE = """
create temporary table stage (
    version_id uuid, area_id uuid, level text, code text, name text, name_en text, parent_id uuid, path uuid[],
    approximate boolean, basis text, source text, geom bytea
) on commit drop
"""
_COPY = """
copy stage (version_id, area_id, level, code, name, name_en, parent_id, path, approximate, basis, source, geom)
from stdin (format binary)
"""
_TYPES = ("uuid", "uuid", "text", "text", "text", "text", "uuid", "uuid[]", "bool", "text", "text", "bytea")
_OPEN = """
insert into area_versions (id, area_id, layer, level, code, name, name_en, parent_id, path, valid_from, geom, geom_3857,
                           label_point, area_m2, approximate, basis, source, created_at)
select version_id, area_id, %(layer)s, level, code, name, name_en, parent_id, path, %(at)s, g, st_transform(g, 3857),
       st_transform(st_pointonsurface(g), 3857), st_area(g::geography), approximate, basis, source, %(at)s
from (select *, st_setsrid(st_geomfromwkb(geom), 4326) as g from stage) s
"""
_KNOWN = """
select code, id, area_id, level, name, name_en, parent_id, path, approximate, basis, source, st_asbinary(geom, 'NDR')
from area_versions where layer = %(layer)s and (%(level)s::text is null or level = %(level)s) and valid_to is null
"""
_PARENTS = """
select distinct on (code) code, area_id, path from area_versions
where code = any(%(codes)s) and valid_to is null and (layer <> %(layer)s or level <> %(level)s)
order by code, layer <> 'admin', layer
"""
# Areas whose parent has moved in the tree follow it, in whatever layer they are.
_STALE_PATHS = """
select c.layer, c.code from area_versions c join area_versions p on p.area_id = c.parent_id and p.valid_to is null
where c.valid_to is null and c.path <> p.path || c.area_id limit 5
"""
_ORPHANS = """
select c.code, c.layer from area_versions c
where c.valid_to is null and c.parent_id is not null
  and not exists (select 1 from area_versions p where p.area_id = c.parent_id and p.valid_to is null) limit 5
"""


Covers: TypeAlias = Mapping[bytes, tuple[list[int], frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did to the layer."""

    layer: str
    version: int
    written: int
    retired: int
    unchanged: int


async def publish(
    conn: Conn,
    layer: str,
    records: Sequence[AreaRecord],
    *,
    at: datetime,
    level: str | None = None,
    actor_id: UUID | None = None,
    covers: Covers | None = None,
) -> Published:
    """Make the records (parents before children) the whole of a layer, or of one level of it, from the instant ``at`` on.

    Publishing the same records again changes nothing and leaves the layer's version as it is. Geometry must have been
    checked before (``geo.shapes``, ``geo.coverage``). Raises NotFound for an unknown layer, Invalid for bad records,
    Conflict when another area still hangs below a retired one or a version would begin before the one it replaces.
    Intake waits meanwhile: a caller in a living city hands over the ``covers`` it made with ``prepare`` beforehand.
    """
    await lock_layer(conn, layer, shared=False)
    version = await _version(conn, layer)
    known = await _known(conn, layer, level)
    changes = compare(known, await _parents(conn, layer, level, records), records)
    if not changes.written and not changes.closed:
        return Published(layer, version, 0, 0, changes.unchanged)
    await _write(conn, layer, changes, at, covers or {})
    await _refuse_broken_tree(conn, layer)
    await conn.execute("update area_layers set version = version + 1 where code = %s", (layer,))
    await events.record(conn, [_changed(changes, at, actor_id)])
    return Published(layer, version + 1, len(changes.written), changes.retired, changes.unchanged)


async def prepare(conn: Conn, layer: str, records: Sequence[AreaRecord], *, level: str | None = None) -> Covers:
    """Make the H3 covers a publication of these records will need, by WKB: the slow part, done before anything is locked."""
    changes = compare(await _known(conn, layer, level), await _parents(conn, layer, level, records), records)
    return {one.wkb: _cover(one.wkb) for one in changes.written if one.record.level in COVERED_LEVELS}


async def lock_layer(conn: Conn, layer: str, *, shared: bool) -> None:
    """Take the layer's transaction lock: shared to assign by it, alone to change it."""
    kind = "_shared" if shared else ""
    await conn.execute(f"select pg_advisory_xact_lock{kind}(%s, hashtext(%s))", (LOCK_SPACE, layer))


async def _known(conn: Conn, layer: str, level: str | None) -> dict[str, Known]:
    found: dict[str, Known] = {}
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(_KNOWN, {"layer": layer, "level": level})
        async for code, version_id, area_id, level, name, name_en, parent_id, path, *rest, wkb in cursor:
            facts = (level, name, name_en, parent_id, tuple(path), *rest)
            found[code] = Known(version_id, area_id, facts, bytes(wkb))
    return found


async def _parents(
    conn: Conn, layer: str, level: str | None, records: Sequence[AreaRecord]
) -> Mapping[str, tuple[UUID, tuple[UUID, ...]]]:
    wanted = sorted({record.parent_code for record in records if record.parent_code is not None})
    cursor = await conn.execute(_PARENTS, {"codes": wanted, "layer": layer, "level": level})
    return {code: (area_id, tuple(path)) for code, area_id, path in await cursor.fetchall()}


async def _write(conn: Conn, layer: str, changes: Changes, at: datetime, covers: Covers) -> None:
    early = await conn.execute(
        "select code from area_versions where id = any(%s) and valid_from >= %s limit 1", (list(changes.closed), at)
    )
    if row := await early.fetchone():
        raise Conflict(
            f"area {row[0]} already has a version that begins at {at.isoformat()} or later; publish at a later instant",
            f"区域 {row[0]} 已有同时或更晚生效的版本，请选择更晚的生效时间",
            field="at",
        )
    await conn.execute("update area_versions set valid_to = %s where id = any(%s)", (at, list(changes.closed)))
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into areas (id, layer, created_at) values (%s, %s, %s)",
            [(written.area_id, layer, at) for written in changes.written if written.is_new],
        )
        await cursor.execute(_STAGE)
        async with cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for written in changes.written:
                await copy.write_row(_stage_row(written))
        await cursor.execute(_OPEN, {"layer": layer, "at": at})
        await cursor.execute("drop table stage")
        async with cursor.copy("copy area_cells (version_id, cell, whole) from stdin (format binary)") as copy:
            copy.set_types(("uuid", "int8", "bool"))
            for row in _cell_rows(changes.written, covers):
                await copy.write_row(row)


def _stage_row(written: Written) -> tuple[object, ...]:
    record = written.record
    return (
        written.version_id, written.area_id, record.level, record.code, record.name, record.name_en, written.parent_id,
        list(written.path), record.approximate, record.basis, record.source, written.wkb,
    )  # fmt: skip


def _cell_rows(written: Sequence[Written], covers: Covers) -> Iterator[tuple[UUID, int, bool]]:
    for one in written:
        if one.record.level in COVERED_LEVELS:
            touched, whole = covers.get(one.wkb) or _cover(one.wkb)
            for cell in touched:
                yield one.version_id, cell, cell in whole


def _cover(wkb: bytes) -> tuple[list[int], frozenset[int]]:
    shape = shapely.from_wkb(wkb)
    return cells.cover(shape, CELL_RESOLUTION).tolist(), frozenset(cells.cover_full(shape, CELL_RESOLUTION).tolist())


async def _refuse_broken_tree(conn: Conn, layer: str) -> None:
    orphans = await (await conn.execute(_ORPHANS)).fetchall()
    if orphans:
        listed = ", ".join(f"{code} ({of})" for code, of in orphans)
        raise Conflict(
            f"areas still hang below one that layer {layer} would lose: {listed}; move or retire them first",
            f"仍有下级区域依附于将被撤销的区域：{listed}，请先调整",
        )
    stale = await (await conn.execute(_STALE_PATHS)).fetchall()
    if stale:
        listed = ", ".join(f"{code} ({of})" for of, code in stale)
        raise Conflict(
            f"the parents of {listed} move in the tree; publish the moved areas' layers with codes of their own",
            f"区域 {listed} 的上级位置发生变化，请以新编码发布",
        )


async def _version(conn: Conn, layer: str) -> int:
    row = await (await conn.execute("select version from area_layers where code = %s", (layer,))).fetchone()
    if row is None:
        raise NotFound(f"there is no layer {layer!r}", f"没有图层 {layer!r}", field="layer")
    return int(row[0])


def _changed(changes: Changes, at: datetime, actor_id: UUID | None) -> events.Event:
    subject = changes.written[0].area_id if changes.written else changes.closed[0]
    return events.Event(
        kind="area.layer_changed", subject_kind="area_layer", subject_id=subject, at=at, actor_id=actor_id
    )
