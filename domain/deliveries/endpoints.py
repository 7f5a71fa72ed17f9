"""Addresses: saved sealed, recognised by a keyed digest, opened only to be sent to."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import events
from domain.base import Conn, new_id
from domain.deliveries import sealing, sending, write
from domain.deliveries.channels import check_address, check_gateway, hint_of
from domain.errors import Conflict, Invalid, NotFound

MAX_LABEL: Final = 60
MAX_KINDS: Final = 50
MAX_PUSH_ADDRESSES: Final = 20

_INSERT: Final = """
insert into endpoints (id, department_id, user_id, kind, label, sealed, digest, hint, language, event_kinds, ord, active, created_at)
values (%(id)s, %(department_id)s, %(user_id)s, %(kind)s, %(label)s, %(sealed)s, %(digest)s, %(hint)s, %(language)s, %(event_kinds)s,
        %(ord)s, %(active)s, %(at)s)
on conflict (digest) do nothing
"""
_UPDATE: Final = """
update endpoints set label = %(label)s, sealed = coalesce(%(sealed)s, sealed), digest = coalesce(%(digest)s, digest),
       hint = coalesce(%(hint)s, hint), language = %(language)s, event_kinds = %(event_kinds)s, ord = %(ord)s, active = %(active)s,
       failures = 0, resting_until = null
where id = %(id)s and kind = %(kind)s
  and department_id is not distinct from %(department_id)s and user_id is not distinct from %(user_id)s
"""
_GATEWAY: Final = """
insert into gateways (kind, sealed, hint, active, updated_at) values (%(kind)s, %(sealed)s, %(hint)s, %(active)s, %(at)s)
on conflict (kind) do update set sealed = excluded.sealed, hint = excluded.hint, active = excluded.active, updated_at = excluded.updated_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An address as a door hands it over; ``address`` None keeps the one that is known."""

    kind: str
    label: str
    address: Mapping[str, str] | None
    department_id: UUID | None = None
    user_id: UUID | None = None
    event_kinds: Sequence[str] | None = None
    language: str = "zh"
    ord: int = 0
    active: bool = True


async def save(
    conn: Conn, given: NewEndpoint, *, secret: bytes, at: datetime, endpoint_id: UUID | None = None, by: UUID | None = None
) -> UUID:
    """Save an address, a new one or over the known one of this id, and give its id.

    A webhook without a secret gets one. Raises Invalid naming the field, Conflict for an address saved already, NotFound for
    an unknown id or one of another kind or owner.
    """
    _check(given)
    if endpoint_id is None and given.address is None:
        raise Invalid("an address is needed", "缺少地址", field="address")
    saved = endpoint_id or new_id()
    values = {
        "id": saved, "department_id": given.department_id, "user_id": given.user_id, "kind": given.kind,
        "label": given.label.strip(), "language": given.language, "event_kinds": list(given.event_kinds) if given.event_kinds else None,
        "ord": given.ord, "active": given.active, "at": at, **_sealed(given, secret, saved),
    }  # fmt: skip
    if endpoint_id is None:
        if not (await conn.execute(_INSERT, values)).rowcount:
            raise Conflict("this address is saved already", "该地址已登记", field="address")
    elif not (await conn.execute(_UPDATE, values)).rowcount:
        raise NotFound("there is no such address", "没有该通知地址", field="id")
    await _record(conn, "endpoint.saved", saved, given.department_id, by, at)
    return saved


async def subscribe(conn: Conn, user_id: UUID, address: Mapping[str, str], *, label: str, secret: bytes, at: datetime) -> UUID:
    """Save a browser's push address for the person signed in there, taking it from whoever was before; give its id.

    Raises Invalid for an address that is none, or when the person has too many browsers.
    """
    checked = check_address("webpush", address)
    digest = sealing.digest(secret, "webpush", checked["url"])
    await conn.execute("delete from endpoints where digest = %s", (digest,))
    row = await (await conn.execute("select count(*) from endpoints where user_id = %s and kind = 'webpush'", (user_id,))).fetchone()
    if row and row[0] >= MAX_PUSH_ADDRESSES:
        raise Invalid(f"at most {MAX_PUSH_ADDRESSES} browsers", f"最多登记 {MAX_PUSH_ADDRESSES} 个浏览器", field="address")
    given = NewEndpoint(kind="webpush", label=label.strip()[:MAX_LABEL] or "浏览器", address=checked, user_id=user_id)
    return await save(conn, given, secret=secret, at=at, by=user_id)


async def unsubscribe(conn: Conn, user_id: UUID, url: str, *, secret: bytes, at: datetime) -> bool:
    """Forget a browser's push address of this person; False when there was none."""
    digest = sealing.digest(secret, "webpush", url)
    row = await (await conn.execute("select id from endpoints where digest = %s and user_id = %s", (digest, user_id))).fetchone()
    if row is None:
        return False
    await remove(conn, row[0], by=user_id, at=at)
    return True


