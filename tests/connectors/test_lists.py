"""Lists out and in: what a spreadsheet would calculate is text, what it calculated is refused, and a row is taken in once."""

import csv
import io
import zipfile
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import openpyxl
import pytest

from domain.errors import Invalid
from runtime import sheets
from tests.connectors.conftest import Connected
from tests.flows.conftest import SOUTH, WEST

pytestmark = pytest.mark.anyio

HEADER = ["编号", "描述", "事项", "经度", "纬度", "地址", "时间", "联系人", "电话"]


def _row(number: str, **given: Any) -> list[Any]:
    values: dict[str, Any] = {
        "编号": number, "描述": "路边垃圾", "事项": "暴露生活垃圾", "经度": WEST + 0.005, "纬度": SOUTH + 0.005, "地址": "",
        "时间": datetime(2026, 11, 20, 9, 30),  # noqa: DTZ001  # as a spreadsheet has it
        "联系人": "张三", "电话": 13800000000,
    }  # fmt: skip
    return [{**values, **given}[name] for name in HEADER]


def _xlsx(*rows: list[Any], header: list[str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(header or HEADER)
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _csv(*rows: list[Any], encoding: str = "utf-8") -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue().encode(encoding)


async def _send(connected: Connected, headers: dict[str, str], data: bytes, name: str = "list.xlsx", query: str = "") -> httpx.Response:
    return await connected.http.post(f"/imports/reports?source=hotline{query}", files={"file": (name, data)}, headers=headers)


@pytest.mark.parametrize(("name", "make"), [("list.xlsx", _xlsx), ("list.csv", _csv), ("gb.csv", partial(_csv, encoding="gb18030"))])
async def test_a_list_becomes_reports_and_importing_it_again_adds_nothing(connected: Connected, name: str, make: Any) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    data = make(_row("1"), _row("2", 描述="另一件"))
    first = (await _send(connected, desk, data, name)).json()
    assert (first["total"], first["accepted"], first["repeated"], first["refused"]) == (2, 2, 0, 0), first
    assert first["finishedAt"]
    second = (await _send(connected, desk, data, name)).json()
    assert (second["accepted"], second["repeated"]) == (0, 2)
    stored = await connected.rows("select r.source, k.phone, r.occurred_at from reports r join contacts k on k.report_id = r.id")
    assert stored == [("hotline", "13800000000", datetime(2026, 11, 20, 1, 30, tzinfo=UTC))] * 2
    asked = await connected.http.get(f"/imports/{first['id']}", headers=desk)
    assert asked.json() == first


async def test_bad_rows_are_named_and_take_no_good_one_with_them(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    rows = [
        _row("1"), _row("2", 事项="不存在的事项"), _row("3", 描述=""), _row("4", 经度="东"), _row("5", 经度=None, 纬度=None, 地址="西镇"),
        _row("6", 时间="昨天"), _row("7", 经度=None, 纬度=None), _row("1", 描述="同号另一件"), _row("9", 经度=200),
    ]  # fmt: skip
    told = (await _send(connected, desk, _xlsx(*rows))).json()
    assert (told["accepted"], told["refused"]) == (1, 8)
    assert {(problem["row"], problem["column"]) for problem in told["problems"]} >= {
        (3, "事项"), (5, "经度"), (7, "时间"), (8, "地址"),
    }  # fmt: skip
    unclear = next(problem for problem in told["problems"] if problem["row"] == 6)
    assert unclear["code"] == "unclear_address"
    assert "西镇" in unclear["messageZh"]


async def test_an_address_the_search_is_sure_of_places_the_row(connected: Connected) -> None:
    await connected.place("新余北站广场")
    desk = await connected.graph.staff("desk", "dispatcher")
    told = (await _send(connected, desk, _xlsx(_row("1", 经度=None, 纬度=None, 地址="新余北站广场")))).json()
    assert told["accepted"] == 1
    assert await connected.rows("select accuracy_m from reports") == [(30.0,)]


async def test_a_dry_run_finds_everything_and_keeps_nothing(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    data = _xlsx(_row("1"), _row("2", 事项="不存在的事项"))
    told = (await _send(connected, desk, data, query="&dryRun=true")).json()
    assert (told["accepted"], told["refused"], told["dryRun"]) == (1, 1, True)
    assert await connected.rows("select count(*) from reports") == [(0,)]
    assert (await _send(connected, desk, data)).json()["accepted"] == 1


async def test_a_row_without_time_and_number_is_still_the_same_row_tomorrow(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    data = _xlsx(_row("", 时间=None))
    assert (await _send(connected, desk, data)).json()["accepted"] == 1
    assert (await _send(connected, desk, data)).json()["repeated"] == 1


async def test_a_formula_is_refused_with_its_address_and_nothing_is_imported(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    answer = await _send(connected, desk, _xlsx(_row("1"), _row("2", 描述="=HYPERLINK(\"http://x\")")))
    assert answer.status_code == 400
    assert answer.json()["field"] == "B3"
    assert "公式" in answer.json()["detailZh"]
    assert await connected.rows("select count(*) from reports") == [(0,)]


async def test_only_those_who_take_reports_in_may_import_and_see_their_own_import(connected: Connected) -> None:
    desk, other = await connected.graph.staff("desk", "dispatcher"), await connected.graph.staff("other", "supervisor")
    clerk = await connected.graph.staff("clerk", "clerk")
    assert (await _send(connected, clerk, _xlsx(_row("1")))).status_code == 403
    assert (await _send(connected, {}, _xlsx(_row("1")))).status_code == 401
    import_id = uuid4()
    told = (await _send(connected, desk, _xlsx(_row("1")), query=f"&id={import_id}")).json()
    assert told["id"] == str(import_id)
    assert (await connected.http.get(f"/imports/{import_id}", headers=other)).status_code == 404
    assert (await _send(connected, desk, _xlsx(_row("1")), query=f"&id={import_id}")).status_code == 409


def _packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("bomb.xlsx", _packed(xl__workbook_xml=b"<workbook/>", xl__sharedStrings_xml=b"\0" * (sheets.MAX_UNPACKED + 1)), "unpacks"),
        ("entities.xlsx", _packed(xl__workbook_xml=b'<!DOCTYPE x [<!ENTITY a "aa">]><workbook/>'), "entities"),
        ("word.xlsx", _packed(word__document_xml=b"<document/>"), "XLSX"),
        ("broken.xlsx", b"PK\x03\x04 not a package at all", "damaged"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "XLSX"),
        ("photo.csv", bytes(range(256)) * 20, "CSV"),
        ("empty.csv", b"", "empty"),
        ("twice.csv", "描述,描述\n1,2\n".encode(), "twice"),
        ("header.csv", "描述\n垃圾\n".encode(), "地址"),
    ],
)
async def test_a_hostile_or_foreign_file_is_refused_clearly(connected: Connected, name: str, data: bytes, word: str) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    answer = await _send(connected, desk, data, name)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["detail"]
    assert await connected.rows("select count(*) from reports") == [(0,)]


async def test_fifty_megabytes_are_too_large_and_are_not_read_to_their_end(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    answer = await _send(connected, desk, b"x" * (50 << 20), "big.csv")
    assert answer.status_code == 413


def test_too_many_rows_or_a_cell_too_long_are_refused() -> None:
    with pytest.raises(Invalid, match="rows"):
        sheets.read("a.csv", b"x\n" + b"1\n" * (sheets.MAX_ROWS + 1))
    with pytest.raises(Invalid, match="A2"):
        sheets.read("a.csv", b"x\n" + b"1" * (sheets.MAX_CELL + 1) + b"\n")


async def _export(connected: Connected, headers: dict[str, str], path: str) -> httpx.Response:
    return await connected.http.get(f"/exports/{path}", headers=headers)


def _table(answer: httpx.Response) -> list[list[Any]]:
    if answer.headers["content-type"].startswith("text/csv"):
        return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].values]


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
async def test_an_export_holds_what_the_caller_may_see_and_the_filter_asks(connected: Connected, format_: str) -> None:
    west = await connected.graph.staff("west", "dispatcher", area="360502101")
    for column in (0, 0, 2):
        await connected.graph.report(position=connected.graph.at(column + 0.5, 0.5))
    answer = await _export(connected, west, f"cases.{format_}")
    assert answer.status_code == 200, answer.text
    header, *rows = _table(answer)
    assert header[:3] == ["案件编号", "事项", "状态"]
    assert len(rows) == 2
    everyone = await connected.graph.staff("all", "leader")
    assert len(_table(await _export(connected, everyone, f"cases.{format_}"))) == 4
    area = connected.graph.city.areas["360502102"]
    assert len(_table(await _export(connected, everyone, f"cases.{format_}?areaId={area}&open=true&states=checking,dispatched"))) == 2
    assert _table(await _export(connected, everyone, f"cases.{format_}?lang=en"))[0][0] == "Number"


async def test_the_byte_order_mark_may_be_left_out(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    assert (await _export(connected, desk, "cases.csv")).content.startswith(b"\xef\xbb\xbf")
    assert not (await _export(connected, desk, "cases.csv?bom=false")).content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"])
async def test_what_a_spreadsheet_would_calculate_is_written_as_text(connected: Connected, title: str) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    await connected.graph.report()
    async with connected.graph.doors.pool.connection() as conn:
        await conn.execute("update cases set title = %s", (title,))
    assert _table(await _export(connected, desk, "cases.csv"))[1][1] == f"'{title}"
    book = openpyxl.load_workbook(io.BytesIO((await _export(connected, desk, "cases.xlsx")).content))
    cell = book.worksheets[0]["B2"]
    assert (cell.data_type, cell.value.strip()) == ("s", title.strip())


async def test_an_export_is_for_those_who_read_cases_and_unknown_filters_are_named(connected: Connected) -> None:
    admin, desk = await connected.graph.staff("admin", "system_admin"), await connected.graph.staff("desk", "dispatcher")
    assert (await _export(connected, {}, "cases.csv")).status_code == 401
    assert (await _export(connected, admin, "cases.csv")).status_code == 403
    assert (await _export(connected, desk, "cases.pdf")).status_code == 404
    for query in ("nonsense=1", "open=maybe", "openedAfter=yesterday", "areaId=x", "states=nonsense", "bbox=1,2"):
        answer = await _export(connected, desk, f"cases.csv?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["field"] == query.split("=")[0]


async def test_an_export_never_holds_the_reporter(connected: Connected) -> None:
    desk = await connected.graph.staff("desk", "dispatcher")
    await connected.graph.report(description="我家在三单元", contactName="张三", contactPhone="13800000000")
    for format_ in ("csv", "xlsx"):
        told = str(_table(await _export(connected, desk, f"cases.{format_}")))
        assert not any(secret in told for secret in ("张三", "138", "三单元"))
