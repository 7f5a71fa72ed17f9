"""Owners of many stored points at once, inside the database: through the H3 cells that points and areas both carry.

A join on cells finds the few areas a point may lie in; only points in a cell no area holds whole need the exact test,
and those are tested area by area, so that PostGIS prepares each polygon once. ``BY_GEOMETRY`` is the same question
without the cells: the oracle, and what the benchmark compares with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.base import Conn

_IN_FORCE: Final = "v.layer = %(layer)s and v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s)"

# Areas in code order, so that "the lowest code" is the smallest number.
_AREA: Final = f"""
area as materialized (
    select v.id, v.area_id, v.geom, row_number() over (order by v.code collate "C") as rank
    from area_versions v where {_IN_FORCE}
)
"""
_NAMED: Final = "select o.case_id, a.area_id, a.id as version_id from owner o join area a on a.rank = o.rank"

BY_CELL: Final = f"""
with {_AREA}, candidate as materialized (
    select c.id as case_id, c.position, k.version_id, k.whole
    from cases c join area_cells k on k.cell = c.cell
    where c.closed_at is null
    order by k.version_id
), owner as (
    select t.case_id, min(a.rank) as rank from candidate t join area a on a.id = t.version_id
    where t.whole or st_covers(a.geom, t.position)
    group by t.case_id
)
{_NAMED}
"""

BY_GEOMETRY: Final = f"""
with {_AREA}, owner as (
    select c.id as case_id, min(a.rank) as rank
    from cases c join area_versions v on st_covers(v.geom, c.position) join area a on a.id = v.id
    where c.closed_at is null
    group by c.id
)
{_NAMED}
"""

_MOVED: Final = f"""
select count(*) from cases c left join ({BY_CELL}) o on o.case_id = c.id
where c.closed_at is null and c.home_area_id is distinct from o.area_id
"""


async def open_cases_elsewhere(conn: Conn, layer: str, *, at: datetime) -> int:
    """Count the open cases that lie in another area of the home layer than the one they were assigned to."""
    ((count,),) = await (await conn.execute(_MOVED, {"layer": layer, "at": at})).fetchall()
    return int(count)
