"""Posting to a receiver: bounded in time and size, never redirected, and its answer read as an outcome."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpcore

from domain.deliveries.sending import Outcome
from runtime.adapters.guard import Backend, Guard, Refused, trust

WITHIN_S: Final = 10.0
MAX_ANSWER: Final = 65_536
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
LIMITED: Final = frozenset({429})
GONE: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What every adapter sends with: the guard, what certificates are checked with, and how long a receiver may take."""

    guard: Guard = field(default_factory=Guard)
    tls: ssl.SSLContext = field(default_factory=trust)
    within_s: float = WITHIN_S
    public_url: str = ""
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: at most 64 KiB of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def post(out: Outgoing, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Outcome:
    """Post and give the answer, or the outcome when there was none. Never raises for what a receiver does."""
    try:
        async with asyncio.timeout(out.within_s):
            return await _exchange(out, url, body, headers)
    except Refused as error:
        return Outcome("refused", str(error))
    except TimeoutError:
        return Outcome("later", f"no answer within {out.within_s:g} s")
    except (httpcore.ConnectError, ssl.SSLError) as error:
        return Outcome("later", _why(error))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        return Outcome("later", f"the connection broke: {type(error).__name__}")


async def _exchange(out: Outgoing, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    sent = {"user-agent": "Gridwarden", "accept": "*/*", "connection": "close", "content-length": str(len(body)), **headers}
    way = Backend(out.guard, plain=urlsplit(url).scheme != "https")
    async with httpcore.AsyncConnectionPool(ssl_context=out.tls, network_backend=way, max_connections=1) as pool:
        async with pool.stream("POST", url, headers=list(sent.items()), content=body) as response:
            found = bytearray()
            async for part in response.aiter_stream():
                found += part
                if len(found) >= MAX_ANSWER:
                    break
            names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, names, bytes(found[:MAX_ANSWER]))


def by_status(answer: Answer) -> Outcome:
    """Read an answer by its status alone: 2xx accepted; passing trouble later; anything else, redirects too, refused."""
    if 200 <= answer.status < 300:
        return Outcome("accepted", f"HTTP {answer.status}")
    if answer.status in LIMITED:
        return Outcome("limited", f"HTTP {answer.status}", retry_after_s=_retry_after(answer))
    if answer.status in PASSING:
        return Outcome("later", f"HTTP {answer.status}")
    if 300 <= answer.status < 400:
        return Outcome("refused", f"HTTP {answer.status}: redirects are not followed")
    return Outcome("refused", f"HTTP {answer.status}")


def _retry_after(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def _why(error: Exception) -> str:
    cause = error.__cause__ or error.__context__ or error
    while not isinstance(cause, ssl.SSLError) and (deeper := cause.__cause__ or cause.__context__):
        cause = deeper
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the receiver's certificate is not good: {cause.verify_message}"
    return "TLS failed" if isinstance(cause, ssl.SSLError) else "the receiver cannot be reached"
