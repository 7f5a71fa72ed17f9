"""Figures: counted by versioned definitions within the caller's scope, each number with the cases behind it."""

from __future__ import annotations

from datetime import date

import strawberry
from strawberry.scalars import JSON

from api import read
from api.context import Context, Info
from api.entity import told
from api.graph.cases import NEWEST, CaseConnection
from api.graph.words import Words
from api.scalars import uuid_of
from domain.errors import Forbidden
from domain.flows import figures
from domain.flows.figures import Asked, Row
from domain.insights import definitions, keep
from domain.insights.count import Value
from domain.insights.definitions import Definition, NewDefinition
from domain.insights.facts import ANCHORS, FACTS, MEASURES
from domain.insights.reading import Period
from domain.people.scope import scope_for
from runtime.database import transaction


@strawberry.type(description="One figure of one row.")
class FigureValue:
    """A value."""

    code: str = told("Code of the definition.")
    version: int = told("Version of the definition it was counted by: the one in force on the last day of the period.")
    unit: str = told("`cases`, `percent` or `minutes`.")
    value: float | None = told("The figure; null where there is nothing to divide by or to measure.")
    numerator: int = told("Cases of the numerator; of a median, cases measured. figureCases opens exactly these.")
    denominator: int | None = told("Cases of the denominator; null where there is none. figureCases opens exactly these.")


@strawberry.type(description="The figures of one area, department, matter or source, or of all together.")
class FigureRow:
    """A row."""

    key: str = told("Id of the area, department or matter, word of the source, `all`, or `none` for cases in no group.")
    name: Words = told("Its name in the period.")
    values: list[FigureValue] = told("One for each figure asked for, in that order.")


@strawberry.type(description="What a figure counts.")
class FigureDefinition:
    """A definition."""

    code: str = told("Code, stable over versions.")
    version: int = told("Version.")
    name: Words = told("Name.")
    statistic: str = told("`count`, `share`, `median` or `p90`.")
    anchor: str = told("Instant that decides in which period a case counts; see figureWords.")
    measure: str | None = told("What a median or p90 is of; see figureWords.")
    unit: str = told("`cases`, `percent` or `minutes`.")
    numerator: JSON = told("Condition over facts.")
    denominator: JSON | None = told("Condition over facts; shares have one.")
    filter: JSON | None = told("Condition that holds for both.")
    valid_from: date = told("First day it is in force.")
    valid_to: date | None = told("First day it is not any more; null while in force.")
    basis: str = told("Why it is counted this way.")


@strawberry.type(description="A word that definitions are written in.")
class FigureWord:
    """A word."""

    kind: str = told("`fact`, `measure` or `anchor`.")
    code: str = told("How it is written.")
    name: Words = told("What it says of a case.")


@strawberry.input(description="Which figures.")
class FiguresInput:
    """Input of figures and figureCases."""

    from_: date = told("First local day.", name="from")
    to: date = told("Last local day, counted too; the present counts up to now.")
    group_by: str = told("`none`, `area`, `department`, `matter` or `source`.", default="none")
    level: str | None = told(
        "Level of the areas to compare; null: those right below areaId, or the topmost there are several of.", default=None
    )
    area_id: strawberry.ID | None = told("Only cases in this area's subtree.", default=None)
    department_id: strawberry.ID | None = told("Only cases of this department.", default=None)
    matter_id: strawberry.ID | None = told("Only cases of this matter.", default=None)
    source: str | None = told("Only cases from citizen, hotline, staff, police110, qr or alert.", default=None)
    codes: list[str] | None = told("Which figures, in this order; all when null.", default=None)

    def asked(self, context: Context) -> Asked:
        """Read the input."""
        return Asked(
            period=Period(self.from_, self.to, context.now()), group_by=self.group_by, level=self.level,
            area_id=uuid_of(self.area_id, "areaId") if self.area_id else None,
            department_id=uuid_of(self.department_id, "departmentId") if self.department_id else None,
            matter_id=uuid_of(self.matter_id, "matterId") if self.matter_id else None,
            source=self.source, codes=None if self.codes is None else tuple(self.codes),
        )  # fmt: skip


@strawberry.input(description="A new figure, or the next version of one.")
class FigureDefinitionInput:
    """Input of saveFigureDefinition."""

    code: str = told("Small letters, digits and _; an existing one gets its next version.")
    name: str = told("Chinese name.")
    name_en: str = told("English name.")
    statistic: str = told("`count`, `share`, `median` or `p90`.")
    anchor: str = told("See figureWords.")
    numerator: JSON = told('A fact, "not:fact", or {all|any|none: [...]}, {within: [measure, seconds]}, {source: [...]}.')
    denominator: JSON | None = told("The same; for shares.", default=None)
    filter: JSON | None = told("The same; holds for both.", default=None)
    measure: str | None = told("For median and p90; see figureWords.", default=None)
    valid_from: date = told("First day it is in force; of a next version not before today.")
    basis: str = told("Why it is counted this way.", default="")


