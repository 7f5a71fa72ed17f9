"""A dispatcher's desk in a real Chromium, left open while things happen to the city."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FLAGS

LIVE_WITHIN_MS = 60_000


class Desk:
    """The open page: which cases it has drawn, and whether anybody reloaded it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._loads = 0
        page.on("load", lambda _: self._count())

    def _count(self) -> None:
        self._loads += 1

    def cases_seen(self) -> set[str]:
        """Give the ids of all cases this page has drawn."""
        return set(self.page.evaluate("[...(window.__gridwardenPins ?? new Map()).keys()]"))

    def drawn_at(self) -> dict[str, float]:
        """Give when each case was first drawn, in seconds since 1970."""
        pairs = self.page.evaluate("[...(window.__gridwardenPins ?? new Map())]")
        return {case_id: milliseconds / 1000 for case_id, milliseconds in pairs}

    def reloads(self) -> int:
        """Count the page's loads since it was opened."""
        return self._loads


@contextmanager
def open_desk(home: Path, url: str, *, view: str = "") -> Iterator[Desk]:
    """Lend a desk that is signed in and follows the live feed; ``view`` is the page's query, such as ?at=lon,lat,zoom."""
    accounts = json.loads((home / "demo-accounts.json").read_text())
    password = next(account["password"] for account in accounts if account["username"] == "dispatcher")
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page.goto(f"{url}/{view}")
        page.get_by_label("用户名").fill("dispatcher")
        page.locator("#password").fill(password)
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_test_id("live")).to_have_text("实时", timeout=LIVE_WITHIN_MS)
        yield Desk(page)
        browser.close()
