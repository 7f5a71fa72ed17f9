"""Field work through the door: a worker's list, a day's batch, and what a phone is told of each action."""

import io
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

from domain.field.given import MAX_ACTIONS
from runtime.database import transaction
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio
ACTIONS = """mutation($input: [FieldActionInput!]!) { fieldActions(input: $input) {
  id status retry error { code zh en field } warning { code zh } revision state stage } }"""
MINE = "query($p: PositionInput) { myCases(position: $p) { id number stage state allowedVerbs { verb } } }"
CASE = """query($id: ID!) { case(id: $id) { state visits { verdict distanceM userName occurredAt }
  notes { kind text attempted photos { role releasedAt } } transitions { verb occurredAt } } }"""


def action(case_id: str, kind: str, **given: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {"id": str(uuid.uuid4()), "caseId": case_id, "kind": kind, "occurredAt": now, "phoneNow": now} | given


async def send(graph: Graph, headers: dict[str, str], *items: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await graph.ask(ACTIONS, {"input": list(items)}, headers))["fieldActions"]
    return found


async def claim(graph: Graph) -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG")
    answer = await graph.doors.client.post("/uploads", files={"photo": ("x.jpg", out.getvalue(), "image/jpeg")})
    return str(answer.json()["claim"])


async def dispatched(graph: Graph) -> str:
    headers = await graph.staff(f"d{uuid.uuid4().hex[:8]}", "dispatcher")
    return str((await graph.report(headers=headers, source="staff"))["caseId"])


async def test_a_day_of_a_worker_in_one_batch_sent_twice(graph: Graph) -> None:
    case_id = await dispatched(graph)
    clerk = await graph.staff("c", "clerk", department="west")
    (mine,) = (await graph.ask(MINE, headers=clerk))["myCases"]
    assert mine["id"] == case_id
    wrong = timedelta(days=300)  # the phone's clock is ahead by most of a year
    now = datetime.now(UTC)
    clock = {"phoneNow": (now + wrong).isoformat(), "occurredAt": (now + wrong - timedelta(hours=2)).isoformat()}
    items = [
        action(case_id, "step", verb="accept", seen=mine["stage"], **clock),
        action(case_id, "arrive", position=graph.at(0.5, 0.5) | {"accuracyM": 10}, **clock),
        action(case_id, "photo", role="after", photoClaims=[await claim(graph)], text="干净了", **clock),
        action(case_id, "step", verb="finish", seen=mine["stage"], **clock),
    ]
    for earlier, item in pairwise(items):
        item["after"] = earlier["id"]
    first = await send(graph, clerk, *reversed(items))  # answered in the order given, done in the order of the chain
    assert [one["id"] for one in first] == [item["id"] for item in reversed(items)]
    assert {one["status"] for one in first} == {"accepted"}
    again = await send(graph, clerk, *items)
    assert {(one["status"], one["state"], one["retry"]) for one in again} == {("repeated", "handled", False)}
    found = (await graph.ask(CASE, {"id": case_id}, clerk))["case"]
    assert found["state"] == "handled"
    (visit,) = found["visits"]
    assert (visit["verdict"], visit["userName"]) == ("inside", "test-c")
    at = datetime.fromisoformat(visit["occurredAt"])
    assert abs(at - (now - timedelta(hours=2))) < timedelta(minutes=1)
    assert found["notes"] == [{"kind": "photos", "text": "干净了", "attempted": None, "photos": [{"role": "after", "releasedAt": None}]}]
    assert (await graph.ask(MINE, headers=clerk))["myCases"] == []


async def test_one_bad_action_takes_no_good_one_with_it(graph: Graph) -> None:
    case_id = await dispatched(graph)
    clerk = await graph.staff("c", "clerk", department="west")
    found = await send(
        graph, clerk,
        action("x", "note", text="x"), action(case_id, "note"), action(str(uuid.uuid4()), "note", text="x"),
        action(case_id, "photo", role="after", photoClaims=["gone"]), action(case_id, "note", text="x", after=str(uuid.uuid4())),
        action(case_id, "arrive", position={"lon": 27.8, "lat": 114.9, "datum": "WGS84"}),
        action(case_id, "note", text="到了"), action(case_id, "step", verb="close"), action(case_id, "step", verb="finish"),
    )  # fmt: skip
    told = [(one["status"], one["retry"], one["error"] and (one["error"]["code"], one["error"]["field"])) for one in found]
    assert told == [
        ("refused", True, ("invalid", "caseId")),
        ("refused", True, ("invalid", "text")),
        ("refused", True, ("not_found", "caseId")),
        ("refused", True, ("invalid", "photoClaims")),
        ("refused", True, ("too_early", "after")),
        ("refused", True, ("position.axes_swapped", "position")),
        ("accepted", False, None),
        ("refused", False, ("forbidden", "case.verify")),
        ("refused", False, ("conflict", "verb")),
    ]
    assert all(one["error"] is None or (one["error"]["zh"] and one["error"]["en"]) for one in found)
    notes = (await graph.ask(CASE, {"id": case_id}, clerk))["case"]["notes"]
    assert [(note["kind"], note["attempted"] and note["attempted"]["verb"]) for note in notes] == [
        ("note", None), ("conflict", "close"), ("conflict", "finish"),
    ]  # fmt: skip


async def test_a_case_transferred_meanwhile_keeps_what_was_done_and_shows_no_more_of_itself(graph: Graph) -> None:
    case_id = await dispatched(graph)
    clerk, desk = await graph.staff("c", "clerk", department="west"), await graph.staff("d", "dispatcher")
    step = "mutation($input: StepCaseInput!) { stepCase(input: $input) { state } }"
    given = {"caseId": case_id, "verb": "transfer", "revision": 1, "departmentId": str(graph.city.departments["east"]), "reason": "属东镇"}
    await graph.ask(step, {"input": given}, desk)
    photo = action(case_id, "photo", role="before", photoClaims=[await claim(graph)])
    found = await send(graph, clerk, action(case_id, "step", verb="finish", reason="已清理"), photo)
    assert [(one["status"], one["retry"], one["state"], one["stage"]) for one in found] == [("refused", False, None, None)] * 2
    kept = (await graph.ask(CASE, {"id": case_id}, desk))["case"]["notes"]
    assert [(note["kind"], note["text"], len(note["photos"])) for note in kept] == [("conflict", "已清理", 0), ("conflict", None, 1)]


async def test_a_workers_list_has_the_urgent_first_and_the_near_first_among_equals(graph: Graph) -> None:
    spots = ((0.1, 0.1), (0.9, 0.9), (0.5, 0.5))
    ids = [(await graph.report(source="citizen", position=graph.at(*spot)))["caseId"] for spot in spots]
    elsewhere = (await graph.report(source="citizen", position=graph.at(1.5, 1.5)))["caseId"]
    worker = await graph.staff("g", "grid_worker", area="360502101001000")

    async def listed(position: dict[str, Any] | None = None) -> list[int]:
        found = (await graph.ask(MINE, {"p": position}, worker))["myCases"]
        assert all("confirm" in [verb["verb"] for verb in case["allowedVerbs"]] for case in found)
        assert elsewhere not in [case["id"] for case in found]
        return [ids.index(case["id"]) for case in found]

    assert await listed() == [0, 1, 2]
    assert await listed(graph.at(0.95, 0.95)) == [1, 2, 0]
    async with transaction(graph.doors.pool) as conn:
        await conn.execute("update cases set due_at = now() - interval '1 minute' where id = %s", (ids[0],))
    assert await listed(graph.at(0.95, 0.95)) == [0, 1, 2]
    assert (await graph.refused(MINE, {"p": {"lon": 27.8, "lat": 114.9, "datum": "WGS84"}}, worker))["field"] == "position"


async def test_a_batch_has_its_size(graph: Graph) -> None:
    worker = await graph.staff("g", "grid_worker")
    items = [action(str(uuid.uuid4()), "note", text="x") for _ in range(MAX_ACTIONS + 1)]
    assert (await graph.refused(ACTIONS, {"input": items}, worker))["field"] == "input"
    assert await send(graph, worker) == []
