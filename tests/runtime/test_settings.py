"""Settings: the same in every process of a city, with secrets that only their owner reads."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime.settings import CHECKOUT, Settings, default_home, from_environment


def test_a_child_process_reads_the_settings_its_parent_wrote(tmp_path: Path) -> None:
    given = Settings(
        home=tmp_path, host="0.0.0.0", port=9000, tls=True, api_processes=3, given_database_url="postgresql://a@b/c", log_level="debug"
    )
    assert from_environment(given.to_environment()) == given


def test_an_explicit_home_wins_over_the_environment(tmp_path: Path) -> None:
    assert from_environment({"GRIDWARDEN_HOME": "/elsewhere"}, home=tmp_path).home == tmp_path
    assert from_environment({}).home == default_home()


def test_a_store_run_by_somebody_else_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = from_environment({"DATABASE_URL": "postgresql://a@b/c", "REDIS_URL": "redis://b/1"}, home=tmp_path)
    assert (settings.database_url, settings.redis_url) == ("postgresql://a@b/c", "redis://b/1")


def test_the_signing_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.signing_key(), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    (key_file,) = (tmp_path / "secrets").iterdir()
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_several_machines_may_share_one_signing_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWARDEN_SIGNING_KEY", "ab" * 32)
    assert Settings(home=tmp_path).signing_key() == b"\xab" * 32
    assert not (tmp_path / "secrets").exists()


def test_socket_paths_never_pass_the_limit_of_the_kernel() -> None:
    for depth in (1, 8, 60):
        settings = Settings(home=Path("/srv") / "/".join(["deep"] * depth))
        assert len(str(settings.sockets / "pg" / ".s.PGSQL.5432")) <= 103


def test_settings_cost_nothing_to_import() -> None:
    code = "import sys, json; import runtime.settings; print(json.dumps(sorted(set(sys.modules) & {'psycopg', 'rich', 'numpy'})))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=dict(os.environ), capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == []
