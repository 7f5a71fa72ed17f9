"""Taking reports in: what makes one acceptable, and the rows it becomes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.base import Conn
from domain.errors import Invalid
from domain.reports.tables import SOURCES
from geo.lonlat import Position

MAX_DESCRIPTION: Final = 4000
MAX_CONTACT: Final = 100
MAX_PHOTOS: Final = 6
# Crockford's alphabet: no letters that are read as digits.
_ALPHABET: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")

_REPORTS = """
insert into reports (id, case_id, source, matter_id, description, position, raw_lon, raw_lat, datum, accuracy_m,
                     occurred_at, received_at, submitted_by, tracking_hash)
values (%s, %s, %s, %s, %s, st_point(%s, %s, 4326), %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CONTACTS = "insert into contacts (report_id, name, phone, created_at) values (%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """A report as a door hands it over; ``submission_id`` is made by the sender and stays the same over retries.

    ``same_as`` is the number of the open case the sender says this is about.
    """

    submission_id: UUID
    source: str
    matter_id: UUID | None
    description: str
    lon: float
    lat: float
    datum: str
    accuracy_m: float | None
    occurred_at: datetime
    contact_name: str | None = None
    contact_phone: str | None = None
    photo_claims: tuple[str, ...] = ()
    submitted_by: UUID | None = None
    same_as: str | None = None

    def digest(self) -> bytes:
        """Hash the content, so that one submission id cannot stand for two different reports."""
        content = (
            self.source, self.matter_id, self.description, self.lon, self.lat, self.datum, self.accuracy_m,
            self.occurred_at.isoformat(), self.contact_name, self.contact_phone, self.photo_claims,
            *((self.same_as,) if self.same_as else ()),
        )  # fmt: skip
        return hashlib.sha256(repr(content).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """An accepted report with the case it opened."""

    id: UUID
    case_id: UUID
    given: ReportInput
    position: Position
    tracking_code: str


def check(given: ReportInput) -> None:
    """Raise Invalid, naming the field, when a report cannot be accepted whatever its place."""
    if given.source not in SOURCES:
        raise Invalid(f"unknown source {given.source!r}", f"未知来源 {given.source!r}", field="source")
    if not given.description.strip() or len(given.description) > MAX_DESCRIPTION:
        raise Invalid(
            f"describe the matter in 1 to {MAX_DESCRIPTION} characters",
            f"请用 1 至 {MAX_DESCRIPTION} 个字描述问题",
            field="description",
        )
    _refuse_nul(given.description, "description")
    for name, value in (("contactName", given.contact_name), ("contactPhone", given.contact_phone), ("sameAs", given.same_as)):
        if value is not None and len(value) > MAX_CONTACT:
            raise Invalid(f"{name} is longer than {MAX_CONTACT} characters", f"联系方式或编号超过 {MAX_CONTACT} 个字", field=name)
        _refuse_nul(value or "", name)
    if len(given.photo_claims) > MAX_PHOTOS or len(set(given.photo_claims)) != len(given.photo_claims):
        raise Invalid(f"at most {MAX_PHOTOS} different photos", f"最多 {MAX_PHOTOS} 张不同的照片", field="photoClaims")
    check_instant(given.occurred_at, "occurredAt")


def check_instant(instant: datetime, field: str) -> None:
    """Raise Invalid when a sender's instant has no zone or lies outside 1970..2100; a merely wrong clock is kept."""
    if instant.tzinfo is None or not 1970 <= instant.year < 2100:
        raise Invalid(
            "an instant needs a zone and a year from 1970 to 2099",
            "时间须带时区，年份须在 1970 至 2099 之间",
            field=field,
        )


def tracking_code(submission_id: UUID, secret: bytes) -> str:
    """Derive the reporter's tracking code: 60 bits, unguessable without the secret, the same for a retry.

    >>> len(tracking_code(UUID(int=1), b"secret"))
    14
    """
    digest = hmac.new(secret, b"tracking:" + submission_id.bytes, hashlib.sha256).digest()
    code = base64.b32encode(digest[:8]).translate(_ALPHABET).decode()[:12]
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def tracking_hash(code: str) -> bytes:
    """Hash a tracking code as typed: case, spaces and dashes do not matter."""
    plain = "".join(ch for ch in code.upper() if ch.isascii() and ch.isalnum())
    return hashlib.sha256(plain.encode()).digest()


async def write(conn: Conn, reports: Sequence[NewReport], *, at: datetime) -> None:
    """Write accepted reports and their contact data, in the caller's transaction."""
    async with conn.cursor() as cursor:
        await cursor.executemany(_REPORTS, [_row(report, at) for report in reports])
        contacts = [
            (report.id, report.given.contact_name, report.given.contact_phone, at)
            for report in reports
            if report.given.contact_name or report.given.contact_phone
        ]
        if contacts:
            await cursor.executemany(_CONTACTS, contacts)


def _row(report: NewReport, at: datetime) -> tuple[object, ...]:
    given, position = report.given, report.position
    return (
        report.id, report.case_id, given.source, given.matter_id, given.description, position.lonlat.lon,
        position.lonlat.lat, position.raw_lon, position.raw_lat, str(position.datum_declared), position.accuracy_m,
        given.occurred_at, at, given.submitted_by, tracking_hash(report.tracking_code),
    )  # fmt: skip


def _refuse_nul(text: str, field: str) -> None:
    if "\x00" in text:
        raise Invalid(f"{field} holds a NUL character", "文字中含有空字符", field=field)
