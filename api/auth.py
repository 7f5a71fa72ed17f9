"""Who is asking: the access token of a request becomes an Actor; and the doors that start, keep and end a session.

An actor is remembered for at most a second, so an ended session, a closed account or a changed role counts within
that time. Tokens come in headers, never in cookies, so no other site can make a browser use them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final
from uuid import UUID

from starlette.datastructures import State
from starlette.requests import HTTPConnection

from domain.errors import Unauthenticated
from domain.people import sign_in as sessions
from domain.people import tokens
from domain.people.scope import Actor
from domain.people.sign_in import SessionTokens
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit
from runtime.settings import Settings

ACTOR_LIFE_S: Final = 1.0
ACTORS_KEPT: Final = 4096

FAILED_SIGN_INS: Final = Limit("sign_in", 8, 900, "登录失败次数过多", "failed sign-ins with this name from here")
SIGN_INS_BY_ADDRESS: Final = Limit("sign_in_address", 300, 300, "登录过于频繁", "sign-ins from this address")
REFRESHES: Final = Limit("refresh", 120, 60, "刷新过于频繁", "session refreshes from this address")


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of an ``Authorization: Bearer`` header, None without the header.

    Raises Unauthenticated when the header is there and says something else.
    """
    header = headers.get("authorization")
    if header is None:
        return None
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        message = "send the header as 'Authorization: Bearer <token>'"
        raise Unauthenticated(message, "登录凭证格式不正确", field="authorization")
    return token.strip()


async def actor_from_token(state: State, token: str | None, *, at: datetime) -> Actor | None:
    """Return who the token stands for; None only without a token.

    Raises Unauthenticated for a bad or expired token and for an ended session.
    """
    if token is None:
        return None
    claims = tokens.read(token, at=at, secret=signing_key(state.settings))
    actors = _actors(state)
    key = (claims.user_id, claims.family_id)
    known = actors.get(key)
    if known is not None and time.monotonic() < known[1]:
        return known[0]
    read_at = time.monotonic()
    async with state.pool.connection() as conn:
        actor = await sessions.load_session(conn, *key)
    actors[key] = (actor, read_at + ACTOR_LIFE_S)
    actors.move_to_end(key)
    if len(actors) > ACTORS_KEPT:
        actors.popitem(last=False)
    return actor


async def actor_of(connection: HTTPConnection, *, at: datetime) -> Actor | None:
    """Return who sent this request, None for the public; raises Unauthenticated like ``actor_from_token``."""
    return await actor_from_token(connection.app.state, bearer(connection.headers), at=at)


async def sign_in(state: State, username: str, password: str, *, address: str, at: datetime) -> SessionTokens:
    """Start a session in a transaction of its own; raises Unauthenticated, or TooMany after repeated failures."""
    subject = f"{username.strip()[: sessions.LONGEST_USERNAME]}@{address}"
    await ratelimit.spend(state.redis, SIGN_INS_BY_ADDRESS, address)
    await ratelimit.spend(state.redis, FAILED_SIGN_INS, subject)
    async with transaction(state.pool) as conn:
        session = await sessions.sign_in(conn, username, password, at=at, secret=signing_key(state.settings))
    await ratelimit.forgive(state.redis, FAILED_SIGN_INS, subject)
    return session


async def refresh(state: State, refresh_token: str, *, address: str, at: datetime) -> SessionTokens:
    """Exchange a refresh token for the next pair; raises Unauthenticated after what its re-use ended is committed."""
    await ratelimit.spend(state.redis, REFRESHES, address)
    async with transaction(state.pool) as conn:
        session = await sessions.refresh(conn, refresh_token, at=at, secret=signing_key(state.settings))
    if isinstance(session, Unauthenticated):
        raise session
    return session


async def sign_out(state: State, refresh_token: str, *, at: datetime) -> bool:
    """End the session; its access token stops within a second in every process."""
    async with transaction(state.pool) as conn:
        return await sessions.sign_out(conn, refresh_token, at=at)


def client_address(connection: HTTPConnection) -> str:
    """Return what counts as one sender for limits: an IPv4 address, or the /64 an IPv6 address lies in."""
    host = connection.client.host if connection.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64] or "local"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"


@lru_cache(maxsize=8)
def signing_key(settings: Settings) -> bytes:
    """Return the key that signs tokens, read once."""
    return settings.signing_key()


def _actors(state: State) -> OrderedDict[tuple[UUID, UUID], tuple[Actor, float]]:
    if not hasattr(state, "actors"):
        state.actors = OrderedDict()
    actors: OrderedDict[tuple[UUID, UUID], tuple[Actor, float]] = state.actors
    return actors
