"""What everybody may see of the city's cases: a cell, a matter, a month and a state; words only where a supervisor wrote them.

Nothing finer than the cell can be found out by asking: what is read depends on the viewport only through a coarse raster, and what is
shown only on the middle of the cell. Photos are never shown here.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.base import Conn
from domain.errors import Invalid
from geo import cells
from geo.lonlat import BBox, LonLat

RESOLUTION: Final = 9  # about 350 m across
MAX_FIRST: Final = 500
MAX_SPAN_DEG: Final = 2.0
SHOWN_FOR: Final = timedelta(days=180)
RASTER_DEG: Final = 0.02
MARGIN_DEG: Final = 0.01  # more than a cell is wide
READ_MOST: Final = 2_000
# A cell with fewer things in it than this is left out; a city may raise it in ``installation``.
FEWEST_OPTION: Final = "public_map.fewest_in_a_cell"
ZONE: Final = ZoneInfo("Asia/Shanghai")

# Not shown: what is not checked yet or was not true, complaints about a unit, alarms, and matters this installation lists as private.
_SHOWN: Final = f"""
select c.cell, m.name, m.name_en, c.opened_at, c.state,
       (select p.public_text from report_publications p where p.case_id = c.id order by p.moderated_at desc limit 1)
from cases c join matters m on m.id = c.matter_id and m.kind in ('component', 'event')
where c.position && st_makeenvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326) and c.opened_at > %(since)s
  and c.origin = 'report' and c.state not in ('checking', 'rejected', 'withdrawn', 'merged') and c.about_department_id is null
  and m.id::text <> all(coalesce((select string_to_array(value, ',') from installation where key = 'public_map.private_matters'), '{{}}'))
order by c.opened_at desc, c.id desc limit {READ_MOST}
"""


@dataclass(frozen=True, slots=True)
class PublicCase:
    """A case as everybody may know it; ``cell`` is the H3 cell at resolution 9, ``month`` is local, as 2026-11."""

    cell: int
    center: LonLat
    matter_zh: str
    matter_en: str
    month: str
    state: str
    text: str | None


async def shown(conn: Conn, box: BBox, *, first: int, at: datetime) -> list[PublicCase]:
    """List what may be shown of cases in a viewport, newest month first; raises Invalid for one that is too large."""
    if not 1 <= first <= MAX_FIRST:
        raise Invalid(f"first is 1 to {MAX_FIRST}", f"数量应在 1 到 {MAX_FIRST} 之间", field="first")
    if box.east - box.west > MAX_SPAN_DEG or box.north - box.south > MAX_SPAN_DEG:
        raise Invalid(f"look at no more than {MAX_SPAN_DEG:g} degrees at once", "查看范围过大，请放大地图", field="bbox")
    option = await (await conn.execute("select value from installation where key = %s", (FEWEST_OPTION,))).fetchone()
    fewest = int(option[0]) if option and option[0].isdecimal() else 1
    rows = await (await conn.execute(_SHOWN, {**_snapped(box), "since": at - SHOWN_FOR})).fetchall()
    found = [_public(*row) for row in rows]
    crowd = Counter(case.cell for case in found)
    inside = [case for case in found if box.contains(lon=case.center.lon, lat=case.center.lat) and crowd[case.cell] >= fewest]
    # Within a month the order says nothing of the day.
    inside.sort(key=lambda case: (case.cell, case.matter_zh, case.state))
    inside.sort(key=lambda case: case.month, reverse=True)
    return inside[:first]


def _public(cell: int, matter_zh: str, matter_en: str | None, opened_at: datetime, state: str, text: str | None) -> PublicCase:
    coarse = cells.parent(cell, RESOLUTION)
    month = opened_at.astimezone(ZONE).strftime("%Y-%m")
    return PublicCase(coarse, cells.center(coarse), matter_zh, matter_en or matter_zh, month, state, text)


def _snapped(box: BBox) -> dict[str, float]:
    """Widen a viewport by more than a cell to whole squares of a raster."""
    west, south = (math.floor((edge - MARGIN_DEG) / RASTER_DEG) * RASTER_DEG for edge in (box.west, box.south))
    east, north = (math.ceil((edge + MARGIN_DEG) / RASTER_DEG) * RASTER_DEG for edge in (box.east, box.north))
    return {"west": max(west, -180.0), "south": max(south, -90.0), "east": min(east, 180.0), "north": min(north, 90.0)}
