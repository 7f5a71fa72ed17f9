"""A grid worker's phone in a real browser: with a signal, without one, with a wrong clock."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from .conftest import CUT, City, Watch
from .pages import DISPATCHER, query, report, with_gps
from .pages import sign_in as sign_in_at_the_desk
from .test_report_page import a_photo

Open = Callable[..., Page]
WORKER = "wangge-yushui"
MINE = "{ myCases(first: 200) { id number state stage } }"


def sign_in(phone: Page, city: City, username: str = WORKER) -> None:
    phone.get_by_label("用户名").fill(username)
    phone.locator("#password").fill(city.accounts[username])
    phone.get_by_role("button", name="登录", exact=True).click()
    expect(phone.get_by_test_id("queue")).to_contain_text("全部已提交")


def task(open_page: Open, phone: Page, words: str) -> str:
    """A citizen reports something in the worker's grid; give its number once it stands in the worker's list."""
    number, _ = report(open_page("/report", **with_gps()), words)
    phone.get_by_role("button", name="刷新").click()
    return number


def open_task(phone: Page, number: str) -> None:
    ids = {one["number"]: one["id"] for one in query(phone, MINE)["myCases"]}
    phone.goto(phone.url.split("/field")[0] + f"/field/{ids[number]}")
    expect(phone.get_by_test_id("work-case")).to_contain_text(number)


def state_of(phone: Page, case_id: str) -> str:
    return str(query(phone, "query($id: ID!) { case(id: $id) { state } }", id=case_id)["case"]["state"])


def test_a_worker_checks_on_the_spot_with_photos_and_the_case_goes_on(open_page: Open, city: City, tmp_path: Path) -> None:
    phone = open_page("/field", **with_gps())
    sign_in(phone, city)
    number = task(open_page, phone, "人行道上堆着建筑垃圾")
    open_task(phone, number)
    expect(phone.get_by_test_id("state")).to_have_text("待核实")
    phone.get_by_test_id("arrive").click()
    phone.get_by_test_id("photo-before").set_input_files(a_photo(tmp_path))
    phone.get_by_test_id("do-confirm").click()
    expect(phone.get_by_test_id("queue")).to_contain_text("全部已提交")
    expect(phone.get_by_test_id("state")).not_to_have_text("待核实")


def test_what_is_done_without_a_signal_survives_a_reload_and_is_handed_in_once(
    open_page: Open, city: City, watch: Watch, tmp_path: Path
) -> None:
    watch.expected = CUT
    phone = open_page("/field", **with_gps())
    sign_in(phone, city)
    number = task(open_page, phone, "路灯杆歪了")
    open_task(phone, number)
    case_id = phone.url.rpartition("/")[2]
    phone.wait_for_function("navigator.serviceWorker.controller !== null")
    phone.wait_for_function("caches.open('gridwarden-shell-1').then(c => c.keys()).then(k => k.some(r => r.url.includes('WorkPage')))")
    phone.context.set_offline(True)
    phone.get_by_test_id("note").fill("灯杆向路面倾斜约十度")
    phone.get_by_test_id("add-note").click()
    phone.get_by_test_id("photo-before").set_input_files(a_photo(tmp_path))
    phone.get_by_test_id("do-confirm").click()
    expect(phone.get_by_test_id("queue")).to_contain_text("待提交 3 项")
    expect(phone.get_by_test_id("believed")).to_contain_text("待受理")
    phone.reload()
    expect(phone.get_by_test_id("queue")).to_contain_text("待提交 3 项")
    expect(phone.get_by_test_id("work-case")).to_contain_text(number)
    phone.context.set_offline(False)
    expect(phone.get_by_test_id("queue")).to_contain_text("全部已提交")
    assert state_of(phone, case_id) != "checking"
    verbs = query(phone, "query($id: ID!) { case(id: $id) { transitions { verb } } }", id=case_id)["case"]["transitions"]
    assert [one["verb"] for one in verbs].count("confirm") == 1


def test_a_step_others_have_overtaken_is_told_and_kept_as_a_note(open_page: Open, city: City, watch: Watch) -> None:
    watch.expected = CUT
    phone = open_page("/field", **with_gps())
    sign_in(phone, city)
    number = task(open_page, phone, "下水道堵了冒水")
    open_task(phone, number)
    case_id = phone.url.rpartition("/")[2]
    phone.context.set_offline(True)
    phone.get_by_test_id("do-confirm").click()
    other = open_page("/")
    sign_in_at_the_desk(other, city, DISPATCHER)
    query(other, "mutation($i: StepCaseInput!) { stepCase(input: $i) { id } }", i={"caseId": case_id, "verb": "file"})
    phone.context.set_offline(False)
    expect(phone.get_by_test_id("queue")).to_contain_text("1")
    phone.get_by_test_id("queue").click()
    expect(phone.get_by_test_id("queue-panel")).to_contain_text("已作为备注留在案件里")
    phone.get_by_role("button", name="知道了").click()
    expect(phone.get_by_test_id("queue-panel")).to_contain_text("全部已提交")
