"""A demo city on private stores of its own, fsync on, for the benchmarks that need a database."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import load
from runtime import migrate
from runtime.settings import Settings
from runtime.stores import ensure_stores


@contextmanager
def demo_city(*, days: int) -> Iterator[Settings]:
    """Lend the settings of a freshly loaded demo city; its stores and its folder go away at the end."""
    with empty_city() as settings:
        load.load(settings.database_url, home=settings.home, report=lambda _: None, days=days)
        yield settings


@contextmanager
def empty_city() -> Iterator[Settings]:
    """Lend the settings of a migrated database with nothing in it; stores and folder go away at the end."""
    with tempfile.TemporaryDirectory(prefix="gwb-", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        settings = Settings(home=home, given_redis_url="not needed")
        with ensure_stores(settings):
            migrate.upgrade(settings.database_url)
            yield settings
