"""The catalogue as shipped: matters with scheme and version, and the filing conditions that set their clocks.

It is data in CSV beside this file. Loading it again adds what is missing and changes nothing a city has changed; codes, names
and limits are facts taken over, the wording of conditions is our own and says so in its basis.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from domain.base import Conn, new_id

DATA: Final = Path(__file__).parent / "data"
ALERTS: Final = ("gridwarden", "1")

_MATTER: Final = """
insert into matters (id, scheme, scheme_version, kind, major, major_name, minor, name, name_en, enabled, basis)
values (%(id)s, %(scheme)s, %(scheme_version)s, %(kind)s, %(major)s, %(major_name)s, %(minor)s, %(name)s,
        nullif(%(name_en)s, ''), %(enabled)s::boolean, %(basis)s)
on conflict (scheme, scheme_version, kind, major, minor) do nothing
"""
_CONDITION: Final = """
insert into filing_conditions (id, matter_id, ord, wording, wording_basis, limit_amount, limit_unit, limit_basis)
select %(id)s, id, %(ord)s::integer, %(wording)s, %(wording_basis)s, %(limit_amount)s::integer, %(limit_unit)s, %(limit_basis)s
from matters where (scheme, scheme_version, kind, major, minor) = (%(scheme)s, %(scheme_version)s, %(kind)s, %(major)s, %(minor)s)
on conflict (matter_id, ord) do nothing
"""


async def load(conn: Conn) -> int:
    """Add the shipped matters and conditions that are missing, in the caller's transaction; return how many matters there are."""
    alerts = [_alert(row) for row in _rows("alert_kinds.csv")]
    async with conn.cursor() as cursor:
        await cursor.executemany(_MATTER, [{"id": new_id(), **row} for row in [*_rows("matters.csv"), *alerts]])
        await cursor.executemany(_CONDITION, [{"id": new_id(), **row} for row in [*_rows("filing_conditions.csv"), *alerts]])
        await cursor.execute("select count(*) from matters")
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _alert(row: dict[str, str]) -> dict[str, str]:
    """One row of the kinds devices raise: the matter and its only condition together."""
    scheme, version = ALERTS
    words = {"wording": f"设备告警：{row['name']}", "wording_basis": "own_wording", "limit_basis": "own_limit", "basis": "own_wording"}
    return {**row, "scheme": scheme, "scheme_version": version, "kind": "alert", "enabled": "true", "ord": "1", **words}
