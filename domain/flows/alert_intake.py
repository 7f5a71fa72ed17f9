"""Detections come in: near ones become one alert, a new alert opens a case, all in the caller's one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import events
from domain.alerts import intake
from domain.alerts.intake import DetectionInput, Incident, NewDetection
from domain.base import Conn, new_id
from domain.cases import open as cases
from domain.errors import Conflict, DomainError, Invalid
from domain.flows import waking
from domain.flows.assignment import assign, case_of, read_position, receipt_of
from domain.flows.city import City, CityHolder
from domain.reports import submissions
from domain.reports.intake import check_instant
from domain.routing import receipts
from domain.routing.receipts import NewReceipt
from geo.lonlat import Position

MAX_ITEMS = 1000

_EARLIER = """
select d.detection_key, d.id, d.alert_id, a.case_id, c.number
from detections d join alerts a on a.id = d.alert_id join cases c on c.id = a.case_id
where d.device_id = %s and d.detection_key = any(%s)
"""
_EARLIER_RAISED = """
select d.id, d.alert_id, a.case_id, c.number
from detections d join alerts a on a.id = d.alert_id join cases c on c.id = a.case_id where d.id = %s
"""


@dataclass(frozen=True, slots=True)
class Detected:
    """A detection that is taken in; ``opened`` when it opened a case, ``repeated`` when it was known already."""

    detection_id: UUID
    alert_id: UUID
    case_id: UUID
    number: str
    repeated: bool
    opened: bool


@dataclass(slots=True)
class _Batch:
    """What one call gathers before it writes."""

    incidents: list[Incident]
    touched: dict[UUID, Incident]
    detections: dict[int, NewDetection]
    opened: dict[UUID, tuple[NewReceipt, cases.NewCase]]


async def detect(
    conn: Conn,
    holder: CityHolder,
    items: Sequence[DetectionInput],
    *,
    device_id: UUID | None,
    at: datetime,
    actor_id: UUID | None = None,
) -> list[Detected | DomainError]:
    """Take detections of one device (or of a person, who is ``actor_id``) in and give a result for each, in order.

    Two batches of one device are taken one after the other.
    """
    if len(items) > MAX_ITEMS:
        raise Invalid(f"at most {MAX_ITEMS} detections at once", f"一次最多提交 {MAX_ITEMS} 条", field="detections")
    city = await holder.current(conn, at=at)
    results: list[Detected | DomainError | None] = [None] * len(items)
    positions: dict[int, Position] = {}
    for i, item in enumerate(items):
        try:
            positions[i] = _accept(city, item)
        except DomainError as error:
            results[i] = error
    if device_id is not None:
        for i, known in (await _known(conn, device_id, items, positions)).items():
            results[i] = known
            del positions[i]
    _refuse_twins(items, positions, results)
    if positions:
        batch = await _gather(conn, city, items, positions)
        numbers = await _write(conn, city, batch, device_id, at, actor_id)
        for i, detection in batch.detections.items():
            incident = detection.incident
            first = incident.id in batch.opened and detection.id == _first_of(batch, incident)
            number = numbers.get(incident.case_id, incident.number)
            results[i] = Detected(detection.id, incident.id, incident.case_id, number, repeated=False, opened=first)
    return [result for result in results if result is not None]


async def raise_alert(
    conn: Conn, holder: CityHolder, submission_id: UUID, item: DetectionInput, *, at: datetime, actor_id: UUID | None = None
) -> Detected:
    """Take an alert a person raised in; the submission id makes a retry the same alert. Raises what refuses it."""
    digest = hashlib.sha256(repr((item.kind, item.lon, item.lat, item.datum, item.occurred_at.isoformat())).encode()).digest()
    reserved = new_id()
    if submission_id not in await submissions.register(conn, "alert", [(submission_id, reserved, digest)], at=at):
        earlier = await submissions.earlier(conn, "alert", submission_id, digest)
        row = await (await conn.execute(_EARLIER_RAISED, (earlier,))).fetchone()
        if row is None:
            raise Conflict("this submission was erased", "该提交已被删除", field="submissionId")
        return Detected(row[0], row[1], row[2], row[3], repeated=True, opened=False)
    (result,) = await detect(conn, holder, [item], device_id=None, at=at, actor_id=actor_id)
    if isinstance(result, DomainError):
        raise result
    await conn.execute("update submissions set result_id = %s where submission_id = %s", (result.detection_id, submission_id))
    return result


def _accept(city: City, item: DetectionInput) -> Position:
    intake.check(item)
    check_instant(item.occurred_at, "occurredAt")
    matter = city.routing.alert_matters.get(item.kind)
    if matter is None or not matter.enabled:
        known = ", ".join(sorted(city.routing.alert_matters))
        given = repr(item.kind[:40])
        raise Invalid(f"unknown kind of detection {given}; known: {known}", f"未知的检测类型 {given}", field="kind")
    return read_position(lon=item.lon, lat=item.lat, datum_name=item.datum, accuracy_m=item.accuracy_m, where="position")


async def _known(
    conn: Conn, device_id: UUID, items: Sequence[DetectionInput], positions: dict[int, Position]
) -> dict[int, Detected]:
    await conn.execute("select pg_advisory_xact_lock(hashtext('device'), hashtext(%s))", (str(device_id),))
    keys = {items[i].detection_key: i for i in positions}
    rows = await (await conn.execute(_EARLIER, (device_id, list(keys)))).fetchall()
    known = {key: Detected(own, alert, case, number, True, False) for key, own, alert, case, number in rows}
    return {i: known[items[i].detection_key] for i in positions if items[i].detection_key in known}


def _refuse_twins(
    items: Sequence[DetectionInput], positions: dict[int, Position], results: list[Detected | DomainError | None]
) -> None:
    seen: set[str] = set()
    for i in list(positions):
        if items[i].detection_key in seen:
            results[i] = Conflict("the same key occurs twice in this batch", "批次中检测编号重复", field="key")
            del positions[i]
        seen.add(items[i].detection_key)


async def _gather(
    conn: Conn, city: City, items: Sequence[DetectionInput], positions: dict[int, Position]
) -> _Batch:
    wanted = [(items[i].kind, position.lonlat, items[i].occurred_at) for i, position in positions.items()]
    batch = _Batch(await intake.incidents_near(conn, wanted), {}, {}, {})
    for i in sorted(positions, key=lambda i: (items[i].occurred_at, i)):
        item, position = items[i], positions[i]
        incident = next((one for one in batch.incidents if one.takes(item.kind, position.lonlat, item.occurred_at)), None)
        if incident is None:
            incident = _open(city, batch, item, position)
        incident.add(item)
        batch.touched[incident.id] = incident
        batch.detections[i] = NewDetection(new_id(), item, position, incident)
    return batch


def _open(city: City, batch: _Batch, item: DetectionInput, position: Position) -> Incident:
    matter = city.routing.alert_matters[item.kind]
    assigned = assign(city, position, matter)
    alert_id = new_id()
    receipt = receipt_of(city.areas, assigned, subject_kind="alert", subject_id=alert_id)
    case = case_of(assigned, origin="alert", title=matter.name, receipt_id=receipt.id)
    incident = Incident(
        id=alert_id, case_id=case.id, kind=item.kind, lonlat=position.lonlat, first_at=item.occurred_at,
        last_at=item.occurred_at, detection_count=0, confidence=item.confidence, number="", area_ids=case.area_ids,
        department_id=case.department_id, is_new=True,
    )  # fmt: skip
    batch.opened[alert_id] = (receipt, case)
    batch.incidents.insert(0, incident)
    return incident


def _first_of(batch: _Batch, incident: Incident) -> UUID:
    return min(
        (one for one in batch.detections.values() if one.incident is incident), key=lambda one: one.given.occurred_at
    ).id


async def _write(
    conn: Conn, city: City, batch: _Batch, device_id: UUID | None, at: datetime, actor_id: UUID | None
) -> dict[UUID, str]:
    opened = list(batch.opened.values())
    await receipts.write(conn, [receipt for receipt, _ in opened], at=at)
    numbers = await cases.open_cases(conn, [case for _, case in opened], at=at, calendar=city.calendar) if opened else []
    await intake.write(conn, list(batch.detections.values()), list(batch.touched.values()), device_id=device_id, at=at)
    happened = [_event(one, at, actor_id) for one in batch.touched.values()]
    await events.record(conn, happened)
    await waking.wake(conn, happened, at=at)
    return {case.id: number for (_, case), number in zip(opened, numbers, strict=True)}


def _event(one: Incident, at: datetime, actor_id: UUID | None) -> events.Event:
    return events.Event(
        kind="case.opened" if one.is_new else "case.joined",
        subject_kind="case",
        subject_id=one.case_id,
        at=at,
        area_ids=one.area_ids,
        department_ids=[one.department_id] if one.department_id else [],
        actor_id=actor_id,
    )
