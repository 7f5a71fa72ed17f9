"""Bulk jobs over GraphQL: begun from a list or a filter, worked off by the runtime, watched, taken back, private."""

from typing import Any
from uuid import uuid4

import pytest

from domain.flows.city import CityHolder
from runtime import bulk
from runtime.clock import SystemClock
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio

JOB = "id state total done failed canUndo undoneBy results { number state ok errorCode errorZh }"
BEGIN = f"mutation($i: BulkStepInput!) {{ bulkStep(input: $i) {{ {JOB} }} }}"
UNDO = f"mutation($id: ID!) {{ undoBulk(jobId: $id) {{ undoOf {JOB} }} }}"
READ = f"query($id: ID!) {{ bulkJob(id: $id) {{ {JOB} }} }}"
STATES = "{ cases { nodes { number state department { code } } } }"


async def work(graph: Graph) -> int:
    told: list[bool] = []

    async def tell() -> None:
        told.append(True)

    done = await bulk.run(graph.doors.pool, CityHolder(), SystemClock(), told=tell)
    assert bool(told) is bool(done)
    return done


def job(**given: Any) -> dict[str, Any]:
    return {"i": {"jobId": str(uuid4()), "verb": "recall", "reason": "防汛", **given}}


async def test_a_flooded_town_is_given_to_one_unit_watched_and_taken_back(graph: Graph) -> None:
    desk = await graph.staff("desk", "dispatcher")
    numbers = [(await graph.report(desk, source="staff"))["number"] for _ in range(23)]
    elsewhere = (await graph.report(desk, source="staff", position=graph.at(2.5, 0.5)))["number"]
    flood = {"areaId": str(graph.city.areas["360502101"]), "states": ["dispatched"]}
    given = job(filter=flood, verb="transfer", departmentId=str(graph.city.departments["east"]))
    begun = (await graph.ask(BEGIN, given, desk))["bulkStep"]
    assert (begun["state"], begun["total"], begun["done"]) == ("waiting", 23, 0)
    assert await work(graph) == 23
    done = (await graph.ask(READ, {"id": begun["id"]}, desk))["bulkJob"]
    assert (done["state"], done["done"], done["failed"], done["canUndo"]) == ("done", 23, 0, True)
    assert {one["number"] for one in done["results"]} == set(numbers)
    assert (await graph.ask(BEGIN, given, desk))["bulkStep"] == done  # sent again: the same job

    back = (await graph.ask(UNDO, {"id": begun["id"]}, desk))["undoBulk"]
    assert (back["undoOf"], back["total"], back["canUndo"]) == (begun["id"], 23, False)
    assert await work(graph) == 23
    undone = (await graph.ask(READ, {"id": begun["id"]}, desk))["bulkJob"]
    assert (undone["canUndo"], undone["undoneBy"]) == (False, back["id"])
    cases = (await graph.ask(STATES, None, desk))["cases"]["nodes"]
    assert {one["department"]["code"] for one in cases if one["number"] != elsewhere} == {"west"}


async def test_each_refused_case_says_why_in_two_languages(graph: Graph) -> None:
    desk = await graph.staff("desk", "dispatcher")
    ids = [(await graph.report(desk, source=source))["caseId"] for source in ("staff", "citizen")]
    begun = (await graph.ask(BEGIN, job(caseIds=ids), desk))["bulkStep"]
    assert await work(graph) == 2
    found = (await graph.ask(READ, {"id": begun["id"]}, desk))["bulkJob"]
    assert (found["done"], found["failed"]) == (1, 1)
    refused, taken = found["results"]
    assert (refused["ok"], refused["errorCode"], refused["errorZh"]) == (False, "conflict", "当前状态不能执行「收回」")
    assert taken["ok"] is True
    listed = f'{{ bulkResults(jobId: "{begun["id"]}", start: 1) {{ number }} bulkJobs {{ id }} }}'
    assert await graph.ask(listed, None, desk) == {"bulkResults": [{"number": refused["number"]}], "bulkJobs": [{"id": begun["id"]}]}


async def test_a_job_is_its_askers_and_the_city_desks(graph: Graph) -> None:
    west, east = await graph.staff("west", "dispatcher", area="360502101"), await graph.staff("east", "dispatcher", area="360502102")
    city = await graph.staff("city", "dispatcher")
    case_id = (await graph.report(west, source="staff"))["caseId"]
    begun = (await graph.ask(BEGIN, job(caseIds=[case_id]), west))["bulkStep"]["id"]
    assert (await graph.ask(READ, {"id": begun}, east))["bulkJob"] is None
    assert await graph.ask(f'{{ bulkResults(jobId: "{begun}") {{ number }} }}', None, east) == {"bulkResults": []}
    assert (await graph.refused(UNDO, {"id": begun}, east))["code"] == "not_found"
    assert (await graph.ask(READ, {"id": begun}, city))["bulkJob"]["id"] == begun


async def test_a_case_that_does_not_exist_or_a_job_without_cases_is_refused_clearly(graph: Graph) -> None:
    desk = await graph.staff("desk", "dispatcher")
    for given, field in (
        (job(caseIds=[]), "caseIds"), (job(), "caseIds"), (job(caseIds=[str(uuid4())]), "caseIds"),
        (job(filter={"states": ["closed"]}), "filter"), (job(verb="explain", caseIds=[]), "verb"),
    ):  # fmt: skip
        assert (await graph.refused(BEGIN, given, desk))["field"] == field
