"""One loaded demo city for all tests of this folder, and copies of it for those that live in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo import load
from tests import conftest as shared

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
DAYS, PER_DAY = 3, 400


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def loaded_url(server_url: str, template: str, demo_home: Path) -> Iterator[str]:
    with shared._Clone(server_url, template) as url:
        load.load(url, home=demo_home, report=lambda _: None, at=AT, days=DAYS, per_day=PER_DAY)
        yield url


@pytest.fixture
def lived_in_url(server_url: str, loaded_url: str) -> Iterator[str]:
    """Address of a copy of the loaded city that a test may change."""
    original = urlsplit(loaded_url).path.removeprefix("/")
    with shared._Clone(server_url, original) as url:
        yield url
