"""Taking detections in: what makes one acceptable, and which open alert it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.base import Conn
from domain.errors import Invalid
from geo import cells
from geo.lonlat import LonLat, Position, distance_m

CELL_RESOLUTION: Final = 9
# A cell of this resolution has an edge of some 200 m, so one ring of neighbours holds everything this near.
MERGE_WITHIN_M: Final = 100.0
MERGE_WITHIN: Final = timedelta(minutes=10)
MAX_EVIDENCE_BYTES: Final = 4096
MAX_KEY: Final = 200

_OPEN_ALERTS = """
select a.id, a.case_id, a.kind, st_x(a.position), st_y(a.position), a.first_at, a.last_at, a.detection_count, a.confidence,
       c.number, c.area_ids, c.department_id
from alerts a join cases c on c.id = a.case_id
where a.kind = any(%(kinds)s) and a.cell = any(%(cells)s) and c.closed_at is null
  and a.last_at >= %(from)s and a.first_at <= %(to)s
order by a.last_at desc, a.id
"""
_ALERTS = """
insert into alerts (id, kind, case_id, position, cell, first_at, last_at, detection_count, confidence)
values (%s, %s, %s, st_point(%s, %s, 4326), %s, %s, %s, %s, %s)
"""
_GROW = "update alerts set first_at = %s, last_at = %s, detection_count = %s, confidence = %s where id = %s"
_DETECTIONS = """
insert into detections (id, device_id, detection_key, alert_id, kind, confidence, position, raw_lon, raw_lat, datum,
                        accuracy_m, occurred_at, received_at, evidence)
values (%s, %s, %s, %s, %s, %s, st_point(%s, %s, 4326), %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionInput:
    """A detection as a door hands it over; ``detection_key`` is the sender's own id of it."""

    detection_key: str
    kind: str
    confidence: float
    lon: float
    lat: float
    datum: str
    accuracy_m: float | None
    occurred_at: datetime
    evidence: Mapping[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Incident:
    """An alert while detections are gathered into it."""

    id: UUID
    case_id: UUID
    kind: str
    lonlat: LonLat
    first_at: datetime
    last_at: datetime
    detection_count: int
    confidence: float
    number: str
    area_ids: Sequence[UUID]
    department_id: UUID | None
    is_new: bool

    def takes(self, kind: str, lonlat: LonLat, at: datetime) -> bool:
        """Tell whether a detection of a kind, there and then, is this incident."""
        return (
            kind == self.kind
            and self.first_at - MERGE_WITHIN <= at <= self.last_at + MERGE_WITHIN
            and distance_m(self.lonlat, lonlat) <= MERGE_WITHIN_M
        )

    def add(self, given: DetectionInput) -> None:
        """Count one more detection in."""
        self.first_at = min(self.first_at, given.occurred_at)
        self.last_at = max(self.last_at, given.occurred_at)
        self.detection_count += 1
        self.confidence = max(self.confidence, given.confidence)


@dataclass(frozen=True, slots=True)
class NewDetection:
    """A detection about to be written."""

    id: UUID
    given: DetectionInput
    position: Position
    incident: Incident


def check(given: DetectionInput) -> None:
    """Raise Invalid, naming the field, when a detection cannot be accepted whatever its place."""
    if not given.detection_key or len(given.detection_key) > MAX_KEY or "\x00" in given.detection_key:
        raise Invalid(f"a detection key has 1 to {MAX_KEY} characters", f"检测编号须为 1 至 {MAX_KEY} 个字符", field="key")
    if not 0.0 <= given.confidence <= 1.0:
        raise Invalid("confidence lies between 0 and 1", "置信度须在 0 与 1 之间", field="confidence")
    if given.evidence is not None and len(json.dumps(given.evidence)) > MAX_EVIDENCE_BYTES:
        raise Invalid(f"evidence is larger than {MAX_EVIDENCE_BYTES} bytes", "证据数据过大", field="evidence")


async def incidents_near(conn: Conn, wanted: Sequence[tuple[str, LonLat, datetime]]) -> list[Incident]:
    """List the open alerts that detections (kind, place, instant) might belong to, latest first.

    The kinds are locked first, in order, so that two batches cannot both open the same incident.
    """
    kinds = sorted({kind for kind, _, _ in wanted})
    for kind in kinds:
        await conn.execute("select pg_advisory_xact_lock(hashtext('alert'), hashtext(%s))", (kind,))
    around = {int(c) for _, place, _ in wanted for c in cells.neighbours(cells.cell(place, CELL_RESOLUTION), 1)}
    instants = [at for _, _, at in wanted]
    cursor = await conn.execute(
        _OPEN_ALERTS,
        {"kinds": kinds, "cells": list(around), "from": min(instants) - MERGE_WITHIN, "to": max(instants) + MERGE_WITHIN},
    )
    return [
        Incident(
            id=row[0], case_id=row[1], kind=row[2], lonlat=LonLat(lon=row[3], lat=row[4]), first_at=row[5], last_at=row[6],
            detection_count=row[7], confidence=row[8], number=row[9], area_ids=row[10], department_id=row[11], is_new=False,
        )
        for row in await cursor.fetchall()
    ]  # fmt: skip


async def write(
    conn: Conn,
    detections: Sequence[NewDetection],
    incidents: Sequence[Incident],
    *,
    device_id: UUID | None,
    at: datetime,
) -> None:
    """Write new incidents, grow known ones, and write the detections, in the caller's transaction."""
    async with conn.cursor() as cursor:
        await cursor.executemany(_ALERTS, [_alert_row(one) for one in incidents if one.is_new])
        grown = [(i.first_at, i.last_at, i.detection_count, i.confidence, i.id) for i in incidents if not i.is_new]
        await cursor.executemany(_GROW, grown)
        await cursor.executemany(_DETECTIONS, [_detection_row(one, device_id, at) for one in detections])


def _alert_row(one: Incident) -> tuple[object, ...]:
    return (
        one.id, one.kind, one.case_id, one.lonlat.lon, one.lonlat.lat, cells.cell(one.lonlat, CELL_RESOLUTION),
        one.first_at, one.last_at, one.detection_count, one.confidence,
    )  # fmt: skip


def _detection_row(one: NewDetection, device_id: UUID | None, at: datetime) -> tuple[object, ...]:
    given, position = one.given, one.position
    return (
        one.id, device_id, given.detection_key, one.incident.id, given.kind, given.confidence, position.lonlat.lon,
        position.lonlat.lat, position.raw_lon, position.raw_lat, str(position.datum_declared), position.accuracy_m,
        given.occurred_at, at, Jsonb(given.evidence) if given.evidence is not None else None,
    )  # fmt: skip
