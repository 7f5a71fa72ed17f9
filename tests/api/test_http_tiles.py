"""Vector tiles over real PostGIS: what is in them, who gets them, and when they change."""

import gzip
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from api.http import tile_layers, tiles
from domain import events
from domain.areas import publish
from domain.people.scope import Grant
from runtime.database import transaction
from tests.api import city, mvt
from tests.api.doors import Doors, open_doors

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC)
FOUNDED = NOW - timedelta(days=40)


@pytest.fixture
async def doors(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    async with open_doors(tiles.ROUTES, home=tmp_path, database_url=database_url, redis_url=redis_url) as opened:
        async with transaction(opened.pool) as conn:
            await city.build(conn, at=FOUNDED)
        yield opened


def _path(layer: str, zoom: int, lon: float = city.MIDDLE[0] - 1e-6, lat: float = city.MIDDLE[1]) -> str:
    n = 1 << zoom
    x = int((lon + 180) / 360 * n)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    return f"/tiles/{layer}/{zoom}/{x}/{y}.mvt"


async def _layers(doors: Doors, path: str, headers: dict[str, str] | None = None) -> dict[str, mvt.Layer]:
    answer = await doors.client.get(path, headers=headers or {})
    assert answer.status_code in (200, 204), answer.text
    return mvt.read(answer.content)


async def test_areas_come_by_zoom_each_level_in_a_layer_of_its_name(doors: Doors) -> None:
    low, high = await _layers(doors, _path("areas", 4)), await _layers(doors, _path("areas", 11))
    assert set(low) == {"city", "labels"}
    assert set(high) == {"city", "county", "grid", "labels"}
    assert {feature.properties["code"] for feature in high["grid"].features} == {r.code for r in city.grid_records()}
    grid = high["grid"].by("code")["G00"].properties
    assert set(grid) == {"id", "code", "name", "level", "approximate"}
    assert (grid["name"], grid["level"], grid["approximate"]) == ("网格00", "grid", False)


async def test_every_area_is_named_once_over_all_tiles(doors: Doors) -> None:
    names: list[str] = []
    n = 1 << 14
    west, north = _path("areas", 14, city.WEST, city.SOUTH + 2 * city.SIDE).split("/")[4:6]
    for x in range(int(west) - 1, int(west) + 4):
        for y in range(int(north[:-4]) - 1, int(north[:-4]) + 4):
            assert 0 <= x < n
            layers = await _layers(doors, f"/tiles/areas/14/{x}/{y}.mvt")
            names += [f.properties["code"] for f in layers["labels"].features] if "labels" in layers else []
    assert sorted(names) == sorted([*(r.code for r in city.grid_records()), "A", "B", "C"])


async def test_neighbouring_grids_keep_one_border_in_a_tile(doors: Doors) -> None:
    layer = (await _layers(doors, _path("areas", 12)))["grid"].by("code")
    west, east = (max(x for x, _ in layer["G00"].parts[0]), min(x for x, _ in layer["G10"].parts[0]))
    assert west == east


async def test_a_published_change_shows_at_once_and_the_past_stays_as_it_was(doors: Doors) -> None:
    path = _path("areas", 11)
    first = await doors.client.get(path)
    again = await doors.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    async with transaction(doors.pool) as conn:
        await publish.publish(conn, "grid", city.grid_records("新网格"), at=NOW - timedelta(days=1))
    changed = await doors.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
    assert mvt.read(changed.content)["grid"].by("code")["G00"].properties["name"] == "新网格00"
    before = await _layers(doors, f"{path}?asOf={(NOW - timedelta(days=2)).isoformat()}")
    assert before["grid"].by("code")["G00"].properties["name"] == "网格00"
    assert await _layers(doors, f"{path}?asOf={quote('1999-01-01T00:00:00+08:00')}") == {}


async def test_a_change_published_for_tomorrow_is_drawn_from_tomorrow_on(doors: Doors) -> None:
    path = _path("areas", 11)
    async with transaction(doors.pool) as conn:
        await publish.publish(conn, "grid", city.grid_records("明日"), at=NOW + timedelta(days=1))
    today, later = await _layers(doors, path), NOW + timedelta(days=2)
    tomorrow = await _layers(doors, f"{path}?asOf={quote(later.isoformat())}")
    assert today["grid"].by("code")["G00"].properties["name"] == "网格00"
    assert tomorrow["grid"].by("code")["G00"].properties["name"] == "明日00"


async def test_tiles_are_gzipped_only_for_those_who_take_it(doors: Doors) -> None:
    path = _path("areas", 11)
    plain = await doors.client.get(path, headers={"Accept-Encoding": "identity"})
    refused = await doors.client.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
    async with doors.client.stream("GET", path, headers={"Accept-Encoding": "gzip, br"}) as answer:
        packed = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain.content == refused.content
    assert "Accept-Encoding" in plain.headers["vary"]


@pytest.mark.parametrize(
    "address",
    ["0/1/0", "3/8/0", "3/0/8", "23/0/0", "-1/0/0", "1/-1/0", "1/0/x", "1/0/٣", "1/ 0/0", "1e1/0/0", "99999999/0/0", "1/0/0.5"],
)
@pytest.mark.parametrize("layer", ["areas", "rail", "stations"])
async def test_a_bad_tile_address_is_refused_with_a_problem(doors: Doors, layer: str, address: str) -> None:
    answer = await doors.client.get(f"/tiles/{layer}/{address}.mvt")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "tile"


@pytest.mark.parametrize("path", ["/tiles/users/1/0/0.mvt", "/tiles/..%2f/1/0/0.mvt", "/tiles/users.json", "/tiles/areas/1/0/0.png"])
async def test_there_are_no_other_layers(doors: Doors, path: str) -> None:
    assert (await doors.client.get(path)).status_code == 404


@pytest.mark.parametrize("instant", ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "9999-01-01T00:00:00Z", "' or 1=1"])
async def test_as_of_must_be_an_instant_with_an_offset(doors: Doors, instant: str) -> None:
    answer = await doors.client.get(f"{_path('areas', 11)}?asOf={quote(instant)}")
    assert (answer.status_code, answer.json()["field"]) == (400, "asOf")


