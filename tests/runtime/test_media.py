"""Photos: what survives of an uploaded file, what is refused, and how it lies on the disk."""

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from domain.errors import Invalid
from runtime import media

SECRET = b"27.8178,114.9173 camera 12345"


def _exif(**more: object) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = SECRET.decode()
    exif[ExifTags.Base.Orientation] = 6
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.DateTimeOriginal] = more.get("taken", "2026:11:22 16:30:05")
    if "offset" in more:
        detail[ExifTags.Base.OffsetTimeOriginal] = more["offset"]
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (27.0, 49.0, 4.08)
    place[ExifTags.GPS.GPSLongitudeRef] = "E"
    place[ExifTags.GPS.GPSLongitude] = (114.0, 55.0, 2.28)
    return exif


def _file(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _photo(width: int = 400, height: int = 300) -> Image.Image:
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste("red", (0, 0, width // 2, height // 2))
    return image


def _stored(picture: media.Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    assert image.format == "JPEG"
    return image


def test_position_camera_comment_and_thumbnail_do_not_survive() -> None:
    data = _file(_photo(), exif=_exif(), comment=SECRET, icc_profile=SECRET, xmp=SECRET)
    assert data.count(SECRET) >= 4
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    picture = media.decode(data)
    stored = _stored(picture)
    assert SECRET not in picture.data
    assert not stored.getexif()
    assert {marker for marker, _ in getattr(stored, "applist", [])} <= {"APP0"}
    assert not {"exif", "icc_profile", "xmp", "comment", "photoshop"} & set(stored.info)


def test_what_is_hidden_behind_or_beside_the_picture_does_not_survive() -> None:
    text = PngInfo()
    text.add_text("Comment", SECRET.decode())
    payload = b"<script>alert(1)</script>" + SECRET
    for data in (
        _file(_photo()) + payload,
        _file(_photo(), "PNG", pnginfo=text, exif=_exif()) + payload,
        _file(_photo(), "WEBP", exif=_exif(), xmp=SECRET) + payload,
    ):
        picture = media.decode(data)
        assert SECRET not in picture.data
        assert b"<script>" not in picture.data
        assert picture.data.endswith(b"\xff\xd9")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_taken_sideways_is_stored_upright(kind: str) -> None:
    picture = media.decode(_file(_photo(400, 300), kind, exif=_exif()))
    assert (picture.width, picture.height) == (300, 400) == _stored(picture).size
    red = _stored(picture).getpixel((280, 20))  # the red corner, top left before the turn to the right
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert red[1] < 60


@pytest.mark.parametrize(
    ("exif", "taken_at"),
    [
        (_exif(), datetime(2026, 11, 22, 8, 30, 5, tzinfo=UTC)),
        (_exif(offset="+00:00"), datetime(2026, 11, 22, 16, 30, 5, tzinfo=UTC)),
        (_exif(offset="nonsense"), datetime(2026, 11, 22, 8, 30, 5, tzinfo=UTC)),
        (_exif(taken="0000:00:00 00:00:00"), None),
        (_exif(taken="1970:01:01 00:00:00"), None),
        (_exif(taken="yesterday"), None),
        (Image.Exif(), None),
    ],
)
def test_when_the_photo_was_taken_is_read_before_it_is_removed(exif: Image.Exif, taken_at: datetime | None) -> None:
    assert media.decode(_file(_photo(), exif=exif)).taken_at == taken_at


@pytest.mark.parametrize(("size", "stored"), [((5000, 2500), (2048, 1024)), ((100, 4096), (50, 2048)), ((640, 480), (640, 480))])
def test_large_photos_are_made_smaller_and_small_ones_left(size: tuple[int, int], stored: tuple[int, int]) -> None:
    picture = media.decode(_file(_photo(*size)))
    assert (picture.width, picture.height) == stored == _stored(picture).size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_way_of_storing_colours_becomes_an_ordinary_photo(mode: str) -> None:
    grey = Image.new("I", (64, 48), 32_768).convert("I;16") if mode == "I;16" else Image.new("L", (64, 48), 128)
    image = grey if mode == "I;16" else grey.convert("RGBA").convert(mode) if mode == "LA" else grey.convert(mode)
    picture = media.decode(_file(image, "JPEG" if mode == "CMYK" else "PNG"))
    pixel = _stored(picture).getpixel((5, 5))
    assert _stored(picture).mode == "RGB"
    assert isinstance(pixel, tuple)
    assert mode == "1" or all(120 <= value <= 136 for value in pixel)


def test_what_is_transparent_becomes_white() -> None:
    picture = media.decode(_file(Image.new("RGBA", (64, 48), (0, 0, 0, 0)), "PNG"))
    assert _stored(picture).getpixel((5, 5)) == (255, 255, 255)


def _png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims, and would unpack to, any number of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 5_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    """A small PNG with a compressed text that unpacks to 200 MB."""
    data = _png_bomb(1, 1)
    text = b"k\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return data[:33] + chunk + data[33:]


def _many_scans() -> bytes:
    """A progressive JPEG whose last scan comes a thousand times."""
    data = _file(_photo(), progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 1000 + b"\xff\xd9"


@pytest.mark.parametrize(
    "data",
    [_png_bomb(50_000, 50_000), _png_bomb(10_000, 5_001), _png_bomb(2**31 - 1, 2**31 - 1), _many_scans()],
    ids=["2500 million", "just too many", "most a PNG can claim", "scans"],
)
def test_a_picture_that_would_unpack_to_too_much_is_refused_before_it_is_unpacked(data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        media.decode(data)
    assert caught.value.field == "photo"
    assert "too large" in caught.value.message_en or "cannot be read" in caught.value.message_en


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"\xff\xd8\xff", b"GIF89a" + bytes(100), b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04" + bytes(100), b"RIFF\x10\0\0\0WEBPVP8 ", _file(_photo())[:2000], _text_bomb(),
        _file(_photo(), "TIFF"), _file(_photo(), "GIF"), _file(_photo(), "BMP"), _file(_photo(), "ICO"), _file(_photo(), "EPS"),
    ],
)  # fmt: skip
def test_anything_but_an_undamaged_photo_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        media.decode(data)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_heic_is_refused_with_a_word_on_what_to_do(brand: bytes) -> None:
    with pytest.raises(Invalid, match="HEIC and AVIF photos cannot be read; send JPEG"):
        media.decode(b"\0\0\0\x18ftyp" + brand + bytes(100))


def test_photos_lie_under_their_hash_and_only_once(tmp_path: Path) -> None:
    root = tmp_path / "media"
    picture = media.decode(_file(_photo()))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: media.store(root, picture), range(16)))
    files = [path for path in root.rglob("*") if path.is_file()]
    assert files == [root / picture.key[:2] / picture.key[2:4] / f"{picture.key}.jpg"]
    assert files[0].read_bytes() == picture.data
    assert files[0].stat().st_mode & 0o777 == 0o600
    media.remove(root, [picture.key, picture.key])
    assert not files[0].exists()


def test_file_and_folders_are_on_the_disk_before_storing_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    picture = media.decode(_file(_photo()))
    media.store(tmp_path, picture)
    first, second = picture.key[:2], picture.key[2:4]
    assert synced[:2] == [tmp_path.name, first]
    assert synced[2].endswith(".part")
    assert synced[3] == second


def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().suffix == ".part":
            raise OSError(28, "No space left on device")

    picture = media.decode(_file(_photo()))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        media.store(tmp_path, picture)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("key", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "/" + "a" * 63])
def test_only_a_key_names_a_file_of_the_store(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        media.path_of(tmp_path, key)
