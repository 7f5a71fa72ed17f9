"""Pictures of a map out of an MBTiles file (version 1.3: SQLite with tables ``metadata`` and ``tiles``), which is only read."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

MEDIA_TYPES: Final = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
DEEPEST: Final = 22
TILE_BYTES: Final = 4 * 1024 * 1024
TEXT_CHARS: Final = 500
PATIENCE_S: Final = 2.0

log = logging.getLogger(__name__)


class Unreadable(Exception):
    """The file is locked, damaged or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the file says of itself; ``max_zoom`` is its deepest zoom, 0 to 22."""

    media_type: str
    name: str
    attribution: str
    max_zoom: int


def about(path: Path) -> About | None:
    """Return what is in the file; none, with a word in the log, when there is no file or its tiles are not pictures."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _about(path, stat.st_mtime_ns, stat.st_size)


def picture(path: Path, z: int, x: int, y: int) -> bytes | None:
    """Return a tile as it is stored, or none; ``y`` counts from the north, unlike inside the file. Raises Unreadable."""
    if not 0 <= z <= DEEPEST or not (0 <= x < 1 << z and 0 <= y < 1 << z):
        return None
    wanted = (z, x, (1 << z) - 1 - y, TILE_BYTES)
    try:
        with closing(_open(path)) as file:
            row = file.execute(
                "select tile_data from tiles where zoom_level = ? and tile_column = ? and tile_row = ? and length(tile_data) <= ?", wanted
            ).fetchone()
    except sqlite3.Error as error:
        raise Unreadable(str(error)) from error
    return bytes(row[0]) if row and isinstance(row[0], bytes) else None


@lru_cache(maxsize=4)
def _about(path: Path, _changed: int, _size: int) -> About | None:
    try:
        with closing(_open(path)) as file:
            rows = file.execute("select name, value from metadata where typeof(value) <> 'blob' limit 200").fetchall()
            deepest = file.execute("select zoom_level from tiles order by zoom_level desc limit 1").fetchone()
    except sqlite3.Error as error:
        log.warning("%s is not used, it is no MBTiles file: %s", path, error)
        return None
    said = {str(name): str(value)[:TEXT_CHARS] for name, value in rows}
    tiles = said.get("format", "").lower()
    if tiles not in MEDIA_TYPES:
        drawn = "/".join(MEDIA_TYPES)
        log.warning("%s is not used: its tiles are %r, only %s are drawn; give vector tiles as a PMTiles file", path, tiles, drawn)
        return None
    if deepest is None or not isinstance(deepest[0], int):
        log.warning("%s is not used: it has no tiles", path)
        return None
    return About(
        media_type=MEDIA_TYPES[tiles], name=said.get("name", ""), attribution=said.get("attribution", ""),
        max_zoom=max(0, min(deepest[0], DEEPEST)),
    )  # fmt: skip


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE_S)
