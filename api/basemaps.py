"""Background maps of this installation: what ``basemaps.json`` in its home lists, and one PMTiles file beside it.

The product comes without any, so that it needs no network. A public host must check that it may use what is listed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from domain.base import DATUMS
from runtime.settings import Settings

FILE = "basemaps.json"
PMTILES = "basemap.pmtiles"
KINDS = ("xyz", "wmts", "pmtiles")
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
    """List the background maps; a broken list is logged and counts as empty."""
    path = settings.home / FILE
    listed = _read(path, path.stat().st_mtime_ns) if path.exists() else ()
    if (settings.home / PMTILES).exists():
        local = Configured(id="local", name="本地底图", kind="pmtiles", url=f"/basemap/{PMTILES}")
        return (local, *listed)
    return listed


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
