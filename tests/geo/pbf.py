"""Write a minimal OpenStreetMap PBF file: nodes and ways with tags, as the format's specification says."""

import struct
import zlib
from pathlib import Path

Tags = dict[str, str]


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _zigzag(value: int) -> int:
    return (value << 1) ^ (value >> 63)


def _field(number: int, payload: bytes | int) -> bytes:
    if isinstance(payload, int):
        return _varint(number << 3) + _varint(payload)
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _blob(kind: bytes, message: bytes) -> bytes:
    blob = _field(2, len(message)) + _field(3, zlib.compress(message))
    header = _field(1, kind) + _field(3, len(blob))
    return struct.pack(">I", len(header)) + header + blob


def write(path: Path, nodes: dict[int, tuple[float, float, Tags]], ways: dict[int, tuple[list[int], Tags]]) -> None:
    """Write nodes (lon, lat, tags) and ways (node ids, tags)."""
    table: dict[str, int] = {"": 0}

    def index(text: str) -> int:
        return table.setdefault(text, len(table))

    def tags(of: Tags) -> bytes:
        keys = b"".join(_varint(index(k)) for k in of)
        values = b"".join(_varint(index(v)) for v in of.values())
        return (_field(2, keys) + _field(3, values)) if of else b""

    group = b""
    for id_, (lon, lat, of) in nodes.items():
        node = _varint(1 << 3) + _varint(_zigzag(id_)) + tags(of)
        node += _varint(8 << 3) + _varint(_zigzag(round(lat * 1e7))) + _varint(9 << 3) + _varint(_zigzag(round(lon * 1e7)))
        group += _field(1, node)
    way_group = b""
    for id_, (refs, of) in ways.items():
        deltas = [ref - before for ref, before in zip(refs, [0, *refs], strict=False)]
        way = _field(1, id_) + tags(of) + _field(8, b"".join(_varint(_zigzag(d)) for d in deltas))
        way_group += _field(3, way)
    strings = b"".join(_field(1, text.encode()) for text in table)
    block = _field(1, strings) + _field(2, group) + (_field(2, way_group) if ways else b"")
    header = _field(4, b"OsmSchema-V0.6")
    path.write_bytes(_blob(b"OSMHeader", header) + _blob(b"OSMData", block))
