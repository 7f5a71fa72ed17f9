"""A request comes in through Open311: place found, then the same intake as every other report.

The spec has no id made by the client, so a resend is known by its Idempotency-Key for ever, or by its content for a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.base import Conn, new_id
from domain.connectors import open311
from domain.connectors.clients import Client
from domain.connectors.open311 import Service
from domain.errors import Conflict, DomainError, Invalid, NotFound
from domain.flows import address, diversions, report_intake
from domain.flows.city import CityHolder
from domain.flows.diversions import DiversionInput
from domain.reports.intake import ReportInput, tracking_code

SAME_CONTENT: Final = timedelta(days=1)
MAX_DESCRIPTION: Final = 4000
CONDITION: Final = "CONDITION"

_EARLIER = """
select p.id, p.content_hash, coalesce(p.diversion_id, p.id), c.number from open311_posts p
left join diversions v on v.id = p.diversion_id left join reports r on r.id = coalesce(p.report_id, v.report_id)
left join cases c on c.id = r.case_id
where p.client_id = %(client)s and p.resend_hash = %(resend)s and (%(keyed)s or p.at > %(since)s) order by p.at desc limit 1
"""
_INSERT = """
insert into open311_posts (id, client_id, resend_hash, content_hash, report_id, diversion_id, media_url, at)
values (%(id)s, %(client)s, %(resend)s, %(content)s, %(report)s, %(diversion)s, %(media_url)s, %(at)s)
"""
_STANDS_FOR = """
select c.number from open311_posts p left join diversions v on v.id = p.diversion_id
left join reports r on r.id = coalesce(p.report_id, v.report_id) left join cases c on c.id = r.case_id where p.id = %s
"""


class UnclearAddress(Invalid):
    """An address that may mean several places, or one only roughly; ``candidates`` says which."""

    code = "unclear_address"

    def __init__(self, candidates: Sequence[Mapping[str, Any]]) -> None:
        # An area has no address_id: its middle would be a false point.
        listed = "; ".join(one["name"] + (f" [address_id={one['id']}]" if one["is_point"] else "") for one in candidates)
        super().__init__(
            f"the address does not say precisely enough where; send lat and long, or one of these as address_id: {listed or 'none found'}",
            f"地址不够明确，请提供经纬度，或从以下地点中选择 address_id：{listed or '未找到'}",
            field="address_string",
        )
        self.candidates = candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came through the door, its photo already stored."""

    service_code: str
    description: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: str = "WGS84"
    address_string: str = ""
    address_id: str = ""
    condition: str = ""
    contact_name: str | None = None
    contact_phone: str | None = None
    media_url: str | None = None
    photo_claim: str | None = None
    photo_hash: str = ""
    wait_for_place: bool = False

    def digest(self) -> bytes:
        """Hash the content; the photo by its pixels, since each upload has another claim."""
        content = tuple(getattr(self, name) for name in self.__slots__ if name != "photo_claim")
        return hashlib.sha256(repr(content).encode()).digest()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request: its number, or a token while it waits for a place."""

    number: str | None
    token: UUID
    tracking_code: str | None
    repeated: bool


async def post(
    conn: Conn, holder: CityHolder, client: Client, given: Request, *, resend_key: str | None, at: datetime, secret: bytes
) -> Taken:
    """Take a request in. Raises NotFound for an unknown service, UnclearAddress, Invalid, Conflict for a key used before."""
    content = given.digest()
    resend = hashlib.sha256(f"key:{resend_key}".encode()).digest() if resend_key else content
    await conn.execute("select pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", (str(client.id), resend.hex()))
    values = {"client": client.id, "resend": resend, "keyed": resend_key is not None, "since": at - SAME_CONTENT}
    row = await (await conn.execute(_EARLIER, values)).fetchone()
    if row is not None:
        if bytes(row[1]) != content:
            message = "this Idempotency-Key was used for another request"
            raise Conflict(message, "该 Idempotency-Key 已用于其他内容", field="Idempotency-Key")
        return Taken(row[3], row[0], tracking_code(row[2], secret) if row[3] else None, repeated=True)
    service = await service_of(conn, given.service_code)
    post_id = new_id()
    report_id, diversion_id, taken = await _take(conn, holder, client, given, service, post_id, at=at, secret=secret)
    await conn.execute(
        _INSERT,
        {
            "id": post_id, "client": client.id, "resend": resend, "content": content, "report": report_id, "diversion": diversion_id,
            "media_url": given.media_url, "at": at,
        },
    )  # fmt: skip
    return taken


async def number_of(conn: Conn, token: UUID) -> str | None:
    """Give the number of the request a token stands for, None while it waits. Raises NotFound for an unknown token."""
    row = await (await conn.execute(_STANDS_FOR, (token,))).fetchone()
    if row is None:
        raise NotFound("there is no such token", "没有该 token", field="token")
    number: str | None = row[0]
    return number


async def service_of(conn: Conn, code: str) -> Service:
    """Find a service; raises NotFound."""
    found = await open311.services(conn, code)
    if not found:
        raise NotFound(f"there is no service {code[:60]!r}; see services.xml", f"没有服务 {code[:60]!r}", field="service_code")
    return found[0]


async def _take(
    conn: Conn, holder: CityHolder, client: Client, given: Request, service: Service, post_id: UUID, *, at: datetime, secret: bytes
) -> tuple[UUID | None, UUID | None, Taken]:
    words = _words(given, service)
    try:
        where, accuracy_m = await _where(conn, given, at=at)
    except UnclearAddress:
        if not given.wait_for_place or given.photo_claim:  # nothing keeps a photo while there is no report
            raise
        waiting = DiversionInput(
            external_number=str(post_id), diverted_from="open311", handover_at=at, description=words, matter_id=service.matter_id,
            address_text=given.address_string, contact_name=given.contact_name, contact_phone=given.contact_phone,
        )  # fmt: skip
        diverted = await diversions.take(conn, holder, client, waiting, at=at, secret=secret)
        return None, diverted.id, Taken(None, post_id, None, repeated=False)
    item = ReportInput(
        submission_id=post_id, source=client.source, matter_id=service.matter_id, description=words, lon=where[0], lat=where[1],
        datum=given.datum if given.lon is not None else "WGS84", accuracy_m=accuracy_m, occurred_at=at, contact_name=given.contact_name,
        contact_phone=given.contact_phone, photo_claims=(given.photo_claim,) if given.photo_claim else (),
    )  # fmt: skip
    (result,) = await report_intake.submit(conn, holder, [item], at=at, secret=secret)
    if isinstance(result, DomainError):
        raise result
    return result.report_id, None, Taken(result.number, post_id, result.tracking_code, repeated=False)


async def _where(conn: Conn, given: Request, *, at: datetime) -> tuple[tuple[float, float], float | None]:
    if given.lon is not None and given.lat is not None:
        return (given.lon, given.lat), None
    if given.address_id:
        try:
            found = await address.by_id(conn, UUID(given.address_id))
        except ValueError:
            found = None
        if found is None:
            raise NotFound("there is no such address_id", "没有该 address_id", field="address_id")
        if found.accuracy_m > address.PRECISE_M:
            raise UnclearAddress([])
        return (found.lonlat.lon, found.lonlat.lat), found.accuracy_m
    looked = await address.look(conn, given.address_string, at=at)
    if looked.found is None:
        raise UnclearAddress(looked.as_json())
    return (looked.found.lonlat.lon, looked.found.lonlat.lat), looked.found.accuracy_m


def _words(given: Request, service: Service) -> str:
    """Give the report's text: what was written, else the service's name, and the filing condition that was chosen."""
    if len(given.description) > MAX_DESCRIPTION:
        raise Invalid(f"description has at most {MAX_DESCRIPTION} characters", f"描述不得超过 {MAX_DESCRIPTION} 个字", field="description")
    words = given.description.strip() or service.name
    if not given.condition:
        return words
    chosen = next((wording for ord_, wording, _, _ in service.conditions if str(ord_) == given.condition), None)
    if chosen is None:
        raise Invalid(f"attribute[{CONDITION}] is none of the listed keys", f"attribute[{CONDITION}] 不在可选值中", field="attribute")
    return f"{words}\n〔{chosen}〕"
