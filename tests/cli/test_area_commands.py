"""`import areas`, `export areas` and `locate` as somebody types them, on a database of their own."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from domain.areas.publish import LOCK_SPACE, publish
from geo import datum
from tests.flows.conftest import AT, SOUTH, STEP, WEST, admin, grids


@dataclass
class Terminal:
    """Runs the command line against one database, from a folder of files."""

    url: str
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DATABASE_URL": self.url, "REDIS_URL": "unix:///nowhere", "GRIDWARDEN_HOME": str(self.folder / "home")}
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments], env=env, capture_output=True, text=True, check=False, timeout=120
        )

    def write(self, name: str, features: Sequence[tuple[str, str, str | None, BaseGeometry]]) -> str:
        path = self.folder / name
        found = [
            {"type": "Feature", "properties": {"code": code, "name": label, "up": up}, "geometry": shapely.geometry.mapping(shape)}
            for code, label, up, shape in features
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": found}), encoding="utf-8")
        return str(path)

    def grids(self, name: str = "grids.geojson", *, leave_out: str = "") -> str:
        return self.write(name, [(g.code, g.name, g.parent_code, g.geometry) for g in grids() if g.code != leave_out])


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    async def publish_admin() -> None:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            await publish(conn, "admin", admin(), at=AT)

    asyncio.run(publish_admin())
    return Terminal(database_url, tmp_path)


def as_gcj02(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(datum.wgs84_to_gcj02_many(xy[:, 0], xy[:, 1]))


GRID = ("--layer", "grid", "--datum", "WGS84", "--parent", "up")


def test_a_layer_is_imported_once_and_the_same_file_again_changes_nothing(terminal: Terminal) -> None:
    first = terminal.run("import", "areas", terminal.grids(), *GRID)
    again = terminal.run("import", "areas", terminal.grids(), *GRID)
    assert first.returncode == 0, first.stderr
    assert first.stdout == "9 areas were written, 0 retired, 0 unchanged\nlayer grid is at version 1\n"
    assert again.stdout == "0 areas were written, 0 retired, 9 unchanged\nlayer grid is at version 1\n"


def test_a_hole_in_a_partition_is_named_with_place_and_size_and_nothing_is_imported(terminal: Terminal) -> None:
    done = terminal.run("import", "areas", terminal.grids(leave_out=grids()[4].code), *GRID)
    assert done.returncode == 1
    assert "gap" in done.stderr
    assert f"{WEST + 1.5 * STEP:.3f}" in done.stderr
    with psycopg.connect(terminal.url) as conn:
        assert conn.execute("select count(*) from areas where layer = 'grid'").fetchone() == (0,)


def test_an_invalid_shape_is_named_with_its_row(terminal: Terminal) -> None:
    bow = shapely.Polygon([(114.9, 27.8), (114.91, 27.81), (114.91, 27.8), (114.9, 27.81)])
    done = terminal.run(
        "import", "areas", terminal.write("bow.geojson", [("1", "蝴蝶", None, bow)]), "--layer", "special_grid", "--datum", "WGS84"
    )
    assert done.returncode == 1
    assert "row 1 (1) at 114.905000, 27.805000" in done.stderr


def test_a_file_in_another_datum_than_declared_is_suspected(terminal: Terminal) -> None:
    shifted = [
        (a.code, a.name, a.parent_code, shapely.transform(a.geometry, as_gcj02))
        for a in admin() if a.level == "county"
    ]  # fmt: skip
    file = terminal.write("county-gcj.geojson", shifted)
    done = terminal.run("import", "areas", file, "--layer", "admin", "--level", "county", "--parent", "up", "--datum", "WGS84", "--dry-run")
    assert "GCJ02" in done.stderr


def test_new_areas_begin_no_earlier_than_the_last_report_that_went_by_the_old_ones(terminal: Terminal) -> None:
    assert terminal.run("import", "areas", terminal.grids(), *GRID).returncode == 0
    renamed = [(g.code, f"新{g.name}", g.parent_code, g.geometry) for g in grids()]
    command = ("import", "areas", terminal.write("renamed.geojson", renamed), *GRID)
    waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
    with psycopg.connect(terminal.url) as intake, psycopg.connect(terminal.url, autocommit=True) as watch, ThreadPoolExecutor() as beside:
        intake.execute("select pg_advisory_xact_lock_shared(%s, hashtext('grid'))", (LOCK_SPACE,))
        running = beside.submit(terminal.run, *command)
        while watch.execute(waiting).fetchone() == (False,):
            assert not running.done(), running.result().stderr
        row = watch.execute("select clock_timestamp()").fetchone()
        intake.commit()
        assert running.result().returncode == 0
        begun = watch.execute("select min(valid_from) from area_versions where name like '新网格%'").fetchone()
    assert row is not None
    assert begun is not None
    assert begun[0] >= row[0]


def test_a_dry_run_writes_nothing(terminal: Terminal) -> None:
    done = terminal.run("import", "areas", terminal.grids(), *GRID, "--dry-run")
    assert done.stdout == "9 areas would be written, 0 retired, 0 unchanged\n"
    with psycopg.connect(terminal.url) as conn:
        assert conn.execute("select version from area_layers where code = 'grid'").fetchone() == (0,)


def test_what_is_exported_can_be_imported_again(terminal: Terminal) -> None:
    terminal.run("import", "areas", terminal.grids(), *GRID)
    for ending in ("geojson", "gpkg", "shp", "kml"):
        file = str(terminal.folder / f"out.{ending}")
        assert terminal.run("export", "areas", file, "--layer", "grid").returncode == 0
        done = terminal.run(
            "import", "areas", file, "--layer", "grid", "--datum", "WGS84", "--parent", "parent", "--source", "grids.geojson"
        )
        assert done.stdout.startswith("0 areas were written, 0 retired, 9 unchanged"), (ending, done.stdout, done.stderr)


def test_every_row_of_a_table_keeps_its_columns_and_gains_its_owner(terminal: Terminal) -> None:
    terminal.run("import", "areas", terminal.grids(), *GRID)
    table, out, errors = terminal.folder / "points.csv", terminal.folder / "out.csv", terminal.folder / "bad.csv"
    rows = [("1", WEST + 0.005, SOUTH + 0.005, "甲,乙"), ("2", 113.0, 27.0, ""), ("3", "x", 27.8, ""), ("4", 114.91, SOUTH + 0.005, "")]
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "lon", "lat", "备注"), *rows])
    done = terminal.run("locate", str(table), "-o", str(out), "--errors", str(errors))
    assert "4 rows: 2 owned, 1 unowned, 1 bad" in done.stderr
    found = list(csv.reader(out.read_text(encoding="utf-8").splitlines()))
    assert found[0] == ["id", "lon", "lat", "备注", "owner_code", "owner_name"]
    assert [row[3:] for row in found[1:]] == [
        ["甲,乙", "360502101001000", "网格00"],
        ["", "", ""],
        ["", "", ""],
        ["", "360502101001000", "网格00"],
    ]
    assert list(csv.reader(errors.read_text(encoding="utf-8").splitlines()))[1][0] == "3"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("locate", "{points}", "--layer", "moon"), "no layer 'moon'"),
        (("locate", "{points}", "--lon", "x"), "no column 'x'"),
        (("locate", "{points}", "--datum", "WGS48"), "unknown datum"),
        (("import", "areas", "{grids}", "--layer", "grid", "--datum", "WGS84", "--code", "nr"), "no column 'nr'"),
        (("import", "areas", "{grids}", "--layer", "admin", "--datum", "WGS84"), "name the level"),
        (("import", "areas", "{points}", "--layer", "grid", "--datum", "WGS84"), "use one of"),
        (("export", "areas", "{folder}/x.doc", "--layer", "admin"), "write to one of"),
        (("export", "areas", "{folder}/x.gpkg", "--layer", "grid"), "no areas of layer 'grid'"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_remedy(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    points = terminal.folder / "points.csv"
    points.write_text("lon,lat\n114.9,27.8\n", encoding="utf-8")
    values = {"points": str(points), "grids": terminal.grids(), "folder": str(terminal.folder)}
    done = terminal.run(*(argument.format(**values) for argument in arguments))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there_is_a_usage_error(terminal: Terminal) -> None:
    points = terminal.folder / "points.csv"
    points.write_text("lon,lat\n114.9,27.8\n", encoding="utf-8")
    done = terminal.run("locate", str(points), "-o", str(terminal.folder / "nowhere" / "out.csv"))
    assert done.returncode == 2
    assert "no folder" in done.stderr
    assert "Traceback" not in done.stderr
