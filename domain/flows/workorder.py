"""What a printed work order says: the case, the land around it, and (asked for, and only for those who may) how to reach the reporter.

Every print is written down. A person who acts for an external organisation never gets the reporter's contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import shapely
from psycopg.rows import dict_row

from domain.base import Conn, new_id
from domain.errors import Forbidden, NotFound
from domain.people.scope import SEES, Actor, scope_for
from geo.lonlat import LonLat

AROUND_M: Final = 420.0  # half the width of the map, wider where no border would be on it
WIDEST_M: Final = 4000.0
MAX_STEPS: Final = 12
MAX_AREAS: Final = 60

_CASE: Final = f"""
select c.id, c.number, c.title, c.state, c.opened_at, c.due_at, c.handle_due_at, c.due_provisional, c.late_at, c.supervised_at,
       st_x(c.position) as lon, st_y(c.position) as lat, c.home_area_id, d.name as department, m.major_name, f.wording as condition,
       f.limit_amount, f.limit_unit, h.code as grid_code, h.name as grid_name, r.description, r.occurred_at, r.source, r.accuracy_m,
       (select count(*) from reports n where n.case_id = c.id) as report_count,
       (select count(*) from photos p join reports n on n.id = p.report_id where n.case_id = c.id) as photo_count,
       (select string_agg(v.name, ' · ' order by p.ord) from unnest(h.path) with ordinality p(area_id, ord)
        join area_versions v on v.area_id = p.area_id and v.valid_to is null) as areas,
       k.name as contact_name, k.phone as contact_phone
from cases c left join departments d on d.id = c.department_id left join matters m on m.id = c.matter_id
left join filing_conditions f on f.id = c.condition_id left join area_versions h on h.id = c.home_version_id
left join lateral (select * from reports r where r.case_id = c.id order by r.received_at limit 1) r on true
left join contacts k on k.report_id = r.id
where c.id = %(id)s and {SEES.format("c")}
"""
_TO_BORDER: Final = """
select st_distance(st_boundary(v.geom)::geography, st_point(%(lon)s, %(lat)s, 4326)::geography) from area_versions v
where v.area_id = %(home)s and v.valid_to is null
"""
_STEPS: Final = """
select t.at, t.verb, t.to_state, d.name as department, t.reason from case_transitions t left join departments d on d.id = t.department_id
where t.case_id = %s order by t.at desc, t.id desc limit %s
"""
_BOX: Final = "st_expand(st_point(%(lon)s, %(lat)s, 4326), %(dlon)s, %(dlat)s)"
_AREAS: Final = f"""
select v.area_id, v.level, v.name, v.source, st_asbinary(st_clipbybox2d(v.geom, {_BOX})) from area_versions v
where v.valid_to is null and v.layer in ('admin', 'grid') and v.level in ('town', 'village', 'grid') and v.geom && {_BOX}
order by v.area_m2 desc limit %(limit)s
"""
_LINES: Final = f"""
select name, kind, source, st_asbinary(st_intersection(geom, {_BOX})) from rail_lines
where st_intersects(geom, {_BOX}) limit %(limit)s
"""
_EXTERNAL: Final = "select count(*) from departments where id = any(%s) and kind = 'external'"


@dataclass(frozen=True, slots=True)
class Land:
    """An area around the case, clipped to the map; ``home`` when it owns the case."""

    level: str
    name: str
    shape: Any
    home: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A railway line, clipped to the map."""

    name: str
    kind: str
    shape: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """Everything on the sheet; ``contact`` is (name, phone) or None where it is not shown."""

    case: Mapping[str, Any]
    at: LonLat
    steps: Sequence[Mapping[str, Any]]
    lands: Sequence[Land]
    lines: Sequence[Line]
    sources: Sequence[str]
    around_m: float
    contact: tuple[str | None, str | None] | None
    printed_by: str
    printed_at: datetime


async def take(conn: Conn, actor: Actor | None, case_id: UUID, *, with_contact: bool, at: datetime) -> WorkOrder:
    """Read a work order for somebody and write down that they took it. Raises Unauthenticated, Forbidden, NotFound."""
    scope = scope_for(actor, "case.read")
    async with conn.cursor(row_factory=dict_row) as cursor:
        case = await (await cursor.execute(_CASE, {"id": case_id, **scope.parameters()})).fetchone()
        if case is None or actor is None:
            raise NotFound("there is no such case in your remit", "您的管辖范围内没有该案件", field="caseId")
        steps = await (await cursor.execute(_STEPS, (case_id, MAX_STEPS))).fetchall()
    if with_contact:
        await _check_contact(conn, actor, case_id)
    there = LonLat(lon=case["lon"], lat=case["lat"])
    around_m = await _width(conn, there, case["home_area_id"])
    lands, lines, sources = await _around(conn, there, case["home_area_id"], around_m)
    contact = (case.pop("contact_name"), case.pop("contact_phone"))
    await conn.execute(
        "insert into workorder_prints (id, case_id, user_id, with_contact, at) values (%s, %s, %s, %s, %s)",
        (new_id(), case_id, actor.user_id, with_contact, at),
    )
    return WorkOrder(
        case=case, at=there, steps=steps[::-1], lands=lands, lines=lines, sources=sources, around_m=around_m,
        contact=contact if with_contact else None, printed_by=actor.display_name, printed_at=at,
    )  # fmt: skip


async def _check_contact(conn: Conn, actor: Actor, case_id: UUID) -> None:
    """Raise Forbidden for whoever may not reach the reporter: no report.read here, or an external organisation."""
    scope = scope_for(actor, "report.read")
    seen = await (await conn.execute(f"select 1 from cases c where c.id = %(id)s and {SEES.format('c')}",
                                     {"id": case_id, **scope.parameters()})).fetchone()  # fmt: skip
    row = await (await conn.execute(_EXTERNAL, (list(actor.departments()),))).fetchone()
    if seen is None or row is None or row[0]:
        raise Forbidden("you may not be told how to reach the reporter", "您无权查看报告人联系方式", field="contact")


async def _width(conn: Conn, there: LonLat, home_id: UUID | None) -> float:
    """Choose half the map's width in metres: enough for the nearest border of the owning grid to be on it."""
    row = await (await conn.execute(_TO_BORDER, {"home": home_id, "lon": there.lon, "lat": there.lat})).fetchone()
    return min(max(AROUND_M, 1.5 * row[0]), WIDEST_M) if row and row[0] is not None and row[0] > AROUND_M / 2 else AROUND_M


async def _around(
    conn: Conn, there: LonLat, home_id: UUID | None, around_m: float
) -> tuple[list[Land], list[Line], list[str]]:
    values = {"lon": there.lon, "lat": there.lat, "dlat": around_m / 111_000, "dlon": around_m / 90_000, "limit": MAX_AREAS}
    areas = await (await conn.execute(_AREAS, values)).fetchall()
    rails = await (await conn.execute(_LINES, values)).fetchall()
    lands = [Land(level, name, shapely.from_wkb(bytes(shape)), area_id == home_id) for area_id, level, name, _, shape in areas]
    lines = [Line(name, kind, shapely.from_wkb(bytes(shape))) for name, kind, _, shape in rails]
    sources = {row[3] for row in areas} | {row[2] for row in rails}
    return lands, lines, sorted(source for source in sources if source)
