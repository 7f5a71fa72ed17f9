"""A running city and a real Chromium: stores, worker and API as processes of their own, with a day of demo history.

Every page is watched: a request to any other host, an error in the console or an uncaught exception fails its test.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from demo import load
from runtime import webbuild
from runtime.settings import Settings
from tests import conftest as shared

PATIENCE_S = 30.0
FLAGS = [
    *("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# What the browser itself writes to the console; only tests that provoke it expect it.
CUT = r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection"
REFUSED = r"status of 40[0-9]"


@dataclass(frozen=True, slots=True)
class City:
    """A running city: where it answers and lives, who may sign in, and its API process, which a test may kill."""

    url: str
    home: Path
    accounts: dict[str, str]
    api: "_Process"


@dataclass
class Watch:
    """What the pages of one test did that they must not do."""

    base: str
    expected: str = r"(?!)"
    faults: list[str] = field(default_factory=list)

    def page(self, page: Page) -> None:
        """Listen to a page from its first request on."""
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("websocket", lambda socket: self._address(socket.url.replace("ws", "http", 1)))

    def _request(self, request: Request) -> None:
        self._address(request.url)

    def _address(self, url: str) -> None:
        if not url.startswith((self.base, "blob:", "data:")):
            self.faults.append(f"request to another host: {url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search(self.expected, message.text):
            self.faults.append(f"console: {message.text} ({message.location})")


@pytest.fixture(scope="session")
def city(server_url: str, template: str, worker_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city the browser tests share: the demo's areas and people, and one day with a few hundred reports."""
    webbuild.build()
    home = tmp_path_factory.mktemp("city")
    with shared._Clone(server_url, template) as url:
        settings = Settings(home=home, port=_free_port(), durable=False, given_database_url=url, given_redis_url=worker_redis_url)
        settings.prepare_home()
        load.load(url, home=home, report=lambda _: None, days=1, per_day=300)
        accounts = {account["username"]: account["password"] for account in json.loads((home / "demo-accounts.json").read_text())}
        with _Process("runtime.worker", settings), _Process("api.serve", settings) as api:
            running = City(settings.base_url, home, accounts, api)
            wait_until_healthy(running)
            yield running


class _Process:
    """A process of the city for the length of a `with` block; its output goes to a file in the home."""

    def __init__(self, module: str, settings: Settings) -> None:
        self.log = settings.logs_dir / f"{module}.log"
        self.argv = [sys.executable, "-m", module]
        self.environment = {**os.environ, **settings.to_environment()}

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.argv, env=self.environment, stdout=output, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "_Process":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(city: City) -> None:
    """Return when the API answers; fail with its log when it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"{city.url}/healthz", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if city.api.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the API did not come up: {error}\n{city.api.log.read_text()[-4000:]}") from error
        time.sleep(0.1)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A Chromium. One for each test: the synchronous driver occupies the thread's event loop, which other tests need."""
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        expect.set_options(timeout=PATIENCE_S * 1000)
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def watch(city: City) -> Iterator[Watch]:
    """What all pages of this test are held to."""
    watching = Watch(city.url)
    yield watching
    assert watching.faults == []


@pytest.fixture
def open_page(city: City, browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Open an address in a browser context of its own; `**options` are those of the context (a phone, a position)."""
    contexts: list[BrowserContext] = []

    def opened(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=city.url, **{"viewport": {"width": 1360, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        watch.page(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