async def remove(conn: Conn, endpoint_id: UUID, *, by: UUID | None, at: datetime) -> None:
    """Delete an address; what waits for it goes to the next in line. Raises NotFound."""
    await sending.drop_pending(conn, endpoint_id, why="the address was removed", at=at)
    cursor = await conn.execute("delete from endpoints where id = %s returning department_id", (endpoint_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such address", "没有该通知地址", field="id")
    await _record(conn, "endpoint.removed", endpoint_id, row[0], by, at)


async def save_gateway(conn: Conn, kind: str, given: Mapping[str, str], *, active: bool, secret: bytes, at: datetime) -> None:
    """Save what text messages or e-mail go through; raises Invalid naming the field."""
    settings = check_gateway(kind, given)
    sealed = sealing.seal(secret, f"gateway:{kind}", settings)
    await conn.execute(_GATEWAY, {"kind": kind, "sealed": sealed, "hint": hint_of(settings), "active": active, "at": at})


async def test(conn: Conn, endpoint_id: UUID, *, at: datetime) -> UUID:
    """Write a test message to an address and give its id; raises NotFound for an unknown or inactive one."""
    row = await (await conn.execute("select kind from endpoints where id = %s and active", (endpoint_id,))).fetchone()
    if row is None:
        raise NotFound("there is no such active address", "没有该通知地址或已停用", field="id")
    return await write.write_one(conn, endpoint_id=endpoint_id, channel=row[0], template="test", facts={}, at=at)


def new_secret() -> str:
    """Make a secret a webhook's receiver checks signatures with."""
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def _check(given: NewEndpoint) -> None:
    owners = (given.department_id is not None) + (given.user_id is not None)
    if owners > 1 or (owners == 0 and given.kind != "webhook"):
        raise Invalid("an address belongs to one department or one person", "通知地址须属于一个部门或一个人", field="departmentId")
    if given.kind == "webhook" and given.user_id is not None:
        raise Invalid("a webhook belongs to a department or to the city", "回调须属于部门或全市", field="userId")
    if not 1 <= len(given.label.strip()) <= MAX_LABEL or "\x00" in given.label:
        raise Invalid(f"a label has 1 to {MAX_LABEL} characters", f"名称长度为 1 至 {MAX_LABEL} 个字符", field="label")
    if given.language not in ("zh", "en"):
        raise Invalid("a language is zh or en", "语言为 zh 或 en", field="language")
    if not -1000 <= given.ord <= 1000:
        raise Invalid("an order is -1000 to 1000", "次序须在 -1000 至 1000 之间", field="ord")
    kinds = given.event_kinds or ()
    if len(kinds) > MAX_KINDS or any(not kind or len(kind) > 60 or "\x00" in kind for kind in kinds):
        raise Invalid(f"at most {MAX_KINDS} kinds of event", f"最多 {MAX_KINDS} 种事件", field="eventKinds")


def _sealed(given: NewEndpoint, secret: bytes, endpoint_id: UUID) -> dict[str, bytes | str | None]:
    if given.address is None:
        return {"sealed": None, "digest": None, "hint": None}
    address = check_address(given.kind, given.address)
    if given.kind == "webhook" and "secret" not in address:
        address["secret"] = new_secret()
    where = address.get("url") or address.get("phone") or address["email"]
    # One push address is one browser, whoever sits at it; any other may serve several owners.
    owner = "" if given.kind == "webpush" else str(given.user_id or given.department_id or "")
    digest = sealing.digest(secret, given.kind, where, *([owner] if owner else []))
    return {"sealed": sealing.seal(secret, str(endpoint_id), address), "digest": digest, "hint": hint_of(address)}


async def _record(conn: Conn, kind: str, endpoint_id: UUID, department_id: UUID | None, by: UUID | None, at: datetime) -> None:
    departments = [department_id] if department_id else []
    event = events.Event(kind=kind, subject_kind="endpoint", subject_id=endpoint_id, at=at, department_ids=departments, actor_id=by)
    await events.record(conn, [event])
