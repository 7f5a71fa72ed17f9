"""Figures are exactly what looking at every case gives, however far the worker has got, and every number opens its rows."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.flows import figures
from domain.flows.figures import Asked
from domain.insights import keep
from domain.insights.reading import Period
from domain.people.scope import SEES, Actor, Grant, Scope, scope_for
from tests.insights import oracle
from tests.insights.conftest import NOW, Made

pytestmark = pytest.mark.anyio

NAMES = ("code", "statistic", "anchor", "numerator", "denominator", "filter", "measure")
PERIODS = (
    (date(2026, 11, 1), date(2026, 11, 30)),
    (date(2026, 10, 5), date(2026, 11, 12)),
    (date(2026, 11, 20), date(2026, 11, 20)),
    (date(2025, 1, 1), date(2026, 12, 31)),
)


def scopes(made: Made) -> list[Scope]:
    areas, of = made.city.areas, made.city.departments

    def scope(*grants: Grant, department: UUID | None = None) -> Scope:
        return scope_for(Actor(made.city.users["staff"], "staff", "x", department, grants), "case.read")

    return [
        scope(Grant("leader", None, None)),
        scope(Grant("dispatcher", areas["360502102"], None)),
        scope(Grant("clerk", None, of["water"])),
        scope(Grant("grid_worker", areas["36050210100100000"], None) if "36050210100100000" in areas else Grant("clerk", None, of["rail"]),
              Grant("clerk", None, of["west"]), department=of["west"]),
        scope(Grant("leader", None, None), department=of["east"]),
    ]  # fmt: skip


def groups(made: Made, asked: Asked, key: str, cases: Sequence[Any], every: Sequence[str]) -> list[Any]:
    """Pick the cases of a row, as a reader of its name would."""
    if asked.group_by == "none":
        return list(cases)
    if asked.group_by == "area":
        inside = [{str(area) for area in case["area_ids"]} for case in cases]
        return [case for case, of in zip(cases, inside, strict=True) if (of.isdisjoint(every) if key == "none" else key in of)]
    name = "source" if asked.group_by == "source" else f"{asked.group_by}_id"
    return [case for case in cases if (case[name] is None if key == "none" else str(case[name]) == key)]


def narrowed(asked: Asked, cases: Sequence[Any]) -> list[Any]:
    return [
        case
        for case in cases
        if (asked.area_id is None or asked.area_id in case["area_ids"])
        and asked.department_id in (None, case["department_id"])
        and asked.matter_id in (None, case["matter_id"])
        and asked.source in (None, case["source"])
    ]


async def definitions(made: Made) -> dict[str, Any]:
    cursor = await made.conn.execute(f"select {', '.join(NAMES)} from figure_definitions where valid_to is null order by ord")
    return {row[0]: dict(zip(NAMES, row, strict=True)) for row in await cursor.fetchall()}


async def compare(made: Made, asked: Asked, scope: Scope) -> int:
    """Compare every value of every row with the oracle and give how many cases were counted in all."""
    rows = await figures.figures(made.conn, made.memory, scope, asked)
    known = await definitions(made)
    cases = narrowed(asked, [case for case in made.cases.values() if oracle.sees(scope, case)])
    period, total = asked.period, 0
    keys = [row.key for row in rows]
    assert len(keys) == len(set(keys))
    for row in rows:
        assert [value.code for value in row.values] == list(asked.codes or known)
        members = groups(made, asked, row.key, cases, keys)
        for value in row.values:
            wanted = oracle.value(members, known[value.code], period.first, period.last, period.at)
            assert (value.value, value.numerator, value.denominator) == wanted, (asked, row.key, value.code)
            total += value.numerator
    if asked.group_by in ("department", "matter", "source"):
        left_out = [case for case in cases if not any(case in groups(made, asked, key, [case], keys) for key in keys)]
        for row in known.values():
            part = "denominator" if row["denominator"] else "numerator"
            assert not oracle.counted(left_out, row, period.first, period.last, period.at, part)
    return total


def askings(made: Made, period: Period) -> list[Asked]:
    areas, of = made.city.areas, made.city.departments
    return [
        Asked(period=period),
        *(Asked(period=period, group_by=group) for group in ("area", "department", "matter", "source")),
        Asked(period=period, group_by="area", area_id=areas["360502101"]),
        Asked(period=period, group_by="area", level="grid", source="citizen"),
        Asked(period=period, group_by="department", area_id=areas["360502102"], matter_id=made.city.matters["rubbish"]),
        Asked(period=period, group_by="matter", department_id=of["west"], codes=("on_time", "handling_p90", "received")),
    ]  # fmt: skip


async def test_figures_equal_brute_force_whatever_the_worker_has_done(made: Made) -> None:
    counted = 0
    await made.open(150)
    for turn in range(8):
        period = Period(*PERIODS[turn % len(PERIODS)], NOW)
        for asked in askings(made, period):
            for scope in scopes(made):
                counted += await compare(made, asked, scope)
        if turn % 2 == 0:
            await made.keep_up_wholly()
        await made.change(25)
        await made.open(10)
    assert counted > 20_000


async def test_what_the_worker_packs_is_what_packing_everything_anew_gives(made: Made) -> None:
    await made.open(120)
    for _ in range(5):
        await made.keep_up_wholly()
        await made.change(30)
    await made.keep_up_wholly()
    kept = await blocks(made)
    await made.conn.execute("update figure_blocks set stale = true")
    await made.keep_up_wholly()
    assert await blocks(made) == kept
    assert sum(len(cases) for cases in kept.values()) > 200


async def blocks(made: Made) -> dict[Any, Any]:
    """Read all blocks as sets of cases, whatever their order."""
    found = {}
    for anchor, day, cases, ids, moments, columns in await made.city.rows(
        "select anchor, day, cases, ids, moments, columns from figure_blocks where not stale"
    ):
        width = len(columns) // (4 * cases)
        found[anchor, day] = {
            (ids[16 * i : 16 * i + 16], moments[8 * i : 8 * i + 8], *(columns[4 * (cases * c + i) :][:4] for c in range(width)))
            for i in range(cases)
        }
        assert len(found[anchor, day]) == cases
    return found


async def test_every_number_opens_exactly_its_rows(made: Made) -> None:
    await made.open(150)
    await made.keep_up_wholly()
    await made.change(20)
    period = Period(*PERIODS[1], NOW)
    known = await definitions(made)
    for asked in askings(made, period):
        for scope in scopes(made)[:3]:
            for row in await figures.figures(made.conn, made.memory, scope, asked):
                for value in row.values:
                    parts = {"numerator": value.numerator, "denominator": value.denominator}
                    for part, number in parts.items():
                        if number is not None:
                            assert await opened(made, asked, scope, value.code, part, row.key) == number, (asked, value, part)
    assert len(known) > 15


async def opened(made: Made, asked: Asked, scope: Scope, code: str, part: str, key: str) -> int:
    where, values = await figures.rows_behind(made.conn, asked, code=code, part=part, key=key)
    conditions = " and ".join(condition.format("c") for condition in [*where, SEES])
    cursor = await made.conn.execute(f"select count(*) from cases c where {conditions}", {**values, **scope.parameters()})
    ((number,),) = await cursor.fetchall()
    return int(number)


async def test_more_changes_than_can_be_moved_make_whole_days_anew(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.insights.keep.MANY", 20)
    await made.open(60)
    asked, scope = Asked(period=Period(*PERIODS[3], NOW), group_by="department"), scopes(made)[0]
    await compare(made, asked, scope)
    await made.keep_up()
    assert await made.city.one("select count(*) from figure_changes") == 0
    assert await made.city.one("select count(*) from figure_blocks where stale") > 0
    await compare(made, asked, scope)
    await made.keep_up_wholly()
    assert await made.city.one("select count(*) from figure_blocks where stale") == 0
    await compare(made, asked, scope)


async def test_a_rolled_back_change_leaves_no_trace(made: Made) -> None:
    await made.open(20)
    await made.keep_up_wholly()
    async with made.conn.transaction(force_rollback=True):
        await made.conn.execute("update cases set state = 'closed', closed_at = now()")
    await compare(made, Asked(period=Period(*PERIODS[3], NOW)), scopes(made)[0])
    assert await made.city.one("select count(*) from figure_changes") == 0


async def test_only_one_worker_packs_at_a_time(made: Made, database_url: str) -> None:
    await made.open(5)
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("set transaction isolation level repeatable read")
        assert await keep.keep_up(other) == 5
        assert await made.keep_up() == 0
    assert await made.city.one("select count(*) from figure_changes") == 0


def test_the_day_after_the_last_of_a_period_is_not_in_it() -> None:
    period = Period(date(2026, 11, 1), date(2026, 11, 1), NOW)
    since, until = period.instants(oracle.ZONE)
    assert until - since == timedelta(days=1)
