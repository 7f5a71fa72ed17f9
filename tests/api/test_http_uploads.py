"""Photos through the doors: sent by anybody, claimed by one report, seen by those whose scope holds the case."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from api.http import body, media, uploads
from domain.base import Conn, new_id
from domain.errors import Invalid
from domain.people.scope import Grant
from domain.reports import photos
from runtime import media as store
from runtime.database import transaction
from tests.api import city
from tests.api.doors import Doors, open_doors

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC)
ROUTES = [*uploads.ROUTES, *media.ROUTES]


@pytest.fixture
async def doors(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    async with open_doors(ROUTES, home=tmp_path, database_url=database_url, redis_url=redis_url) as opened:
        async with transaction(opened.pool) as conn:
            await city.build(conn, at=NOW - timedelta(days=40))
        yield opened


def _jpeg(shade: int = 128) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), (shade, shade, shade)).save(out, "JPEG")
    return out.getvalue()


async def _send(doors: Doors, data: bytes, name: str = "photo.jpg") -> httpx.Response:
    return await doors.client.post("/uploads", files={"photo": (name, data, "image/jpeg")})


def _files(doors: Doors) -> list[Path]:
    return [path for path in doors.state.settings.media_dir.rglob("*") if path.is_file()]


async def _claimed(doors: Doors, uploaded: dict[str, Any], grid: str) -> UUID:
    """Open a case in the grid with a report that claims the photo; returns the photo's id."""
    async with transaction(doors.pool) as conn:
        await photos.claim(conn, [uploaded["claim"]], await _report(conn, grid))
    return UUID(uploaded["photoId"])


async def _report(conn: Conn, grid: str = "G00") -> UUID:
    report_id = new_id()
    case_id = await city.case(conn, f"N{uuid4().hex[:8]}", grid=grid, at=NOW)
    await conn.execute(
        "insert into reports (id, case_id, source, description, position, raw_lon, raw_lat, datum, occurred_at, received_at,"
        " tracking_hash) select %s, id, 'citizen', 'x', position, 114.9, 27.8, 'WGS84', now(), now(), %s from cases where id = %s",
        (report_id, report_id.bytes, case_id),
    )
    return report_id


async def test_an_acknowledged_photo_is_stored_and_described(doors: Doors) -> None:
    answer = await _send(doors, _jpeg())
    assert answer.status_code == 201
    content = answer.json()
    assert set(content) == {"photoId", "claim", "width", "height", "takenAt"}
    assert (content["width"], content["height"], content["takenAt"]) == (400, 300, None)
    assert len(content["claim"]) >= 32
    async with doors.pool.connection() as conn:
        row = await (await conn.execute("select media_key, byte_count, claim_hash from photos")).fetchone()
    assert row is not None
    assert [path.stem for path in _files(doors)] == [row[0]]
    assert _files(doors)[0].stat().st_size == row[1]
    assert content["claim"].encode() not in row[2]


async def test_the_file_name_the_sender_gives_names_nothing(doors: Doors) -> None:
    for name in ("../../../../tmp/evil.jpg", "/etc/passwd", "a\0b", "con.php", "x" * 2000):
        answer = await _send(doors, _jpeg(), name)
        assert answer.status_code == 201
    assert len(_files(doors)) == 1
    assert [path.stem for path in _files(doors)[0].parents[3].rglob("evil*")] == []


