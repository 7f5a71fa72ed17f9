"""Figures for somebody: what they may see of the city, counted over a period, and the rows behind any number.

Areas are those in force in the period, and a case counts in the areas it was assigned to when it came in, so a boundary moved
later changes no old figure. There is no figure of an individual.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from domain.base import Conn
from domain.errors import Invalid
from domain.insights import count, definitions, keep, reading
from domain.insights.count import Grouping, Value
from domain.insights.definitions import Definition
from domain.insights.facts import ANCHORS, SOURCE, SOURCES, seconds
from domain.insights.packing import Packed
from domain.insights.reading import FigureMemory, Numbers, Period
from domain.people.scope import Scope

GROUPINGS: Final = ("none", "area", "department", "matter", "source")
LEVELS: Final = ("province", "city", "county", "town", "village", "grid", "unit_grid", "special_grid", "rail_section", "other")
ALL, NONE = "all", "none"
MAX_GROUPS: Final = 3_000
_TRIES: Final = 4

_AREAS: Final = """
select v.area_id, (array_agg(v.name order by v.valid_from desc))[1], (array_agg(v.name_en order by v.valid_from desc))[1]
from area_versions v
where v.valid_from < %(until)s and (v.valid_to is null or v.valid_to > %(since)s) and {which}
group by v.area_id order by min(v.code), v.area_id limit %(limit)s
"""
# The topmost level of the tree on which there is something to compare.
_TOP: Final = """
select level from area_versions v where v.layer = 'admin' and v.valid_from < %(until)s and (v.valid_to is null or v.valid_to > %(since)s)
group by level having count(distinct area_id) > 1 order by array_position(%(levels)s::text[], level) limit 1
"""
_NAMES: Final = {
    "department": "select id, name, name_en from departments where id = any(%s)",
    "matter": "select id, name, name_en from matters where id = any(%s)",
}
_SOURCE_NAMES: Final = {
    "citizen": ("群众上报", "Citizens"), "hotline": ("12345 热线", "Hotline 12345"), "staff": ("工作人员上报", "Staff"),
    "police110": ("110 非警务警情", "Non-police calls from 110"), "qr": ("扫码上报", "QR codes"), "alert": ("设备告警", "Device alerts"),
}  # fmt: skip
_WHOLE: Final = ("合计", "Total")
_REST: Final = {
    "area": ("其他区域", "Elsewhere"), "department": ("未派遣", "With no department"), "matter": ("事项未定", "Matter not known"),
    "source": ("其他来源", "Other sources"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which figures: a period, what narrows them, and what they are grouped by."""

    period: Period
    group_by: str = NONE
    level: str | None = None
    area_id: UUID | None = None
    department_id: UUID | None = None
    matter_id: UUID | None = None
    source: str | None = None
    codes: tuple[str, ...] | None = None

    def check(self) -> None:
        """Raise Invalid that names what is wrong."""
        self.period.check()
        for name, value, known in (("groupBy", self.group_by, GROUPINGS), ("level", self.level, LEVELS), ("source", self.source, SOURCES)):
            if value is not None and value not in known:
                raise Invalid(f"{name} is one of {', '.join(known)}", f"{name} 的取值不正确", field=name)
        if self.codes is not None and len(self.codes) > definitions.MAX_DEFINITIONS:
            raise Invalid("too many codes", "指标过多", field="codes")


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one group; ``key`` is its id, or "all", or "none" for cases in no group."""

    key: str
    name: tuple[str, str]
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class _Group:
    key: str
    name: tuple[str, str]
    id: UUID | str | None = None


async def figures(conn: Conn, memory: FigureMemory, scope: Scope, asked: Asked) -> list[Row]:
    """Count; the connection must have no transaction open. Raises Invalid that names what was asked wrongly."""
    asked.check()
    for _ in range(_TRIES):
        try:
            async with conn.transaction():
                await conn.execute("set transaction isolation level repeatable read")
                return await _count(conn, memory, scope, asked)
        except reading.Unknown:
            async with conn.transaction():
                await reading.give_numbers(conn, tuple(ANCHORS), asked.period)
    raise RuntimeError("cases keep coming in faster than they can be numbered")


async def _count(conn: Conn, memory: FigureMemory, scope: Scope, asked: Asked) -> list[Row]:
    wanted = definitions.chosen(await definitions.in_force(conn, day=asked.period.last), asked.codes)
    anchors = tuple(dict.fromkeys(definition.anchor for definition in wanted))
    cases = await reading.read(conn, memory, anchors, asked.period)
    groups = await _groups(conn, memory.numbers, asked)
    return await asyncio.to_thread(_counted, cases, memory.numbers, scope, asked, wanted, groups)


def _counted(
    cases: Mapping[str, Packed], numbers: Numbers, scope: Scope, asked: Asked, wanted: Sequence[Definition], groups: Sequence[_Group]
) -> list[Row]:
    grouping = _grouping(numbers, asked.group_by, groups)
    rows = {}
    for anchor, packed in cases.items():
        keep = _visible(packed, numbers, scope) & _narrowed(packed, numbers, asked)
        kept = packed if keep.all() else Packed(packed.ids, packed.moments[keep], packed.columns[:, keep])
        rows[anchor] = count.grouped(kept, numbers, grouping)
    found = count.count(rows, wanted)
    if asked.group_by == NONE:
        return [Row(ALL, _WHOLE, found[0] if found else [])]
    rest = _Group(NONE, _REST[asked.group_by])
    used = np.logical_or.reduce([of_anchor.occurring for of_anchor in rows.values()]) if rows else np.zeros(len(groups) + 1, np.bool_)
    always = asked.group_by == "area"
    return [
        Row(group.key, group.name, values)
        for group, values, seen in zip([*groups, rest], found, used.tolist(), strict=False)
        if seen or (always and group is not rest)
    ]


def _visible(packed: Packed, numbers: Numbers, scope: Scope) -> NDArray[np.bool_]:
    """Tell which cases the scope shows: the words of ``SEES`` (domain/people/scope.py), in columns."""
    unit = count.column(packed, "unit")
    seen = np.full(len(unit), scope.everything)
    if not scope.everything:
        places = [place for area in scope.area_ids for place in numbers.places_of.get(area, ())]
        units = [unit for of in scope.department_ids for unit in (*numbers.units_of.get(of, ()), *numbers.units_with_party.get(of, ()))]
        seen = numbers.marks("place", places)[count.column(packed, "place")] | numbers.marks("unit", units)[unit]
    if about := [number for own in scope.own_ids for number in numbers.units_about.get(own, ())]:
        seen &= ~numbers.marks("unit", about)[unit]
    return seen


def _narrowed(packed: Packed, numbers: Numbers, asked: Asked) -> NDArray[np.bool_]:
    keep = np.ones(packed.columns.shape[1], np.bool_)
    if asked.area_id is not None:
        keep &= numbers.marks("place", numbers.places_of.get(asked.area_id, ()))[count.column(packed, "place")]
    if asked.department_id is not None:
        keep &= numbers.marks("unit", numbers.units_of.get(asked.department_id, ()))[count.column(packed, "unit")]
    if asked.matter_id is not None:
        keep &= numbers.marks("kind", numbers.kinds_of.get(asked.matter_id, ()))[count.column(packed, "kind")]
    if asked.source is not None:
        keep &= count.from_sources(packed, numbers, [asked.source])
    return keep


async def _groups(conn: Conn, numbers: Numbers, asked: Asked) -> list[_Group]:
    if asked.group_by == NONE:
        return []
    if asked.group_by == "source":
        return [_Group(source, _SOURCE_NAMES[source], source) for source in SOURCES]
    if asked.group_by == "area":
        return await _areas(conn, asked)
    known = numbers.units_of if asked.group_by == "department" else numbers.kinds_of
    ids = sorted(one for one in known if one is not None)
    names = {one: (name, name_en or name) for one, name, name_en in await (await conn.execute(_NAMES[asked.group_by], (ids,))).fetchall()}
    return [_Group(str(one), names.get(one, (str(one), str(one))), one) for one in ids]


async def _areas(conn: Conn, asked: Asked) -> list[_Group]:
    """List the areas to compare: of the level asked for, else those right below the area, else the topmost there are several of."""
    since, until = asked.period.instants(await keep.zone_of(conn))
    values: dict[str, object] = {"since": since, "until": max(until, since), "limit": MAX_GROUPS + 1, "area": asked.area_id}
    level = asked.level
    if level is None and asked.area_id is None:
        top = await (await conn.execute(_TOP, {**values, "levels": list(LEVELS)})).fetchone()
        level = top[0] if top else "city"
    which = "v.level = %(level)s" if level is not None else "v.parent_id = %(area)s"
    if level is not None and asked.area_id is not None:
        which += " and v.path @> array[%(area)s]::uuid[]"
    found = await (await conn.execute(_AREAS.format(which=which), {**values, "level": level})).fetchall()
    if len(found) > MAX_GROUPS:
        raise Invalid(
            f"more than {MAX_GROUPS} areas: choose one, or a higher level", f"区域超过 {MAX_GROUPS} 个，请缩小范围", field="level"
        )
    return [_Group(str(one), (name, name_en or name), one) for one, name, name_en in found]


def _grouping(numbers: Numbers, group_by: str, groups: Sequence[_Group]) -> Grouping:
    if group_by == NONE:
        return Grouping(None, (), 1)
    column = {"area": "place", "department": "unit", "matter": "kind", "source": "kind"}[group_by]
    members: Mapping[object, Sequence[int]] = {
        "area": numbers.places_of, "department": numbers.units_of, "matter": numbers.kinds_of, "source": numbers.kinds_from,
    }[group_by]  # type: ignore[assignment]  # fmt: skip
    tables = [np.full(numbers.last[column] + 1, -1, np.int64)]
    for index, group in enumerate(groups):
        for number in members.get(group.id, ()):
            for table in tables:
                if table[number] in (-1, index):
                    table[number] = index
                    break
            else:
                tables.append(np.full(len(tables[0]), -1, np.int64))
                tables[-1][number] = index
    return Grouping(column, tables, len(groups))


async def rows_behind(conn: Conn, asked: Asked, *, code: str, part: str, key: str) -> tuple[list[str], dict[str, object]]:
    """Write the conditions (SQL, {0} the alias of cases) that select exactly the cases a number counts, and their values.

    ``key`` is that of the row; the caller's scope is not in it. Raises Invalid for a figure, part or row that does not exist.
    """
    asked.check()
    (definition,) = definitions.chosen(await definitions.in_force(conn, day=asked.period.last), [code])
    since, until = asked.period.instants(await keep.zone_of(conn))
    instant = ANCHORS[definition.anchor].sql
    where = [f"{instant} >= %(figure_since)s", f"{instant} < %(figure_until)s", f"({definition.part(part).sql()})"]
    values: dict[str, object] = {"figure_since": since, "figure_until": until}
    if definition.measure is not None:
        where.append(f"{seconds(definition.measure)} is not null")
    for name, value, condition in (
        ("figure_area", asked.area_id, "{0}.area_ids @> array[%(figure_area)s]::uuid[]"),
        ("figure_department", asked.department_id, "{0}.department_id = %(figure_department)s"),
        ("figure_matter", asked.matter_id, "{0}.matter_id = %(figure_matter)s"),
        ("figure_source", asked.source, f"({SOURCE}) = %(figure_source)s"),
    ):
        if value is not None:
            where.append(condition)
            values[name] = value
    conditions, more = await _of_group(conn, asked, key)
    return [*where, *conditions], values | more


async def _of_group(conn: Conn, asked: Asked, key: str) -> tuple[list[str], dict[str, object]]:
    if asked.group_by == NONE or key == ALL:
        return [], {}
    if asked.group_by == "source":
        return [f"({SOURCE}) = %(figure_key)s"], {"figure_key": key}
    if key == NONE:
        if asked.group_by != "area":
            return [f"{{0}}.{asked.group_by}_id is null"], {}
        areas = [group.id for group in await _areas(conn, asked)]
        return ["not ({0}.area_ids && %(figure_keys)s::uuid[])"], {"figure_keys": areas}
    try:
        wanted = UUID(key)
    except ValueError:
        raise Invalid(f"no row has the key {key[:40]!r}", "没有该行", field="key") from None
    if asked.group_by == "area":
        return ["{0}.area_ids @> array[%(figure_key)s]::uuid[]"], {"figure_key": wanted}
    return [f"{{0}}.{asked.group_by}_id = %(figure_key)s"], {"figure_key": wanted}
