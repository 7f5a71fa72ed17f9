"""The dispatcher's desk in a real browser."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from .conftest import CUT, REFUSED, City, Watch, wait_until_healthy
from .pages import DISPATCHER, choose_first_unit, press, query, received, report, sign_in, with_gps

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
    choose_first_unit(desk)
    desk.get_by_label("理由").fill("职责调整")
    drawer.get_by_test_id("confirm-verb").click()
    expect(desk.get_by_test_id("toast")).to_contain_text("已转办")
    drawer.get_by_test_id("page-steps").click()
    expect(drawer).to_contain_text("职责调整")
    # Answer the next step as if the page still held the first revision: the server must see the difference.
    desk.route("**/graphql", lambda route: route.continue_(post_data=_stale(route.request.post_data or "", found["revision"])))
    drawer.locator("[data-verb=transfer]").click()
    choose_first_unit(desk)
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


def test_a_case_is_sent_by_the_keyboard_and_taken_back(open_page: Open, city: City) -> None:
    desk = open_page("/?show=send")
    sign_in(desk, city, DISPATCHER)
    rows = desk.get_by_test_id("case-list").locator("[data-case]")
    expect(rows.first).to_be_visible()
    case_id = rows.first.get_attribute("data-case")
    state = desk.get_by_test_id("case-state")
    began = time.perf_counter()
    keys = press(desk, "j", "Enter")
    expect(desk.locator("[data-verb=dispatch]")).to_be_visible()
    keys += press(desk, "d")
    expect(desk.get_by_test_id("units").get_by_role("radio").first).to_be_visible()
    keys += press(desk, "1", "Control+Enter")
    expect(state).to_have_text("待受理")
    print(f"\none case sent with {keys} keys in {time.perf_counter() - began:.1f} s, waiting for each answer included")
    expect(desk).to_have_url(re.compile(f"case={case_id}"))
    expect(desk.get_by_test_id("case-list").locator(f"[data-case='{case_id}']")).to_have_count(0)
    press(desk, "u")
    expect(state).to_have_text("待派遣")
    expect(desk.get_by_test_id("case-list").locator(f"[data-case='{case_id}']")).to_have_count(1)


def test_the_next_case_opens_without_leaving_the_drawer(open_page: Open, city: City) -> None:
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    rows = desk.get_by_test_id("case-list").locator("[data-case]")
    expect(rows.nth(2)).to_be_visible()
    press(desk, "j", "Enter", "j", "j")
    expect(rows.nth(2)).to_have_attribute("aria-current", "true")
    press(desk, "k")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    press(desk, "Escape")
    expect(desk.get_by_test_id("case-drawer")).to_have_count(0)
    press(desk, "?")
    expect(desk.get_by_role("dialog", name="键盘操作")).to_contain_text("撤销并案")


def test_many_cases_are_sent_at_once_and_taken_back(open_page: Open, city: City) -> None:
    desk = open_page("/?show=work")
    sign_in(desk, city, DISPATCHER)
    ticks = desk.get_by_test_id("case-list").get_by_role("checkbox")
    ticks.nth(0).click()
    ticks.nth(2).click(modifiers=["Shift"])
    bar = desk.get_by_test_id("bulk-bar")
    expect(bar).to_contain_text("已选 3 件")
    for ticked in range(3):
        expect(ticks.nth(ticked)).to_be_checked()
    expect(ticks.nth(3)).not_to_be_checked()
    # A case cannot be sent to the unit that has it already: whoever stands in none of the rows takes all three.
    shown = "".join(desk.get_by_test_id("case-list").locator("[data-case]").nth(row).inner_text() for row in range(3))
    unit = next(name for name in ("新余市园林绿化中心", "新余市城市管理局", "新余市住房和城乡建设局") if name not in shown)
    bar.locator("[data-bulk=transfer]").click()
    bar.get_by_test_id("bulk-department").click()
    desk.get_by_role("option", name=unit, exact=True).click()
    bar.get_by_label("理由").fill("内涝，统一处置")
    bar.get_by_test_id("bulk-go").click()
    job = desk.get_by_test_id("bulk-job")
    expect(job).to_contain_text("已完成 3 / 3")
    job.get_by_test_id("bulk-undo").click()
    expect(job).to_contain_text("已撤回 3 / 3")


def test_two_cases_are_compared_merged_and_taken_apart_again(open_page: Open, city: City) -> None:
    desk = open_page("/?show=work")
    sign_in(desk, city, DISPATCHER)
    rows = desk.get_by_test_id("case-list").locator("[data-case]")
    expect(rows.nth(1)).to_contain_text(re.compile(r"\d{8}-\d{6}"))
    kept = re.search(r"\d{8}-\d{6}", rows.nth(1).inner_text())
    assert kept is not None
    press(desk, "j", "Enter")
    expect(desk.locator("[data-verb=merge]")).to_be_visible()
    before = desk.get_by_test_id("case-state").inner_text()
    press(desk, "g")
    desk.get_by_test_id("twin-search").click()
    desk.keyboard.type(kept[0])
    desk.get_by_role("option").filter(has_text=kept[0]).click()
    desk.get_by_test_id("compare").click()
    compared = desk.get_by_role("dialog", name="并排比较")
    expect(compared.get_by_test_id("compare-table").get_by_role("article")).to_have_count(2)
    expect(compared).to_contain_text(kept[0])
    compared.get_by_role("button").first.click()
    expect(compared).to_be_hidden()
    press(desk, "Control+Enter")
    expect(desk.get_by_test_id("case-state")).to_have_text("已并案")
    expect(desk.get_by_test_id("case-drawer")).to_contain_text(kept[0])
    press(desk, "u")
    expect(desk.get_by_test_id("case-state")).to_have_text(before)


def test_a_call_is_written_down_with_the_keyboard_and_filed(open_page: Open, city: City) -> None:
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    expect(desk.get_by_test_id("case-list").locator("[data-case]").first).to_be_visible()
    press(desk, "n")
    call = desk.get_by_role("dialog", name="接线登记")
    expect(call.get_by_test_id("call-words")).to_be_focused()
    desk.keyboard.type("路灯不亮了，晚上看不见路")
    expect(call.get_by_role("radio", name="路灯").first).to_be_visible()
    press(desk, "Tab")
    desk.keyboard.type("新余北")
    expect(call.get_by_role("option").first).to_contain_text("新余北")
    press(desk, "Enter")
    expect(call.get_by_test_id("owner")).to_be_visible()
    press(desk, "Control+Enter")
    filed = desk.get_by_test_id("call-filed")
    number = filed.locator("b").first.inner_text()
    filed.get_by_test_id("call-open").click()
    expect(desk.get_by_test_id("case-drawer")).to_contain_text(number)
    expect(desk.get_by_test_id("case-drawer")).to_contain_text("路灯不亮了，晚上看不见路")


def test_a_shift_is_handed_over_and_taken_over(open_page: Open, city: City) -> None:
    leaving, coming = open_page("/"), open_page("/")
    sign_in(leaving, city, "yushui")
    leaving.get_by_test_id("handover").click()
    leaving.get_by_test_id("handover-text").fill("北站路灯一件请继续跟进")
    leaving.get_by_test_id("handover-start").click()
    expect(leaving.get_by_test_id("handovers")).to_contain_text("等待接班")
    sign_in(coming, city, DISPATCHER)
    coming.get_by_test_id("handover").click()
    expect(coming.get_by_test_id("handovers")).to_contain_text("北站路灯一件请继续跟进")
    coming.get_by_test_id("handover-take").first.click()
    expect(coming.get_by_test_id("handovers")).to_contain_text("接班")
    expect(coming.get_by_test_id("handover-take")).to_have_count(0)


def test_nothing_breaks_out_of_the_screen_at_the_usual_sizes(open_page: Open, city: City) -> None:
    for width, height in ((1366, 768), (1920, 1080)):
        desk = open_page("/?show=work", viewport={"width": width, "height": height})
        sign_in(desk, city, DISPATCHER)
        expect(desk.get_by_test_id("case-list").locator("[data-case]").first).to_be_visible()
        press(desk, "j", "Enter")
        expect(desk.locator("[data-verb=transfer]")).to_be_visible()
        press(desk, "t")
        expect(desk.get_by_test_id("step-form")).to_be_visible()
        assert desk.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [width, height]
        for name in ("case-list", "map", "case-drawer"):
            box = desk.get_by_test_id(name).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
            assert box["width"] > 300
