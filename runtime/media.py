"""Photos as files: what comes in is decoded, turned upright and encoded anew, so nothing of the sender's file survives.

A stored photo is named by the SHA-256 of its bytes and lies at ``media/aa/bb/<sha256>.jpg``; storing it twice stores it once,
and any number of API processes may share the folder. ``store`` returns only when file and folders are on the disk.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image, ImageOps

from domain.base import Conn
from domain.errors import Invalid
from domain.reports import photos

START_OF_SCAN: Final = b"\xff\xda"
MOST_SCANS: Final = 64
FORMATS: Final = ("JPEG", "PNG", "WEBP")
MAX_BYTES: Final = 12 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
LONGEST_SIDE: Final = 2048
QUALITY: Final = 85
KEY: Final = re.compile(r"[0-9a-f]{64}")
HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
# A camera's clock has no zone in older EXIF; the product's cities all keep this one.
CAMERA_ZONE: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as it will be stored: JPEG without metadata, upright, at most 2048 pixels on its longer side."""

    data: bytes
    width: int
    height: int
    taken_at: datetime | None
    likeness: int

    @property
    def key(self) -> str:
        """Name of the photo in the store."""
        return sha256(self.data).hexdigest()


def decode(data: bytes) -> Picture:
    """Read an uploaded JPEG, PNG or WebP and encode it anew; blocking, for a worker thread.

    Raises Invalid for another format, more than 50 million pixels, or a file that is damaged.
    """
    # A few bytes can make the decoder pass over the whole picture once more; a real photo needs about ten passes.
    if data.count(START_OF_SCAN) > MOST_SCANS:
        raise _too_large()
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        message = "HEIC and AVIF photos cannot be read; send JPEG (most phones convert when asked for JPEG)"
        raise Invalid(message, "暂不支持 HEIC/AVIF 格式，请上传 JPEG 照片", field="photo")
    if data.startswith(b"%PDF"):
        message = "the photo cannot be read: it is a PDF document, whatever its name says; send JPEG"
        raise Invalid(message, "这是 PDF 文件，请上传 JPEG 照片", field="photo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF and many pixels; pixels are counted below, before any is decoded
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large()
                taken_at = _taken_at(image)
                image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
                return _encode(ImageOps.exif_transpose(image), taken_at)
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError, struct.error) as error:
        message = "the photo cannot be read: send an undamaged JPEG, PNG or WebP file"
        raise Invalid(message, "无法读取照片，请上传完好的 JPEG、PNG 或 WebP 文件", field="photo") from error


def store(root: Path, picture: Picture) -> None:
    """Put a photo into the store and wait until file and folders are on the disk; blocking."""
    path = path_of(root, picture.key)
    _make_folders(root, path.parent)
    fresh = path.with_name(f".{picture.key[:16]}.{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(picture.data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(path.parent)


def path_of(root: Path, key: str) -> Path:
    """Return where a photo lies; raises ValueError for what is not a key, so that no other file can be named."""
    if not KEY.fullmatch(key):
        raise ValueError("not a key of the media store")
    return root / key[:2] / key[2:4] / f"{key}.jpg"


def remove(root: Path, keys: Iterable[str]) -> None:
    """Take files out of the store; one that is gone already is no error. The caller holds the keys' locks."""
    for key in keys:
        path_of(root, key).unlink(missing_ok=True)


async def sweep(conn: Conn, root: Path, *, at: datetime) -> int:
    """Forget the photos nobody claimed in a day, and their files; returns how many files went. The caller commits."""
    keys = await photos.forget_unclaimed(conn, at=at)
    await asyncio.to_thread(remove, root, keys)
    return len(keys)


def _too_large() -> Invalid:
    message = f"the photo is too large to read; at most {MAX_PIXELS // 1_000_000} million pixels"
    return Invalid(message, "照片过大，最多 5000 万像素", field="photo")


def _encode(image: Image.Image, taken_at: datetime | None) -> Picture:
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")  # 16 bits to 8
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", layered.size, "white")
        flat.paste(layered, mask=layered.getchannel("A"))
    else:
        flat = image.convert("RGB")
    # A new image takes the pixels along and nothing else: no EXIF, profile, comment or thumbnail.
    clean = Image.new("RGB", flat.size)
    clean.paste(flat)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return Picture(out.getvalue(), clean.width, clean.height, taken_at, likeness(clean))


def likeness(image: Image.Image) -> int:
    """Hash what a picture shows, as a signed 64-bit number: each bit says whether a spot is brighter than its left neighbour.

    The difference hash over 9 x 8 spots of grey: scaling, re-encoding and a change of exposure alter few bits.
    """
    grey = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    spots = grey.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (spots[row * 9 + column + 1] > spots[row * 9 + column])
    return bits - (1 << 64) if bits >> 63 else bits


def _taken_at(image: Image.Image) -> datetime | None:
    """Read when the camera says it took the photo; None when it does not say or says nonsense."""
    try:
        detail = image.getexif().get_ifd(ExifTags.IFD.Exif)
        text = str(detail.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
        offset = str(detail.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
        taken = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=CAMERA_ZONE)
        if re.fullmatch(r"[+-]\d\d:\d\d", offset):
            taken = datetime.strptime(text + offset, "%Y:%m:%d %H:%M:%S%z")
        return taken.astimezone(UTC) if taken.year >= 1990 else None
    except (ValueError, TypeError, KeyError, OSError, SyntaxError, OverflowError, AttributeError):
        return None


def _make_folders(root: Path, folder: Path) -> None:
    for one in (root, folder.parent, folder):
        one.mkdir(mode=0o700, parents=one == root, exist_ok=True)
    for one in (root, folder.parent):
        _sync_folder(one)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
