"""Reads vector tiles (Mapbox Vector Tile 2.1) far enough to test what is in them: layers, properties, geometry."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Feature:
    kind: int  # 1 point, 2 line, 3 polygon
    properties: dict[str, Any]
    parts: list[list[tuple[int, int]]] = field(default_factory=list)


@dataclass
class Layer:
    extent: int
    features: list[Feature]

    def by(self, key: str) -> dict[Any, Feature]:
        return {feature.properties[key]: feature for feature in self.features}


def read(tile: bytes) -> dict[str, Layer]:
    layers = {}
    for number, value in _fields(tile):
        assert number == 3
        name, layer = _layer(value)
        layers[name] = layer
    return layers


def _layer(data: bytes) -> tuple[str, Layer]:
    name, extent = "", 4096
    keys: list[str] = []
    values: list[Any] = []
    raw: list[bytes] = []
    for number, value in _fields(data):
        if number == 1:
            name = value.decode()
        elif number == 2:
            raw.append(value)
        elif number == 3:
            keys.append(value.decode())
        elif number == 4:
            values.append(_value(value))
        elif number == 5:
            extent = value
    return name, Layer(extent, [_feature(one, keys, values) for one in raw])


def _feature(data: bytes, keys: list[str], values: list[Any]) -> Feature:
    parts = dict(_fields(data))
    tags = list(_varints(parts.get(2, b"")))
    properties = {keys[tags[i]]: values[tags[i + 1]] for i in range(0, len(tags), 2)}
    return Feature(parts[3], properties, _geometry(list(_varints(parts[4]))))


def _geometry(commands: list[int]) -> list[list[tuple[int, int]]]:
    parts: list[list[tuple[int, int]]] = []
    x = y = i = 0
    while i < len(commands):
        command, count = commands[i] & 7, commands[i] >> 3
        i += 1
        if command == 7:
            parts[-1].append(parts[-1][0])
            continue
        for _ in range(count):
            x, y = x + _signed(commands[i]), y + _signed(commands[i + 1])
            i += 2
            if command == 1:
                parts.append([])
            parts[-1].append((x, y))
    return parts


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _value(data: bytes) -> Any:
    ((number, value),) = _fields(data)
    if number == 1:
        return value.decode()
    if number in (2, 3):
        return struct.unpack("<f" if number == 2 else "<d", value)[0]
    return {4: value, 5: value, 6: _signed(value) if number == 6 else 0, 7: bool(value)}[number]


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    i = 0
    while i < len(data):
        key, i = _varint(data, i)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, i = _varint(data, i)
            yield number, value
        else:
            length, i = _varint(data, i) if wire == 2 else ({1: 8, 5: 4}[wire], i)
            yield number, data[i : i + length]
            i += length


def _varints(data: bytes) -> Iterator[int]:
    i = 0
    while i < len(data):
        value, i = _varint(data, i)
        yield value


def _varint(data: bytes, i: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[i]
        value |= (byte & 0x7F) << shift
        i, shift = i + 1, shift + 7
        if byte < 0x80:
            return value, i
