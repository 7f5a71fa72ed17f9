"""Is a file what its ending says? Checked before GDAL sees it, which goes by content and follows what it finds there."""

import zipfile
from pathlib import Path

from geo.lonlat import GeoError

MAX_BYTES = 4 * 2**30
# What each format's content must show near its beginning. GDAL goes by content, not by ending, and knows formats that
# are programs or point at other files and hosts; those must not hide behind a harmless ending.
_HEAD_BYTES = 4_096
_SIGNS = {
    ".geojson": b"{",
    ".json": b"{",
    ".gpkg": b"SQLite format 3\x00",
    ".shp": b"\x00\x00\x27\x0a",
    ".kml": b"<kml",
    ".kmz": b"PK\x03\x04",
    ".zip": b"PK\x03\x04",
    ".fgb": b"fgb",
    ".osm": b"<osm",
    ".pbf": b"OSMHeader",
}
_POINTERS = (b"OGRVRT", b"gdal_streamed_alg", b"DataSource>", b"<GDAL", b"<!ENTITY")
_IN_ARCHIVES = {
    ".zip": (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qmd", ".sbn", ".sbx", ".xml", ".txt", "/"),
    ".kmz": (".kml", ".png", ".jpg", ".jpeg", ".gif", "/"),
}
READERS = tuple(_SIGNS)


class FileError(GeoError):
    """A file that cannot be read or written as asked: codes `file.*`."""


def check(path: Path) -> None:
    """Raise FileError unless the file exists, is of a known format and size, and holds what its ending promises."""
    if not path.is_file():
        raise file_error("not_found", "there is no such file.", "文件不存在。", path)
    if path.suffix.lower() not in READERS:
        raise file_error("unknown_format", f"use one of {', '.join(READERS)}.", f"可读格式：{', '.join(READERS)}。", path)
    if path.stat().st_size > MAX_BYTES:
        raise file_error("too_large", f"larger than {MAX_BYTES // 2**30} GiB.", "文件过大。", path)
    _check_content(path)


def _check_content(path: Path) -> None:
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    members = _members(path) if suffix in _IN_ARCHIVES else []
    strange = [name for name in members if not name.lower().endswith(_IN_ARCHIVES[suffix])]
    if _SIGNS[suffix] not in head or any(mark in head for mark in _POINTERS) or strange:
        what = f" (it holds {strange[0][:80]!r})" if strange else ""
        raise file_error("wrong_content", f"the content is not that of a {suffix} file{what}.", f"内容不是 {suffix} 文件。", path)


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> FileError:
    """Return the error for a file the reader gave up on."""
    return file_error("unreadable", f"cannot be read: {str(error)[:200]}", "无法读取该文件。", path)


def file_error(code: str, en: str, zh: str, path: Path) -> FileError:
    """Return a FileError that names the file, without its folder."""
    return FileError(f"file.{code}", en, zh, path.name)
