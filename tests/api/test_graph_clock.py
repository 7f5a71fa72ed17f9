"""The clock of a case through the door: anyone who sees it can recompute its deadline, and sees what its lateness set off."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.cases import calendar
from domain.cases.ledger import Entry, read
from domain.flows.city import CityHolder
from domain.flows.due import fire
from runtime.database import transaction
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio

CLOCK = """query($id: ID!) { case(id: $id) { dueAt level late
  clock { seq at kind phase amount unit calendarVersion dueAt provisional actorName reason }
  escalations { level levelName { zh en } phase dueAt at department { code } explanation explainedAt explainedByName }
  allowedVerbs { verb } } }"""
STEP = "mutation($input: StepCaseInput!) { stepCase(input: $input) { revision escalations { explanation explainedByName } } }"


async def _later(graph: Graph, at: datetime) -> None:
    holder = CityHolder()
    while True:
        async with transaction(graph.doors.pool) as conn:
            if not await fire(conn, holder, at=at):
                return


async def _case(graph: Graph, headers: dict[str, str]) -> tuple[str, dict[str, Any]]:
    case_id = (await graph.report())["caseId"]
    return case_id, (await graph.ask(CLOCK, {"id": case_id}, headers))["case"]


async def test_the_ledger_that_is_shown_gives_the_deadline_that_is_shown(graph: Graph) -> None:
    clerk, chief = await graph.staff("c", "clerk", department="west"), await graph.staff("s", "supervisor")
    case_id, _ = await _case(graph, clerk)
    for headers, given in (
        (clerk, {"verb": "accept"}), (chief, {"verb": "suspend", "reason": "等待材料"}), (chief, {"verb": "resume"}),
    ):  # fmt: skip
        await graph.ask(STEP, {"input": {"caseId": case_id, **given}}, headers)
    shown = (await graph.ask(CLOCK, {"id": case_id}, clerk))["case"]
    entries = [
        Entry(datetime.fromisoformat(row["at"]), row["kind"], row["phase"], row["amount"], row["unit"]) for row in shown["clock"]
    ]
    assert [entry.kind for entry in entries] == ["start", "pause", "resume"]
    due = read(entries, calendar.shipped()).due_at
    assert due == datetime.fromisoformat(shown["dueAt"]) == datetime.fromisoformat(shown["clock"][-1]["dueAt"])
    assert shown["clock"][1]["dueAt"] is None
    assert (shown["clock"][1]["actorName"], shown["clock"][1]["reason"]) == ("test-s", "等待材料")
    assert {row["calendarVersion"] for row in shown["clock"]} == {calendar.shipped().version}


async def test_a_late_case_shows_every_level_and_the_unit_explains_itself(graph: Graph) -> None:
    clerk, desk = await graph.staff("c", "clerk", department="west"), await graph.staff("d", "dispatcher")
    case_id, before = await _case(graph, clerk)
    assert before["escalations"] == []
    assert "explain" not in [row["verb"] for row in before["allowedVerbs"]]
    await graph.ask(STEP, {"input": {"caseId": case_id, "verb": "accept"}}, clerk)
    await _later(graph, datetime.now(UTC) + timedelta(days=60))
    shown = (await graph.ask(CLOCK, {"id": case_id}, clerk))["case"]
    assert (shown["level"], shown["late"]) == (3, True)
    assert [row["levelName"]["zh"] for row in shown["escalations"]] == ["网格", "镇街", "县区", "市级"]
    assert {(row["department"]["code"], row["explanation"]) for row in shown["escalations"]} == {("west", None)}
    assert "explain" in [row["verb"] for row in shown["allowedVerbs"]]
    refused = await graph.refused(STEP, {"input": {"caseId": case_id, "verb": "explain", "reason": "x"}}, desk)
    assert refused["code"] == "forbidden"
    given = {"caseId": case_id, "verb": "explain", "reason": "车辆故障，已改派他车"}
    explained = (await graph.ask(STEP, {"input": given}, clerk))["stepCase"]["escalations"]
    assert explained == [{"explanation": "车辆故障，已改派他车", "explainedByName": "test-c"}] * 4
    again = await graph.refused(STEP, {"input": given}, clerk)
    assert again["code"] == "conflict"
