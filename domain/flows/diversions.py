"""Hand-overs of hotlines and of 110: taken in once, opened as a case when the place is known, else kept until somebody knows it.

A caller names an address, not a position. Where the search is sure, the case opens at once; where it is not, the hand-over waits
with its candidates, because a case at a false point sends people to the wrong street. The clock counts from the hand-over in
either event. What is not ours goes back with a reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain import events
from domain.base import Conn, new_id
from domain.connectors.clients import Client
from domain.deliveries import sealing
from domain.errors import Conflict, DomainError, Invalid, NotFound
from domain.flows import address, report_intake
from domain.flows.address import Found
from domain.flows.assignment import read_position
from domain.flows.city import City, CityHolder
from domain.people.scope import Actor, scope_for
from domain.reports import intake
from domain.reports.intake import ReportInput
from geo.lonlat import LonLat

MAX_WORD: Final = 100
MAX_ADDRESS: Final = 300
MAX_REASON: Final = 1000
OLDEST: Final = timedelta(days=31)
PERMISSION: Final = "case.file"

_INSERT = """
insert into diversions (id, client_id, external_number, diverted_from, handover_at, received_at, content_hash, state, matter_id,
                        description, address_text, candidates, area_ids, sealed_contact)
values (%(id)s, %(client)s, %(number)s, %(diverted_from)s, %(handover_at)s, %(at)s, %(hash)s, 'needs_place', %(matter)s,
        %(description)s, %(address)s, %(candidates)s, %(areas)s, %(contact)s)
"""
_ACCEPT = """
update diversions set state = 'accepted', accepted_at = %(at)s, report_id = %(report)s, position = st_point(%(lon)s, %(lat)s, 4326),
    accuracy_m = %(accuracy)s, datum = %(datum)s, place_name = %(name)s, place_confidence = %(confidence)s, placed_by = %(by)s,
    sealed_contact = null, area_ids = (select area_ids from cases where id = %(case)s)
where id = %(id)s
"""
_KEPT = "select v.*, k.source from diversions v join connector_clients k on k.id = v.client_id where v.id = %s"
_STATUS = """
select v.id, v.external_number, v.diverted_from, v.handover_at, v.received_at, v.accepted_at, v.candidates, c.number as case_number,
       c.state as case_state, c.due_at, c.closed_at, d.name as department,
       case when c.state = 'rejected' then 'returned' else v.state end as state,
       case when c.state = 'rejected' then c.closed_at else v.returned_at end as returned_at,
       case when c.state = 'rejected' then
            (select t.reason from case_transitions t where t.case_id = c.id and t.to_state = 'rejected' order by t.at desc limit 1)
       else v.returned_reason end as returned_reason
