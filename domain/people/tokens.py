"""The two tokens of a session: a short signed one that opens doors, and a random one that fetches the next pair.

The signed token says who and which sign-in (``fam``), never what is allowed: that is read fresh, so that a changed role
or an ended session counts at once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import jwt

from domain.errors import Unauthenticated

ACCESS_LIFE: Final = timedelta(minutes=15)
SESSION_LIFE: Final = timedelta(days=30)
LONGEST: Final = 2048
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good access token says."""

    user_id: UUID
    family_id: UUID
    expires_at: datetime


def sign(user_id: UUID, family_id: UUID, *, at: datetime, secret: bytes) -> tuple[str, datetime]:
    """Make an access token (JWT, HS256) and say when it ends."""
    issued = int(at.timestamp())
    expires = issued + int(ACCESS_LIFE.total_seconds())
    claims = {"sub": str(user_id), "fam": str(family_id), "iat": issued, "exp": expires}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM), datetime.fromtimestamp(expires, UTC)


def read(token: str, *, at: datetime, secret: bytes) -> Claims:
    """Check an access token's signature and time; raises Unauthenticated for anything but a good one."""
    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        # The instant is an argument here, so the library must not look at its own clock.
        options = {"require": ["sub", "fam", "iat", "exp"], "verify_exp": False, "verify_iat": False}
        values = jwt.decode(token, secret, algorithms=[_ALGORITHM], options=options)  # type: ignore[arg-type]
        claims = Claims(UUID(values["sub"]), UUID(values["fam"]), datetime.fromtimestamp(int(values["exp"]), UTC))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise Unauthenticated("the access token is not valid; sign in again", "登录凭证无效，请重新登录") from error
    if at >= claims.expires_at:
        raise Unauthenticated("the access token has expired; refresh it or sign in again", "登录已过期，请重新登录")
    return claims


def random_token() -> str:
    """Make an unguessable token: 256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what is stored of a random token; it has too much entropy to need a slow hash."""
    return hashlib.sha256(token.encode()).digest()
