"""Figures at the GraphQL door: counted within the caller's scope, opened row by row, defined by whoever may."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.graph import Graph

pytestmark = pytest.mark.anyio

FIGURES = (
    "query($i: FiguresInput!) { figures(input: $i)"
    " { __typename key name { zh en } values { code version unit value numerator denominator } } }"
)  # fmt: skip
CASES = (
    "query($i: FiguresInput!, $c: String!, $p: String!, $k: String!, $n: Int!, $a: String) {"
    " figureCases(input: $i, code: $c, part: $p, key: $k, first: $n, after: $a)"
    " { nodes { id number state } pageInfo { hasNextPage endCursor } } }"
)
SAVE = "mutation($i: FigureDefinitionInput!) { saveFigureDefinition(input: $i) { code version name { zh } numerator validFrom validTo } }"
DEFINITIONS = "query($d: Date) { figureDefinitions(day: $d) { code version statistic numerator denominator filter } }"


def period(**more: Any) -> dict[str, Any]:
    today = datetime.now(UTC).astimezone().date()
    return {"from": (today - timedelta(days=3)).isoformat(), "to": (today + timedelta(days=1)).isoformat(), **more}


async def values(graph: Graph, headers: dict[str, str], given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = (await graph.ask(FIGURES, {"i": given}, headers))["figures"]
    return {row["name"]["zh"]: {value["code"]: value for value in row["values"]} for row in rows}


async def test_a_report_is_counted_at_once_and_only_for_those_who_may_see_it(graph: Graph) -> None:
    leader = await graph.staff("leader", "leader")
    east = await graph.staff("east", "dispatcher", area="360502102")
    await graph.report(source="citizen")
    await graph.report(position=graph.at(2.5, 0.5), source="citizen")
    whole = await values(graph, leader, period())
    assert whole["合计"]["received"] == {
        "code": "received", "version": 1, "unit": "cases", "value": 2.0, "numerator": 2, "denominator": None,
    }  # fmt: skip
    assert whole["合计"]["auto_reply_60s"]["value"] == 100.0
    assert (await values(graph, east, period()))["合计"]["received"]["numerator"] == 1
    towns = await values(graph, leader, period(groupBy="area", codes=["received"]))
    assert {name: row["received"]["numerator"] for name, row in towns.items()} == {"西镇": 1, "东镇": 1}


async def test_pages_of_the_rows_behind_a_number_hold_each_case_once(graph: Graph) -> None:
    leader = await graph.staff("leader", "leader")
    numbers = {(await graph.report(position=graph.at(0.3 + 0.3 * i, 0.5), source="citizen"))["number"] for i in range(7)}
    asked = {"i": period(groupBy="source"), "c": "received", "p": "numerator", "k": "citizen", "n": 3, "a": None}
    found: list[str] = []
    while True:
        page = (await graph.ask(CASES, asked, leader))["figureCases"]
        found += [node["number"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        asked["a"] = page["pageInfo"]["endCursor"]
    counted = await values(graph, leader, period(groupBy="source", codes=["received"]))
    assert len(found) == counted["群众上报"]["received"]["numerator"]
    assert set(found) <= numbers


async def test_a_city_adds_its_own_figure_and_its_next_version_begins_later(graph: Graph) -> None:
    admin, leader = await graph.staff("admin", "system_admin"), await graph.staff("leader", "leader")
    await graph.report(source="citizen")
    today = datetime.now(UTC).astimezone().date()
    mine = {
        "code": "phone_open", "name": "群众未结", "nameEn": "Open from phones", "statistic": "count", "anchor": "received",
        "numerator": {"all": ["open", {"source": ["citizen", "qr"]}]}, "validFrom": "2026-01-01",
    }  # fmt: skip
    assert (await graph.ask(SAVE, {"i": mine}, admin))["saveFigureDefinition"]["version"] == 1
    counted = await values(graph, leader, period(codes=["phone_open"]))
    assert counted["合计"]["phone_open"]["numerator"] == 1
    assert (await graph.refused(SAVE, {"i": {**mine, "validFrom": "2026-02-01"}}, admin))["code"] == "conflict"
    tomorrow = today + timedelta(days=2)
    later = (await graph.ask(SAVE, {"i": {**mine, "numerator": "closed", "validFrom": tomorrow.isoformat()}}, admin))[
        "saveFigureDefinition"
    ]
    assert (later["version"], later["numerator"]) == (2, "closed")
    assert (await values(graph, leader, period(codes=["phone_open"])))["合计"]["phone_open"]["version"] == 1
    in_force = (await graph.ask(DEFINITIONS, {"d": tomorrow.isoformat()}, admin))["figureDefinitions"]
    assert [one["version"] for one in in_force if one["code"] == "phone_open"] == [2]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"numerator": "no_such_fact"}, "numerator"),
        ({"numerator": {"all": []}}, "numerator"),
        ({"numerator": {"sql": ["drop table cases"]}}, "numerator"),
        ({"numerator": {"within": ["first_reply", "3600); drop table cases; --"]}}, "numerator"),
        ({"numerator": {"source": ["citizen') or true --"]}}, "numerator"),
        ({"numerator": {"all": [{"all": [{"all": [{"all": [{"all": [{"all": ["open"]}]}]}]}]}]}}, "numerator"),
        ({"statistic": "share"}, "denominator"),
        ({"statistic": "median"}, "measure"),
        ({"code": "No Code"}, "code"),
        ({"anchor": "birthday"}, "anchor"),
        ({"name": ""}, "name"),
    ],
)
async def test_a_definition_that_is_not_understood_is_refused_by_field(graph: Graph, given: dict[str, Any], field: str) -> None:
    admin = await graph.staff("admin", "system_admin")
    mine = {
        "code": "mine", "name": "我的", "nameEn": "Mine", "statistic": "count", "anchor": "received", "numerator": "open",
        "validFrom": "2026-01-01", **given,
    }  # fmt: skip
    refused = await graph.refused(SAVE, {"i": mine}, admin)
    assert (refused["code"], refused.get("field")) == ("invalid", field)


async def test_only_the_system_administrator_defines_figures(graph: Graph) -> None:
    leader = await graph.staff("leader", "leader")
    mine = {
        "code": "mine", "name": "我的", "nameEn": "Mine", "statistic": "count", "anchor": "received", "numerator": "open",
        "validFrom": "2026-01-01",
    }  # fmt: skip
    assert (await graph.refused(SAVE, {"i": mine}, leader))["code"] == "forbidden"


@pytest.mark.parametrize(
    "given", [{"groupBy": "worker"}, {"to": "2020-01-01"}, {"codes": ["nothing"]}, {"level": "street"}, {"source": "radio"}]
)
async def test_what_cannot_be_counted_is_refused(graph: Graph, given: dict[str, Any]) -> None:
    leader = await graph.staff("leader", "leader")
    assert (await graph.refused(FIGURES, {"i": period(**given)}, leader))["code"] == "invalid"
