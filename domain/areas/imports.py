"""Bringing a file's areas in: the layer's promise is checked against the parents in force before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely

from domain.areas.changes import AreaRecord
from domain.areas.tables import LEVELS, PROMISES
from domain.base import Conn
from domain.errors import Invalid, NotFound
from geo import coverage
from geo.shapes import Area

_LAYER = "select name, promise from area_layers where code = %s"
_KNOWN_LAYERS = "select code from area_layers order by ord, code"
_SHAPES = """
select distinct on (code) code, st_asbinary(geom, 'NDR') from area_versions
where code = any(%s) and valid_from <= %s and (valid_to is null or valid_to > %s)
order by code, layer <> 'admin', layer
"""
_CITY = """
select st_asbinary(geom, 'NDR') from area_versions
where layer = 'admin' and level = any(%s) and valid_from <= %s and (valid_to is null or valid_to > %s)
"""


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """Where an import goes: the layer, the level its areas get, and what it promises."""

    layer: str
    level: str
    promise: coverage.Promise


async def choose_layer(conn: Conn, layer: str, level: str | None, promise: str | None) -> LayerChoice:
    """Resolve what was asked for; the administrative tree has many levels, so there the level must be named."""
    row = await (await conn.execute(_LAYER, (layer,))).fetchone()
    if row is None:
        known = ", ".join(code for (code,) in await (await conn.execute(_KNOWN_LAYERS)).fetchall())
        raise NotFound(f"there is no layer {layer!r}; there are: {known}", f"没有图层 {layer!r}", field="layer")
    level = level or (layer if layer in LEVELS else None)
    if level not in LEVELS:
        raise Invalid(f"name the level of these areas: one of {', '.join(LEVELS)}", "请指明区域级别", field="level")
    promise = promise or row[1]
    if promise not in PROMISES:
        raise Invalid(f"a layer promises one of {', '.join(PROMISES)}", "未知的图层约定", field="promise")
    return LayerChoice(layer, level, promise)  # type: ignore[arg-type]  # PROMISES are its words


async def check(conn: Conn, choice: LayerChoice, records: Sequence[AreaRecord], *, at: datetime) -> coverage.Findings:
    """List every overlap, gap and uncovered part of the records, given the promise and the parents in force at ``at``."""
    wanted = sorted({record.parent_code for record in records if record.parent_code is not None})
    parents: dict[str, Area] = {}
    for code, wkb in await (await conn.execute(_SHAPES, (wanted, at, at))).fetchall():
        parents[code] = shapely.from_wkb(bytes(wkb))  # type: ignore[assignment]  # the column holds multipolygons
    polygons: list[Area] = [record.geometry for record in records]  # type: ignore[misc]  # read as areas
    return coverage.check(polygons, [record.code for record in records], choice.promise, parents or None)


async def city_shapes(conn: Conn, *, at: datetime) -> list[Area]:
    """Give the shapes of the city in force, what an import's position is held against; empty before the first import."""
    for levels in (["county"], ["city"]):
        rows = await (await conn.execute(_CITY, (levels, at, at))).fetchall()
        if rows:
            return [shapely.from_wkb(bytes(wkb)) for (wkb,) in rows]  # type: ignore[misc]
    return []
