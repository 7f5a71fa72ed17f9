"""The door itself: what is refused, by which limit, in which form; and what a caller is never told."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from api import limits
from domain.people import tokens
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio

NESTED = "{ cases { nodes { homeArea { id } } } }"


DOUBLING = "fragment F17 on Me { id } " + "".join(f"fragment F{i} on Me {{ ...F{i + 1} ...F{i + 1} }} " for i in range(17))


async def _post(graph: Graph, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await graph.doors.client.post("/graphql", content=body, headers={"content-type": "application/json", **headers})
    return answer.status_code, orjson.loads(answer.content)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON"), (b"{", "JSON"), (b"[]", "query"), (b"null", "query"), (b'{"query": 3}', "query"), (b'{"query": ""}', "empty"),
        (b'{"query": "{me{id}}", "variables": []}', "variables"), (b'{"query": "{me{id}}", "operationName": 1}', "operationName"),
        (b'[{"query": "{me{id}}"}]', "query"), (b'{"query": "query A{me{id}} query B{me{id}}", "operationName": "C"}', "operationName"),
        ('{"query": "{me{id}}"}'.encode("utf-16"), "JSON"),
    ],
)  # fmt: skip
async def test_what_is_no_request_is_refused_in_the_common_form(graph: Graph, body: bytes, says: str) -> None:
    status, answer = await _post(graph, body)
    assert status == 400
    assert says in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"] == {"code": "invalid", "messageZh": "请求格式不正确", "field": None}


async def test_a_form_of_another_site_cannot_send_an_operation(graph: Graph) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert (await _post(graph, b'{"query": "{me{id}}"}', **{"content-type": kind}))[0] == 415


async def test_nothing_is_answered_to_get(graph: Graph) -> None:
    answer = await graph.doors.client.get("/graphql", params={"query": 'mutation { signOut(refreshToken: "x") }'})
    assert answer.status_code == 405
    assert answer.json()["errors"][0]["extensions"]["code"] == "invalid"


async def test_a_body_has_a_largest_size(graph: Graph) -> None:
    query = orjson.dumps({"query": "{me{id}}", "variables": {"x": "x" * limits.MAX_BODY_BYTES}})
    status, answer = await _post(graph, query)
    assert status == 413
    assert answer["errors"][0]["extensions"]["code"] == "too_large"
    assert "256 KB" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("{ me { " + "department { id } " * 600 + "} }", limits.MAX_FIELDS),
        ("{ me { " + " ".join(f"a{i}: id" for i in range(60)) + " } }", limits.MAX_ALIASES),
        ("{ " + "... { " * 10 + "me { roles { name { zh } } } " * 13 + "} " * 10 + "}", limits.MAX_ROOT_FIELDS),
        ("{ me " + "{ department " * 20 + "{ id }" + " }" * 20 + " }", limits.MAX_DEPTH),
        ("".join(f"query Q{i} {{ me {{ id }} }} " for i in range(30)), limits.MAX_OPERATIONS),
        ("{ me { ...F0 } } " + DOUBLING, limits.MAX_FIELDS),
        ("{ me { id " + "@include(if: true) " * 700 + "} }", limits.MAX_TOKENS),
    ],
)  # fmt: skip
async def test_every_limit_of_a_document_is_named_when_it_is_passed(graph: Graph, query: str, limit: int) -> None:
    answer = (await graph.answer(query)).json()
    assert answer["data"] is None
    assert str(limit) in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] in ("too_many", "invalid")


async def test_the_schema_is_not_told_outside_development(graph: Graph) -> None:
    for query in ("{ __schema { types { name } } }", '{ __type(name: "Case") { name } }'):
        assert (await graph.refused(query))["code"] == "invalid"
    assert "Did you mean" not in (await graph.refused("{ caze { id } }"))["message"]


async def test_a_wrong_field_a_wrong_variable_and_a_syntax_error_have_the_common_form(graph: Graph) -> None:
    deep = "{ " + "... { " * 800 + "me { id }" + " }" * 801
    for query in ("{ nothing }", "query($id: ID!) { area(id: $id) { id } }", "{ me { id }", deep):
        refused = await graph.refused(query)
        assert refused["code"] == "invalid"
        assert refused["messageZh"]


async def test_a_text_no_database_can_hold_is_the_callers_mistake_and_not_a_fault_of_ours(graph: Graph) -> None:
    dispatcher = await graph.staff("d", "dispatcher")
    fields = (
        "areas(layer: $x) { nodes { id } }",
        'areas(layer: "grid", level: $x) { nodes { id } }',
        'areas(layer: "grid", text: $x) { nodes { id } }',
        'areaByCode(layer: "grid", code: $x) { id }',
        "matters(text: $x) { id }",
        "cases(filter: {origin: $x}) { nodes { id } }",
    )
    for field in fields:
        assert (await graph.refused(f"query($x: String!) {{ {field} }}", {"x": "a\0b"}, dispatcher))["code"] == "invalid"


async def test_a_refusal_repeats_only_the_begin_of_what_was_sent(graph: Graph) -> None:
    dispatcher = await graph.staff("d", "dispatcher")
    step = 'mutation($x: String!) { stepCase(input: {caseId: "00000000-0000-0000-0000-000000000000", verb: $x, revision: 1}) { id } }'
    refused = await graph.refused(step, {"x": "x" * 100_000}, dispatcher)
    assert refused["field"] == "verb"
    assert len(refused["message"]) < 400


async def test_a_token_that_is_bad_expired_or_revoked_is_an_error_and_never_the_public(graph: Graph) -> None:
    headers = await graph.staff("d", "dispatcher")
    secret = graph.doors.state.settings.signing_key()
    async with graph.doors.pool.connection() as conn:
        row = await (await conn.execute("select user_id, family_id from refresh_tokens")).fetchone()
        assert row is not None
        old, _ = tokens.sign(*row, at=datetime.now(UTC) - timedelta(hours=2), secret=secret)
        for token in ("x", "a.b.c", old, headers["Authorization"][7:-2]):
            answer = await graph.answer("{ city { name } me { id } }", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401
            assert answer.json()["errors"][0]["extensions"]["code"] == "unauthenticated"
        assert (await graph.ask("{ me { username } }", headers=headers))["me"] == {"username": "test-d"}
        await conn.execute("update refresh_tokens set revoked_at = now()")
    graph.doors.state.actors.clear()  # kept for a second at most
    assert (await graph.refused("{ me { id } }", headers=headers))["code"] == "unauthenticated"


async def test_a_fault_of_ours_is_logged_with_a_number_and_only_the_number_is_told(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise KeyError("secret of the house")

    monkeypatch.setattr("api.read.page", broken)
    with caplog.at_level(logging.ERROR):
        refused = await graph.refused('{ areas(layer: "grid") { nodes { id } } }')
    assert refused["code"] == "internal"
    assert "secret" not in orjson.dumps(refused).decode()
    number = refused["message"].rsplit(" ", 1)[1]
    assert number in refused["messageZh"]
    assert number in caplog.text
    assert "secret of the house" in caplog.text


async def test_an_error_told_to_one_caller_is_not_changed_for_the_next(graph: Graph) -> None:
    first, second = [await graph.refused("{ nothing }") for _ in range(2)]
    assert first == second


async def test_a_database_that_goes_away_is_said_to_be_away(graph: Graph) -> None:
    await graph.doors.pool.close()
    answer = await graph.answer("{ city { name } }")
    assert answer.json()["errors"][0]["extensions"]["code"] == "unavailable"
    assert answer.status_code == 503


async def test_answers_are_utf8_and_are_not_kept_by_anybody(graph: Graph) -> None:
    answer = await graph.answer('{ areas(layer: "admin", level: "city") { nodes { name } } }')
    assert "新余市".encode() in answer.content
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
