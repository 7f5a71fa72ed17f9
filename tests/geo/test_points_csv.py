from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import datum, points_csv
from geo.lonlat import BBox, Datum
from geo.points_csv import TableError

XINYU = BBox(west=114.4, south=27.5, east=115.5, north=28.3)


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_every_row_stays_and_bad_ones_are_marked_with_their_reason(tmp_path: Path) -> None:
    path = table(
        tmp_path / "p.csv",
        "id,lon,lat,note\n1,114.9,27.8,ok\n2,,27.8,empty\n3,abc,27.8,text\n4,27.8,114.9,swapped\n5,nan,27.8,nan\n"
        "6,200,27.8,far\n7,114.95\n8,115.0,27.9,ok\n",
    )
    (batch,) = points_csv.read_points(path, expected=XINYU)
    assert [row[0] for row in batch.rows] == list("12345678")
    assert [(row, error.code) for row, error in batch.bad] == [
        (2, "position.missing"),
        (3, "position.not_finite"),
        (4, "position.axes_swapped"),
        (5, "position.not_finite"),
        (6, "position.out_of_range"),
        (7, "position.missing"),
    ]
    assert np.isfinite(batch.lon).tolist() == [True, False, False, False, False, False, False, True]
    assert batch.rows[6] == ["7", "114.95", "", ""]
    assert batch.bad[0][1].where == "row 2"


def test_a_row_with_more_cells_than_the_header_is_bad_and_moves_no_column(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", "lon,lat,note\n114.9,27.8,a,b\n114.9,27.8,tail,,\nx,27.8\n114.9,27.8,ok\n")
    (batch,) = points_csv.read_points(path)
    assert batch.rows == [["114.9", "27.8", "a,b"], ["114.9", "27.8", "tail"], ["x", "27.8", ""], ["114.9", "27.8", "ok"]]
    assert [(row, error.code) for row, error in batch.bad] == [(1, "table.too_many_cells"), (3, "position.not_finite")]
    assert np.isfinite(batch.lon).tolist() == [False, True, False, True]


def test_a_point_outside_the_city_is_no_error(tmp_path: Path) -> None:
    (batch,) = points_csv.read_points(table(tmp_path / "p.csv", "x,y\n116.9,28.2\n"), expected=XINYU)
    assert batch.bad == []
    assert batch.lon.tolist() == [116.9]


def test_declared_gcj02_is_brought_to_wgs84(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", "lng,lat\n114.921846,27.814542\n")
    (batch,) = points_csv.read_points(path, datum=Datum.GCJ02)
    assert (batch.lon[0], batch.lat[0]) == pytest.approx(datum.gcj02_to_wgs84(114.921846, 27.814542))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headers_are_read_in_the_encodings_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    (batch,) = points_csv.read_points(table(tmp_path / "p.csv", "名称,经度,纬度\n站前社区,114.9,27.8\n", encoding))
    assert batch.header == ["名称", "经度", "纬度"]
    assert batch.rows[0][0] == "站前社区"
    assert batch.lat.tolist() == [27.8]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", "lon,lat,real_x,real_y\n0,0,114.9,27.8\n")
    (batch,) = points_csv.read_points(path, lon="real_x", lat="real_y")
    assert batch.lon.tolist() == [114.9]


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("", {}, "table.no_header"),
        ("a,b\n1,2\n", {}, "table.no_such_column"),
        ("lon,lat\n1,2\n", {"lon": "x"}, "table.no_such_column"),
        (",".join(["c"] * 1001) + "\n", {}, "table.too_many_columns"),
        ("lon,lat\n" + "9" * 200_000 + ",1\n", {}, "table.unreadable"),
    ],
)
def test_a_table_without_points_is_refused(tmp_path: Path, text: str, options: dict[str, str], code: str) -> None:
    with pytest.raises(TableError) as caught:
        list(points_csv.read_points(table(tmp_path / "p.csv", text), **options))  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        list(points_csv.read_points(tmp_path / "none.csv"))


def test_a_table_with_only_a_header_gives_one_empty_batch(tmp_path: Path) -> None:
    (batch,) = points_csv.read_points(table(tmp_path / "p.csv", "lon,lat\n"))
    assert batch.header == ["lon", "lat"]
    assert batch.rows == []


@settings(deadline=None, max_examples=30)
@given(points=st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=40), size=st.integers(1, 9))
def test_batches_of_any_size_give_the_same_points(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], size: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "p.csv"
    table(path, "lon,lat\n" + "".join(f"{x!r},{y!r}\n" for x, y in points))
    batches = list(points_csv.read_points(path, batch=size))
    assert [xy for b in batches for xy in zip(b.lon.tolist(), b.lat.tolist(), strict=True)] == points
    assert batches[-1].done == len(points)
    assert all(len(b.rows) <= size for b in batches)
