"""Work orders on paper: read back as a reader shows them, with Chinese embedded, a true map, and contact only for those who may."""

import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pypdfium2
import pytest

from domain.flows import workorder as orders
from domain.people.scope import Actor, Grant
from geo.lonlat import LonLat, distance_m
from runtime.database import transaction
from runtime.workorder_map import POINT, SiteMap
from tests.connectors.conftest import Connected
from tests.flows.conftest import SOUTH, WEST

pytestmark = pytest.mark.anyio


async def _print(connected: Connected, case_id: str, headers: dict[str, str], query: str = "") -> httpx.Response:
    return await connected.http.get(f"/workorders/{case_id}.pdf{query}", headers=headers)


def _text(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    try:
        return "".join("".join(page.get_textpage().get_text_bounded() for page in document).split())
    finally:
        document.close()


async def _case(connected: Connected, **given: Any) -> str:
    words: dict[str, Any] = {
        "description": "西镇农贸市场北门垃圾成堆，堃记饭店门口 <b>not bold</b> & 😀", "contactName": "张三", "contactPhone": "13800000000",
    }  # fmt: skip
    return str((await connected.graph.report(**words, **given))["caseId"])


async def test_a_work_order_says_what_where_and_until_when_in_embedded_letters(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    case_id = await _case(connected)
    answer = await _print(connected, case_id, desk)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    text = _text(answer.content)
    ((number,),) = await connected.rows("select number from cases")
    for words in (
        str(number), "新余市案件处置工单", "暴露生活垃圾", "西镇农贸市场北门垃圾成堆", "堃记饭店", "<b>not bold</b> & 〓", "36050210100100",
        "网格00", f"{WEST + 0.005:.6f}, {SOUTH + 0.005:.6f}", "处置人签字", "4 工作时",
    ):  # fmt: skip
        assert "".join(words.split()) in text, words
    assert b"/FontFile2" in answer.content


async def test_the_reporter_is_shown_only_when_asked_for_by_those_who_may_and_each_print_is_written_down(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    leader = await connected.graph.staff("leader", "leader")
    case_id = await _case(connected)
    assert "张三" not in _text((await _print(connected, case_id, desk)).content)
    with_contact = _text((await _print(connected, case_id, desk, "?contact=true")).content)
    assert "张三" in with_contact
    assert "13800000000" in with_contact
    refused = await _print(connected, case_id, leader, "?contact=true")
    assert (refused.status_code, refused.json()["field"]) == (403, "report.read")
    logged = await connected.rows(
        "select u.username, p.with_contact from workorder_prints p join users u on u.id = p.user_id order by p.at"
    )
    assert logged == [("test-desk", False), ("test-desk", True)]


async def test_an_external_organisation_sees_only_its_own_cases_and_never_the_reporter(connected: Connected) -> None:
    company = uuid4()
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute(
            "insert into departments (id, code, name, kind, created_at) values (%s, 'estate', '物业公司', 'external', now())", (company,)
        )
    clerk = await connected.graph.doors.person("estate", Grant("clerk", None, company))
    case_id = await _case(connected)
    assert (await _print(connected, case_id, clerk)).status_code == 404
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute("update cases set department_id = %s where id = %s", (company, UUID(case_id)))
    answer = await _print(connected, case_id, clerk)
    assert answer.status_code == 200
    assert "张三" not in _text(answer.content)
    refused = await _print(connected, case_id, clerk, "?contact=true")
    assert refused.status_code == 403


async def test_a_work_order_is_for_those_whose_scope_holds_the_case(connected: Connected) -> None:
    case_id = await _case(connected)
    east = await connected.graph.staff("east", "dispatcher", area="360502102")
    assert (await _print(connected, case_id, {})).status_code == 401
    assert (await _print(connected, case_id, east)).status_code == 404
    assert (await _print(connected, str(uuid4()), east)).status_code == 404
    assert await connected.rows("select count(*) from workorder_prints") == [(0,)]


async def test_whom_a_complaint_is_about_gets_no_work_order(connected: Connected) -> None:
    case_id = await _case(connected)
    west = connected.graph.city.departments["west"]
    clerk = await connected.graph.doors.person("west-clerk", Grant("clerk", None, west), Grant("clerk", None, None))
    assert (await _print(connected, case_id, clerk)).status_code == 200
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute("update cases set about_department_id = %s", (west,))
    assert (await _print(connected, case_id, clerk)).status_code == 404


async def test_the_map_shows_the_point_in_its_middle_and_the_borders_where_they_are(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    case_id = await _case(connected, position=connected.graph.at(0.9, 0.5))  # a tenth of a grid west of a border
    answer = await _print(connected, case_id, desk)
    document = pypdfium2.PdfDocument(answer.content)
    image = np.asarray(document[0].render(scale=4).to_pil().convert("RGB"))
    document.close()
    red = [round(part * 255) for part in (POINT.red, POINT.green, POINT.blue)]
    _, across = np.nonzero((image == red).all(axis=2))
    assert len(across)
    assert abs((across.min() + across.max()) / 2 - image.shape[1] / 2) < 3

    ((user_id,),) = await connected.rows("select id from users where username = 'test-desk'")
    actor = Actor(user_id, "test-desk", "desk", None, (Grant("dispatcher", None, None),))  # type: ignore[arg-type]
    async with transaction(connected.graph.doors.pool) as conn:
        order = await orders.take(conn, actor, UUID(case_id), with_contact=False, at=datetime.now(UTC))
    site = SiteMap(order, 500.0)
    home = next(land for land in order.lands if land.home)
    east_edge = max(x for ring in site.paths(home.shape) for x, _ in ring)
    border = LonLat(lon=WEST + 0.01, lat=order.at.lat)
    assert math.isclose((east_edge - 250.0) / site.scale, distance_m(order.at, border), abs_tol=0.5)


async def test_the_map_is_wide_enough_to_show_a_border(connected: Connected) -> None:
    await connected.graph.staff("desk", "dispatcher")
    ((user_id,),) = await connected.rows("select id from users where username = 'test-desk'")
    actor = Actor(user_id, "test-desk", "desk", None, (Grant("dispatcher", None, None),))  # type: ignore[arg-type]
    for column in (0.5, 0.9):
        case_id = await _case(connected, position=connected.graph.at(column, 0.5))
        async with transaction(connected.graph.doors.pool) as conn:
            order = await orders.take(conn, actor, UUID(case_id), with_contact=False, at=datetime.now(UTC))
        border = LonLat(lon=WEST + 0.01, lat=order.at.lat)
        assert distance_m(order.at, border) < order.around_m <= orders.WIDEST_M
        assert len(order.lands) > 1


async def test_a_very_long_report_flows_onto_further_pages(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    case_id = str((await connected.graph.report(description="很长的描述。" * 600))["caseId"])
    answer = await _print(connected, case_id, desk)
    assert answer.status_code == 200, answer.text
    document = pypdfium2.PdfDocument(answer.content)
    assert len(document) > 1
    document.close()
