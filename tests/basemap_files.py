"""Background maps as files, for tests: a small PMTiles (version 3) and a small MBTiles, with tiles of one colour each."""

import gzip
import io
import json
import math
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from PIL import Image

# Around 新余, and farther than the city reaches.
WEST, SOUTH, EAST, NORTH = 113.5, 26.5, 116.5, 29.0
Tile = tuple[int, int, int]


def picture(colour: tuple[int, int, int]) -> bytes:
    """Return a PNG tile of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(file, "PNG")
    return file.getvalue()


def tiles(zooms: range) -> Iterator[Tile]:
    """List z, x, y (from the north) of the tiles around the city."""
    for z in zooms:
        west, north = tile_at(z, WEST, NORTH)
        east, south = tile_at(z, EAST, SOUTH)
        yield from ((z, x, y) for x in range(west, east + 1) for y in range(north, south + 1))


def tile_at(z: int, lon: float, lat: float) -> tuple[int, int]:
    """Return x and y of the tile that holds a place."""
    mercator = math.asinh(math.tan(math.radians(lat)))
    return int((lon + 180) / 360 * 2**z), int((1 - mercator / math.pi) / 2 * 2**z)


def water() -> bytes:
    """Return a vector tile (MVT) that is nothing but water."""
    # Move to the corner, a line over the other three, close the ring; then wrapped as feature, layer and tile.
    ring = b"".join(map(_varint, [9, 0, 0, 26, 8192, 0, 0, 8192, 8191, 0, 15]))
    feature = b"\x18\x03" + _field(4, ring)
    return _field(3, b"\x78\x02" + _field(1, b"water") + _field(2, feature) + b"\x28" + _varint(4096))


def write_pmtiles(path: Path, data: bytes, *, zooms: range, vector: bool = False) -> None:
    """Write an archive whose tiles are all the same: directory and metadata gzipped, the tile as it is."""
    ids = sorted(_hilbert(*tile) for tile in tiles(zooms))
    directory = [len(ids), *(at - before for before, at in zip([0, *ids], ids, strict=False)), *[1] * len(ids), *[len(data)] * len(ids)]
    # An offset is written plus one; zero would mean right behind the tile before.
    root = gzip.compress(b"".join(map(_varint, [*directory, *[1] * len(ids)])))
    metadata = gzip.compress(json.dumps({"name": "test", "vector_layers": [{"id": "water", "fields": {}}]}).encode())
    end = 127 + len(root) + len(metadata)
    places = (127, len(root), 127 + len(root), len(metadata), end, 0, end, len(data))
    counts = (len(ids), len(ids), 1)
    box = (round(degrees * 1e7) for degrees in (WEST, SOUTH, EAST, NORTH))
    middle = (round((WEST + EAST) / 2 * 1e7), round((SOUTH + NORTH) / 2 * 1e7))
    gzipped, plain, mvt, png = 2, 1, 1, 2
    kinds = (True, gzipped, plain, mvt if vector else png, zooms[0], zooms[-1])
    header = struct.pack("<7sB8Q3Q?5B4iB2i", b"PMTiles", 3, *places, *counts, *kinds, *box, zooms[0], *middle)
    assert len(header) == 127
    assert len(header) + len(root) <= 16_384
    path.write_bytes(header + root + metadata + data)


def write_mbtiles(path: Path, pictures: Mapping[Tile, bytes], **metadata: str) -> None:
    """Write tiles (rows given from the north, stored from the south) and what the file says of itself."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("create table metadata (name text, value text)")
        file.execute("create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
        file.execute("create unique index tile_index on tiles (zoom_level, tile_column, tile_row)")
        file.executemany("insert into metadata values (?, ?)", metadata.items())
        file.executemany("insert into tiles values (?, ?, ?, ?)", [(z, x, 2**z - 1 - y, data) for (z, x, y), data in pictures.items()])


def _hilbert(z: int, x: int, y: int) -> int:
    at = ((1 << 2 * z) - 1) // 3
    side = (1 << z) >> 1
    while side:
        right, low = int(x & side > 0), int(y & side > 0)
        at += side * side * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        side //= 2
    return at


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
