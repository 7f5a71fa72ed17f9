"""Tables of points in CSV, streamed: millions of rows in bounded memory, every column kept as it was.

Coordinates are checked and brought to WGS 84; a row that holds no position stays in its place, marked, with the reason.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo import datum as datums
from geo import lonlat
from geo.lonlat import BBox, Datum, GeoError, PositionError

BATCH = 100_000
MAX_COLUMNS = 1_000
_SNIFFED_BYTES = 1 << 20
_LON = ("lon", "lng", "long", "longitude", "x", "经度")
_LAT = ("lat", "latitude", "y", "纬度")


class TableError(GeoError):
    """A table that cannot be read as points: codes `table.*`."""


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Some consecutive rows: all cells, WGS 84 arrays (NaN where bad), and the bad ones as (1-based data row, reason).

    The header is row 0, so data row 1 is the file's second line unless a cell holds a line break.
    """

    header: list[str]
    rows: list[list[str]]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    bad: list[tuple[int, GeoError]]
    done: int


def read_points(
    path: Path,
    *,
    lon: str | None = None,
    lat: str | None = None,
    datum: Datum = Datum.WGS84,
    expected: BBox | None = None,
    encoding: str | None = None,
    batch: int = BATCH,
) -> Iterator[PointBatch]:
    """Yield a CSV file's points in batches, WGS 84.

    Columns are found by their usual names unless named. UTF-8 (with or without mark) and GB 18030 are told apart.
    `expected` is the city's box, to notice swapped axes. Raises TableError for a table without header or columns.
    """
    if not path.is_file():
        raise TableError("table.not_found", "there is no such file.", "文件不存在。", path.name)
    with path.open(encoding=encoding or guess_encoding(path), newline="") as file:
        reader = csv.reader(file)
        header = next(_guarded(reader, path), [])
        if not any(header):
            raise TableError("table.no_header", "the first line names no columns.", "首行没有列名。", path.name)
        if len(header) > MAX_COLUMNS:
            raise TableError("table.too_many_columns", f"more than {MAX_COLUMNS} columns.", "列数过多。", path.name)
        x, y = _column(header, lon, _LON, path), _column(header, lat, _LAT, path)
        rows, done = _guarded(reader, path), 0
        while True:
            some = list(islice(rows, batch))
            if not some and done:
                return
            yield _batch(header, some, x, y, datum, expected, done)
            done += len(some)
            if len(some) < batch:
                return


def guess_encoding(path: Path) -> str:
    """Return utf-8-sig when the file's first megabyte is UTF-8, else gb18030 (what Excel writes in China)."""
    with path.open("rb") as file:
        start = file.read(_SNIFFED_BYTES)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def _guarded(rows: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    try:
        yield from rows
    except (csv.Error, UnicodeDecodeError) as error:
        en, zh = f"cannot be read as CSV: {error}", "无法按 CSV 读取。"
        raise TableError("table.unreadable", en, zh, path.name) from error


def _column(header: list[str], wanted: str | None, usual: tuple[str, ...], path: Path) -> int:
    names = [name.strip() for name in header]
    if wanted is not None:
        if wanted in names:
            return names.index(wanted)
    else:
        lower = [name.lower() for name in names]
        for name in usual:
            if name in lower:
                return lower.index(name)
    asked = repr(wanted) if wanted else "/".join(usual)
    en = f"no column {asked}; there are: {', '.join(names)[:300]}."
    raise TableError("table.no_such_column", en, f"没有列 {asked}。", path.name)


def _batch(header: list[str], rows: list[list[str]], x: int, y: int, datum: Datum, expected: BBox | None, done: int) -> PointBatch:
    width = len(header)
    too_long = [i for i, row in enumerate(rows) if len(row) > width and any(row[width:])]
    bad: list[tuple[int, GeoError]] = [(done + i + 1, _too_long(rows[i], width, f"row {done + i + 1}")) for i in too_long]
    for i, row in enumerate(rows):
        if len(row) != width:
            rows[i] = _fitted(row, width)
    lon, lat = _floats([row[x] for row in rows]), _floats([row[y] for row in rows])
    wrong = ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    if expected is not None:
        west, south, east, north = expected.west, expected.south, expected.east, expected.north
        wrong |= ~((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    wrong[too_long] = False
    lon[too_long] = lat[too_long] = np.nan
    for i in np.flatnonzero(wrong).tolist():
        error = _why(rows[i][x], rows[i][y], float(lon[i]), float(lat[i]), expected, f"row {done + i + 1}")
        if error is not None:
            bad.append((done + i + 1, error))
            lon[i] = lat[i] = np.nan
    lon, lat = datums.to_wgs84_many(lon, lat, datum)
    bad.sort(key=lambda one: one[0])
    return PointBatch(header, rows, lon, lat, bad, done + len(rows))


def _fitted(row: list[str], width: int) -> list[str]:
    if len(row) < width:
        return row + [""] * (width - len(row))
    return [*row[: width - 1], ",".join(cell for cell in row[width - 1 :] if cell)]


def _too_long(row: list[str], width: int, where: str) -> GeoError:
    # Which of its cells are the coordinates cannot be told: often a comma in an address that was not quoted.
    en, zh = f"the row has {len(row)} cells, the header {width}.", f"该行有 {len(row)} 列，表头只有 {width} 列。"
    return TableError("table.too_many_cells", en, zh, where)


def _floats(cells: list[str]) -> NDArray[np.float64]:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array([_float(cell) for cell in cells], dtype=np.float64)


def _float(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _why(x: str, y: str, lon: float, lat: float, expected: BBox | None, where: str) -> GeoError | None:
    """Why a suspect row holds no position; None when it does (a point merely outside the expected box)."""
    if not x.strip() or not y.strip():
        return PositionError("position.missing", "the coordinates are empty.", "坐标为空。", where)
    try:
        lonlat.checked(lon=lon, lat=lat, expected=expected, where=where)
    except PositionError as error:
        return error
    return None