async def test_every_corner_of_the_world_can_be_asked_for(doors: Doors) -> None:
    last = (1 << 22) - 1
    for address in ("0/0/0", f"22/0/{last}", f"22/{last}/0", f"22/{last}/{last}"):
        for layer in ("areas", "rail", "stations"):
            assert (await doors.client.get(f"/tiles/{layer}/{address}.mvt")).status_code in (200, 204)


async def _cases(doors: Doors) -> dict[str, UUID]:
    async with transaction(doors.pool) as conn:
        ids = await city.area_ids(conn)
        ids["D"] = await city.department(conn, "D", at=NOW)
        await city.case(conn, "west", grid="G00", at=NOW - timedelta(days=20))
        await city.case(conn, "east", grid="G30", at=NOW, department_id=ids["D"])
        await city.case(conn, "over", grid="G31", at=NOW - timedelta(days=20), closed_at=NOW - timedelta(days=9))
        await city.case(conn, "done", grid="G21", at=NOW - timedelta(hours=1), closed_at=NOW)
    return ids


async def _numbers(doors: Doors, headers: dict[str, str]) -> set[str]:
    found: set[str] = set()
    for column in range(4):
        for row in range(2):
            lon, lat = city.WEST + (column + 0.5) * city.SIDE, city.SOUTH + (row + 0.5) * city.SIDE
            layers = await _layers(doors, _path("cases", 15, lon, lat), headers)
            found |= set(layers["cases"].by("number")) if "cases" in layers else set()
    return found


async def test_cases_are_drawn_only_for_those_signed_in_with_the_permission(doors: Doors) -> None:
    await _cases(doors)
    admin = await doors.person("admin", Grant("system_admin", None, None))
    path = _path("cases", 12)
    assert (await doors.client.get(path)).status_code == 401
    assert (await doors.client.get(path, headers={"Authorization": "Bearer x.y.z"})).status_code == 401
    assert (await doors.client.get(path, headers=admin)).status_code == 403


async def test_cases_outside_the_scope_are_in_no_tile_at_any_zoom(doors: Doors) -> None:
    ids = await _cases(doors)
    everyone = await doors.person("leader", Grant("leader", None, None))
    west = await doors.person("west", Grant("dispatcher", ids["A"], None))
    clerk = await doors.person("clerk", Grant("clerk", None, ids["D"]))
    nowhere = await doors.person("nowhere", Grant("leader", ids["G01"], None))
    assert await _numbers(doors, everyone) == {"west", "east", "done"}
    assert await _numbers(doors, west) == {"west"}
    assert await _numbers(doors, clerk) == {"east"}
    assert await _numbers(doors, nowhere) == set()
    for headers, count in ((everyone, 3), (west, 1), (clerk, 1), (nowhere, 0)):
        layers = await _layers(doors, _path("cases", 4), headers)
        clustered = [f.properties["count"] for f in layers["clusters"].features] if "clusters" in layers else []
        single = len(layers["cases"].features) if "cases" in layers else 0
        assert sum(clustered) + single == count


