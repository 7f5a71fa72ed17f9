"""`./gridwarden import places`: a file becomes places, whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

GOOD = "地址,lon,lat\n健康路,114.93,27.81\n仙来大道,114.92,27.82\n"
BAD = GOOD + "颠倒路,27.81,114.93\n"


def run(database_url: str, redis_url: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "api.cli", "import", "places", *arguments, "--home", str(home)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def names(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as conn:
        return [row[0] for row in conn.execute("select name from places order by name")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "addresses.csv"
    path.write_text(GOOD, "utf-8")
    return path


def test_importing_twice_leaves_the_same_places(database_url: str, redis_url: str, tmp_path: Path, file: Path) -> None:
    asked = (str(file), "--name", "地址", "--kind", "road", "--datum", "GCJ02")
    first, again = (run(database_url, redis_url, tmp_path, *asked) for _ in range(2))
    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert "2 places from 2 rows, replacing 0" in first.stdout
    assert "replacing 2" in again.stdout
    assert names(database_url) == ["仙来大道", "健康路"]


def test_one_bad_row_stops_the_import_unless_told_to_skip_it(database_url: str, redis_url: str, tmp_path: Path, file: Path) -> None:
    file.write_text(BAD, "utf-8")
    asked = (str(file), "--name", "地址", "--kind", "road", "--datum", "WGS84")
    refused = run(database_url, redis_url, tmp_path, *asked)
    assert refused.returncode == 1
    assert "row 3" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert names(database_url) == []
    skipped = run(database_url, redis_url, tmp_path, *asked, "--skip-bad")
    assert skipped.returncode == 0
    assert names(database_url) == ["仙来大道", "健康路"]


def test_an_unknown_datum_is_refused_in_one_line(database_url: str, redis_url: str, tmp_path: Path, file: Path) -> None:
    refused = run(database_url, redis_url, tmp_path, str(file), "--name", "地址", "--datum", "MARS")
    assert refused.returncode == 1
    assert "unknown datum 'MARS'" in refused.stderr
    assert "Traceback" not in refused.stderr
