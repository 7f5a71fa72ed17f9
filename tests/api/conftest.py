"""Fixtures of the tests of the GraphQL door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.graph import Graph, opened


@pytest.fixture
async def graph(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Graph]:
    async with opened(tmp_path, database_url, redis_url) as found:
        yield found
