"""Original photos: shown by assignment and not by mere sight, to reporters only what is theirs, and each look is written down."""

import io
import uuid
from typing import Any

import pytest
from PIL import Image

from domain.people.scope import Grant
from runtime.database import transaction
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio
ACTIONS = """mutation($input: [FieldActionInput!]!) { fieldActions(input: $input) {
  id status retry error { code zh en field } warning { code } revision state stage } }"""
RELEASE = "mutation($c: ID!, $p: [ID!]!, $r: Boolean!) { releasePhotos(caseId: $c, photoIds: $p, released: $r) { id } }"
TRACK = "query($code: String!) { trackReport(code: $code) { photos { id own url } } }"
MERGE = "mutation($input: StepCaseInput!) { stepCase(input: $input) { state } }"


async def uploaded(graph: Graph, shade: int) -> dict[str, Any]:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, shade, shade)).save(out, "JPEG")
    answer = await graph.doors.client.post("/uploads", files={"photo": ("x.jpg", out.getvalue(), "image/jpeg")})
    return dict(answer.json())


async def status(graph: Graph, photo: str, headers: dict[str, str]) -> int:
    return (await graph.doors.client.get(f"/media/{photo}", headers=headers)).status_code


def coded(case: dict[str, Any]) -> dict[str, str]:
    return {"Tracking-Code": case["trackingCode"]}


async def field_photo(graph: Graph, headers: dict[str, str], case_id: str, role: str, shade: int) -> str:
    """Hand a photo of the work in; give its id."""
    photo = await uploaded(graph, shade)
    now = "2026-11-20T00:00:00Z"
    given = {
        "id": str(uuid.uuid4()), "caseId": case_id, "kind": "photo", "role": role, "photoClaims": [photo["claim"]], "occurredAt": now,
        "phoneNow": now,
    }  # fmt: skip
    (found,) = (await graph.ask(ACTIONS, {"input": [given]}, headers))["fieldActions"]
    assert found["status"] == "accepted", found
    return str(photo["photoId"])


async def test_a_photo_is_for_those_the_case_is_assigned_to_and_each_look_is_written_down(graph: Graph) -> None:
    photo = await uploaded(graph, 1)
    case = await graph.report(photoClaims=[photo["claim"]], source="hotline", headers=await graph.staff("desk", "dispatcher"))
    clerk = await graph.staff("own", "clerk", department="west")
    areas = graph.city.areas
    for name, grant, expected in (
        ("sees-but-not-assigned", Grant("clerk", areas["360500"], None), 404),
        ("other-unit", Grant("clerk", None, graph.city.departments["water"]), 404),
        ("leader", Grant("leader", None, None), 404),
        ("other-grid", Grant("grid_worker", areas["360502101001001"], None), 404),
        ("own-grid", Grant("grid_worker", areas["360502101001000"], None), 200),
        ("supervisor", Grant("supervisor", None, None), 200),
    ):
        headers = await graph.doors.person(f"test-{name}", grant)
        assert await status(graph, photo["photoId"], headers) == expected, name
    async with transaction(graph.doors.pool) as conn:
        await conn.execute("update cases set department_id = %s", (graph.city.departments["west"],))
    answer = await graph.doors.client.get(f"/media/{photo['photoId']}", headers=clerk)
    assert answer.status_code == 200
    again = await graph.doors.client.get(f"/media/{photo['photoId']}", headers=clerk | {"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert answer.headers["cache-control"] == "private, no-cache"
    query = "query($id: ID!) { mediaViews(caseId: $id) { photoId userName byReporter } }"
    supervisor = await graph.staff("second", "supervisor")
    looks = (await graph.ask(query, {"id": case["caseId"]}, supervisor))["mediaViews"]
    assert [look["userName"] for look in looks] == ["test-own", "test-own", "test-supervisor", "test-own-grid"]
    assert (await graph.refused(query, {"id": case["caseId"]}, clerk))["code"] == "forbidden"


async def test_a_tracking_code_opens_own_photos_and_released_results_and_never_those_of_others(graph: Graph) -> None:
    mine, theirs = await uploaded(graph, 1), await uploaded(graph, 2)
    one, two = await graph.report(photoClaims=[mine["claim"]]), await graph.report(photoClaims=[theirs["claim"]])
    supervisor, worker = await graph.staff("s", "supervisor"), await graph.staff("g", "grid_worker", area="360502101001000")
    await graph.ask(MERGE, {"input": {"caseId": two["caseId"], "verb": "merge", "revision": 1, "targetId": one["caseId"]}}, supervisor)
    before = await field_photo(graph, worker, one["caseId"], "before", 3)
    after = await field_photo(graph, worker, one["caseId"], "after", 4)
    unclaimed = (await uploaded(graph, 5))["photoId"]

    async def seen(case: dict[str, Any]) -> list[int]:
        return [await status(graph, photo, coded(case)) for photo in (mine["photoId"], theirs["photoId"], before, after, unclaimed)]

    assert await seen(one) == [200, 404, 404, 404, 404]
    assert await seen(two) == [404, 200, 404, 404, 404]
    given = {"c": one["caseId"], "p": [after], "r": True}
    assert (await graph.refused(RELEASE, given, worker))["code"] == "forbidden"
    assert (await graph.refused(RELEASE, given | {"p": [after, before]}, supervisor))["field"] == "photoIds"
    await graph.ask(RELEASE, given, supervisor)
    assert await seen(one) == [200, 404, 404, 200, 404]
    assert await seen(two) == [404, 200, 404, 200, 404]
    for case, own in ((one, mine), (two, theirs)):
        listed = (await graph.ask(TRACK, {"code": case["trackingCode"]}))["trackReport"]["photos"]
        assert {(photo["id"], photo["own"]) for photo in listed} == {(own["photoId"], True), (after, False)}
    await graph.ask(RELEASE, given | {"r": False}, supervisor)
    assert await seen(two) == [404, 200, 404, 404, 404]
    for code in ("AAAA-BBBB-CCCC", "", one["number"]):
        assert await status(graph, mine["photoId"], {"Tracking-Code": code}) == 404
    assert await status(graph, mine["photoId"], {"Tracking-Code": "x" * 65}) == 400
    assert await status(graph, mine["photoId"], {}) == 401
    async with transaction(graph.doors.pool) as conn:
        ((looks,),) = await (
            await conn.execute("select count(*) from media_views where user_id is null and report_id is not null")
        ).fetchall()
    assert looks == 7
