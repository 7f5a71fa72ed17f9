"""Background maps of this installation: what ``basemaps.json`` in its home lists, and a PMTiles and an MBTiles file beside it.

The product comes without any, so that it needs no network. A public host must check that it may use what is listed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from api import mbtiles
from runtime.settings import Settings

FILE = "basemaps.json"
PMTILES = "basemap.pmtiles"
MBTILES = "basemap.mbtiles"
KINDS = ("xyz", "wmts", "pmtiles")
# Tiles in BD-09 lie in a grid of their own, which the map cannot draw.
DATUMS = ("WGS84", "CGCS2000", "GCJ02")
MOST = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """One background map; ``datum`` says how its tiles are drawn."""

    id: str
    name: str
    kind: str
    url: str
    datum: str = "WGS84"
    attribution: str = ""
    max_zoom: int = 18


def configured(settings: Settings) -> tuple[Configured, ...]:
    """List the background maps, those in the home first."""
    return (*_local(settings.home), *listed(settings))


def listed(settings: Settings) -> tuple[Configured, ...]:
    """List those of ``basemaps.json``; a broken list is logged and counts as empty."""
    path = settings.home / FILE
    return _read(path, path.stat().st_mtime_ns) if path.exists() else ()


def _local(home: Path) -> Iterator[Configured]:
    if (home / PMTILES).exists():
        yield Configured(id="local", name="本地底图", kind="pmtiles", url=f"/basemap/{PMTILES}")
    if found := mbtiles.about(home / MBTILES):
        yield Configured(
            id="local-pictures", name=found.name or "本地影像", kind="xyz", url="/basemap/mbtiles/{z}/{x}/{y}",
            attribution=found.attribution, max_zoom=found.max_zoom,
        )  # fmt: skip


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> tuple[Configured, ...]:
    try:
        found = tuple(Configured(**entry) for entry in orjson.loads(path.read_bytes())[:MOST])
        for entry in found:
            if entry.kind not in KINDS or entry.datum not in DATUMS:
                raise ValueError(f"{entry.id}: kind is one of {KINDS}, datum one of {DATUMS}")
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s is not used: %s", path, error)
        return ()
    return found
