"""The private PostGIS and Redis of a city: started when needed, shared, stopped by the last user, safe after a crash."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis

from runtime import process, stores
from runtime.settings import CHECKOUT, Settings
from runtime.trouble import SetupTrouble


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A home of its own; what still runs in it at the end is stopped."""
    home = Path(os.environ["GRIDWARDEN_TEST_HOME"]) / f"home-{uuid4().hex[:8]}"
    settings = Settings(home=home, durable=False)
    yield settings
    stores.stop_stores(settings)


def test_the_private_database_is_migrated_and_knows_postgis(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        row = conn.execute("select postgis_lib_version(), count(*) from alembic_version").fetchone()
    assert row is not None
    assert row[0] >= "3.3"
    assert row[1] == 1


async def test_a_test_sees_only_what_it_wrote_itself(conn: psycopg.AsyncConnection) -> None:
    found = await (await conn.execute("select count(*) from departments")).fetchone()
    assert found == (0,)


def test_redis_answers_on_its_socket_and_is_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
        assert client.dbsize() == 0


def test_the_stores_keep_their_data_and_stop_with_their_last_user(settings: Settings) -> None:
    with stores.ensure_stores(settings) as first:
        with psycopg.connect(first.database_url) as conn:
            conn.execute("create table kept as select 42 as answer")
        with stores.ensure_stores(settings):
            pass
        assert stores.ready(settings, "postgres"), "an inner user must not stop the stores of an outer one"
    assert process.find("postgres", run_dir=settings.run_dir) is None
    with stores.ensure_stores(settings) as again, psycopg.connect(again.database_url) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


def test_a_committed_row_survives_kill_nine_of_postgres(settings: Settings) -> None:
    settings = replace(settings, durable=True)
    with stores.ensure_stores(settings) as running:
        with psycopg.connect(running.database_url) as conn:
            conn.execute("create table kept as select 7 as answer")
        postgres = process.find("postgres", run_dir=settings.run_dir)
        assert postgres is not None
        os.kill(postgres.pid, signal.SIGKILL)
        assert process.wait_until(lambda: not postgres.alive(), 5)
        with stores.ensure_stores(settings) as again, psycopg.connect(again.database_url) as conn:
            assert conn.execute("select answer from kept").fetchone() == (7,)


def test_stores_left_by_a_killed_command_are_taken_over_and_stopped(settings: Settings) -> None:
    code = """
import os
from runtime import settings, stores
with stores.ensure_stores(settings.from_environment()):
    os.kill(os.getpid(), 9)
"""
    env = {**os.environ, **settings.to_environment(), "PYTHONPATH": str(CHECKOUT)}
    killed = subprocess.run([sys.executable, "-c", code], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = process.find("postgres", run_dir=settings.run_dir)
    assert left is not None
    with stores.ensure_stores(settings):
        taken = process.find("postgres", run_dir=settings.run_dir)
        assert taken is not None
        assert taken.pid == left.pid
    assert process.wait_until(lambda: not left.alive(), 5)


def test_a_lock_file_naming_a_living_stranger_does_not_stop_the_database(settings: Settings) -> None:
    with stores.ensure_stores(settings):
        pass
    lock = settings.home / "pg" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{settings.home / 'pg'}\n1\n5432\n{settings.sockets / 'pg'}\n\n  1 1\nready\n")
    with stores.ensure_stores(settings) as running, psycopg.connect(running.database_url) as conn:
        assert conn.execute("select 1").fetchone() == (1,)


def test_a_cluster_left_half_made_is_thrown_away(settings: Settings) -> None:
    settings.prepare_home()
    half_made = settings.home / ".pg-new-1"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("15\n")
    with stores.ensure_stores(settings):
        assert not half_made.exists()
        assert (settings.home / "pg" / "global" / "pg_control").exists()


def test_a_home_too_deep_for_a_socket_path_works_all_the_same(settings: Settings) -> None:
    deep = replace(settings, home=settings.home / ("deep" * 30))
    with stores.ensure_stores(deep) as running, psycopg.connect(running.database_url) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    (deep.sockets / "pg").rmdir()
    (deep.sockets / "redis").rmdir()
    deep.sockets.rmdir()


def test_a_home_that_cannot_be_written_is_one_line_with_a_remedy() -> None:
    with pytest.raises(SetupTrouble, match=r"cannot be written.*--home DIR"), stores.ensure_stores(Settings(home=Path("/proc/nowhere"))):
        pytest.fail("the stores cannot live in /proc")


def test_a_process_id_given_to_a_stranger_is_not_taken_for_ours(tmp_path: Path) -> None:
    ours = process.record_self("ours", run_dir=tmp_path, patience_s=1)
    assert process.find("ours", run_dir=tmp_path) is not None
    ours.record.write_text(ours.record.read_text().replace(ours.started, "another-start"))
    assert process.find("ours", run_dir=tmp_path) is None
    assert not ours.record.exists()