async def test_one_viewers_etag_is_nobody_elses_and_moves_with_every_event(doors: Doors) -> None:
    ids = await _cases(doors)
    everyone = await doors.person("leader", Grant("leader", None, None))
    west = await doors.person("west", Grant("dispatcher", ids["A"], None))
    path = _path("cases", 12)
    statuses = []
    for _ in range(2):  # the window of recent cases moves each minute, perhaps just between two requests
        first = await doors.client.get(path, headers=everyone)
        etag = {"If-None-Match": first.headers["etag"]}
        statuses.append((await doors.client.get(path, headers=everyone | etag)).status_code)
    assert 304 in statuses
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in first.headers["vary"]
    assert (await doors.client.get(path, headers=west | etag)).status_code == 200
    assert (await doors.client.get(path, headers=etag)).status_code == 401
    async with transaction(doors.pool) as conn:
        happened = events.Event(kind="case.close", subject_kind="case", subject_id=ids["D"], at=NOW)
        await events.record(conn, [happened])
        await conn.execute("update event_cursor set position = position + 1")
    changed = await doors.client.get(path, headers=everyone | etag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_many_cases_in_one_place_are_one_feature_that_counts_them(doors: Doors) -> None:
    async with transaction(doors.pool) as conn:
        for i in range(30):
            await city.case(conn, f"n{i}", grid="G10", at=NOW, offset=(0.5 + i * 1e-5, 0.5))
        await conn.execute("update cases set overdue_at = opened_at where number in ('n1', 'n2')")
    headers = await doors.person("leader", Grant("leader", None, None))
    lon, lat = city.WEST + 1.5 * city.SIDE, city.SOUTH + 0.5 * city.SIDE
    low = await _layers(doors, _path("cases", 11, lon, lat), headers)
    high = await _layers(doors, _path("cases", tile_layers.CLUSTER_BELOW_ZOOM, lon, lat), headers)
    assert [f.properties for f in low["clusters"].features] == [{"count": 30, "open": 30, "overdue": 2}]
    assert len(high["cases"].features) == 30
    assert sum(f.properties["overdue"] for f in high["cases"].features) == 2


async def test_rail_and_stations_are_drawn_with_their_doubts(doors: Doors) -> None:
    async with transaction(doors.pool) as conn:
        line = f"st_setsrid(st_makeline(st_point({city.WEST}, {city.SOUTH}), st_point({city.WEST + 0.04}, {city.SOUTH})), 4326)"
        await conn.execute(
            f"insert into rail_lines (id, code, name, kind, geom, geom_3857, approximate, source, created_at)"
            f" values (gen_random_uuid(), 'HK', '沪昆线', 'conventional', {line}, st_transform({line}, 3857), true, 't', now())"
        )
        for kind in ("station", "village"):
            await conn.execute(
                "insert into places (id, kind, name, search_key, bigrams, position, precision_m, source, source_key, created_at)"
                " values (gen_random_uuid(), %s, '新余站', '', '{}', st_setsrid(st_point(%s, %s), 4326), 50, 't', %s, now())",
                (kind, city.MIDDLE[0], city.SOUTH, kind),
            )
    rail = (await _layers(doors, _path("rail", 10)))["rail"].features
    stations = (await _layers(doors, _path("stations", 10)))["stations"].features
    assert [(f.kind, f.properties["code"], f.properties["approximate"]) for f in rail] == [(2, "HK", True)]
    assert [(f.kind, f.properties["name"], f.properties["precision_m"]) for f in stations] == [(1, "新余站", 50)]


async def test_kept_tiles_stay_within_their_bytes_even_when_they_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "CACHE_BYTES", 100 * tiles.ENTRY_BYTES)
    drawings = tiles.Drawings()
    for x in range(1000):
        drawings.keep("e", tile_layers.Tile(22, x, 0), b"")
        drawings.keep("e", tile_layers.Tile(22, x, 1), bytes(300))
    assert 0 < len(drawings.kept) <= 100
    assert drawings.bytes_kept <= tiles.CACHE_BYTES
    assert drawings.find("e", tile_layers.Tile(22, 999, 1)) == bytes(300)


async def test_tilejson_names_the_layers_their_fields_and_the_bounds(doors: Doors) -> None:
    for layer in ("areas", "rail", "stations", "cases"):
        described = (await doors.client.get(f"/tiles/{layer}.json")).json()
        assert described["tilejson"] == "3.0.0"
        assert described["tiles"] == [f"http://city/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"]
        assert described["bounds"] == pytest.approx([city.WEST, city.SOUTH, city.WEST + 0.04, city.SOUTH + 0.02])
        assert "test data" in described["attribution"]
    layers = {layer["id"]: layer for layer in (await doors.client.get("/tiles/areas.json")).json()["vector_layers"]}
    assert layers["grid"]["minzoom"] == 10
    assert set(layers["grid"]["fields"]) == {"id", "code", "name", "level", "approximate"}


async def test_on_a_gcj_02_base_map_everything_is_drawn_some_600_m_to_the_south_east(doors: Doors) -> None:
    path = _path("areas", 13)
    plain, moved = [(await _layers(doors, address))["labels"].by("code") for address in (path, f"{path}?datum=gcj02")]
    unit_m = 40_075_017 / (1 << 13) / tile_layers.EXTENT * math.cos(math.radians(city.SOUTH))
    both = [code for code in plain.keys() & moved.keys() if code.startswith("G")]
    assert both
    for code in both:
        (from_x, from_y), (to_x, to_y) = plain[code].parts[0][0], moved[code].parts[0][0]
        assert to_x > from_x
        assert to_y > from_y
        assert math.hypot(to_x - from_x, to_y - from_y) * unit_m == pytest.approx(604, abs=30)
    for datum in ("BD09", "MARS", "", "%00"):
        answer = await doors.client.get(f"{path}?datum={datum}")
        assert (answer.status_code, answer.json()["field"]) == (400, "datum")
