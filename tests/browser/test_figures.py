"""Figures in a real browser: a number opens exactly the cases it counts."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .conftest import City

Open = Callable[..., Page]


def test_a_leader_opens_a_number_and_finds_as_many_cases_as_it_says(open_page: Open, city: City) -> None:
    page = open_page("/figures")
    page.get_by_label("用户名").fill("lingdao")
    page.locator("#password").fill(city.accounts["lingdao"])
    page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_test_id("group").select_option("source")
    figure = page.get_by_test_id("figures").locator("tbody tr").filter(has_text="告警").get_by_test_id("figure-received")
    expect(figure).to_be_visible()
    said = int(figure.inner_text().replace(",", ""))
    assert said > 0
    figure.click()
    listed = page.get_by_test_id("figure-case")
    expect(page.get_by_test_id("figure-cases")).to_contain_text(f"共 {said:,} 件")
    expect(listed).to_have_count(min(said, 50))
    listed.first.get_by_role("link").click()
    expect(page.get_by_test_id("case-state")).to_be_visible()
