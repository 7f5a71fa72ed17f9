"""Passwords: argon2id, what is accepted as one, and a check that takes as long for a name that does not exist.

The cost is memory on purpose, so at most two passwords are worked on at once in a process; the rest wait their turn.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Invalid

SHORTEST: Final = 10
LONGEST: Final = 128

# OWASP Password Storage Cheat Sheet: argon2id, 46 MiB, one pass, one lane.
_hasher: Final = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
_threads: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


def accepted(password: str) -> str:
    """Return the password in the one form that is hashed (NFC), or raise Invalid when it is too short or too long."""
    normal = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(normal) <= LONGEST:
        message = f"a password has {SHORTEST} to {LONGEST} characters"
        raise Invalid(message, f"密码长度应为 {SHORTEST} 至 {LONGEST} 个字符", field="password")
    return normal


def random_password() -> str:
    """Make a password nobody has to think up: 96 random bits that can be typed."""
    return secrets.token_urlsafe(12)


async def hash_password(password: str) -> str:
    """Hash a password for ``users.password_hash``; raises Invalid like ``accepted``."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, accepted(password))


async def verify(encoded: str | None, password: str) -> bool:
    """Tell whether the password fits the stored hash; None (no such user) costs the same time and never fits."""
    if len(password) > LONGEST:
        return False
    normal = unicodedata.normalize("NFC", password)
    fits = await asyncio.get_running_loop().run_in_executor(_threads, _fits, encoded, normal)
    return fits and encoded is not None


def _fits(encoded: str | None, password: str) -> bool:
    try:
        return _hasher.verify(encoded or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """Hash of a password nobody knows, checked in place of a missing user's."""
    return _hasher.hash(secrets.token_urlsafe(32))
