"""The command line of the connectors, run as people run it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.flows.conftest import SOUTH, WEST, fill


def run(database_url: str, redis_url: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "api.cli", *arguments, "--home", str(home)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def city_url(database_url: str) -> str:
    async def build() -> None:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            await fill(conn)

    asyncio.run(build())
    return database_url


def test_a_list_is_imported_and_the_cases_exported(city_url: str, redis_url: str, tmp_path: Path) -> None:
    file, out = tmp_path / "calls.csv", tmp_path / "cases.xlsx"
    file.write_text(f"编号,描述,经度,纬度\n1,路边垃圾,{WEST + 0.005},{SOUTH + 0.005}\n2,,{WEST},{SOUTH}\n", "utf-8")
    dry = run(city_url, redis_url, tmp_path, "import", "reports", str(file), "--dry-run")
    assert dry.returncode == 1
    assert "1 accepted, 0 known already, 1 refused of 2 rows (dry run: nothing was kept)" in dry.stdout, dry.stderr
    assert "row 3, 描述" in dry.stderr
    imported = run(city_url, redis_url, tmp_path, "import", "reports", str(file))
    assert "1 accepted, 0 known already, 1 refused" in imported.stdout, imported.stderr
    exported = run(city_url, redis_url, tmp_path, "export", "cases", str(out), "--filter", "open=true")
    assert "1 cases written" in exported.stdout, exported.stderr
    assert out.read_bytes().startswith(b"PK")
    refused = run(city_url, redis_url, tmp_path, "export", "cases", str(out), "--filter", "nonsense=1")
    assert refused.returncode == 1
    assert "unknown filter 'nonsense'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_system_is_added_listed_given_a_new_key_and_switched_off(city_url: str, redis_url: str, tmp_path: Path) -> None:
    def connectors(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(city_url, redis_url, tmp_path, "connectors", *arguments)

    def active_keys() -> list[tuple[object, ...]]:
        with psycopg.connect(city_url) as conn:
            return conn.execute("select key_hash from connector_clients where active").fetchall()

    added = connectors("add", "12345", "--name", "政务服务热线", "--door", "handover", "--source", "hotline")
    assert added.returncode == 0, added.stderr
    assert added.stdout.strip().startswith("gwc_")
    first = active_keys()
    renewed = connectors("renew", "12345")
    assert renewed.stdout.strip() not in ("", added.stdout.strip())
    assert active_keys() != first
    assert "政务服务热线" in connectors("list").stdout
    assert connectors("off", "12345").returncode == 0
    assert active_keys() == []
    again = connectors("add", "12345", "--name", "x", "--door", "handover")
    assert again.returncode == 1
    assert "is taken" in again.stderr
    unknown = connectors("off", "nobody")
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (1, False)


def test_a_platform_above_is_kept_with_its_key_sealed(city_url: str, redis_url: str, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("their-secret-key\n")
    url = "https://province.example/open311/v2/"
    arguments = ("connectors", "target", "province", "--name", "省平台", "--url", url, "--key-file", str(key_file))
    done = run(city_url, redis_url, tmp_path, *arguments, "--map", "test-E0110=77", "--map", "*=99")
    assert done.returncode == 0, done.stderr
    with psycopg.connect(city_url) as conn:
        row = conn.execute("select base_url, sealed_key, service_codes from connector_targets").fetchone()
    assert row is not None
    assert row[0] == "https://province.example/open311/v2"
    assert b"their-secret-key" not in bytes(row[1])
    assert row[2] == {"test-E0110": "77", "*": "99"}
    bad = run(city_url, redis_url, tmp_path, "connectors", "target", "x", "--name", "x", "--url", "ftp://x")
    assert bad.returncode == 1
