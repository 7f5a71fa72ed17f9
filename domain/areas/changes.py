"""What an import changes: today's areas of a layer held against the file, as a pure comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry

from domain.areas.tables import LEVELS
from domain.base import new_id
from domain.errors import Invalid

MAX_CODE = 64
MAX_NAME = 200


class AreaRecord(Protocol):
    """One area as a file or a generator gives it; geometry is a valid WGS 84 polygon or multipolygon."""

    @property
    def level(self) -> str: ...  # noqa: D102
    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def name_en(self) -> str | None: ...  # noqa: D102
    @property
    def parent_code(self) -> str | None: ...  # noqa: D102
    @property
    def geometry(self) -> BaseGeometry: ...  # noqa: D102
    @property
    def approximate(self) -> bool: ...  # noqa: D102
    @property
    def basis(self) -> str | None: ...  # noqa: D102
    @property
    def source(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Record:
    """The plain AreaRecord."""

    level: str
    code: str
    name: str
    geometry: BaseGeometry
    name_en: str | None = None
    parent_code: str | None = None
    approximate: bool = False
    basis: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """An area version in force: what the comparison needs of it."""

    version_id: UUID
    area_id: UUID
    facts: tuple[object, ...]
    wkb: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """A version to be written; ``is_new`` when its area did not exist before."""

    version_id: UUID
    area_id: UUID
    is_new: bool
    parent_id: UUID | None
    path: tuple[UUID, ...]
    record: AreaRecord
    wkb: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """The outcome: versions to write, versions to close because they are replaced or gone, and how many stay."""

    written: tuple[Written, ...]
    closed: tuple[UUID, ...]
    retired: int
    unchanged: int


def compare(
    known: Mapping[str, Known],
    parents: Mapping[str, tuple[UUID, tuple[UUID, ...]]],
    records: Sequence[AreaRecord],
) -> Changes:
    """Hold a whole layer's records (parents before children) against the versions in force, by code.

    ``parents`` gives (area id, path) of areas of other layers by code; a parent in the same file wins. An area whose
    code is no longer among the records is closed. Raises Invalid for a bad or doubled code, level, name or parent.
    """
    placed: dict[str, tuple[UUID, tuple[UUID, ...]]] = {}
    written: list[Written] = []
    closed: list[UUID] = []
    for number, record in enumerate(records, start=1):
        _check(record, number, placed)
        before = known.get(record.code)
        area_id = before.area_id if before else new_id()
        parent_id, parent_path = _parent(record, number, placed, parents)
        path = (*parent_path, area_id)
        placed[record.code] = (area_id, path)
        wkb = wkb_of(record.geometry)
        if before and before.wkb == wkb and before.facts == facts_of(record, parent_id, path):
            continue
        if before:
            closed.append(before.version_id)
        written.append(Written(new_id(), area_id, before is None, parent_id, path, record, wkb))
    gone = [version.version_id for code, version in known.items() if code not in placed]
    return Changes(tuple(written), (*closed, *gone), len(gone), len(records) - len(written))


def facts_of(record: AreaRecord, parent_id: UUID | None, path: Sequence[UUID]) -> tuple[object, ...]:
    """Give what else than the geometry makes a version differ."""
    return (
        record.level, record.name, record.name_en, parent_id, tuple(path), record.approximate, record.basis,
        record.source,
    )  # fmt: skip


def wkb_of(geometry: BaseGeometry) -> bytes:
    """Give the multipolygon's WKB as PostGIS's ST_AsBinary(geom, 'NDR') writes it, rings in one canonical order.

    Formats turn rings and begin them elsewhere; the same border must not look like a change.
    """
    multi = geometry if geometry.geom_type == "MultiPolygon" else shapely.multipolygons([geometry])
    return bytes(shapely.to_wkb(shapely.normalize(multi), output_dimension=2, byte_order=1))


def _check(record: AreaRecord, number: int, placed: Mapping[str, object]) -> None:
    where = f"records[{number}]"
    if not record.code or len(record.code) > MAX_CODE or record.code != record.code.strip():
        raise Invalid(
            f"area {number}: the code {record.code!r} is empty, padded or longer than {MAX_CODE} characters",
            f"第 {number} 个区域：编码 {record.code!r} 为空、带空格或超过 {MAX_CODE} 个字符",
            field=where,
        )
    if record.code in placed:
        raise Invalid(
            f"area {number}: the code {record.code} occurs twice",
            f"第 {number} 个区域：编码 {record.code} 重复",
            field=where,
        )
    if not record.name or len(record.name) > MAX_NAME:
        raise Invalid(
            f"area {record.code}: the name is empty or longer than {MAX_NAME} characters",
            f"区域 {record.code}：名称为空或超过 {MAX_NAME} 个字符",
            field=where,
        )
    if record.level not in LEVELS:
        raise Invalid(
            f"area {record.code}: unknown level {record.level!r}; use one of {', '.join(LEVELS)}",
            f"区域 {record.code}：未知级别 {record.level!r}",
            field=where,
        )


def _parent(
    record: AreaRecord,
    number: int,
    placed: Mapping[str, tuple[UUID, tuple[UUID, ...]]],
    parents: Mapping[str, tuple[UUID, tuple[UUID, ...]]],
) -> tuple[UUID | None, tuple[UUID, ...]]:
    if record.parent_code is None:
        return None, ()
    found = placed.get(record.parent_code) or parents.get(record.parent_code)
    if found is None:
        raise Invalid(
            f"area {record.code}: its parent {record.parent_code} is neither earlier in this import nor in the city",
            f"区域 {record.code}：上级 {record.parent_code} 既不在本次导入的前文中，也不在系统中",
            field=f"records[{number}]",
        )
    return found
