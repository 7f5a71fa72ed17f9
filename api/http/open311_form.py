"""What Open311 clients send, read strictly: query parameters, and posts as forms with or without a photo."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request as HTTPRequest

from api.http import body
from domain.connectors.open311 import MAX_PAGE_SIZE, MAX_SPAN, Wanted
from domain.errors import Invalid
from domain.flows.open311_intake import CONDITION, Request
from runtime import media

MAX_FORM_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 60
MAX_NUMBERS: Final = 1000
MAX_OFFSET: Final = 100_000
MAX_URL: Final = 1000
MAX_KEY: Final = 200
_ATTRIBUTE: Final = re.compile(r"attribute\[([A-Za-z0-9_.-]{1,64})\](\[\])?")


async def read(request: HTTPRequest) -> tuple[dict[str, str], bytes | None]:
    """Read a posted form and, from a multipart one, the photo called ``media``; an empty field counts as not sent."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        fields, file = await body.read_form(request, "media", most=media.MAX_BYTES, most_fields=MAX_FIELDS)
        if file is None:
            return _named(fields), None
        with closing(file.file):
            return _named(fields), await file.read() or None
    if kind != "application/x-www-form-urlencoded":
        message = "send application/x-www-form-urlencoded, or multipart/form-data with a file called media"
        raise Invalid(message, "请以表单格式提交", field="Content-Type")
    data = await body.read(request, most=MAX_FORM_BYTES)
    try:
        fields = parse_qsl(data.decode("utf-8"), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise Invalid(f"the form cannot be read: UTF-8, at most {MAX_FIELDS} fields", "表单内容无法读取", field="body") from error
    return _named(fields), None


def resend_key(request: HTTPRequest) -> str | None:
    """Give the Idempotency-Key, None without one; raises Invalid for one that is too long."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= MAX_KEY:
        raise Invalid(f"an Idempotency-Key has 1 to {MAX_KEY} characters", "Idempotency-Key 过长或为空", field="Idempotency-Key")
    return key


def request_of(given: Mapping[str, str], *, photo_claim: str | None, photo_hash: str) -> Request:
    """Make the request a form stands for; raises Invalid naming the parameter."""
    code = given.get("service_code", "")
    if not code:
        raise Invalid("service_code was not provided", "未提供 service_code", field="service_code")
    lon, lat = given.get("long"), given.get("lat")
    if (lon is None) != (lat is None):
        raise Invalid("lat and long must be sent together", "lat 与 long 须同时提供", field="lat")
    if lon is None and not given.get("address_string") and not given.get("address_id"):
        raise Invalid("send lat and long, address_string or address_id", "请提供经纬度、地址或 address_id", field="lat")
    return Request(
        service_code=code, description=given.get("description", ""), lon=None if lon is None else _number(lon, "long"),
        lat=None if lat is None else _number(lat, "lat"), datum=given.get("datum", "WGS84"),
        address_string=given.get("address_string", ""), address_id=given.get("address_id", ""),
        condition=given.get(f"attribute[{CONDITION}]", ""), contact_name=_name(given),
        contact_phone=given.get("phone") or given.get("email"), media_url=_link(given.get("media_url")), photo_claim=photo_claim,
        photo_hash=photo_hash, wait_for_place=given.get("wait_for_place", "").lower() == "true",
    )  # fmt: skip


def wanted(query: Mapping[str, str], *, at: datetime, longest: timedelta = MAX_SPAN) -> Wanted:
    """Read the filters of a list; raises Invalid naming the parameter."""
    if numbers := _listed(query, "service_request_id"):
        return only(numbers, at=at)
    start, end = _span(query, at, longest)
    if end - start > longest:
        message = f"start_date and end_date may not span more than {longest.days} days"
        raise Invalid(message, f"起止时间跨度不得超过 {longest.days} 天", field="end_date")
    statuses = _listed(query, "status")
    if unknown := [status for status in statuses if status not in ("open", "closed")]:
        raise Invalid(f"status is open or closed, not {unknown[0][:20]!r}", "status 须为 open 或 closed", field="status")
    size = _count(query, "page_size", MAX_PAGE_SIZE, most=MAX_PAGE_SIZE)
    offset = (_count(query, "page", 1, most=MAX_OFFSET) - 1) * size
    if offset > MAX_OFFSET:
        raise Invalid(f"at most {MAX_OFFSET} requests can be paged through; narrow the dates", "翻页过深，请缩小时间范围", field="page")
    return Wanted(codes=_listed(query, "service_code"), statuses=statuses, start=start, end=end, limit=size, offset=offset)


def _span(query: Mapping[str, str], at: datetime, longest: timedelta) -> tuple[datetime, datetime]:
    start, end = _instant(query, "start_date"), _instant(query, "end_date")
    if start is None:
        end = end or at
        return end - longest, end
    return start, end or min(start + longest, max(start, at))


def only(numbers: Sequence[str], *, at: datetime) -> Wanted:
    """Ask for these numbers, whatever their dates."""
    if len(numbers) > MAX_NUMBERS:
        raise Invalid(f"at most {MAX_NUMBERS} service_request_id at once", f"一次最多查询 {MAX_NUMBERS} 个", field="service_request_id")
    if any("\0" in number for number in numbers):
        raise Invalid("a service_request_id holds a NUL character", "编号中含有空字符", field="service_request_id")
    return Wanted(numbers=numbers, start=at, end=at)


def _named(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Name the fields; of one sent twice the first counts, an attribute outside the definitions is passed over."""
    found: dict[str, str] = {}
    for name, value in fields:
        if "\0" in value or "\0" in name:
            raise Invalid("a field holds a NUL character", "字段中含有空字符", field=name.replace("\0", "")[:40])
        attribute = _ATTRIBUTE.fullmatch(name)
        key = f"attribute[{attribute[1]}]" if attribute else name
        if value.strip():
            found.setdefault(key, value)
    return found


def _name(given: Mapping[str, str]) -> str | None:
    first, last = given.get("first_name", "").strip(), given.get("last_name", "").strip()
    parts = (first, last) if (first + last).isascii() else (last, first)
    return (" " if (first + last).isascii() else "").join(part for part in parts if part) or None


def _link(url: str | None) -> str | None:
    """Keep a media_url as text, never as something this server fetches."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or len(url) > MAX_URL:
        message = f"media_url is an http or https address of at most {MAX_URL} characters"
        raise Invalid(message, "media_url 须为 http(s) 地址", field="media_url")
    return url.strip()


def _listed(query: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in query.get(name, "").split(",") if part.strip()]


def _number(value: str, name: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Invalid(f"{name} is a number in degrees, not {value[:40]!r}", f"{name} 须为十进制度数", field=name) from None


def _count(query: Mapping[str, str], name: str, usual: int, *, most: int) -> int:
    value = query.get(name, "").strip()
    if not value:
        return usual
    if not value.isascii() or not value.isdecimal() or not 1 <= int(value[:9]) <= most or len(value) > 9:
        raise Invalid(f"{name} is a number from 1 to {most}", f"{name} 须为 1 至 {most} 的整数", field=name)
    return int(value)


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    value = query.get(name, "").strip()
    if not value:
        return None
    try:
        # A plus sign that nobody encoded arrives as a space.
        instant = datetime.fromisoformat(value.replace(" ", "+"))
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid(f"{name} is an instant with its zone, as 2010-01-01T00:00:00Z", f"{name} 须为带时区的时间", field=name)
