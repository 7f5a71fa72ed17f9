"""Scalars of the schema: what a value looks like on the wire, and what is refused on its way in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NewType
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

GeoJSON = NewType("GeoJSON", object)
BigInt = NewType("BigInt", int)

MAX_BIGINT = 2**53  # beyond it a JSON number is no longer exact in a browser


def _read_instant(value: object) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError('an instant is a string such as "2026-01-31T08:00:00Z"')
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f'{value!r} is no instant; write it as "2026-01-31T08:00:00Z"') from None
    if instant.tzinfo is None:
        raise ValueError(f"{value!r} has no zone; end it with Z or an offset such as +08:00")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value!r} lies outside the calendar") from None


def _write_instant(value: datetime | str) -> str:
    return value if isinstance(value, str) else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_bigint(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.lstrip("-").isdigit() and len(value) <= 17:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_BIGINT:
        raise ValueError(f"a whole number between -2^53 and 2^53 is needed, not {str(value)[:40]!r}")
    return value


def _refuse(_: object) -> object:
    raise ValueError("this scalar is only given out, never taken in")


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant, RFC 3339, given out in UTC; taken in with any offset, never without one.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_write_instant,
        parse_value=_read_instant,
    ),
    GeoJSON: strawberry.scalar(
        name="GeoJSON",
        description="A geometry after RFC 7946: WGS 84, longitude first, seven decimals.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc7946",
        serialize=lambda value: value,
        parse_value=_refuse,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number up to 2^53, as a JSON number.",
        serialize=int,
        parse_value=_read_bigint,
    ),
}


def uuid_of(value: object, field: str) -> UUID:
    """Read an id of ours; raises Invalid naming the field."""
    from domain.errors import Invalid

    try:
        return UUID(str(value))
    except ValueError:
        raise Invalid(f"{field} is no id of ours: {str(value)[:40]!r}", "编号格式不正确", field=field) from None
