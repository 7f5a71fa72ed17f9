"""Background maps that lie in the home."""

import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest

from api import basemaps, mbtiles
from api.http import basemap
from tests.api.doors import Doors, open_doors
from tests.basemap_files import picture, write_mbtiles

pytestmark = pytest.mark.anyio

NORTH = picture((200, 0, 0))
SOUTH = picture((0, 0, 200))


@pytest.fixture
async def doors(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    async with open_doors(basemap.ROUTES, home=tmp_path, database_url=database_url, redis_url=redis_url) as opened:
        yield opened


async def get(doors: Doors, tile: str) -> httpx.Response:
    return await doors.client.get(f"/basemap/mbtiles/{tile}")


async def test_a_picture_is_found_by_its_row_from_the_north(doors: Doors) -> None:
    home = doors.state.settings.home
    assert (await get(doors, "1/0/0")).status_code == 404
    write_mbtiles(home / basemaps.MBTILES, {(1, 0, 0): NORTH, (1, 0, 1): SOUTH}, format="png", name="影像", attribution="某院")
    for tile, data in (("1/0/0", NORTH), ("1/0/1", SOUTH)):
        answer = await get(doors, tile)
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, data, "image/png")
        assert answer.headers["cache-control"] == "public, max-age=3600"
    [found] = basemaps.configured(doors.state.settings)
    assert (found.kind, found.datum, found.name, found.attribution, found.max_zoom) == ("xyz", "WGS84", "影像", "某院", 1)
    assert found.url == "/basemap/mbtiles/{z}/{x}/{y}"


@pytest.mark.parametrize(
    "tile", ["0/0/0", "1/1/0", "1/2/0", "1/0/2", "1/-1/0", "23/0/0", "99999999/0/0", "1/0/0.png", "1/0/a", "１/0/0", "1/0/999999999999"]
)
async def test_a_tile_that_is_not_there_is_not_found(doors: Doors, tile: str) -> None:
    write_mbtiles(doors.state.settings.home / basemaps.MBTILES, {(1, 0, 0): NORTH}, format="png")
    answer = await get(doors, tile)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(("tiles", "media_type"), [("jpg", "image/jpeg"), ("webp", "image/webp")])
async def test_the_file_says_what_its_pictures_are(doors: Doors, tiles: str, media_type: str) -> None:
    write_mbtiles(doors.state.settings.home / basemaps.MBTILES, {(0, 0, 0): NORTH}, format=tiles)
    assert (await get(doors, "0/0/0")).headers["content-type"] == media_type


@pytest.mark.parametrize(("metadata", "word"), [({"format": "pbf"}, "PMTiles"), ({}, "png")])
async def test_tiles_that_are_no_pictures_are_refused_in_the_log(
    doors: Doors, caplog: pytest.LogCaptureFixture, metadata: dict[str, str], word: str
) -> None:
    write_mbtiles(doors.state.settings.home / basemaps.MBTILES, {(0, 0, 0): b"\x1a\x00"}, **metadata)
    with caplog.at_level(logging.WARNING):
        assert basemaps.configured(doors.state.settings) == ()
    assert word in caplog.text
    assert (await get(doors, "0/0/0")).status_code == 404


async def test_a_file_that_is_no_mbtiles_or_has_no_tiles_is_left_out(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    path = doors.state.settings.home / basemaps.MBTILES
    path.write_bytes(b"not a database, but long enough to be taken for one" * 20)
    assert basemaps.configured(doors.state.settings) == ()
    assert "no MBTiles file" in caplog.text
    path.unlink()
    write_mbtiles(path, {}, format="png")
    assert basemaps.configured(doors.state.settings) == ()
    assert "has no tiles" in caplog.text


async def test_a_file_is_never_written_to_and_a_new_one_is_seen(doors: Doors) -> None:
    path = doors.state.settings.home / basemaps.MBTILES
    write_mbtiles(path, {(0, 0, 0): NORTH}, format="png")
    before = path.read_bytes()
    assert (await get(doors, "0/0/0")).content == NORTH
    assert path.read_bytes() == before
    newer = path.with_suffix(".new")
    write_mbtiles(newer, {(2, 0, 0): SOUTH}, format="jpg")
    os.replace(newer, path)
    assert basemaps.configured(doors.state.settings)[0].max_zoom == 2
    assert (await get(doors, "2/0/0")).headers["content-type"] == "image/jpeg"


async def test_a_file_that_breaks_later_is_unavailable_and_not_an_empty_map(doors: Doors) -> None:
    path = doors.state.settings.home / basemaps.MBTILES
    write_mbtiles(path, {(0, 0, 0): NORTH}, format="png")
    assert mbtiles.about(path)
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    answer = await get(doors, "0/0/0")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_listed_map_whose_tiles_cannot_be_laid_is_refused_in_the_log(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    entry = {"id": "b", "name": "b", "kind": "xyz", "url": "https://tiles.example/{z}/{x}/{y}.png", "datum": "BD09"}
    (doors.state.settings.home / basemaps.FILE).write_bytes(orjson.dumps([entry]))
    assert basemaps.configured(doors.state.settings) == ()
    assert "GCJ02" in caplog.text
