"""Runs the real command line in processes of its own; a city that a test leaves running is stopped."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from runtime.settings import CHECKOUT

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a command; the web pages are left out, since nobody looks at them here."""
    outer = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**outer, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", "GRIDWARDEN_WEB_DIST": str(tmp_path)}


@pytest.fixture
def gridwarden(environment: dict[str, str]) -> Run:
    """Run `./gridwarden` with arguments."""

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "api.cli", *map(str, arguments)]
        return subprocess.run(argv, env=environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def home(gridwarden: Run) -> Iterator[Path]:
    """A home for a city."""
    made = Path(os.environ["GRIDWARDEN_TEST_HOME"]) / f"city-{uuid4().hex[:8]}"
    yield made
    gridwarden("down", "--home", made)


@pytest.fixture
def other_home(gridwarden: Run) -> Iterator[Path]:
    """A home for a second city."""
    made = Path(os.environ["GRIDWARDEN_TEST_HOME"]) / f"city-{uuid4().hex[:8]}"
    yield made
    gridwarden("down", "--home", made)


@pytest.fixture
def free_port() -> Callable[[], str]:
    """Find ports that nobody listens on."""

    def find() -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return str(probe.getsockname()[1])

    return find