@strawberry.type
class InsightsQuery:
    """Reads of figures."""

    @strawberry.field(description="Figures of a period within the caller's scope. Needs case.read. No figure is of an individual.")
    async def figures(self, info: Info, input: FiguresInput) -> list[FigureRow]:  # noqa: A002
        """Count."""
        context = info.context
        scope = scope_for(await context.actor(), "case.read")
        async with context.pool.connection() as conn:
            found = await figures.figures(conn, context.state.figures, scope, input.asked(context))
        return read.picked(info, [_row(row) for row in found])

    @strawberry.field(description="Exactly the cases a number counts, newest first, that the caller may see. Needs case.read.")
    async def figure_cases(
        self, info: Info, input: FiguresInput, code: str, part: str = "numerator", key: str = "all",  # noqa: A002
        first: int = 50, after: str | None = None,
    ) -> CaseConnection:  # fmt: skip
        """List the cases behind a number."""
        context = info.context
        scope_for(await context.actor(), "case.read")
        async with context.pool.connection() as conn:
            where, values = await figures.rows_behind(conn, input.asked(context), code=code, part=part, key=key)
        return await read.page(info, NEWEST, where=where, values=values, first=first, after=after)

    @strawberry.field(description="Definitions in force on a day, today when null. Needs case.read or figure.manage.")
    async def figure_definitions(self, info: Info, day: date | None = None) -> list[FigureDefinition]:
        """List definitions."""
        context = info.context
        await _may_read(context)
        async with context.pool.connection() as conn:
            today = context.now().astimezone(await keep.zone_of(conn)).date()
            return [_definition(one) for one in await definitions.in_force(conn, day=day or today)]

    @strawberry.field(description="The words definitions are written in. Needs case.read or figure.manage.")
    async def figure_words(self, info: Info) -> list[FigureWord]:
        """List the vocabulary."""
        await _may_read(info.context)
        kinds = (("fact", FACTS), ("measure", MEASURES), ("anchor", ANCHORS))
        return [
            FigureWord(kind=kind, code=code, name=Words(zh=word.zh, en=word.en)) for kind, words in kinds for code, word in words.items()
        ]


@strawberry.type
class InsightsMutation:
    """Changes of definitions."""

    @strawberry.mutation(description="Define a figure, or its next version. Needs figure.manage. Gives the version in force from then on.")
    async def save_figure_definition(self, info: Info, input: FigureDefinitionInput) -> FigureDefinition:  # noqa: A002
        """Save a definition."""
        context = info.context
        actor = await context.signed_in()
        if not actor.may("figure.manage"):
            raise Forbidden("your roles do not allow figure.manage", "您的角色无权进行此操作", field="figure.manage")
        given = NewDefinition(**{name: getattr(input, name) for name in NewDefinition.__slots__})
        async with transaction(context.pool) as conn:
            today = context.now().astimezone(await keep.zone_of(conn)).date()
            await definitions.save(conn, given, today=today)
            (saved,) = [one for one in await definitions.in_force(conn, day=given.valid_from) if one.code == given.code]
        return _definition(saved)


async def _may_read(context: Context) -> None:
    actor = await context.signed_in()
    if not actor.may("figure.manage"):
        scope_for(actor, "case.read")


def _row(row: Row) -> dict[str, object]:
    """Write a row as the fields of FigureRow: there are thousands of values, and no field has anything to resolve."""
    return {"key": row.key, "name": {"zh": row.name[0], "en": row.name[1]}, "values": [_value(value) for value in row.values]}


def _value(value: Value) -> dict[str, object]:
    return {
        "code": value.code, "version": value.version, "unit": value.unit, "value": value.value, "numerator": value.numerator,
        "denominator": value.denominator,
    }  # fmt: skip


def _definition(one: Definition) -> FigureDefinition:
    return FigureDefinition(
        code=one.code, version=one.version, name=Words(zh=one.name, en=one.name_en), statistic=one.statistic, anchor=one.anchor,
        measure=one.measure, unit=one.unit, numerator=one.written["numerator"], denominator=one.written["denominator"],
        filter=one.written["filter"], valid_from=one.valid_from, valid_to=one.valid_to, basis=one.basis,
    )  # fmt: skip
