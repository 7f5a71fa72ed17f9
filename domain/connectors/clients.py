"""Systems that may use a door: add one, give it a new key, switch it off, find the one a key belongs to.

The key is shown once and never stored. Who may do this (``connector.manage``) is asked at the door: this context does not
know people.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.errors import UniqueViolation

from domain.base import Conn, new_id
from domain.connectors.tables import CLIENT_SOURCES, DOORS
from domain.errors import Conflict, Invalid, NotFound

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LONGEST_NAME: Final = 100
LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class Client:
    """A system at a door: which one, and as what its reports come in."""

    id: UUID
    code: str
    name: str
    source: str


async def add(conn: Conn, *, code: str, name: str, door: str, source: str, at: datetime) -> tuple[UUID, str]:
    """Add a system; returns its id and its key. Raises Invalid, or Conflict when the code is taken."""
    check_name(code, name)
    if door not in DOORS:
        raise Invalid(f"a door is one of {', '.join(DOORS)}", f"接口须为 {'、'.join(DOORS)} 之一", field="door")
    if source not in CLIENT_SOURCES:
        raise Invalid(f"a source is one of {', '.join(CLIENT_SOURCES)}", f"来源须为 {'、'.join(CLIENT_SOURCES)} 之一", field="source")
    client_id, key = new_id(), _random_key()
    try:
        await conn.execute(
            "insert into connector_clients (id, code, name, door, source, key_hash, created_at) values (%s, %s, %s, %s, %s, %s, %s)",
            (client_id, code, name.strip(), door, source, hash_key(key), at),
        )
    except UniqueViolation as error:
        raise taken(code) from error
    return client_id, key


async def renew_key(conn: Conn, client_id: UUID) -> str:
    """Give a system a new key and return it; the old one stops at once. Raises NotFound."""
    key = _random_key()
    done = await conn.execute("update connector_clients set key_hash = %s where id = %s", (hash_key(key), client_id))
    _require(done.rowcount)
    return key


async def set_active(conn: Conn, client_id: UUID, *, active: bool) -> None:
    """Switch a system on or off; while off, its key opens nothing. Raises NotFound."""
    done = await conn.execute("update connector_clients set active = %s where id = %s", (active, client_id))
    _require(done.rowcount)


async def by_key(conn: Conn, door: str, key: str) -> Client | None:
    """Find the active system a key belongs to at this door."""
    if not 0 < len(key) <= LONGEST_KEY:
        return None
    cursor = await conn.execute(
        "select id, code, name, source from connector_clients where key_hash = %s and door = %s and active", (hash_key(key), door)
    )
    row = await cursor.fetchone()
    return Client(*row) if row else None


def hash_key(key: str) -> bytes:
    """Return what is stored of a key; it has too much entropy to need a slow hash."""
    return hashlib.sha256(key.encode()).digest()


def check_name(code: str, name: str) -> None:
    """Raise Invalid for a code or a name that cannot be kept."""
    if not CODE.fullmatch(code):
        raise Invalid("a code is 1 to 64 letters, digits, dots, dashes, underscores", "编号为 1 至 64 位字母、数字及 . - _", field="code")
    if not 1 <= len(name.strip()) <= LONGEST_NAME or "\0" in name:
        raise Invalid(f"a name has 1 to {LONGEST_NAME} characters", f"名称长度为 1 至 {LONGEST_NAME} 个字符", field="name")


def taken(code: str) -> Conflict:
    """Make the error of a code that another one has."""
    return Conflict(f"the code {code} is taken", f"编号 {code} 已存在", field="code")


def _random_key() -> str:
    return f"gwc_{secrets.token_urlsafe(32)}"


def _require(found: int) -> None:
    if not found:
        raise NotFound("there is no such system", "没有该对接系统", field="clientId")
