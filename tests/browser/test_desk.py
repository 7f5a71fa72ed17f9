"""The dispatcher's desk in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from .conftest import CUT, REFUSED, City, Watch, wait_until_healthy
from .pages import DISPATCHER, query, received, report, sign_in, with_gps

Open = Callable[..., Page]


def test_a_report_from_a_phone_appears_on_an_open_desk_without_a_reload(open_page: Open, city: City) -> None:
    desk = open_page("/?at=114.93040,27.81060,15")
    sign_in(desk, city, DISPATCHER)
    desk.evaluate("window.untouched = true")
    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    number, _ = report(phone, "井盖缺失,请尽快处理")
    row = desk.get_by_test_id("case-list").get_by_role("button").filter(has_text=number)
    expect(row).to_be_visible()
    case_id = row.get_attribute("data-case")
    desk.wait_for_function("id => window.__gridwardenPins.has(id)", arg=case_id)
    assert desk.evaluate("window.untouched")
    row.click()
    drawer = desk.get_by_test_id("case-drawer")
    expect(drawer).to_contain_text("井盖缺失,请尽快处理")
    expect(drawer.get_by_test_id("receipt")).to_contain_text("规则")
    expect(desk).to_have_url(re.compile(f"case={case_id}"))


def test_wrong_password_is_refused_and_the_desk_stays_closed(open_page: Open, watch: Watch) -> None:
    watch.expected = REFUSED
    desk = open_page("/")
    desk.get_by_label("用户名").fill(DISPATCHER)
    desk.locator("#password").fill("not the password")
    desk.get_by_role("button", name="登录", exact=True).click()
    expect(desk.get_by_role("alert")).to_be_visible()
    expect(desk.get_by_test_id("case-list")).to_have_count(0)


def test_a_session_ended_elsewhere_brings_the_sign_in_back(open_page: Open, city: City, watch: Watch) -> None:
    watch.expected = REFUSED
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    token = desk.evaluate("JSON.parse(localStorage.getItem('gridwarden.session')).refreshToken")
    query(desk, "mutation($token: String!) {signOut(refreshToken: $token)}", token=token)
    expect(desk.get_by_role("dialog", name="登录调度台")).to_be_visible()
    expect(desk.get_by_test_id("case-list")).to_have_count(0)


def test_search_flies_to_a_station_and_coordinates_are_understood(open_page: Open, city: City) -> None:
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    desk.keyboard.press("/")
    desk.keyboard.type("新余北")
    expect(desk.get_by_role("option").first).to_contain_text("新余北")
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(re.compile(r"at=114\.8\d+,27\.9\d+"))
    box = desk.get_by_role("combobox").first
    box.fill("114.6588,27.8089")
    box.press("Enter")
    expect(desk).to_have_url(re.compile(r"at=114\.65\d+,27\.80\d+"))


def test_a_step_is_taken_from_the_drawer_and_a_stale_one_is_shown_as_a_conflict(open_page: Open, city: City, watch: Watch) -> None:
    watch.expected = REFUSED
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    found = query(desk, '{cases(filter:{states:["dispatched"]}, first:1){nodes{id revision}}}')["cases"]["nodes"][0]
    desk.goto(f"/?case={found['id']}")
    drawer = desk.get_by_test_id("case-drawer")
    drawer.locator("[data-verb=transfer]").click()
    drawer.get_by_test_id("department").click()
    desk.get_by_role("option").first.click()
    desk.get_by_label("理由").fill("职责调整")
    drawer.get_by_test_id("confirm-verb").click()
    expect(desk.get_by_text("已转办")).to_be_visible()
    expect(drawer).to_contain_text("职责调整")
    # Answer the next step as if the page still held the first revision: the server must see the difference.
    desk.route("**/graphql", lambda route: route.continue_(post_data=_stale(route.request.post_data or "", found["revision"])))
    drawer.locator("[data-verb=transfer]").click()
    drawer.get_by_test_id("department").click()
    desk.get_by_role("option").nth(1).click()
    desk.get_by_label("理由").fill("再次调整")
    drawer.get_by_test_id("confirm-verb").click()
    expect(desk.get_by_text("案件刚刚被他人更新")).to_be_visible()


def _stale(body: str, revision: int) -> str:
    return re.sub(r'"revision":\d+', f'"revision":{revision}', body) if "stepCase" in body else body


def test_the_view_is_in_the_address_and_survives_a_reload(open_page: Open, city: City) -> None:
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    desk.get_by_test_id("tab-overdue").click()
    expect(desk).to_have_url(re.compile("show=overdue"))
    desk.get_by_role("button", name="English").click()
    expect(desk).to_have_url(re.compile("lang=en"))
    desk.reload()
    expect(desk.get_by_test_id("tab-overdue")).to_have_attribute("aria-pressed", "true")
    expect(desk.get_by_test_id("tab-overdue")).to_contain_text("Overdue")
    expect(desk.get_by_test_id("live")).to_have_text("Live")


def test_a_killed_server_is_shown_and_what_happened_meanwhile_is_caught_up(open_page: Open, city: City, watch: Watch) -> None:
    watch.expected = CUT
    desk = open_page("/?at=114.93040,27.81060,15")
    sign_in(desk, city, DISPATCHER)
    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    expect(phone.get_by_test_id("place-map")).to_have_attribute("data-ready", "yes")
    expect(desk.get_by_test_id("map")).to_have_attribute("data-ready", "yes")
    city.api.kill()
    expect(desk.get_by_test_id("live")).not_to_have_text("实时")
    phone.get_by_test_id("description").fill("服务器中断时上报")
    phone.get_by_test_id("submit").click()
    expect(phone.get_by_test_id("delivery")).to_contain_text("已保存在本机")
    city.api.start()
    wait_until_healthy(city)
    number, _ = received(phone)
    expect(desk.get_by_test_id("live")).to_have_text("实时")
    expect(desk.get_by_test_id("case-list").get_by_role("button").filter(has_text=number)).to_have_count(1)


def test_credit_and_the_word_approximate_are_on_the_map(open_page: Open, city: City) -> None:
    desk = open_page("/?at=114.93040,27.81060,13")
    sign_in(desk, city, DISPATCHER)
    expect(desk.locator(".maplibregl-ctrl-attrib")).to_contain_text("OpenStreetMap")
    expect(desk.get_by_test_id("approximate")).to_contain_text("示意数据")
