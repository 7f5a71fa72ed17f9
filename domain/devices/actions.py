"""Devices: register one, give it a new key, switch it off; each leaves an event. The key is shown once and never stored.

Who may do this (``device.manage``) is asked at the door: this context does not know people.
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

from domain import events
from domain.base import Conn, new_id
from domain.errors import Conflict, Invalid, NotFound
from geo.lonlat import LonLat

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_NAME: Final = 100
LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to be registered; ``code`` is its number on site, ``kind`` a word such as camera or vibration."""

    code: str
    kind: str
    name: str
    position: LonLat
    is_demo: bool = False


async def register(conn: Conn, new: NewDevice, *, at: datetime, actor_id: UUID | None = None) -> tuple[UUID, str]:
    """Register a device; returns its id and its key. Raises Invalid, or Conflict when the code is taken."""
    if not CODE.fullmatch(new.code):
        message = "a device code is 1 to 64 letters, digits, dots, dashes, underscores"
        raise Invalid(message, "设备编号为 1 至 64 位字母、数字及 . - _", field="code")
    if not KIND.fullmatch(new.kind):
        message = "a kind of device is a lower-case word of at most 40 characters"
        raise Invalid(message, "设备类型须为小写英文单词", field="kind")
    if not 1 <= len(new.name.strip()) <= LONGEST_NAME:
        raise Invalid(f"a name has 1 to {LONGEST_NAME} characters", f"名称长度为 1 至 {LONGEST_NAME} 个字符", field="name")
    device_id, key = new_id(), _random_key()
    try:
        await conn.execute(
            "insert into devices (id, code, kind, name, key_hash, position, is_demo, created_at)"
            " values (%s, %s, %s, %s, %s, st_point(%s, %s, 4326), %s, %s)",
            (
                device_id, new.code, new.kind, new.name.strip(), hash_key(key), new.position.lon, new.position.lat,
                new.is_demo, at,
            ),
        )  # fmt: skip
    except UniqueViolation as error:
        raise Conflict(f"the device code {new.code} is taken", f"设备编号 {new.code} 已存在", field="code") from error
    await _record(conn, "device.registered", device_id, actor_id, at=at)
    return device_id, key


async def renew_key(conn: Conn, device_id: UUID, *, at: datetime, actor_id: UUID | None = None) -> str:
    """Give a device a new key and return it; the old one stops at once. Raises NotFound."""
    key = _random_key()
    done = await conn.execute("update devices set key_hash = %s where id = %s", (hash_key(key), device_id))
    _require(done.rowcount)
    await _record(conn, "device.key_renewed", device_id, actor_id, at=at)
    return key


async def set_active(conn: Conn, device_id: UUID, *, active: bool, at: datetime, actor_id: UUID | None = None) -> None:
    """Switch a device on or off; while off, its key opens nothing. Raises NotFound."""
    done = await conn.execute("update devices set active = %s where id = %s", (active, device_id))
    _require(done.rowcount)
    await _record(conn, "device.switched_on" if active else "device.switched_off", device_id, actor_id, at=at)


async def by_key(conn: Conn, key: str) -> UUID | None:
    """Find the active device a key belongs to."""
    if not 0 < len(key) <= LONGEST_KEY:
        return None
    cursor = await conn.execute("select id from devices where key_hash = %s and active", (hash_key(key),))
    row = await cursor.fetchone()
    return row[0] if row else None


def hash_key(key: str) -> bytes:
    """Return what is stored of a key; it has too much entropy to need a slow hash."""
    return hashlib.sha256(key.encode()).digest()


def _random_key() -> str:
    return f"gwd_{secrets.token_urlsafe(32)}"


def _require(found: int) -> None:
    if not found:
        raise NotFound("there is no such device", "设备不存在", field="deviceId")


async def _record(conn: Conn, kind: str, device_id: UUID, actor_id: UUID | None, *, at: datetime) -> None:
    happened = events.Event(kind=kind, subject_kind="device", subject_id=device_id, at=at, actor_id=actor_id)
    await events.record(conn, [happened])
