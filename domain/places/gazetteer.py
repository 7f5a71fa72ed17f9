"""Gazetteer files as places: address lists and vector files, each row judged, things of one name and kind side by side made one.

A road comes as a dozen pieces and an address list says a name twice; what bears one name and kind within a few kilometres is
one place here, and its precision says how far its pieces lie apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from domain.errors import Invalid
from domain.places.actions import PlaceRecord
from domain.places.fold import MAX_NAME, fold
from geo import files, points_csv
from geo.lonlat import Datum, GeoError, LonLat, distance_m

MAX_PLACES: Final = 2_000_000
MAX_TOLD: Final = 20
TABLES: Final = (".csv", ".txt")
_OSM: Final = (".pbf", ".osm")
# Pieces of one name are one place while the gaps between them and the whole stay within so many degrees (about 3 and 10 km).
_GAP, _SPAN = 0.03, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns hold what; ``kind`` may also be a word of its own when no column is called so."""

    name: str = "name"
    kind: str = "kind"
    lon: str | None = None
    lat: str | None = None


@dataclass(slots=True)
class Gathered:
    """A file's places by what they are, and what was refused, the first MAX_TOLD with row and reason."""

    places: dict[tuple[str, str], list[_Pieces]] = field(default_factory=dict)
    count: int = 0
    rows: int = 0
    refused: int = 0
    told: list[str] = field(default_factory=list)

    def records(self, *, precision_m: float) -> Iterator[PlaceRecord]:
        """Give each place once, its own precision added to that of the file's positions."""
        for (kind, key), together in self.places.items():
            for number, pieces in enumerate(together, 1):
                at, spread_m = pieces.middle()
                own = f"{kind}|{key}|{number}"
                yield PlaceRecord(key=own, kind=kind, name=pieces.name, lonlat=at, precision_m=precision_m + spread_m)

    def refuse(self, row: int, why: str) -> None:
        """Count a row that is no place and remember why."""
        self.refused += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(f"row {row}: {why}")

    def add(self, row: int, name: str, kind: str, at: LonLat) -> None:
        """Take one row in; raises Invalid when the file holds more places than the product takes."""
        self.rows += 1
        key = fold(name)
        if not key or len(name) > MAX_NAME:
            self.refuse(row, f"a name has 1 to {MAX_NAME} letters or digits")
            return
        together = self.places.setdefault((kind, key), [])
        if not any(pieces.grow(at) for pieces in together):
            together.append(_Pieces(name, at.lon, at.lat, at.lon, at.lat))
            self.count += 1
        if self.count > MAX_PLACES:
            raise Invalid(f"a gazetteer has at most {MAX_PLACES} places; import it in parts", f"地名不得超过 {MAX_PLACES} 个", field="file")


@dataclass(slots=True)
class _Pieces:
    """The extent of what bears one name."""

    name: str
    west: float
    south: float
    east: float
    north: float

    def grow(self, at: LonLat) -> bool:
        """Take a piece in when it is near and the whole stays small; tell whether it was."""
        west, east = min(self.west, at.lon), max(self.east, at.lon)
        south, north = min(self.south, at.lat), max(self.north, at.lat)
        gap = max(self.west - west, east - self.east, self.south - south, north - self.north)
        if gap > _GAP or max(east - west, north - south) > _SPAN:
            return False
        self.west, self.east, self.south, self.north = west, east, south, north
        return True

    def middle(self) -> tuple[LonLat, float]:
        at = LonLat(lon=(self.west + self.east) / 2, lat=(self.south + self.north) / 2)
        return at, distance_m(at, LonLat(lon=self.east, lat=self.north))


def read(path: Path, columns: Columns, *, datum: Datum) -> Iterator[tuple[Gathered, int, int]]:
    """Read a file and yield what was gathered with rows done and in all (0: unknown), after each batch.

    OpenStreetMap files name their things themselves and are WGS 84. Raises Invalid for a file that cannot be read as asked.
    """
    gathered = Gathered()
    try:
        if path.suffix.lower() in TABLES:
            yield from _table(path, columns, datum, gathered)
        else:
            yield from _vector(path, columns, datum, gathered)
    except GeoError as error:
        raise Invalid(str(error), error.message_zh, field=error.where or "file", code=error.code) from error


def _table(path: Path, columns: Columns, datum: Datum, gathered: Gathered) -> Iterator[tuple[Gathered, int, int]]:
    for batch in points_csv.read_points(path, lon=columns.lon, lat=columns.lat, datum=datum):
        name = _column(batch.header, columns.name, path)
        kind = batch.header.index(columns.kind) if columns.kind in batch.header else None
        for number, error in batch.bad:
            gathered.refuse(number, error.message_en)
        bad = {number for number, _ in batch.bad}
        first = batch.done + 1 - len(batch.rows)
        for number, (row, lon, lat) in enumerate(zip(batch.rows, batch.lon.tolist(), batch.lat.tolist(), strict=True), first):
            if number not in bad:
                at = LonLat(lon=lon, lat=lat)
                gathered.add(number, row[name].strip(), row[kind].strip() if kind is not None else columns.kind, at)
        yield gathered, batch.done, 0


def _vector(path: Path, columns: Columns, datum: Datum, gathered: Gathered) -> Iterator[tuple[Gathered, int, int]]:
    osm = path.suffix.lower() in _OSM
    if osm and datum is not Datum.WGS84:
        raise Invalid("OpenStreetMap files are WGS 84; declare --datum WGS84", "OpenStreetMap 文件为 WGS84 坐标", field="datum")
    kind = None if osm or columns.kind not in files.info(path).columns else columns.kind
    for batch in files.read_places(path, name=columns.name, kind=kind, datum=datum):
        for bad in batch.bad:
            gathered.refuse(bad.row, bad.error.message_en)
        for row in batch.rows:
            gathered.add(row.row, row.name, _osm_kind(row.kind) if osm else row.kind if kind else columns.kind, row.lonlat)
        yield gathered, batch.done, batch.total


def _osm_kind(tag: str) -> str:
    """Return one word for an OpenStreetMap tag: every highway is a road, ``amenity=hospital`` a hospital."""
    key, _, value = tag.partition("=")
    return "road" if key == "highway" else value if value not in ("", "yes") else key or "place"


def _column(columns: Iterable[str], wanted: str, path: Path) -> int:
    listed = [column.strip() for column in columns]
    if wanted not in listed:
        raise Invalid(f"{path.name} has no column {wanted!r}; it has {', '.join(listed)}", f"没有列 {wanted!r}", field="name")
    return listed.index(wanted)
