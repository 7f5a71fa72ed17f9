"""Whom a complaint is about learns of it by no door; an outside body sees what it was given, and nothing else."""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from api import auth
from domain.people import actions
from domain.people.actions import CONSOLE, NewUser
from domain.people.scope import Grant
from runtime.database import transaction
from tests.api import city, mvt
from tests.api.doors import PASSWORD
from tests.api.live import Client, Served, everywhere, served, watching

pytestmark = pytest.mark.anyio

SUBMIT = "mutation($i: SubmitReportInput!) { submitReport(input: $i) { caseId number } }"
STEP = "mutation($i: StepCaseInput!) { stepCase(input: $i) { state revision } }"
SEEN = "query($id: ID!) { case(id: $id) { number reports { description photos { id } } } cases { nodes { id } } caseCounts { total } }"


@dataclass
class Place:
    """A served city with a property company in it, and everybody a complaint about it concerns."""

    served: Served
    desk: dict[str, str]
    clerk: dict[str, str]  # of the company, by its department
    guard: dict[str, str]  # of the company too, but sees the grids of county A
    neighbour: dict[str, str]  # sees the same grids and has the same grants

    async def ask(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Any:
        client = self.served.doors.client
        answer = (await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers or {})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def refused(self, query: str, headers: dict[str, str], **variables: Any) -> str:
        client = self.served.doors.client
        answer = (await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)).json()
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    async def report(self, words: str, claims: list[str] | None = None) -> dict[str, str]:
        given = {
            "submissionId": str(uuid4()), "description": words, "photoClaims": claims or [], "occurredAt": datetime.now(UTC).isoformat(),
            "position": {"lon": city.WEST + 0.5 * city.SIDE, "lat": city.SOUTH + 0.5 * city.SIDE, "datum": "WGS84", "accuracyM": 5},
        }  # fmt: skip
        found: dict[str, str] = (await self.ask(SUBMIT, i=given))["submitReport"]
        return found

    async def step(self, case_id: str, verb: str, headers: dict[str, str], **given: Any) -> None:
        await self.ask(STEP, headers, i={"caseId": case_id, "verb": verb, **given})

    @property
    def company(self) -> str:
        return str(self.served.departments["WUYE"])

    async def pins(self, headers: dict[str, str]) -> int:
        n = 1 << 15
        lon, lat = city.WEST + 0.5 * city.SIDE, city.SOUTH + 0.5 * city.SIDE
        x, y = int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
        answer = await self.served.doors.client.get(f"/tiles/cases/15/{x}/{y}.mvt", headers=headers)
        return sum(len(layer.features) for layer in mvt.read(answer.content).values())


@pytest.fixture
async def place(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Place]:
    async with served(tmp_path, database_url, redis_url) as running:
        doors = running.doors
        async with transaction(doors.pool) as conn:
            company = running.departments["WUYE"] = await city.department(conn, "WUYE", at=datetime.now(UTC))
            await conn.execute("update departments set kind = 'external', name = '阳光物业服务有限公司' where id = %s", (company,))
        by_area = Grant("grid_worker", running.areas["A"], None)
        yield Place(
            running, await doors.person("desk", everywhere()), await doors.person("clerk", Grant("clerk", None, company)),
            await person(running, "guard", company, by_area), await person(running, "neighbour", running.departments["WATER"], by_area),
        )  # fmt: skip


async def person(running: Served, name: str, department: UUID, grant: Grant) -> dict[str, str]:
    new = NewUser(username=name, display_name=name, password=PASSWORD, grants=(grant,), department_id=department)
    async with transaction(running.doors.pool) as conn:
        await actions.create_user(conn, CONSOLE, new, at=datetime.now(UTC))
    session = await auth.sign_in(running.doors.state, name, PASSWORD, address="test", at=datetime.now(UTC))
    return {"Authorization": f"Bearer {session.access_token}"}


async def photo(place: Place) -> str:
    out = io.BytesIO()
    Image.effect_noise((320, 240), 50).convert("RGB").save(out, "JPEG")
    answer = await place.served.doors.client.post("/uploads", files={"photo": ("p.jpg", out.getvalue(), "image/jpeg")})
    claim: str = answer.json()["claim"]
    return claim


async def test_the_complained_of_sees_nothing_by_any_door_while_everybody_else_does(place: Place) -> None:
    told = await place.report("阳光物业乱收费，态度恶劣", [await photo(place)])
    case_id = told["caseId"]
    await place.step(case_id, "file", place.desk, aboutDepartmentId=place.company)
    seen = await place.ask(SEEN, place.neighbour, id=case_id)
    photo_id = seen["case"]["reports"][0]["photos"][0]["id"]
    client = place.served.doors.client
    for headers, sees in ((place.neighbour, True), (place.guard, False), (place.clerk, False)):
        found = await place.ask(SEEN, headers, id=case_id)
        assert (found["case"] is not None) is sees
        assert [one["id"] for one in found["cases"]["nodes"]] == ([case_id] if sees else [])
        assert found["caseCounts"]["total"] == int(sees)
        assert await place.pins(headers) == int(sees)
        assert (await client.get(f"/media/{photo_id}", headers=headers)).status_code == (200 if sees else 404)
        exported = await client.get("/exports/cases.csv", headers=headers)
        assert exported.status_code == 200
        assert (told["number"] in exported.text) is sees
        if not sees:
            assert await place.refused("mutation($id: ID!) { claimCase(caseId: $id) { byName } }", headers, id=case_id) == "not_found"
            assert await place.refused(STEP, headers, i={"caseId": case_id, "verb": "accept"}) == "not_found"


