"""What must hold for any text at all: two formats that say the same, cells that calculate nothing, letters that are never lost."""

import csv
import io
import re
from datetime import UTC, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http import open311_format
from api.http.open311_format import xml
from runtime import open311_client, sheets
from runtime.open311_client import Never
from runtime.workorder_text import MISSING, marked, runs
from tests.connectors import spark

# Surrogates cannot be written as UTF-8 at all.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUE = st.one_of(st.none(), TEXT, st.integers(-(10**9), 10**9), st.booleans())


@given(st.lists(st.dictionaries(st.sampled_from(["service_request_id", "status", "description", "lat"]), VALUE, max_size=4), max_size=4))
def test_xml_and_json_say_the_same_of_any_text(rows: list[dict[str, object]]) -> None:
    clean = [{key: _writable(value) for key, value in row.items()} for row in rows]
    spark.assert_same(spark.parsed(xml("service_requests", rows)), clean)
    assert [set(row) for row in open311_client.rows_of("xml", xml("service_requests", rows))] == [set(row) for row in rows]


def _writable(value: object) -> object:
    if not isinstance(value, str):
        return value
    # A parser makes every kind of line end one line feed.
    return open311_format._UNWRITABLE.sub("", value).replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(st.lists(TEXT.filter(lambda text: "\0" not in text), min_size=2, max_size=3), max_size=5))
def test_no_cell_of_a_csv_begins_like_a_formula(rows: list[list[str]]) -> None:
    out = io.BytesIO()
    sheets.CsvFile(out, ["a", "b"], bom=False).add(rows)
    read = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))[1:]
    assert len(read) == len(rows)
    for cells, texts in zip(read, rows, strict=True):
        for cell, text in zip(cells, texts, strict=True):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert cell.removeprefix("'") == text.removeprefix("'")


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_no_cell_of_a_workbook_is_a_formula_and_every_letter_excel_takes_stays(texts: list[str]) -> None:
    out = io.BytesIO()
    book = sheets.XlsxFile(out, ["a"])
    book.add([[text] for text in texts])
    book.close()
    column = [row[0] for row in openpyxl.load_workbook(io.BytesIO(out.getvalue())).worksheets[0].iter_rows(min_row=2)]
    for cell, text in zip(column, texts, strict=False):
        assert cell.data_type in ("s", "n")  # an empty cell has no text
        assert cell.data_type == "s" or cell.value is None
        assert not text.startswith("=") or str(cell.value).startswith("=")


@given(TEXT)
def test_a_work_order_loses_no_letter_and_takes_none_for_markup(text: str) -> None:
    parts = "".join(part for _, part in runs(text))
    assert len(parts) == len(text)
    assert all(drawn in (given_, MISSING) for drawn, given_ in zip(parts, text, strict=True))
    assert set(re.findall(r"<(/?\w+)", marked(text))) <= {"font", "/font", "br"}


# The shapes of answers the spec shows, with what real servers do to them: blanks, numbers, empty elements, a mark at the begin.
SHOWN = """<?xml version="1.0" encoding="utf-8"?>
<service_requests>
    <request>
        <service_request_id>638344</service_request_id>
        <status>closed</status>
        <status_notes>Duplicate request.</status_notes>
        <description></description>
        <updated_datetime>2010-04-14T06:37:38-08:00</updated_datetime>
        <lat>37.762221815</lat>
        <account_id/>
    </request>
</service_requests>"""


@pytest.mark.parametrize("data", [SHOWN.encode(), b"\xef\xbb\xbf" + SHOWN.encode()])
def test_the_client_reads_what_the_spec_shows(data: bytes) -> None:
    (row,) = open311_client.rows_of("xml", data)
    assert (row["service_request_id"], row["status"], row["account_id"], row["description"]) == ("638344", "closed", None, None)
    assert open311_client._instant(row["updated_datetime"]) == datetime(2010, 4, 14, 14, 37, 38, tzinfo=UTC)
    (number,) = open311_client.rows_of("json", b'[{"service_request_id":638344,"token":null}]')
    assert open311_client._text(number["service_request_id"]) == "638344"


@given(st.binary(max_size=200))
def test_whatever_a_server_answers_is_read_or_refused(data: bytes) -> None:
    for format_ in ("xml", "json"):
        try:
            rows = open311_client.rows_of(format_, data)
        except Never:
            continue
        assert all(isinstance(row, dict) for row in rows)


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_it_is_read_or_refused(data: bytes) -> None:
    from domain.errors import Invalid

    for name, head in (("a.csv", b""), ("a.xlsx", b"PK\x03\x04")):
        try:
            sheets.read(name, head + data)
        except Invalid:
            continue
