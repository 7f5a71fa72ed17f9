"""Background maps from files in the home, drawn in a real browser."""

import io
import re
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, Request, expect

from api import basemaps
from tests.basemap_files import picture, tiles, water, write_mbtiles, write_pmtiles

from .conftest import City
from .pages import DISPATCHER, sign_in

Open = Callable[..., Page]
Colour = tuple[int, int, int]
# South of the city, so that nothing of ours is drawn there.
OUTSIDE = "/?at=115.30000,27.20000,10.5"
MAGENTA: Colour = (220, 0, 220)
GREEN: Colour = (0, 200, 0)
# As the map colours the layer of that name.
WATER: Colour = (0xB9, 0xD6, 0xEA)
ZOOMS = range(8, 13)
ABOUT = {"format": "png", "name": "影像", "attribution": "某测绘院"}


@pytest.fixture
def home_files(city: City) -> Iterator[None]:
    """Take away again what a test puts into the home everyone shares."""
    yield
    for name in (basemaps.PMTILES, basemaps.MBTILES):
        (city.home / name).unlink(missing_ok=True)


def middle(page: Page) -> Colour:
    """Return the colour in the middle of the map."""
    shot = Image.open(io.BytesIO(page.get_by_test_id("map").screenshot())).convert("RGB")
    red, green, blue = shot.crop((shot.width // 2, shot.height // 2, shot.width // 2 + 1, shot.height // 2 + 1)).tobytes()
    return red, green, blue


def near(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) <= 3 for a, b in zip(one, other, strict=True))


def choose(page: Page, name: str, key: str) -> None:
    """Choose a background map and wait until the map has drawn all of it."""
    page.get_by_label("底图", exact=True).select_option(label=name)
    drawn(page, key)


def drawn(page: Page, key: str) -> None:
    expect(page.get_by_test_id("map")).to_have_attribute("data-basemap", key)


def test_without_a_file_no_background_map_is_offered(open_page: Open, city: City) -> None:
    desk = open_page(OUTSIDE)
    sign_in(desk, city, DISPATCHER)
    expect(desk.get_by_test_id("map")).to_have_attribute("data-ready", "yes")
    expect(desk.get_by_role("checkbox", name="车站")).to_be_visible()
    expect(desk.get_by_label("底图", exact=True)).to_have_count(0)


@pytest.mark.usefixtures("home_files")
def test_a_pmtiles_file_in_the_home_is_drawn_by_ranges(open_page: Open, city: City) -> None:
    write_pmtiles(city.home / basemaps.PMTILES, picture(MAGENTA), zooms=ZOOMS)
    desk = open_page(OUTSIDE)
    asked: list[Request] = []
    desk.on("request", lambda request: asked.append(request) if "/basemap/" in request.url else None)
    sign_in(desk, city, DISPATCHER)
    expect(desk.get_by_test_id("map")).to_have_attribute("data-ready", "yes")
    bare = middle(desk)
    choose(desk, "本地底图", "local")
    assert near(middle(desk), MAGENTA)
    assert not near(bare, MAGENTA)
    assert asked
    assert all(re.fullmatch(r"bytes=\d+-\d+", request.all_headers().get("range", "")) for request in asked)
    assert {answer.status for request in asked if (answer := request.response())} == {206}
    expect(desk).to_have_url(re.compile("base=local"))
    choose(desk, "无底图", "")
    assert near(middle(desk), bare)


@pytest.mark.usefixtures("home_files")
def test_a_pmtiles_file_with_vector_tiles_is_drawn_in_our_colours(open_page: Open, city: City) -> None:
    write_pmtiles(city.home / basemaps.PMTILES, water(), zooms=ZOOMS, vector=True)
    desk = open_page(OUTSIDE)
    sign_in(desk, city, DISPATCHER)
    choose(desk, "本地底图", "local")
    assert near(middle(desk), WATER)


@pytest.mark.usefixtures("home_files")
def test_an_mbtiles_file_in_the_home_is_drawn_and_survives_a_reload(open_page: Open, city: City) -> None:
    write_mbtiles(city.home / basemaps.MBTILES, dict.fromkeys(tiles(ZOOMS), picture(GREEN)), **ABOUT)
    desk = open_page(OUTSIDE)
    sign_in(desk, city, DISPATCHER)
    choose(desk, "影像", "local-pictures")
    # Pictures are drawn a little paler than they are, so that pins stand out.
    red, grass, blue = middle(desk)
    assert grass > red + 80
    assert grass > blue + 80
    expect(desk.locator(".maplibregl-ctrl-attrib")).to_contain_text("某测绘院")
    desk.reload()
    drawn(desk, "local-pictures")
    assert near(middle(desk), (red, grass, blue))
