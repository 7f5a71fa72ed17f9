"""Fast ways to write many rows: ids, instants and points as columns of text, and rows sent by COPY in large pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.base import Conn

Floats = NDArray[np.float64]
Instants = NDArray[np.datetime64]

NULL = "\\N"
ROWS_A_PIECE = 5_000
_RADIUS_M = 6_378_137.0

_PLAIN_INDEXES = """
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
where i.indrelid = %s::regclass and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
"""


def ids(instants: Instants, rng: np.random.Generator) -> list[str]:
    """Return a UUIDv7 in 32 hex digits for each instant."""
    raw = rng.integers(0, 256, (len(instants), 16), np.uint8)
    ms = instants.astype("datetime64[ms]").astype(np.int64)
    for byte in range(6):
        raw[:, byte] = (ms >> (40 - 8 * byte)) & 0xFF
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x70
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    return _hex(raw)


def hashes(count: int, rng: np.random.Generator) -> list[str]:
    """Return as many random 32-byte values as bytea text."""
    return ["\\\\x" + digits for digits in _hex(rng.integers(0, 256, (count, 32), np.uint8))]


def instants(values: Instants) -> list[str]:
    """Return instants as UTC timestamps to the second; NaT becomes NULL."""
    text = np.datetime_as_string(values.astype("datetime64[s]"))
    return [NULL if one == "NaT" else one + "Z" for one in text.tolist()]


def points(x: Floats, y: Floats, srid: int) -> list[str]:
    """Return points as EWKB in hex digits."""
    raw = np.empty((len(x), 25), np.uint8)
    raw[:, :9] = np.frombuffer(b"\x01" + (0x2000_0001).to_bytes(4, "little") + srid.to_bytes(4, "little"), np.uint8)
    raw[:, 9:17] = x.astype("<f8").view(np.uint8).reshape(-1, 8)
    raw[:, 17:25] = y.astype("<f8").view(np.uint8).reshape(-1, 8)
    return _hex(raw)


def mercator(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Project WGS 84 to EPSG:3857."""
    return np.radians(lon) * _RADIUS_M, np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)) * _RADIUS_M


def text(value: str) -> str:
    """Write a value so that COPY reads it back unchanged."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


async def copy(conn: Conn, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Send rows of COPY text (see ``text`` and NULL) and return how many there were."""
    count = 0
    async with conn.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as sent:
        rows = iter(rows)
        while piece := list(islice(rows, ROWS_A_PIECE)):
            await sent.write(("\n".join(map("\t".join, piece)) + "\n").encode())
            count += len(piece)
    return count


async def set_aside_indexes(conn: Conn, tables: Sequence[str]) -> list[str]:
    """Drop the plain indexes of tables that are empty, and return the statements that make them again.

    Sorting a month of rows once is several times faster than finding a place for each; with rows there already, nothing is dropped.
    """
    statements: list[str] = []
    for table in tables:
        found = await (await conn.execute(f"select exists (select from {table})")).fetchone()
        if found and found[0]:
            continue
        cursor = await conn.execute(_PLAIN_INDEXES, (table,))
        for name, definition in await cursor.fetchall():
            await conn.execute(f"drop index {name}")
            statements.append(definition)
    return statements


def _hex(raw: NDArray[np.uint8]) -> list[str]:
    digits, width = raw.tobytes().hex(), 2 * raw.shape[1]
    return [digits[i : i + width] for i in range(0, len(digits), width)]
