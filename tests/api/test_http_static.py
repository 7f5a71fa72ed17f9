"""Web pages, background map, health and the headers on every answer."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api import basemaps
from api.http import basemap, health, static
from api.http.headers import SecurityHeaders, content_policy
from domain.flows.city import CityHolder
from runtime.database import open_pool, transaction
from runtime.settings import Settings
from tests.api.doors import Doors, open_doors
from tests.flows import conftest as small_city

pytestmark = pytest.mark.anyio

ROUTES = [*basemap.ROUTES, *health.ROUTES, *static.ROUTES]
SCRIPT = b"console.log('\xe7\xbd\x91\xe6\xa0\xbc');" * 100


@pytest.fixture
async def doors(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    async with open_doors(ROUTES, home=tmp_path, database_url=database_url, redis_url=redis_url) as opened:
        yield opened


@pytest.fixture
def built(doors: Doors) -> Path:
    dist: Path = doors.state.settings.web_dist
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>城市</title>")
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "assets" / "app-4f2a.js").write_bytes(SCRIPT)
    (dist / "assets" / "map-1b.mjs").write_bytes(b"export {}")
    (dist.parent / "secret.txt").write_text("secret")
    return dist


@pytest.mark.usefixtures("built")
async def test_every_page_of_the_application_is_its_index(doors: Doors) -> None:
    for path in ("/", "/cases", "/cases/01930000-0000-7000-8000-000000000001", "/map?x=1", "/网格/一"):
        answer = await doors.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
        assert answer.headers["cache-control"] == "no-cache"
        assert "城市" in answer.text


@pytest.mark.usefixtures("built")
async def test_files_with_a_hash_in_their_name_are_kept_and_others_asked_for_again(doors: Doors) -> None:
    script = await doors.client.get("/assets/app-4f2a.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"].startswith("text/javascript")
    assert (await doors.client.get("/assets/map-1b.mjs")).headers["content-type"].startswith("text/javascript")
    icon = await doors.client.get("/favicon.svg")
    assert (icon.text, icon.headers["cache-control"]) == ("<svg/>", "no-cache")
    again = await doors.client.get("/favicon.svg", headers={"If-None-Match": icon.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.usefixtures("built")
async def test_scripts_travel_packed_to_those_who_take_it(doors: Doors) -> None:
    async with doors.client.stream("GET", "/assets/app-4f2a.js", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    plain = await doors.client.get("/assets/app-4f2a.js", headers={"Accept-Encoding": "identity"})
    head = await doors.client.head("/assets/app-4f2a.js")
    assert gzip.decompress(raw) == plain.content == SCRIPT
    assert int(answer.headers["content-length"]) == len(raw) < len(SCRIPT)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/assets/../../secret.txt",
        "//etc/passwd", "/%2fetc%2fpasswd", "/.env", "/assets/.git/config", "/a%00b.js", "/..\\secret.txt", "/%252e%252e/secret.txt",
        "/link.txt", "/assets", "/assets/", "/assets/old-1.js", "/missing.png", "/tiles/x", "/media/x", "/ingest", "/graphql/x",
    ],
)  # fmt: skip
async def test_nothing_outside_the_pages_is_served_and_no_door_is_a_page(doors: Doors, built: Path, path: str) -> None:
    (built / "link.txt").symlink_to(built.parent / "secret.txt")
    scope = {
        "type": "http", "method": "GET", "path": httpx.URL(f"http://c{path}").path if "%" in path else path,
        "headers": [], "query_string": b"", "http_version": "1.1", "scheme": "http", "server": ("city", 80), "root_path": "",
    }  # fmt: skip
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(dict(message))  # type: ignore[call-overload]

    await doors.app(scope, receive, send)
    assert sent[0]["status"] == 404
    assert b"secret" not in b"".join(bytes(part.get("body", b"")) for part in sent[1:])  # type: ignore[call-overload]


async def test_before_the_pages_are_built_a_page_says_so(doors: Doors) -> None:
    answer = await doors.client.get("/")
    assert answer.status_code == 503
    assert "./gridwarden up" in answer.text
    assert "尚未构建" in answer.text
    assert (await doors.client.get("/assets/app.js")).status_code == 404


async def test_pages_are_only_read(doors: Doors) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await doors.client.request(method, "/cases")).status_code == 405


async def test_the_background_map_is_read_by_ranges(doors: Doors) -> None:
    path = f"/basemap/{basemaps.PMTILES}"
    assert (await doors.client.get(path)).status_code == 404
    (doors.state.settings.home / basemaps.PMTILES).write_bytes(bytes(range(256)) * 10)
    part = await doors.client.get(path, headers={"Range": "bytes=256-259"})
    assert (part.status_code, part.content) == (206, b"\0\1\2\3")
    assert part.headers["content-range"] == "bytes 256-259/2560"
    assert (await doors.client.get("/basemap/other.pmtiles")).status_code == 404


async def test_health_names_both_stores_and_the_index(doors: Doors) -> None:
    holder = doors.state.jurisdictions = CityHolder()
    assert (await doors.client.get("/healthz")).json() == {"status": "ok", "database": "ok", "redis": "ok", "index": {}}
    async with transaction(doors.pool) as conn:
        await small_city.fill(conn)
        await holder.current(conn, at=small_city.AT)
    assert (await doors.client.get("/healthz")).json()["index"]["grid"] == 1


async def test_without_redis_the_city_is_degraded_and_without_its_database_down(doors: Doors) -> None:
    doors.state.redis = Redis(unix_socket_path="/nowhere/redis.sock")
    answer = await doors.client.get("/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["redis"]) == (200, "degraded", "away")
    working = doors.state.pool
    doors.state.pool = await open_pool("postgresql://nobody@/nothing?host=/nowhere", timeout_s=0.2)
    try:
        answer = await doors.client.get("/healthz")
    finally:
        await doors.state.pool.close()
        doors.state.pool = working
    assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (503, "down", "away")


async def test_every_answer_carries_the_security_headers_and_keeps_its_own(tmp_path: Path) -> None:
    async def own(_: Request) -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Content-Security-Policy": "default-src 'none'"})

    async def none(_: Request) -> PlainTextResponse:
        return PlainTextResponse("x")

    listed = [
        {"id": "a", "name": "a", "kind": "xyz", "url": "https://t{0-2}.tiles.example/{z}/{x}/{y}.png"},
        {"id": "b", "name": "b", "kind": "wmts", "url": "https://maps.example:8443/wmts?x={x}"},
    ]
    (tmp_path / basemaps.FILE).write_bytes(orjson.dumps(listed))
    app = SecurityHeaders(Starlette(routes=[Route("/own", own), Route("/none", none)]), settings=Settings(home=tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://city:8700") as client:
        kept, given, missing = [(await client.get(path)).headers for path in ("/own", "/none", "/missing")]
    assert kept["content-security-policy"] == "default-src 'none'"
    hosts = "https://maps.example:8443 https://t0.tiles.example https://t1.tiles.example https://t2.tiles.example"
    for headers in (given, missing):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["permissions-policy"].startswith("geolocation=(self)")
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert f"img-src 'self' blob: data: {hosts};" in policy
        assert f"connect-src 'self' ws://city:8700 wss://city:8700 {hosts};" in policy
        assert "unsafe-eval" not in policy


@pytest.mark.parametrize("host", ["", "a; script-src *", "a\r\nx: y", "a'b", "*", "a b"])
def test_a_host_that_is_none_is_left_out_of_the_policy(host: str) -> None:
    policy = content_policy((), host)
    assert "connect-src 'self';" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "/basemap/x.pmtiles",
        "https://{x}.example/x",
        "https://t{9-0}.example/x",
        "https://a;b/x",
        "ftp://a/b",
        "https://[x/y",
    ],
)
def test_only_hosts_of_web_addresses_enter_the_policy(url: str) -> None:
    assert content_policy((url,), "city") == content_policy((), "city")