from diversions v left join reports r on r.id = v.report_id left join cases c on c.id = r.case_id
left join departments d on d.id = c.department_id
where v.client_id = %s and (v.id = %s or v.external_number = %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A position as the sender knows it."""

    lon: float
    lat: float
    datum: str
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiversionInput:
    """A hand-over as it came through a door; ``external_number`` is the sender's own and names it for ever."""

    external_number: str
    diverted_from: str
    handover_at: datetime
    description: str
    matter_id: UUID | None = None
    address_text: str | None = None
    position: Given | None = None
    contact_name: str | None = None
    contact_phone: str | None = None

    def digest(self) -> bytes:
        """Hash the content, so that one number cannot stand for two hand-overs."""
        content = (
            self.diverted_from, self.handover_at.isoformat(), self.description, self.matter_id, self.address_text, self.position,
            self.contact_name, self.contact_phone,
        )  # fmt: skip
        return hashlib.sha256(repr(content).encode()).digest()


@dataclass(frozen=True, slots=True)
class Diverted:
    """What became of a hand-over just now; ``number`` and ``tracking_code`` once a case is open."""

    id: UUID
    number: str | None
    tracking_code: str | None
    report_id: UUID | None
    repeated: bool


async def take(conn: Conn, holder: CityHolder, client: Client, given: DiversionInput, *, at: datetime, secret: bytes) -> Diverted:
    """Take a hand-over in; sent again it is the same one. Raises Invalid, or Conflict for a number used for something else."""
    check(given, at)
    await conn.execute("select pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", (str(client.id), given.external_number))
    if (earlier := await _earlier(conn, client, given)) is not None:
        return earlier
    city = await holder.current(conn, at=at)
    _check_matter(city, given.matter_id)
    looked = await address.look(conn, given.address_text, at=at) if given.address_text and not given.position else address.Looked(None, [])
    found = looked.found
    if given.position is not None:
        there = read_position(
            lon=given.position.lon, lat=given.position.lat, datum_name=given.position.datum, accuracy_m=given.position.accuracy_m,
            where="position",
        )  # fmt: skip
        found = Found(given.address_text or "", there.lonlat, given.position.accuracy_m or 0.0, 1.0)
    diversion_id = new_id()
    areas = _areas_of(city, [LonLat(lon=one.lonlat[0], lat=one.lonlat[1]) for one in looked.candidates])
    contact = {"name": given.contact_name or "", "phone": given.contact_phone or ""} if given.contact_name or given.contact_phone else None
    values = {
        "id": diversion_id, "client": client.id, "number": given.external_number, "diverted_from": given.diverted_from,
        "handover_at": min(given.handover_at, at), "at": at, "hash": given.digest(), "matter": given.matter_id,
        "description": given.description, "address": given.address_text, "candidates": Jsonb(looked.as_json()),
        "areas": areas,
        "contact": sealing.seal(secret, _name(diversion_id), contact) if contact else None,
    }  # fmt: skip
    await conn.execute(_INSERT, values)
    if found is not None:
        return await _open(conn, holder, diversion_id, found, given.position, by=None, at=at, secret=secret)
    await events.record(conn, [_event("diversion.waiting", diversion_id, areas, None, at)])
    return Diverted(diversion_id, None, None, None, repeated=False)


async def place(
    conn: Conn, holder: CityHolder, actor: Actor | None, diversion_id: UUID, chosen: Given, *, name: str, at: datetime, secret: bytes
) -> Diverted:
    """Say where a waiting hand-over is and open its case. Raises Forbidden, NotFound, or Conflict when it waits no more."""
    row = await _waiting(conn, actor, diversion_id)
    there = read_position(lon=chosen.lon, lat=chosen.lat, datum_name=chosen.datum, accuracy_m=chosen.accuracy_m, where="position")
    if len(name) > MAX_ADDRESS or "\0" in name:
        raise Invalid(f"a place's name has at most {MAX_ADDRESS} characters", f"地点名称不得超过 {MAX_ADDRESS} 个字", field="name")
    found = Found(name or row["address_text"] or "", there.lonlat, chosen.accuracy_m or 0.0, 1.0)
    return await _open(conn, holder, diversion_id, found, chosen, by=actor, at=at, secret=secret)


async def give_back(conn: Conn, actor: Actor | None, diversion_id: UUID, reason: str, *, at: datetime) -> None:
    """Return a waiting hand-over that is not ours. Raises Forbidden, NotFound, Conflict, or Invalid without a reason."""
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON or "\0" in reason:
        raise Invalid(f"say why in 1 to {MAX_REASON} characters", f"请用 1 至 {MAX_REASON} 个字说明退回理由", field="reason")
    row = await _waiting(conn, actor, diversion_id)
    by = actor.user_id if actor else None
    await conn.execute(
        "update diversions set state = 'returned', returned_at = %s, returned_reason = %s, returned_by = %s, sealed_contact = null"
        " where id = %s",
        (at, reason, by, diversion_id),
    )
    await events.record(conn, [_event("diversion.returned", diversion_id, row["area_ids"], by, at)])


async def status(conn: Conn, client_id: UUID, asked: str) -> Mapping[str, Any]:
    """Tell the sender how far a hand-over is, by our id or their number; a case we rejected counts as returned. Raises NotFound."""
    try:
        diversion_id = UUID(asked)
    except ValueError:
        diversion_id = None
    async with conn.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(_STATUS, (client_id, diversion_id, asked))).fetchone()
    if row is None:
        raise NotFound("there is no such hand-over of yours", "没有您移交的该事项", field="id")
    return row


def check(given: DiversionInput, at: datetime) -> None:
    """Raise Invalid, naming the field, when a hand-over cannot be accepted whatever its place."""
    for field, value, least in (("externalNumber", given.external_number, 1), ("divertedFrom", given.diverted_from, 1)):
        if not least <= len(value.strip()) <= MAX_WORD or "\0" in value:
            raise Invalid(f"{field} is a text of 1 to {MAX_WORD} characters", f"{field} 须为 1 至 {MAX_WORD} 个字符", field=field)
    if given.address_text is not None and (len(given.address_text) > MAX_ADDRESS or "\0" in given.address_text):
        raise Invalid(f"address has at most {MAX_ADDRESS} characters", f"地址不得超过 {MAX_ADDRESS} 个字", field="address")
    if given.handover_at.tzinfo is not None and given.handover_at < at - OLDEST:
        raise Invalid(f"handoverAt is more than {OLDEST.days} days ago", f"移交时间早于 {OLDEST.days} 天前", field="handoverAt")
    intake.check(_report(new_id(), "hotline", given, LonLat(lon=0.0, lat=0.0), None, given.handover_at))


