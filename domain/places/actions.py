"""Gazetteers into the product: an import replaces its own source, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.base import Conn, new_id
from domain.errors import Invalid
from domain.places.fold import MAX_NAME, bigrams, search_key
from geo.lonlat import LonLat

MAX_ALIASES: Final = 20
_COLUMNS: Final = (
    "id",
    "kind",
    "name",
    "name_en",
    "aliases",
    "code",
    "search_key",
    "bigrams",
    "position",
    "precision_m",
    "source",
    "source_key",
    "created_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRecord:
    """One place of a gazetteer; ``key`` is its own key there, ``precision_m`` how far the real place may be from the position."""

    key: str
    kind: str
    name: str
    lonlat: LonLat
    precision_m: float
    aliases: tuple[str, ...] = ()
    name_en: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an import did: places now there, and how many of the source's earlier ones went."""

    places: int
    replaced: int


async def load(conn: Conn, records: Iterable[PlaceRecord], *, source: str, at: datetime) -> Loaded:
    """Replace the places of a source by these, in the caller's transaction.

    Raises Invalid for a name that is empty or too long, too many aliases, or a key that stands twice; nothing is kept then.
    """
    removed = await conn.execute("delete from places where source = %s", (source,))
    count = 0
    async with conn.cursor() as cursor, cursor.copy(f"copy places ({', '.join(_COLUMNS)}) from stdin") as copy:
        for row in _rows(records, source=source, at=at):
            await copy.write_row(row)
            count += 1
    return Loaded(places=count, replaced=removed.rowcount)


def _rows(records: Iterable[PlaceRecord], *, source: str, at: datetime) -> Iterator[tuple[object, ...]]:
    seen: set[str] = set()
    for record in records:
        key = search_key((record.name, *record.aliases, *((record.name_en,) if record.name_en else ())))
        if not key or len(record.name) > MAX_NAME or len(record.aliases) > MAX_ALIASES:
            raise Invalid(
                f"{record.key}: a place needs a name of 1 to {MAX_NAME} characters and at most {MAX_ALIASES} aliases",
                f"{record.key}：地名须为 1 到 {MAX_NAME} 个字符，别名不超过 {MAX_ALIASES} 个", field="name",
            )  # fmt: skip
        if record.key in seen:
            raise Invalid(f"key {record.key} stands twice in {source}", f"{source} 中的键 {record.key} 重复", field="key")
        seen.add(record.key)
        yield (
            new_id(), record.kind, record.name, record.name_en, list(record.aliases), record.code, key, bigrams(key),
            f"SRID=4326;POINT({record.lonlat.lon!r} {record.lonlat.lat!r})", record.precision_m, source, record.key, at,
        )  # fmt: skip