async def test_a_file_over_the_limit_is_refused_while_it_arrives(doors: Doors) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
        while sent < 100 * store.MAX_BYTES:
            sent += 65_536
            yield bytes(65_536)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await doors.client.post("/uploads", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert sent < 2 * store.MAX_BYTES
    declared = await doors.client.post("/uploads", content=b"x", headers={**headers, "Content-Length": str(10**12)})
    assert declared.status_code == 413
    assert (await _send(doors, bytes(store.MAX_BYTES + 1))).status_code == 413
    assert _files(doors) == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"nonsense", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\ntext\r\n--b--\r\n', "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b"),
        (b"\r\n".join([b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\nx'] * 3 + [b"--b--"]),
         "multipart/form-data; boundary=b"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (b"{}", "application/json"),
        (_jpeg(), "image/jpeg"),
    ],
)  # fmt: skip
async def test_a_form_without_exactly_one_photo_is_refused(doors: Doors, content: bytes, kind: str) -> None:
    answer = await doors.client.post("/uploads", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detailZh"]


async def test_what_is_no_photo_is_refused_with_words_and_leaves_nothing(doors: Doors) -> None:
    for data in (b"", b"<html>", b"\0\0\0\x18ftypheic" + bytes(50), _jpeg()[:300]):
        answer = await _send(doors, data)
        assert (answer.status_code, answer.json()["field"]) == (400, "photo")
    assert _files(doors) == []


async def test_one_sender_may_not_fill_the_disk(doors: Doors) -> None:
    for _ in range(uploads.UPLOADS.count):
        assert (await _send(doors, b"no photo")).status_code == 400
    answer = await _send(doors, _jpeg())
    assert answer.status_code == 429
    assert "uploads from this address" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


async def test_a_sender_that_stops_sending_is_let_go(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE_S", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.Event().wait()

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await doors.client.post("/uploads", content=stuck(), headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")


async def test_a_full_disk_is_said_and_nothing_is_acknowledged(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "store", full)
    answer = await _send(doors, _jpeg())
    assert answer.status_code == 503
    assert "disk for photos is full" in answer.json()["detail"]
    async with doors.pool.connection() as conn:
        assert await (await conn.execute("select from photos")).fetchone() is None


async def test_a_photo_is_seen_by_those_whose_scope_holds_its_case(doors: Doors) -> None:
    async with transaction(doors.pool) as conn:
        ids = await city.area_ids(conn)
    uploaded = (await _send(doors, _jpeg())).json()
    path = f"/media/{await _claimed(doors, uploaded, 'G00')}"
    here = await doors.person("here", Grant("dispatcher", ids["A"], None))
    there = await doors.person("there", Grant("dispatcher", ids["B"], None))
    admin = await doors.person("admin", Grant("system_admin", None, None))
    answer = await doors.client.get(path, headers=here)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.content == _files(doors)[0].read_bytes()
    again = await doors.client.get(path, headers=here | {"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    etag = {"If-None-Match": answer.headers["etag"]}
    for headers, status in ((there, 404), (there | etag, 404), (admin, 403), ({}, 401), (etag, 401)):
        refused = await doors.client.get(path, headers=headers)
        assert (refused.status_code, refused.content[:3]) == (status, b'{"t')


async def test_a_photo_nobody_claimed_is_shown_to_nobody(doors: Doors) -> None:
    uploaded = (await _send(doors, _jpeg())).json()
    leader = await doors.person("leader", Grant("dispatcher", None, None))
    assert (await doors.client.get(f"/media/{uploaded['photoId']}", headers=leader)).status_code == 404
    assert (await doors.client.get(f"/media/{uuid4()}", headers=leader)).status_code == 404
    for path in ("/media/..%2f..%2fsecrets", "/media/%00", "/media/1", "/media/' or 1=1"):
        assert (await doors.client.get(path, headers=leader)).status_code == 404


async def test_a_claim_takes_its_photo_once(doors: Doors) -> None:
    first, second = [(await _send(doors, _jpeg(shade))).json()["claim"] for shade in (1, 2)]
    async with transaction(doors.pool) as conn:
        one, two = await _report(conn), await _report(conn)
        assert await photos.lock_claims(conn, [first, second, "guessed", "", "x" * 1000]) == {first, second}
        await photos.claim(conn, [], one)
        await photos.claim(conn, [first], one)
        assert await photos.lock_claims(conn, [first, second]) == {second}
    for claims in ([first], [first, second], ["guessed"], [second, second]):
        with pytest.raises(Invalid, match="unknown or already used"):
            async with transaction(doors.pool) as conn:
                await photos.claim(conn, claims, two)
    async with transaction(doors.pool) as conn:
        assert await photos.lock_claims(conn, [second]) == {second}


async def test_unclaimed_photos_go_after_a_day_but_not_a_file_another_photo_needs(doors: Doors) -> None:
    kept = (await _send(doors, _jpeg(1))).json()
    for shade in (1, 1, 2):
        assert (await _send(doors, _jpeg(shade))).status_code == 201
    await _claimed(doors, kept, "G00")
    assert len(_files(doors)) == 2
    root, later = doors.state.settings.media_dir, datetime.now(UTC) + photos.UNCLAIMED_LIFE
    async with transaction(doors.pool) as conn:
        assert await store.sweep(conn, root, at=later - timedelta(hours=1)) == 0
        assert await store.sweep(conn, root, at=later + timedelta(seconds=1)) == 1
        rows = await (await conn.execute("select id, media_key from photos")).fetchall()
    assert [(str(photo_id), key) for photo_id, key in rows] == [(kept["photoId"], _files(doors)[0].stem)]
    assert len(_files(doors)) == 1
