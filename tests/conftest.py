"""Shared fixtures: one private PostGIS for the whole run, a migrated template, cheap clones of it, a Redis per worker.

Ask for `conn` when the test never commits (everything is rolled back), for `database_url` when it does (a database of
its own). `TEST_DATABASE_URL` names another server whose user may create databases; the clones are then made there.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg.sql import SQL, Identifier

from runtime import migrate
from runtime.settings import Settings
from runtime.stores import ensure_stores, stop_stores

# No test asserts a time: an example may take as long as a busy machine needs.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")

HOME = "GRIDWARDEN_TEST_HOME"
PREFIX = "gwt-"
TEMPLATE_LOCK = 0x67726964


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of this run once; the processes of pytest-xdist inherit its name."""
    if not hasattr(config, "workerinput"):
        _sweep_up_after_killed_runs()
        home = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        os.environ[HOME] = str(home)
        alive = (home / "alive").open("w")
        fcntl.flock(alive, fcntl.LOCK_EX)
        config.add_cleanup(alive.close)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the folder of this run away; the stores in it have been stopped by their last user."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[HOME], ignore_errors=True)


def _sweep_up_after_killed_runs() -> None:
    """Stop the stores of runs that were killed, recognised by a lock that nobody holds any more."""
    for mark in Path("/tmp").glob(f"{PREFIX}*/alive"):
        try:
            with mark.open() as alive:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for run_dir in mark.parent.glob("*/run"):
                    stop_stores(Settings(home=run_dir.parent))
                shutil.rmtree(mark.parent, ignore_errors=True)
        except OSError:
            continue  # it still runs, or belongs to somebody else


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests written as `async def` run on asyncio, like the product."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Address of the maintenance database of a PostGIS server that may be filled and dropped at will."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    settings = Settings(home=Path(os.environ[HOME]) / "db", durable=False, given_redis_url="started for each worker")
    with ensure_stores(settings) as stores:
        yield stores.database_url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of the migrated, empty database that every test database is copied from."""
    name = f"gridwarden_template_{_hash_of(migrate.MIGRATIONS)}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        ready = conn.execute("select 1 from pg_database where datname = %s and datistemplate", (name,)).fetchone()
        if not ready:
            conn.execute(SQL("drop database if exists {}").format(Identifier(name)))
            conn.execute(SQL("create database {}").format(Identifier(name)))
            migrate.upgrade(_at(server_url, name))
            sealed = SQL("alter database {} with is_template true allow_connections false")
            conn.execute(sealed.format(Identifier(name)))
    return name


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """Address of a migrated, empty database that belongs to this test alone."""
    with _Clone(server_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_database_url(server_url: str, template: str) -> Iterator[str]:
    """Address of a migrated, empty database shared by the tests of this worker that never commit."""
    with _Clone(server_url, template) as url:
        yield url


@pytest.fixture
async def conn(shared_database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """An open transaction in a migrated, empty database; rolled back when the test ends."""
    async with await psycopg.AsyncConnection.connect(shared_database_url) as connection:
        yield connection
        await connection.rollback()


@pytest.fixture(scope="session")
def worker_redis_url(worker_id: str) -> Iterator[str]:
    """Address of a Redis that belongs to this worker, so channels of two workers never mix."""
    settings = Settings(
        home=Path(os.environ[HOME]) / worker_id, durable=False, given_database_url="started once for all workers"
    )
    with ensure_stores(settings) as stores:
        yield stores.redis_url


@pytest.fixture
def redis_url(worker_redis_url: str) -> str:
    """Address of an empty Redis."""
    import redis

    with redis.Redis.from_url(worker_redis_url) as client:
        client.flushall()
    return worker_redis_url


class _Clone:
    """A copy of the template for the length of a `with` block."""

    def __init__(self, server_url: str, template: str) -> None:
        self.server_url, self.template = server_url, template
        self.name = f"test_{uuid4().hex[:12]}"

    def __enter__(self) -> str:
        with psycopg.connect(self.server_url, autocommit=True) as conn:
            names = Identifier(self.name), Identifier(self.template)
            conn.execute(SQL("create database {} template {}").format(*names))
        return _at(self.server_url, self.name)

    def __exit__(self, *_: object) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as conn:
            conn.execute(SQL("drop database {} with (force)").format(Identifier(self.name)))


def _at(url: str, database: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _hash_of(folder: Path) -> str:
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
