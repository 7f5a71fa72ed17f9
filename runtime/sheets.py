"""Tables of people's offices, in and out: CSV and XLSX, read with suspicion and written so that nothing in them is a formula.

Read: a file is bounded in bytes, in what it unpacks to, in rows, columns and length of a cell; a formula is refused with its
address, because what it shows depends on the program that opens it. Written: a text that a spreadsheet would calculate is text.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from domain.errors import Invalid

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_UNPACKED: Final = 100 * 1024 * 1024
MAX_PARTS: Final = 2000
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 60
MAX_CELL: Final = 5000
ZONE: Final = ZoneInfo("Asia/Shanghai")
_CALCULATED: Final = ("=", "+", "-", "@", "\t", "\r")
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Row:
    """A row under the header, by column name; ``number`` is the one the spreadsheet shows. Dates and numbers stay what they are."""

    number: int
    values: dict[str, object]


def read(name: str, data: bytes) -> list[Row]:
    """Read a table whose first row is its header; blocking. Raises Invalid naming the cell."""
    if len(data) > MAX_BYTES:
        raise Invalid(f"the file is longer than {MAX_BYTES >> 20} MB", f"文件超过 {MAX_BYTES >> 20} MB", field="file")
    rows = _xlsx(data) if data[:4] == b"PK\x03\x04" else _csv(name, data)
    header: list[str] = []
    found: list[Row] = []
    for number, cells in rows:
        if not any(cell not in (None, "") for cell in cells):
            continue
        if not header:
            header = _header(cells)
            continue
        if len(found) >= MAX_ROWS:
            raise Invalid(f"a file holds at most {MAX_ROWS} rows; split it", f"一个文件最多 {MAX_ROWS} 行，请拆分", field="file")
        found.append(Row(number, dict(zip(header, cells, strict=False))))
    if not header:
        raise Invalid("the file is empty", "文件为空", field="file")
    return found


class CsvFile:
    """Writes a table as CSV (RFC 4180, UTF-8), some rows at a time; ``bom`` lets Excel see that it is UTF-8."""

    media_type = "text/csv; charset=utf-8"

    def __init__(self, file: IO[bytes], header: Sequence[str], *, bom: bool = True) -> None:
        self._file = file
        if bom:
            file.write(b"\xef\xbb\xbf")
        self.add([header])

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows; blocking."""
        out = io.StringIO()
        csv.writer(out).writerows([_plain(value) for value in row] for row in rows)
        self._file.write(out.getvalue().encode())

    def close(self) -> None:
        """Finish the file."""


class XlsxFile:
    """Writes a table as XLSX, some rows at a time, in memory that does not grow with them."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self, file: IO[bytes], header: Sequence[str]) -> None:
        self._file = file
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("1")
        self._sheet.freeze_panes = "A2"
        self.add([header])

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows; blocking."""
        for row in rows:
            self._sheet.append([_cell(self._sheet, value) for value in row])

    def close(self) -> None:
        """Pack the workbook into the file; blocking."""
        self._book.save(self._file)


def shown(value: object) -> object:
    """Give a value as a spreadsheet shows it: instants in the city's zone."""
    return value.astimezone(ZONE).replace(tzinfo=None, microsecond=0) if isinstance(value, datetime) else value


def _header(cells: Sequence[object]) -> list[str]:
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise Invalid(f"a file has at most {MAX_COLUMNS} columns", f"最多 {MAX_COLUMNS} 列", field="file")
    if twice := next((name for i, name in enumerate(names) if name and name in names[:i]), None):
        raise Invalid(f"the column {twice!r} stands twice in the header", f"表头中「{twice}」重复", field="file")
    return names


def _xlsx(data: bytes) -> Iterator[tuple[int, list[object]]]:
    try:
        _check_package(data)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(max_row=MAX_ROWS + 1000, max_col=MAX_COLUMNS + 1), start=1):
            yield number, [_read_cell(cell, number, column) for column, cell in enumerate(cells, start=1)]
    except Invalid:
        raise
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, SyntaxError, OSError, EOFError) as error:
        raise Invalid("the file is no XLSX workbook, or damaged", "文件不是有效的 XLSX 工作簿或已损坏", field="file") from error


def _check_package(data: bytes) -> None:
    """Refuse what unpacks to more than it may; a part never gives more bytes than its entry declares."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = package.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            message = f"the workbook unpacks to more than {MAX_UNPACKED >> 20} MB"
            raise Invalid(message, f"工作簿解压后超过 {MAX_UNPACKED >> 20} MB", field="file")
        if "xl/workbook.xml" not in package.namelist():
            raise Invalid("this is a package but no XLSX workbook", "文件不是 XLSX 工作簿", field="file")
        for part in parts:
            with package.open(part) as opened:
                if b"<!DOCTYPE" in opened.read(65_536):
                    raise Invalid("the workbook declares entities of its own", "工作簿含有不允许的实体声明", field="file")


def _read_cell(cell: Any, row: int, column: int) -> object:
    address = f"{get_column_letter(column)}{row}"
    if cell.data_type == "f":
        message = f"cell {address} is a formula; paste the values (copy, then paste as values) and send the file again"
        raise Invalid(message, f"单元格 {address} 是公式，请粘贴为数值后重新上传", field=address)
    if cell.data_type == "e":
        raise Invalid(f"cell {address} holds the error {cell.value}", f"单元格 {address} 为错误值 {cell.value}", field=address)
    return _bounded(cell.value, address)


def _csv(name: str, data: bytes) -> Iterator[tuple[int, list[object]]]:
    if Path(name).suffix.lower() in (".xls", ".et", ".ods") or b"\0" in data[:4096]:
        raise Invalid("send XLSX, or CSV as text", "请上传 XLSX 或 CSV 文件", field="file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")  # what Excel in China writes as CSV
        except UnicodeDecodeError as error:
            raise Invalid("the text is neither UTF-8 nor GB 18030", "文件编码既非 UTF-8 也非 GB 18030", field="file") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for cells in reader:
            number = reader.line_num
            yield number, [_bounded(cell, f"{get_column_letter(i)}{number}") for i, cell in enumerate(cells[: MAX_COLUMNS + 1], start=1)]
    except csv.Error as error:
        raise Invalid(f"the CSV cannot be read: {error}", "CSV 格式有误", field="file") from error


def _bounded(value: object, address: str) -> object:
    if isinstance(value, str):
        if len(value) > MAX_CELL or "\0" in value:
            raise Invalid(f"cell {address} holds more than {MAX_CELL} characters", f"单元格 {address} 内容过长", field=address)
        return value.strip()
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=ZONE)
    return value


def _plain(value: object) -> object:
    value = shown(value)
    if isinstance(value, str) and value.startswith(_CALCULATED):
        return f"'{value}"
    return "" if value is None else value


def _cell(sheet: Any, value: object) -> object:
    value = shown(value)
    if isinstance(value, str):
        text = _UNWRITABLE.sub("", value)[:32_767]
        if not text.startswith(("=", "#")):  # what is taken for a formula or an error; plain text takes a quarter less time
            return text or None
        cell = WriteOnlyCell(sheet, text)
        cell.data_type = "s"
        return cell
    if value is None or isinstance(value, bool | int | float | datetime | date | time):
        return value
    return _cell(sheet, str(value))