async def test_the_complained_of_is_told_nothing_live_and_what_it_had_on_screen_is_taken_off(place: Place) -> None:
    async with watching(place.served, place.neighbour) as neighbour, watching(place.served, place.guard) as guard, \
            watching(place.served, place.clerk) as clerk:  # fmt: skip
        case_id = (await place.report("阳光物业乱收费"))["caseId"]
        for one in (neighbour, guard):  # before anybody knows whom it is about both see it by their area
            assert await kinds(one, 1) == [("UPSERT", "case.opened", case_id)]
        await place.step(case_id, "file", place.desk, aboutDepartmentId=place.company)
        await place.step(case_id, "supervise", place.desk, reason="督办")
        other = (await place.report("路灯不亮"))["caseId"]
        expected = [("UPSERT", "case.file", case_id), ("UPSERT", "case.supervise", case_id), ("UPSERT", "case.opened", other)]
        assert await kinds(neighbour, 3) == expected
        assert await kinds(guard, 2) == [("LEAVE", "case.file", case_id), ("UPSERT", "case.opened", other)]
        await place.step(other, "file", place.desk)
        await place.step(other, "dispatch", place.desk, departmentId=place.company)
        assert await kinds(clerk, 1) == [("UPSERT", "case.dispatch", other)]


async def kinds(client: Client, count: int) -> list[tuple[str, str, str]]:
    async with asyncio.timeout(20):
        updates = [await client.case_update() for _ in range(count)]
    return [(one["kind"], one["eventKind"], one["caseId"]) for one in updates]


async def test_two_people_with_equal_grants_and_different_employers_share_no_update(place: Place) -> None:
    case_id = (await place.report("阳光物业乱收费"))["caseId"]
    await place.step(case_id, "file", place.desk, aboutDepartmentId=place.company)
    now = await place.served.head()
    async with watching(place.served, place.neighbour, after=now) as neighbour, watching(place.served, place.guard, after=now) as guard:
        await place.step(case_id, "supervise", place.desk, reason="督办")
        other = (await place.report("路灯不亮"))["caseId"]
        assert await kinds(neighbour, 2) == [("UPSERT", "case.supervise", case_id), ("UPSERT", "case.opened", other)]
        assert await kinds(guard, 1) == [("UPSERT", "case.opened", other)]


async def test_a_complaint_cannot_reach_its_subject_by_dispatch_joint_action_or_merge(place: Place) -> None:
    case_id = (await place.report("阳光物业乱收费"))["caseId"]
    await place.step(case_id, "file", place.desk, aboutDepartmentId=place.company)
    given = {"caseId": case_id, "verb": "dispatch", "departmentId": place.company}
    assert await place.refused(STEP, place.desk, i=given) == "invalid"
    theirs = (await place.report("楼道灯不亮"))["caseId"]
    await place.step(theirs, "file", place.desk)
    await place.step(theirs, "dispatch", place.desk, departmentId=place.company)
    assert await place.refused(STEP, place.desk, i={"caseId": case_id, "verb": "merge", "targetId": theirs}) == "invalid"
    await place.step(case_id, "dispatch", place.desk, departmentId=str(place.served.departments["WATER"]))
    parts = [{"departmentId": place.company, "task": "配合"}]
    assert await place.refused(STEP, place.desk, i={"caseId": case_id, "verb": "whistle", "parts": parts}) == "invalid"
    assert await place.refused(STEP, place.desk, i={**given, "verb": "transfer", "reason": "x"}) == "invalid"


async def test_an_outside_body_sees_what_it_was_given_and_nothing_else(place: Place) -> None:
    mine, other = (await place.report("楼道灯不亮")), (await place.report("楼道灯也不亮"))
    for one in (mine, other):
        await place.step(one["caseId"], "file", place.desk)
    await place.step(mine["caseId"], "dispatch", place.desk, departmentId=place.company)
    await place.step(other["caseId"], "dispatch", place.desk, departmentId=str(place.served.departments["WATER"]))
    found = await place.ask(SEEN, place.clerk, id=other["caseId"])
    assert found["case"] is None
    assert [one["id"] for one in found["cases"]["nodes"]] == [mine["caseId"]]
    assert found["caseCounts"]["total"] == 1
    assert await place.pins(place.clerk) == 1
    exported = (await place.served.doors.client.get("/exports/cases.csv", headers=place.clerk)).text
    assert (mine["number"] in exported, other["number"] in exported) == (True, False)


async def test_whom_the_words_complain_of_is_suggested_to_who_files_and_to_nobody_else(place: Place) -> None:
    suggested = "query($id: ID!) { case(id: $id) { suggestedAbout { code } } }"
    for words, codes in (("阳光物业乱收费，态度恶劣", ["WUYE"]), ("阳光物业门口井盖坏了", []), ("投诉自来水太贵", [])):
        case_id = (await place.report(words))["caseId"]
        assert [one["code"] for one in (await place.ask(suggested, place.desk, id=case_id))["case"]["suggestedAbout"]] == codes
        assert (await place.ask(suggested, place.neighbour, id=case_id))["case"]["suggestedAbout"] == []


async def test_what_was_merged_in_names_no_complaint_to_its_subject(place: Place) -> None:
    target, complaint = (await place.report("小区垃圾"))["caseId"], (await place.report("阳光物业不管垃圾"))["caseId"]
    await place.step(target, "file", place.desk)
    await place.step(complaint, "file", place.desk, aboutDepartmentId=place.company)
    await place.step(complaint, "merge", place.desk, targetId=target)
    shown = "query($id: ID!) { case(id: $id) { mergedCases { number } } }"
    assert len((await place.ask(shown, place.neighbour, id=target))["case"]["mergedCases"]) == 1
    assert (await place.ask(shown, place.guard, id=target))["case"]["mergedCases"] == []
