"""Duties: which department answers where."""

from datetime import datetime
from typing import Final
from uuid import UUID

from domain.base import Conn, new_id

_HOLD_TERRITORY: Final = """
insert into duties (id, department_id, area_id, capacity, valid_from)
select %(id)s, %(department)s, %(area)s, 'territory', %(at)s where not exists (
    select from duties where department_id = %(department)s and area_id = %(area)s and capacity = 'territory'
      and kind is null and major is null and minor is null and (valid_to is null or valid_to > %(at)s))
"""


async def hold_territory(conn: Conn, department_id: UUID, area_id: UUID, *, at: datetime) -> None:
    """Let a department answer for the ground of an area's subtree, whatever happens there; twice changes nothing."""
    await conn.execute(_HOLD_TERRITORY, {"id": new_id(), "department": department_id, "area": area_id, "at": at})
