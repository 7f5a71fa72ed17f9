"""A case walked from the reporter's phone to the rating, with three people signed in at once."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .conftest import City
from .pages import DISPATCHER, choose_department, press, query, report, sign_in, with_gps

Open = Callable[..., Page]
CLERK = "chengguan"
UNIT = "新余市城市管理局"
RATE = """mutation($code: String!, $id: ID!) {
  rateCase(code: $code, satisfaction: "satisfied", words: "处理得很快", submissionId: $id) {state satisfaction}
}"""


def test_a_case_goes_from_the_reporters_phone_to_the_rating(open_page: Open, city: City) -> None:
    dispatcher, clerk, supervisor = open_page("/?show=check"), open_page("/?show=accept"), open_page("/?show=verify")
    sign_in(dispatcher, city, DISPATCHER)
    sign_in(clerk, city, CLERK)
    sign_in(supervisor, city, "supervisor")

    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    number, code = report(phone, "路灯井盖不见了，有人差点掉下去")

    _open(dispatcher, number)
    _expect_state(dispatcher, "待核实")
    _step(dispatcher, "m", "1")
    expect(dispatcher.get_by_test_id("toast")).to_contain_text("已定性")
    _step(dispatcher, "f")
    expect(dispatcher.get_by_test_id("toast")).to_contain_text("已立案")
    drawer = dispatcher.get_by_test_id("case-drawer")
    drawer.get_by_test_id("page-talk").click()
    expect(drawer.get_by_test_id("talk")).to_contain_text("自动回复")
    drawer.get_by_test_id("talk-words").fill("已通知城管局，请绕行。")
    drawer.get_by_test_id("talk-reply").click()
    expect(drawer.get_by_test_id("talk")).to_contain_text("已通知城管局，请绕行。")
    _send_to_unit(dispatcher)
    _expect_state(dispatcher, "待受理")

    _open(clerk, number)
    expect(clerk.get_by_test_id("claim")).to_contain_text("正在处理此案")
    _step(clerk, "a")
    _expect_state(clerk, "已受理")
    _step(clerk, "s")
    _expect_state(clerk, "处置中")
    _step(clerk, "f")
    _expect_state(clerk, "待核查")
    # The dispatcher's drawer was never touched: it follows.
    _expect_state(dispatcher, "待核查")

    _open(supervisor, number)
    _step(supervisor, "v")
    _expect_state(supervisor, "待评价")

    phone.goto(f"/track/{code}")
    expect(phone.get_by_test_id("tracked")).to_contain_text("待评价")
    rated = query(phone, RATE, code=code, id=phone.evaluate("crypto.randomUUID()"))["rateCase"]
    assert rated == {"state": "closed", "satisfaction": "satisfied"}

    _expect_state(dispatcher, "已结案")
    expect(drawer.get_by_test_id("rating")).to_contain_text("处理得很快")
    drawer.get_by_test_id("page-clock").click()
    expect(drawer.get_by_test_id("ledger").get_by_role("listitem").first).to_contain_text("核实开始计时")
    drawer.get_by_test_id("page-steps").click()
    for verb in ("收件登记", "定性", "立案", "派遣", "受理", "开始处置", "办结", "核查通过", "评价", "结案"):
        expect(drawer).to_contain_text(verb)


def _open(desk: Page, number: str) -> None:
    row = desk.get_by_test_id("case-list").get_by_role("button").filter(has_text=number)
    row.click()
    expect(desk.locator("[data-verb]").first).to_be_visible()


def _step(desk: Page, *keys: str) -> None:
    press(desk, keys[0])
    form = desk.get_by_test_id("step-form")
    expect(form).to_be_visible()
    if len(keys) > 1:
        expect(form.get_by_role("radio").first).to_be_visible()
    press(desk, *keys[1:], "Control+Enter")
    expect(form).to_have_count(0)


def _expect_state(desk: Page, state: str) -> None:
    expect(desk.get_by_test_id("case-state")).to_have_text(state)


def _send_to_unit(desk: Page) -> None:
    """Whoever the rules chose, the case goes to the unit whose clerk is signed in."""
    drawer = desk.get_by_test_id("case-drawer")
    expect(drawer.locator("[data-verb=dispatch], [data-verb=transfer]")).to_be_visible()
    drawer.locator("[data-verb=dispatch], [data-verb=transfer]").click()
    choose_department(desk, UNIT)
    drawer.get_by_label("理由").fill("由城管局处置")
    drawer.get_by_test_id("confirm-verb").click()
