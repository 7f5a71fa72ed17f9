"""Definitions of figures: versioned rows, read as conditions; a city adds its own or a new version of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from domain.base import Conn, new_id
from domain.errors import Conflict, Invalid
from domain.insights.conditions import Condition, Group, parse
from domain.insights.facts import ANCHORS, MEASURES
from domain.insights.tables import STATISTICS

MAX_NAME: Final = 60
MAX_BASIS: Final = 500
MAX_DEFINITIONS: Final = 200
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_UNITS: Final = {"count": "cases", "share": "percent", "median": "minutes", "p90": "minutes"}

_COLUMNS: Final = (
    "code, version, name, name_en, statistic, anchor, numerator, denominator, filter, measure, unit, valid_from, valid_to, basis"
)
_IN_FORCE: Final = f"""
select {_COLUMNS} from figure_definitions
where valid_from <= %(day)s and (valid_to is null or valid_to > %(day)s) order by ord, code
"""
_CLOSE: Final = """
update figure_definitions set valid_to = %(valid_from)s where code = %(code)s and valid_to is null
returning version, valid_from, ord
"""
_INSERT: Final = """
insert into figure_definitions (id, code, version, name, name_en, statistic, anchor, numerator, denominator, filter, measure, unit,
                                valid_from, basis, ord)
values (%(id)s, %(code)s, %(version)s, %(name)s, %(name_en)s, %(statistic)s, %(anchor)s, %(numerator)s, %(denominator)s, %(filter)s,
        %(measure)s, %(unit)s, %(valid_from)s, %(basis)s, %(ord)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDefinition:
    """A definition as somebody writes it; conditions are JSON values."""

    code: str
    name: str
    name_en: str
    statistic: str
    anchor: str
    numerator: object
    denominator: object = None
    filter: object = None
    measure: str | None = None
    valid_from: date
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a definition, ready to count with: ``filter`` stands in both conditions already."""

    code: str
    version: int
    name: str
    name_en: str
    statistic: str
    anchor: str
    measure: str | None
    unit: str
    numerator: Condition
    denominator: Condition | None
    written: dict[str, Any]
    valid_from: date
    valid_to: date | None
    basis: str

    def part(self, name: str) -> Condition:
        """Give the condition of the cases that make the numerator or the denominator; raises Invalid for another part."""
        if name == "numerator":
            return self.numerator
        if name != "denominator" or self.denominator is None:
            raise Invalid(f"{self.code} has no {name[:20]!r}", "该指标没有此部分", field="part")
        return self.denominator


async def in_force(conn: Conn, *, day: date) -> list[Definition]:
    """Read the versions in force on a day, in the order they are shown."""
    found = await (await conn.execute(_IN_FORCE, {"day": day})).fetchall()
    return [_definition(dict(zip(_COLUMNS.split(", "), row, strict=True))) for row in found]


def chosen(definitions: Sequence[Definition], codes: Sequence[str] | None) -> list[Definition]:
    """Pick by code, in the order asked for; all when none is named. Raises Invalid for an unknown code."""
    if codes is None:
        return list(definitions)
    by_code = {one.code: one for one in definitions}
    if unknown := [code for code in codes if code not in by_code]:
        raise Invalid(f"no figure {unknown[0][:40]!r} is defined for this period", f"该期间没有指标「{unknown[0][:40]}」", field="codes")
    return [by_code[code] for code in dict.fromkeys(codes)]


async def save(conn: Conn, given: NewDefinition, *, today: date) -> int:
    """Write a definition, or the next version of one, and give its version.

    The version before ends where the new one begins. Raises Invalid for what is not understood, Conflict for a next version
    that would change what has been counted already.
    """
    _check(given)
    before = await (await conn.execute(_CLOSE, {"code": given.code, "valid_from": given.valid_from})).fetchone()
    version, begun, order = before or (0, None, 500)
    if begun is not None and (begun >= given.valid_from or given.valid_from < today):
        earliest = max(begun + timedelta(days=1), today)
        raise Conflict(f"the next version begins on {earliest} or later", f"新版本最早自 {earliest} 起生效", field="validFrom")
    counted = await (await conn.execute("select count(distinct code) from figure_definitions")).fetchone()
    if before is None and counted and counted[0] >= MAX_DEFINITIONS:
        raise Conflict(f"there are {MAX_DEFINITIONS} figures already", f"指标最多 {MAX_DEFINITIONS} 项", field="code")
    values = {name: getattr(given, name) for name in NewDefinition.__slots__}
    for name in ("numerator", "denominator", "filter"):
        values[name] = None if values[name] is None else Jsonb(values[name])
    await conn.execute(_INSERT, {**values, "id": new_id(), "version": version + 1, "unit": _UNITS[given.statistic], "ord": order})
    return int(version) + 1


def _check(given: NewDefinition) -> None:
    if not _CODE.fullmatch(given.code):
        raise Invalid("a code is 2 to 40 small letters, digits and _", "代码须为 2 至 40 个小写字母、数字或下划线", field="code")
    for field, text, limit, least in (
        ("name", given.name, MAX_NAME, 1), ("nameEn", given.name_en, MAX_NAME, 1), ("basis", given.basis, MAX_BASIS, 0),
    ):  # fmt: skip
        if not least <= len(text.strip()) or len(text) > limit or "\x00" in text:
            raise Invalid(f"{field} has {least} to {limit} characters", f"{field} 须为 {least} 至 {limit} 个字", field=field)
    for field, word, known in (("statistic", given.statistic, STATISTICS), ("anchor", given.anchor, tuple(ANCHORS))):
        if word not in known:
            raise Invalid(f"{field} is one of {', '.join(known)}", f"{field} 的取值不正确", field=field)
    measured = given.statistic in ("median", "p90")
    if measured != (given.measure in MEASURES) or (not measured and given.measure is not None):
        known_ones = ", ".join(MEASURES)
        raise Invalid(f"a median or p90 is of one of {known_ones}, nothing else is", "只有中位数和九成位数须写明用时项", field="measure")
    if (given.statistic == "share") != (given.denominator is not None):
        raise Invalid("a share has a denominator, nothing else has", "比率须有分母，其他指标没有", field="denominator")
    for field in ("numerator", "denominator", "filter"):
        if (value := getattr(given, field)) is not None:
            parse(value, field=field)
    if given.numerator is None:
        raise Invalid("say what the numerator counts", "须写明分子", field="numerator")


def _definition(row: dict[str, Any]) -> Definition:
    def condition(name: str) -> Condition:
        both = [value for value in (row["filter"], row[name]) if value is not None]
        return Group("all", tuple(parse(value, field=name) for value in both))

    return Definition(
        code=row["code"], version=row["version"], name=row["name"], name_en=row["name_en"], statistic=row["statistic"],
        anchor=row["anchor"], measure=row["measure"], unit=row["unit"], numerator=condition("numerator"),
        denominator=condition("denominator") if row["denominator"] is not None else None,
        written={name: row[name] for name in ("numerator", "denominator", "filter")},
        valid_from=row["valid_from"], valid_to=row["valid_to"], basis=row["basis"],
    )  # fmt: skip
