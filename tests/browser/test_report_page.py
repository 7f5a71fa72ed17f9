"""The citizen's page in a real browser, on a phone's screen."""

import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, expect

from .conftest import CUT, REFUSED, City, Watch
from .pages import DISPATCHER, PIXEL_7, received, report, sign_in, with_gps

Open = Callable[..., Page]


def a_photo(folder: Path) -> Path:
    path = folder / "photo.jpg"
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(path, "JPEG")
    return path


def test_report_with_photo_and_gps_is_acknowledged_and_can_be_followed(open_page: Open, tmp_path: Path) -> None:
    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("gps")).to_contain_text("精度 ±12 米")
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    number, code = report(phone, "人行道地砖松动", a_photo(tmp_path))
    phone.get_by_role("link", name="查看进度").click()
    expect(phone.get_by_test_id("tracked")).to_contain_text(number)
    assert code in phone.url


def test_tapping_the_map_gives_a_position_where_gps_is_denied(open_page: Open) -> None:
    phone = open_page("/report", **PIXEL_7, permissions=[])
    expect(phone.get_by_test_id("gps")).to_contain_text("未获得定位权限")
    phone.get_by_test_id("description").fill("路灯不亮")
    phone.get_by_test_id("submit").click()
    expect(phone.get_by_test_id("problem")).to_contain_text("请先定位")
    place_map = phone.get_by_test_id("place-map")
    expect(place_map).to_have_attribute("data-ready", "yes")
    place_map.tap(position={"x": 190, "y": 150})
    expect(phone.get_by_test_id("gps")).to_contain_text("已在地图上标出位置")
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    phone.get_by_test_id("submit").click()
    received(phone)


def test_a_coarse_fix_is_called_coarse_and_a_better_one_replaces_it(open_page: Open) -> None:
    phone = open_page("/report", **with_gps(accuracy_m=850))
    expect(phone.get_by_role("alert").filter(has_text="定位误差约 850 米")).to_be_visible()
    phone.context.set_geolocation({"longitude": 114.9304, "latitude": 27.8106, "accuracy": 9})
    expect(phone.get_by_test_id("gps")).to_contain_text("精度 ±9 米")
    expect(phone.get_by_text("定位误差约")).to_be_hidden()


def test_a_report_whose_answer_was_lost_is_sent_again_and_counted_once(open_page: Open, city: City, watch: Watch) -> None:
    watch.expected = CUT
    desk = open_page("/")
    sign_in(desk, city, DISPATCHER)
    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    swallowed: list[int] = []

    def swallow(route: Route) -> None:
        # The server takes the report in; its answer never arrives.
        if "submitReport" in (route.request.post_data or ""):
            swallowed.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    phone.route("**/graphql", swallow)
    phone.get_by_test_id("description").fill("污水井外溢,只报一次")
    phone.get_by_test_id("submit").click()
    expect(phone.get_by_test_id("delivery")).to_have_attribute("data-state", "queued")
    assert swallowed
    phone.unroute("**/graphql")
    phone.reload()
    number, _ = received(phone)
    expect(phone.get_by_text("没有重复登记")).to_be_visible()
    expect(desk.get_by_test_id("case-list").get_by_text(re.compile(number))).to_have_count(1)
    phone.reload()
    expect(phone.get_by_test_id("gps")).to_contain_text("精度")


def test_a_report_made_without_network_is_kept_with_its_photo_and_sent_later(open_page: Open, watch: Watch, tmp_path: Path) -> None:
    watch.expected = CUT
    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    phone.context.set_offline(True)
    phone.get_by_test_id("photo").set_input_files(a_photo(tmp_path))
    expect(phone.get_by_text("等待网络")).to_be_visible()
    phone.get_by_test_id("description").fill("没有信号时拍的井盖")
    phone.get_by_test_id("submit").click()
    expect(phone.get_by_test_id("delivery")).to_contain_text("已保存在本机")
    phone.context.set_offline(False)
    received(phone)


def test_the_page_fits_a_narrow_phone_and_loads_no_kit_of_the_desk(open_page: Open) -> None:
    loaded: list[str] = []
    phone = open_page("/track", **{**PIXEL_7, "viewport": {"width": 360, "height": 640}})
    phone.on("response", lambda response: loaded.append(response.url))
    phone.goto("/report")
    expect(phone.get_by_test_id("place-map")).to_have_attribute("data-ready", "yes")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert not [url for url in loaded if "DeskPage" in url]


def test_the_language_switch_holds_for_the_next_page_too(open_page: Open) -> None:
    phone = open_page("/report", **with_gps())
    phone.get_by_role("button", name="English").click()
    expect(phone.get_by_role("heading", name="Report a problem")).to_be_visible()
    expect(phone).to_have_url(re.compile("lang=en"))
    phone.goto("/track")
    expect(phone.get_by_role("heading", name="Follow a report")).to_be_visible()


def test_an_unknown_tracking_code_and_an_unknown_page_say_so(open_page: Open, watch: Watch) -> None:
    watch.expected = REFUSED
    phone = open_page("/track/no-such-code-0000", **PIXEL_7)
    expect(phone.get_by_role("alert")).to_contain_text("没有找到这个查询码")
    phone.goto("/no/such/page")
    expect(phone.get_by_role("heading", name="没有这个页面")).to_be_visible()


def test_words_suggest_the_matter_and_the_same_thing_reported_nearby_is_offered_and_joined(open_page: Open) -> None:
    first = open_page("/report", **with_gps())
    first.get_by_test_id("description").fill("公交站旁的垃圾桶满了，垃圾堆了一地")
    first.get_by_test_id("suggestion").first.click()
    expect(first.get_by_test_id("suggestion").first).to_have_attribute("aria-pressed", "true")
    first.get_by_test_id("submit").click()
    number, _ = received(first)
    second = open_page("/report", **with_gps())
    second.get_by_test_id("description").fill("车站边上垃圾桶溢出来了没人收")
    second.get_by_test_id("same").first.click()
    second.get_by_test_id("submit").click()
    joined, code = received(second)
    expect(second.get_by_test_id("joined")).to_be_visible()
    assert (joined, code != "") == (number, True)


def test_a_report_is_withdrawn_from_its_page_with_a_reason(open_page: Open) -> None:
    phone = open_page("/report", **with_gps())
    expect(phone.get_by_test_id("owner")).to_contain_text("将由这里负责")
    report(phone, "健身器材螺丝松了")
    phone.get_by_role("link", name="查看进度").click()
    expect(phone.get_by_test_id("messages")).to_contain_text("系统回复")
    phone.get_by_test_id("open-withdraw").click()
    phone.get_by_test_id("words").fill("物业已经修好了")
    phone.get_by_test_id("send-words").click()
    expect(phone.get_by_test_id("tracked")).to_contain_text("您已撤回这份上报")
    expect(phone.get_by_test_id("tracked")).to_contain_text("已撤回")
