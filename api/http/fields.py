"""Reads the fields of JSON objects that systems send: the right type, a bounded length, an instant with its zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from domain.errors import Invalid

LONGEST_WORD: Final = 200


def json_object(data: bytes) -> Mapping[str, Any]:
    """Read a body that is one JSON object."""
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON: {error}", "内容不是有效的 JSON", field="body") from error
    if not isinstance(content, dict):
        raise Invalid("the body is one JSON object", "内容须为 JSON 对象", field="body")
    return content


def text(item: Mapping[str, Any], name: str, *, most: int = LONGEST_WORD) -> str:
    """Read a text that must be there."""
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most or "\0" in value:
        raise Invalid(f"{name} is a text of 1 to {most} characters", f"{name} 须为 1 至 {most} 个字符的文本", field=name)
    return value


def optional_text(item: Mapping[str, Any], name: str, *, most: int = LONGEST_WORD) -> str | None:
    """Read a text that may be left out; an empty one counts as left out."""
    return None if item.get(name) in (None, "") else text(item, name, most=most)


def optional_object(item: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Read an object that may be left out."""
    value = item.get(name)
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"{name} is a JSON object", f"{name} 须为 JSON 对象", field=name)
    return value


def number(item: Mapping[str, Any], name: str) -> float:
    """Read a number."""
    value = item.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Invalid(f"{name} is a number", f"{name} 须为数字", field=name)
    return float(value)


def instant(item: Mapping[str, Any], name: str) -> datetime:
    """Read an instant with its offset, in UTC."""
    value = item.get(name)
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid(f"{name} is an instant with its offset, 2026-01-31T08:00:00Z", f"{name} 须为带时区的时间", field=name)
