"""Platforms above that cases are handed up to: where they are, how they want to be asked, and what they call our matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.base import Conn
from domain.connectors.clients import check_name
from domain.connectors.tables import FORMATS
from domain.errors import Invalid, NotFound

ANY: Final = "*"
MAX_URL: Final = 500
MAX_CODES: Final = 1000

_COLUMNS: Final = "id, code, name, base_url, format, jurisdiction_id, sealed_key, service_codes, active"
_SAVE: Final = """
insert into connector_targets (id, code, name, base_url, format, jurisdiction_id, sealed_key, service_codes, created_at)
values (%(id)s, %(code)s, %(name)s, %(base_url)s, %(format)s, %(jurisdiction_id)s, %(sealed_key)s, %(service_codes)s, %(at)s)
on conflict (code) do update set name = excluded.name, base_url = excluded.base_url, format = excluded.format,
    jurisdiction_id = excluded.jurisdiction_id, sealed_key = coalesce(excluded.sealed_key, connector_targets.sealed_key),
    service_codes = excluded.service_codes, active = true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A platform above; ``service_codes`` maps ours to theirs, ``*`` every other."""

    id: UUID
    code: str
    name: str
    base_url: str
    format: str
    jurisdiction_id: str | None = None
    sealed_key: bytes | None = None
    service_codes: Mapping[str, str]
    active: bool = True

    def service_code(self, ours: str) -> str:
        """Give their code of a matter; ours where nothing was said."""
        return self.service_codes.get(ours) or self.service_codes.get(ANY) or ours


async def save(conn: Conn, target: Target, *, at: datetime) -> None:
    """Add a platform or change the one of this code; its key stays when none is given. Raises Invalid."""
    check_name(target.code, target.name)
    check_url(target.base_url)
    if target.format not in FORMATS:
        raise Invalid(f"a format is one of {', '.join(FORMATS)}", "格式须为 json 或 xml", field="format")
    if len(target.service_codes) > MAX_CODES:
        raise Invalid(f"at most {MAX_CODES} service codes", f"对应关系不得超过 {MAX_CODES} 条", field="service_codes")
    values = {name: getattr(target, name) for name in Target.__slots__}
    await conn.execute(_SAVE, {**values, "service_codes": Jsonb(dict(target.service_codes)), "at": at})


async def by_code(conn: Conn, code: str) -> Target:
    """Find a platform; raises NotFound."""
    return await _one(conn, "code = %s", code)


async def by_id(conn: Conn, target_id: UUID) -> Target:
    """Find a platform; raises NotFound."""
    return await _one(conn, "id = %s", target_id)


def check_url(url: str) -> None:
    """Raise Invalid for what is no plain http or https address."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username is not None or len(url) > MAX_URL or url.endswith("/"):
        message = "an address is http(s)://host/path, without a user, a query or a slash at its end"
        raise Invalid(message, "平台地址格式不正确", field="base_url")


async def _one(conn: Conn, condition: str, value: Any) -> Target:
    async with conn.cursor(row_factory=class_row(Target)) as cursor:
        found = await (await cursor.execute(f"select {_COLUMNS} from connector_targets where {condition}", (value,))).fetchone()
    if found is None:
        raise NotFound("there is no such platform", "没有该上级平台", field="target")
    return found
