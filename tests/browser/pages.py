"""What the browser tests do on the pages, said in the words of a user."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from .conftest import City

# 新余, in the town grids around the station square.
SPOT = {"longitude": 114.9304, "latitude": 27.8106}
DISPATCHER = "dispatcher"
PIXEL_7: dict[str, Any] = {
    "viewport": {"width": 412, "height": 839},
    "device_scale_factor": 2.625,
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
}


def with_gps(accuracy_m: float = 12) -> dict[str, Any]:
    """Return context options of a phone that knows where it is."""
    return {**PIXEL_7, "geolocation": {**SPOT, "accuracy": accuracy_m}, "permissions": ["geolocation"]}


def sign_in(page: Page, city: City, username: str) -> None:
    """Sign in at the desk and wait until it follows the live feed."""
    page.get_by_label("用户名").fill(username)
    page.locator("#password").fill(city.accounts[username])
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_test_id("live")).to_have_text("实时")


def report(page: Page, words: str, photo: Path | None = None) -> tuple[str, str]:
    """Fill the report form, send it, and return the case number and the tracking code."""
    if photo:
        page.get_by_test_id("photo").set_input_files(photo)
    page.get_by_test_id("description").fill(words)
    page.get_by_test_id("submit").click()
    return received(page)


def received(page: Page) -> tuple[str, str]:
    """Wait for the acknowledgement and return the case number and the tracking code."""
    expect(page.get_by_test_id("result")).to_be_visible()
    return page.get_by_test_id("number").inner_text(), page.get_by_test_id("tracking-code").inner_text()


def query(page: Page, document: str, **variables: Any) -> dict[str, Any]:
    """Ask the server as the page's own visitor does, signed in or not."""
    found: dict[str, Any] = page.evaluate(
        """async ([query, variables]) => {
            const session = JSON.parse(localStorage.getItem('gridwarden.session') ?? 'null')
            const headers = {'content-type': 'application/json'}
            if (session) headers.authorization = `Bearer ${session.accessToken}`
            const answer = await fetch('/graphql', {method: 'POST', headers, body: JSON.stringify({query, variables})})
            return (await answer.json()).data
        }""",
        [document, variables],
    )
    return found


def press(page: Page, *keys: str) -> int:
    """Press keys one after another and return how many."""
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def choose_first_unit(page: Page) -> None:
    """Choose the unit ranked first in the open form."""
    page.get_by_test_id("units").get_by_role("radio").first.check()


def choose_department(page: Page, name: str) -> None:
    """Choose a department by name in the open form."""
    page.get_by_test_id("department").click()
    page.get_by_role("option", name=name, exact=True).click()
