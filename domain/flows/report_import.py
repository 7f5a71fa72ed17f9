"""Lists of reports from files: each row becomes a report through the one intake, or is refused alone with its column.

A row's own number (or, without one, its content) makes it the same report when the list is imported again, so that an import that
broke off is simply started once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from domain.base import Conn
from domain.connectors import open311
from domain.errors import DomainError, Invalid
from domain.flows import address, report_intake
from domain.flows.city import CityHolder
from domain.flows.open311_intake import UnclearAddress
from domain.reports.intake import ReportInput

BATCH: Final = 200
SOURCES: Final = ("hotline", "police110", "staff")
# What a column may be called; the first name is the one we write in messages.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("编号", "工单编号", "工单号", "number", "key"),
    "description": ("描述", "问题描述", "内容", "诉求内容", "description"),
    "matter": ("事项", "类别", "事项名称", "matter"),
    "lon": ("经度", "lon", "lng", "longitude"),
    "lat": ("纬度", "lat", "latitude"),
    "datum": ("坐标系", "datum"),
    "accuracy": ("精度", "accuracy_m", "accuracy"),
    "address": ("地址", "地点", "address"),
    "occurred": ("时间", "发生时间", "来电时间", "occurred_at"),
    "name": ("联系人", "姓名", "contact_name"),
    "phone": ("电话", "联系电话", "contact_phone"),
}
ZONE: Final = ZoneInfo("Asia/Shanghai")
_NAMESPACE: Final = UUID("6a5f6e0a-3f43-5c63-9d0e-5a2ad3b5f6c1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a list is read: as what its reports come in, and in which datum its positions are."""

    source: str
    datum: str = "WGS84"
    zone: ZoneInfo = ZONE
    submitted_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: accepted, repeated, or refused by an error whose ``field`` is the column."""

    row: int
    status: str
    number: str | None = None
    error: DomainError | None = None


def columns_of(header: Sequence[str]) -> dict[str, str]:
    """Find which column holds what; raises Invalid when the list cannot be read without one that is missing."""
    known = {name.casefold(): name for name in header if name}
    found = {field: known[name.casefold()] for field, names in COLUMNS.items() for name in names[::-1] if name.casefold() in known}
    missing = [COLUMNS["description"][0]] if "description" not in found else []
    if "address" not in found and not ("lon" in found and "lat" in found):
        missing.append(f"{COLUMNS['address'][0]} / {COLUMNS['lon'][0]}+{COLUMNS['lat'][0]}")
    if missing:
        listed = ", ".join(missing)
        raise Invalid(f"the header lacks: {listed}; it has: {', '.join(known.values())[:500]}", f"表头缺少：{listed}", field="header")
    return found


def check(options: Options) -> None:
    """Raise Invalid for a source that lists do not come from."""
    if options.source not in SOURCES:
        raise Invalid(f"source is one of {', '.join(SOURCES)}", f"来源须为 {'、'.join(SOURCES)} 之一", field="source")


async def import_rows(
    conn: Conn, holder: CityHolder, rows: Sequence[tuple[int, Mapping[str, Any]]], options: Options, *, at: datetime, secret: bytes
) -> list[Outcome]:
    """Take one batch of (row number, values by column) in, in the caller's transaction; an outcome for each, in order."""
    columns = columns_of(list(rows[0][1])) if rows else {}
    matters = {name: service.matter_id for service in await open311.services(conn) for name in (service.code, service.name)}
    outcomes: dict[int, Outcome] = {}
    items: list[tuple[int, ReportInput]] = []
    for number, values in rows:
        given = {field: values.get(column) for field, column in columns.items()}
        try:
            items.append((number, await _item(conn, given, matters, options, at=at)))
        except DomainError as error:
            outcomes[number] = Outcome(number, "refused", error=error)
    results = await report_intake.submit(conn, holder, [item for _, item in items], at=at, secret=secret) if items else []
    for (number, _), result in zip(items, results, strict=True):
        if isinstance(result, DomainError):
            outcomes[number] = Outcome(number, "refused", error=result)
        else:
            outcomes[number] = Outcome(number, "repeated" if result.repeated else "accepted", result.number)
    return [outcomes[number] for number, _ in rows]


async def _item(
    conn: Conn, given: Mapping[str, Any], matters: Mapping[str, UUID | None], options: Options, *, at: datetime
) -> ReportInput:
    lon, lat, datum, accuracy_m = await _where(conn, given, options, at=at)
    matter = _words(given, "matter")
    if matter and matter not in matters:
        raise Invalid(f"no matter of the catalogue is called {matter[:60]!r}", f"目录中没有事项「{matter[:60]}」", field="matter")
    own = _words(given, "number") or hashlib.sha256(repr(sorted(given.items(), key=str)).encode()).hexdigest()
    submission_id = uuid5(_NAMESPACE, f"{options.source}|{own}")
    return ReportInput(
        submission_id=submission_id, source=options.source, matter_id=matters.get(matter) if matter else None,
        description=_words(given, "description"), lon=lon, lat=lat, datum=datum, accuracy_m=accuracy_m,
        occurred_at=_instant(given.get("occurred"), options.zone) or await _first_seen(conn, submission_id) or at,
        contact_name=_words(given, "name") or None, contact_phone=_words(given, "phone") or None, submitted_by=options.submitted_by,
    )  # fmt: skip


async def _where(
    conn: Conn, given: Mapping[str, Any], options: Options, *, at: datetime
) -> tuple[float, float, str, float | None]:
    if given.get("lon") not in (None, "") and given.get("lat") not in (None, ""):
        accuracy_m = None if given.get("accuracy") in (None, "") else _number(given, "accuracy")
        return _number(given, "lon"), _number(given, "lat"), _words(given, "datum") or options.datum, accuracy_m
    text = _words(given, "address")
    if not text:
        raise Invalid("the row has neither a position nor an address", "缺少经纬度或地址", field="address")
    looked = await address.look(conn, text, at=at)
    if looked.found is None:
        raise UnclearAddress(looked.as_json()[:3])
    found = looked.found
    return found.lonlat.lon, found.lonlat.lat, "WGS84", found.accuracy_m


async def _first_seen(conn: Conn, submission_id: UUID) -> datetime | None:
    """Give the instant a row without a time of its own was given when it first came, so that it is still the same row."""
    found = await conn.execute(
        "select r.occurred_at from submissions s join reports r on r.id = s.result_id where s.submission_id = %s", (submission_id,)
    )
    row = await found.fetchone()
    return row[0] if row else None


def _words(given: Mapping[str, Any], field: str) -> str:
    value = given.get(field)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a telephone number or a code that the spreadsheet took for a number
    return "" if value is None else str(value).strip()


def _number(given: Mapping[str, Any], field: str) -> float:
    try:
        return float(given[field])
    except (TypeError, ValueError):
        raise Invalid(f"{field} is a number, not {str(given[field])[:40]!r}", f"{COLUMNS[field][0]}须为数字", field=field) from None


def _instant(value: object, zone: ZoneInfo) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("/", "-"))
        return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"a time is written as 2026-01-31 08:00, not {str(value)[:40]!r}"
        raise Invalid(message, "时间格式应为 2026-01-31 08:00", field="occurred") from None