async def _earlier(conn: Conn, client: Client, given: DiversionInput) -> Diverted | None:
    cursor = await conn.execute(
        "select v.id, v.content_hash, v.report_id, c.number from diversions v left join reports r on r.id = v.report_id"
        " left join cases c on c.id = r.case_id where v.client_id = %s and v.external_number = %s",
        (client.id, given.external_number),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if bytes(row[1]) != given.digest():
        message = "this number was already used for another hand-over; use a new one, or send the same content"
        raise Conflict(message, "该外部编号已用于其他移交内容", field="externalNumber")
    return Diverted(row[0], row[3], None, row[2], repeated=True)


async def _waiting(conn: Conn, actor: Actor | None, diversion_id: UUID) -> Mapping[str, Any]:
    scope = scope_for(actor, PERMISSION)
    async with conn.cursor(row_factory=dict_row) as cursor:
        found = await cursor.execute("select state, area_ids, address_text from diversions where id = %s for update", (diversion_id,))
        row = await found.fetchone()
    if row is None or not scope.allows(row["area_ids"], ()):
        raise NotFound("there is no such hand-over in your remit", "您的管辖范围内没有该移交事项", field="id")
    if row["state"] != "needs_place":
        raise Conflict("this hand-over does not wait any more", "该移交事项已处理", field="id")
    return row


async def _open(
    conn: Conn, holder: CityHolder, diversion_id: UUID, found: Found, given: Given | None, *, by: Actor | None, at: datetime, secret: bytes
) -> Diverted:
    async with conn.cursor(row_factory=dict_row) as cursor:
        (kept,) = await (await cursor.execute(_KEPT, (diversion_id,))).fetchall()
    contact = sealing.unseal(secret, _name(diversion_id), bytes(kept["sealed_contact"])) if kept["sealed_contact"] else {}
    told = DiversionInput(
        external_number=kept["external_number"], diverted_from=kept["diverted_from"], handover_at=kept["handover_at"],
        description=kept["description"], matter_id=kept["matter_id"], address_text=kept["address_text"], position=given,
        contact_name=contact.get("name") or None, contact_phone=contact.get("phone") or None,
    )  # fmt: skip
    item = _report(diversion_id, kept["source"], told, found.lonlat, found.accuracy_m or None, kept["handover_at"])
    # The city of now, read before the intake asks for it: only the clock begins at the hand-over, not the boundaries.
    await holder.current(conn, at=at)
    (result,) = await report_intake.submit(conn, holder, [item], at=kept["handover_at"], secret=secret)
    if isinstance(result, DomainError):
        raise result
    values = {
        "id": diversion_id, "at": at, "report": result.report_id, "case": result.case_id, "lon": found.lonlat.lon, "lat": found.lonlat.lat,
        "accuracy": found.accuracy_m, "datum": given.datum if given else None, "name": found.name or None,
        "confidence": None if by else found.confidence, "by": by.user_id if by else None,
    }  # fmt: skip
    await conn.execute(_ACCEPT, values)
    if by is not None:
        await events.record(conn, [_event("diversion.placed", diversion_id, kept["area_ids"], by.user_id, at)])
    return Diverted(diversion_id, result.number, result.tracking_code, result.report_id, repeated=False)


def _report(
    submission_id: UUID, source: str, given: DiversionInput, lonlat: LonLat, accuracy_m: float | None, occurred_at: datetime
) -> ReportInput:
    there = given.position  # kept as the sender gave it, so that the raw numbers and their datum stay together
    return ReportInput(
        submission_id=submission_id, source=source, matter_id=given.matter_id, description=given.description,
        lon=there.lon if there else lonlat.lon, lat=there.lat if there else lonlat.lat, datum=there.datum if there else "WGS84",
        accuracy_m=there.accuracy_m if there else accuracy_m, occurred_at=occurred_at, contact_name=given.contact_name,
        contact_phone=given.contact_phone,
    )  # fmt: skip


def _check_matter(city: City, matter_id: UUID | None) -> None:
    if matter_id is not None and ((matter := city.routing.matters.get(matter_id)) is None or not matter.enabled):
        raise Invalid("there is no such matter in the catalogue", "目录中没有该事项", field="matterId")


def _areas_of(city: City, points: Sequence[LonLat]) -> list[UUID]:
    """Give the areas of all candidates; without any, the city's own, so that somebody sees it."""
    areas = city.areas
    found = dict.fromkeys(area for point in points for area in areas.seen_from(point, areas.owners_at(point)))
    return list(found or dict.fromkeys(areas.city_ids))


def _event(kind: str, diversion_id: UUID, area_ids: Sequence[UUID], actor_id: UUID | None, at: datetime) -> events.Event:
    return events.Event(kind=kind, subject_kind="diversion", subject_id=diversion_id, at=at, area_ids=area_ids, actor_id=actor_id)


def _name(diversion_id: UUID) -> str:
    return f"diversion {diversion_id}"
