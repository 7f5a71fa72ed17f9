"""The read path: pages, scope, one statement for a list however deep, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from runtime.database import transaction
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio

NUMBERS = "query($first: Int, $after: String, $filter: CaseFilter) { cases(first: $first, after: $after, filter: $filter) {"
PAGE = NUMBERS + " nodes { number } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
DEEP = """{ cases(first: 20) { nodes { id number position stateName { zh } matter { name } homeArea { name path { name level } }
  department { name } receipt { owners why { zh } department { code } } reports { description photos { url } } alerts { kind }
  transitions { verb at department { name } } allowedVerbs { verb name { en } } } } }"""


async def _several(graph: Graph, count: int) -> list[str]:
    return [(await graph.report(position=graph.at(0.1 * i % 3, 0.5)))["number"] for i in range(count)]


async def _numbers(graph: Graph, headers: dict[str, str], **given: Any) -> set[str]:
    found = await graph.ask(NUMBERS + " nodes { number } } }", {"first": 100, **given}, headers)
    return {node["number"] for node in found["cases"]["nodes"]}


# What the live feed of the same process asks by itself, whenever it likes.
FEED = ("event_cursor", "from events")


@asynccontextmanager
async def _statements(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """List what is sent to the database while the block lasts."""
    sent: list[str] = []
    usual = psycopg.AsyncCursor.execute

    async def listed(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        sent.append(str(query))
        return await usual(self, query, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", listed)
        yield sent


async def test_pages_follow_each_other_without_gap_or_repeat_while_cases_are_opened(graph: Graph) -> None:
    headers = await graph.staff("d", "dispatcher")
    before = await _several(graph, 7)
    seen: list[str] = []
    after = None
    while True:
        page = (await graph.ask(PAGE, {"first": 3, "after": after}, headers))["cases"]
        seen += [node["number"] for node in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert [page["edges"][0]["cursor"], page["edges"][-1]["cursor"]] == [page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]]
        after = page["pageInfo"]["endCursor"]
        await graph.report()  # newer than everything still to come
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == before[::-1]


async def test_areas_are_paged_by_code(graph: Graph) -> None:
    query = 'query($after: String) { areas(layer: "grid", first: 4, after: $after) { nodes { code } pageInfo { endCursor hasNextPage } } }'
    codes: list[str] = []
    after, more = None, True
    while more:
        page = (await graph.ask(query, {"after": after}))["areas"]
        codes += [node["code"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert codes == sorted(codes)
    assert len(codes) == 9


@pytest.mark.parametrize("cursor", ["", "x", "W10", "WzEsMl0", "bnVsbA", "a" * 600, "WyJhIiwiYiJd"])
async def test_a_foreign_cursor_is_refused_by_name(graph: Graph, cursor: str) -> None:
    headers = await graph.staff("d", "dispatcher")
    assert (await graph.refused(PAGE, {"first": 3, "after": cursor}, headers))["field"] == "after"


@pytest.mark.parametrize("first", [0, -1, 501, 2_000_000_000])
async def test_a_page_has_a_size_between_one_and_five_hundred(graph: Graph, first: int) -> None:
    headers = await graph.staff("d", "dispatcher")
    refused = await graph.refused(PAGE, {"first": first}, headers)
    assert (refused["code"], refused["field"]) == ("invalid", "first")
    assert "500" in refused["message"]


async def test_a_list_is_one_statement_however_deep_it_is(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = await graph.staff("d", "dispatcher")
    await _several(graph, 5)
    await graph.ask("{ me { id } }", headers=headers)  # the actor is known from now on
    async with _statements(graph, monkeypatch) as sent:
        found = await graph.ask(DEEP, headers=headers)
    assert len(found["cases"]["nodes"]) == 5
    assert len([text for text in sent if "from cases" in text]) == 1
    own = [text for text in sent if not any(word in text for word in FEED)]
    assert not [text for text in own if text.strip() and "from cases" not in text and not text.startswith(("BEGIN", "COMMIT"))]


async def test_each_role_sees_the_cases_of_its_areas_and_departments_only(graph: Graph) -> None:
    west, east = await graph.report(position=graph.at(0.5, 0.5)), await graph.report(position=graph.at(2.5, 0.5))
    nowhere = await graph.report(position=graph.at(50, 50), matterId=None)
    everywhere = {west["number"], east["number"], nowhere["number"]}
    assert await _numbers(graph, await graph.staff("all", "dispatcher")) == everywhere
    assert await _numbers(graph, await graph.staff("town", "grid_worker", area="360502101")) == {west["number"]}
    assert await _numbers(graph, await graph.staff("office", "clerk", department="east")) == {east["number"]}
    assert await _numbers(graph, await graph.staff("water", "clerk", department="water")) == set()
    other = await graph.staff("grid", "grid_worker", area="360502101001000")
    hidden = await graph.ask("query($id: ID!) { case(id: $id) { number } }", {"id": east["caseId"]}, other)
    assert hidden == {"case": None}
    counts = "{ caseCounts { total open unowned byState { state count } } }"
    assert (await graph.ask(counts, headers=other))["caseCounts"]["total"] == 1
    assert (await graph.ask(counts, headers=await graph.staff("lead", "leader")))["caseCounts"]["total"] == 3


async def test_the_words_of_a_reporter_need_their_own_permission(graph: Graph) -> None:
    case = await graph.report()
    query = "query($id: ID!) { case(id: $id) { number reports { description } } }"
    clerk, leader = await graph.staff("c", "clerk", department="west"), await graph.staff("l", "leader")
    assert (await graph.ask(query, {"id": case["caseId"]}, clerk))["case"]["reports"] == [{"description": "路边垃圾"}]
    assert (await graph.ask(query, {"id": case["caseId"]}, leader))["case"]["reports"] == []


async def test_a_filter_names_the_field_it_refuses(graph: Graph) -> None:
    headers = await graph.staff("d", "dispatcher")
    for given, field in (
        ({"states": ["lost"]}, "states"),
        ({"areaId": "x"}, "areaId"),
        ({"bbox": [1, 2, 3]}, "bbox"),
        ({"text": "x" * 101}, "text"),
    ):
        assert (await graph.refused(PAGE, {"filter": given}, headers))["field"] == field
    assert (await graph.refused(PAGE, {"filter": {"bbox": [115, 27, 114, 28]}}, headers))["code"] == "position.bbox_inverted"


async def test_signs_of_like_mean_themselves_in_a_search(graph: Graph) -> None:
    headers = await graph.staff("d", "dispatcher")
    number = (await graph.report())["number"]
    for text, found in (("%", set()), ("_", set()), ("!", set()), (number[:6], {number}), ("生活", {number})):
        assert await _numbers(graph, headers, filter={"text": text}) == found


async def test_the_feeds_position_is_read_before_a_list_that_stands_behind_it(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = await graph.staff("d", "dispatcher")
    await graph.ask("{ me { id } }", headers=headers)
    async with _statements(graph, monkeypatch) as sent:
        await graph.ask("{ livePosition cases(first: 1) { nodes { id } } }", headers=headers)
    order = ["position" if "event_cursor" in text else "list" for text in sent if "event_cursor" in text or "from cases" in text]
    assert order.count("list") == 1
    assert "position" in order[: order.index("list")], "the feed's own looks may stand beside it"


async def test_a_version_of_an_area_is_read_as_it_was(graph: Graph) -> None:
    query = 'query($at: DateTime) { areaByCode(layer: "grid", code: "360502101001000", asOf: $at) { id name path { code } bbox geometry } }'
    now = (await graph.ask(query))["areaByCode"]
    assert [step["code"] for step in now["path"]] == ["360500", "360502", "360502101", "360502101001000"]
    assert now["geometry"]["type"] == "MultiPolygon"
    assert now["bbox"] == pytest.approx([114.90, 27.80, 114.91, 27.81])
    assert (await graph.ask(query, {"at": "2020-01-01T00:00:00Z"}))["areaByCode"] is None


async def test_a_slow_statement_is_ended_and_the_limit_is_named(graph: Graph) -> None:
    headers = await graph.staff("d", "leader")
    async with transaction(graph.doors.pool) as conn:
        await conn.execute("lock table departments in access exclusive mode")
        answer = await asyncio.wait_for(graph.refused("{ departments { id } }", headers=headers), 30)
    assert answer["code"] == "too_many"
    assert "10 s" in answer["message"]
