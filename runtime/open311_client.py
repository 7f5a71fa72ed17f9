"""Speaking Open311 GeoReport v2 to another server: post a request, ask for a number behind a token and for states.

The way out is that of the deliveries (``adapters/guard.py``): public addresses over HTTPS or inner networks the installation names,
no redirect, no proxy, bounded in time and size. What comes back is somebody else's and is read with suspicion.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

import httpcore
import orjson

from domain.connectors.targets import Target
from domain.flows.upward import Handed, Heard
from runtime.adapters.guard import Backend, Refused
from runtime.adapters.http import PASSING, Answer, Outgoing

MAX_ANSWER: Final = 2 * 1024 * 1024
MAX_TEXT: Final = 1000
ASKED_AT_ONCE: Final = 50


class Later(Exception):
    """The server did not take it now; the same may succeed in a while. The message names no key."""


class Never(Exception):
    """The server refuses it, or is none; sending it again would not help."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What a server gave for a request: its number, or a token for a number that comes later."""

    number: str | None
    token: str | None


async def post(out: Outgoing, handed: Handed, *, api_key: str | None, resend_key: str) -> Posted:
    """Post a case as a request; raises Later or Never."""
    form = {
        "service_code": handed.service_code, "lat": f"{handed.lat:.7f}", "long": f"{handed.lon:.7f}", "address_string": handed.address,
        "description": handed.description[:4000], "api_key": api_key, "jurisdiction_id": handed.target.jurisdiction_id,
    }  # fmt: skip
    body = urlencode({name: value for name, value in form.items() if value}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "idempotency-key": resend_key}
    rows = await _ask(out, handed.target, "POST", "requests", body=body, headers=headers)
    number, token = (_text(rows[0].get(name)) for name in ("service_request_id", "token"))
    if number is None and token is None:
        raise Never("the answer holds neither a number nor a token")
    return Posted(number, token)


async def number_of(out: Outgoing, target: Target, token: str) -> str | None:
    """Ask for the number a token stands for; None while there is none."""
    rows = await _ask(out, target, "GET", f"tokens/{quote(token, safe='')}")
    return _text(rows[0].get("service_request_id"))


async def states(out: Outgoing, target: Target, numbers: Sequence[str]) -> Mapping[str, Heard]:
    """Ask for the states of up to 50 requests, by number; those the server does not know are missing."""
    listed = ",".join(numbers[:ASKED_AT_ONCE])
    rows = await _ask(out, target, "GET", "requests", query={"service_request_id": listed}, may_be_empty=True)
    found = {}
    for row in rows:
        number, status = _text(row.get("service_request_id")), _text(row.get("status"))
        if number in numbers and number is not None and status in ("open", "closed"):
            notes, changed_at = _text(row.get("status_notes")), _instant(row.get("updated_datetime"))
            found[number] = Heard(number=number, status=status, notes=notes, changed_at=changed_at)
    return found


async def _ask(
    out: Outgoing, target: Target, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None, may_be_empty: bool = False,
) -> list[Mapping[str, Any]]:  # fmt: skip
    asked = {**(query or {}), **({"jurisdiction_id": target.jurisdiction_id} if target.jurisdiction_id and method == "GET" else {})}
    url = f"{target.base_url}/{path}.{target.format}{'?' + urlencode(asked) if asked else ''}"
    answer = await _exchange(out, method, url, body, headers or {})
    if answer.status in PASSING:
        raise Later(f"HTTP {answer.status}")
    if 300 <= answer.status < 400:
        raise Never(f"HTTP {answer.status}: redirects are not followed")
    if not 200 <= answer.status < 300:
        raise Never(f"HTTP {answer.status}: {_refusal(target.format, answer.body)}")
    rows = rows_of(target.format, answer.body)
    if not rows and not may_be_empty:
        raise Never("the answer is empty")
    return rows


async def _exchange(out: Outgoing, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    sent = {"user-agent": "Gridwarden", "accept": "*/*", "connection": "close", "content-length": str(len(body)), **headers}
    way = Backend(out.guard, plain=urlsplit(url).scheme != "https")
    try:
        async with asyncio.timeout(out.within_s):
            async with httpcore.AsyncConnectionPool(ssl_context=out.tls, network_backend=way, max_connections=1) as pool:
                async with pool.stream(method, url, headers=list(sent.items()), content=body) as response:
                    return Answer(response.status, {}, await _bounded(response))
    except Refused as error:
        raise Never(str(error)) from None
    except TimeoutError:
        raise Later(f"no answer within {out.within_s:g} s") from None
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
        raise Later(f"the connection failed: {type(error).__name__}") from None


async def _bounded(response: httpcore.Response) -> bytes:
    found = bytearray()
    async for part in response.aiter_stream():
        found += part
        if len(found) > MAX_ANSWER:
            raise Never(f"the answer is longer than {MAX_ANSWER >> 20} MB")
    return bytes(found)


def rows_of(format_: str, data: bytes) -> list[Mapping[str, Any]]:
    """Read an answer's list of requests or errors; raises Never for what is none."""
    try:
        if format_ == "json":
            content = orjson.loads(data)
            rows = content if isinstance(content, list) else [content]
        else:
            text = data.decode("utf-8-sig")
            if "<!DOCTYPE" in text or "<!ENTITY" in text:
                raise Never("the answer declares entities of its own")
            root = ElementTree.fromstring(text)  # noqa: S314  # without declarations there is nothing to expand
            rows = [{part.tag: part.text for part in row} for row in root]
    except (orjson.JSONDecodeError, UnicodeDecodeError, ElementTree.ParseError) as error:
        raise Never(f"the answer is no {format_.upper()}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise Never("the answer is no list of objects")
    return rows


def _refusal(format_: str, data: bytes) -> str:
    try:
        return "; ".join(told for row in rows_of(format_, data) if (told := _text(row.get("description"))))[:MAX_TEXT]
    except Never:
        return "no reason given"


def _text(value: object) -> str | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    return str(value).replace("\0", "").strip()[:MAX_TEXT] or None


def _instant(value: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value if isinstance(value, str) else "")
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None
