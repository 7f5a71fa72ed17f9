"""What Open311 GeoReport v2 shows of the city: services from the catalogue, requests from cases, updates from their steps.

Everything here is public. So a request has its matter, state, dates and unit, the middle of its H3 cell (about 150 m across)
instead of its point, and no photo; instead of the reporter's words what staff wrote for everybody, if they did. Complaints about a
unit of ours are not shown at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row

from domain.base import Conn
from geo import cells

MAX_SPAN: Final = timedelta(days=90)
UPDATES_SPAN: Final = timedelta(days=7)
MAX_PAGE_SIZE: Final = 1000
OTHER: Final = "OTHER"  # for whoever cannot name the matter
# Scheme, kind (Component or Event) and the catalogue's own digits, of any width: GBT30428.2-E0110.
CODE: Final = "translate({0}.scheme, '/ ', '') || '-' || upper(left({0}.kind, 1)) || {0}.major || {0}.minor"

_SERVICES: Final = f"""
select distinct on (1) {CODE.format("m")} as code, m.id, m.kind, m.name, m.name_en, m.major_name,
       (select coalesce(jsonb_agg(jsonb_build_array(f.ord, f.wording, f.limit_amount, f.limit_unit) order by f.ord), '[]')
        from filing_conditions f where f.matter_id = m.id and f.wording <> '') as conditions
from matters m
where m.enabled and m.kind in ('component', 'event') and (%(code)s::text is null or {CODE.format("m")} = %(code)s)
order by 1, m.scheme_version desc
"""
# A merged case is as far as the one it was merged into.
_ANSWERING: Final = """
left join lateral (
    with recursive chain as (
        select c.merged_into_id as id, 1 as n where c.state = 'merged'
        union all select x.merged_into_id, n + 1 from chain join cases x on x.id = chain.id where x.state = 'merged' and n < 20
    ) select id from chain where id is not null order by n desc limit 1
) last on true
join cases e on e.id = coalesce(last.id, c.id)
"""
_REQUESTS: Final = f"""
select c.number, e.closed_at, e.state, c.title, m.name, {CODE.format("m")} as code, d.name as agency, c.opened_at,
       coalesce(e.closed_at, e.updated_at) as updated_at, coalesce(e.handle_due_at, e.due_at) as due_at, c.cell,
       (select p.public_text from report_publications p where p.case_id = c.id order by p.moderated_at desc limit 1) as description,
       (select string_agg(v.name, ' ' order by p.ord desc) from area_versions h, unnest(h.path) with ordinality p(area_id, ord)
        join area_versions v on v.area_id = p.area_id and v.valid_to is null where h.id = c.home_version_id) as address
from (
    select c.id, e.id as answering from cases c {_ANSWERING} left join matters m on m.id = c.matter_id
    where c.origin = 'report' and c.about_department_id is null and {{0}}
    order by c.opened_at desc, c.id desc limit %(limit)s offset %(offset)s
) page join cases c on c.id = page.id join cases e on e.id = page.answering
left join matters m on m.id = c.matter_id left join departments d on d.id = e.department_id
order by c.opened_at desc, c.id desc
"""
_UPDATES: Final = f"""
select t.id, c.number, t.at, t.verb, t.to_state, {CODE.format("m")} as code
from case_transitions t join cases c on c.id = t.case_id left join matters m on m.id = c.matter_id
where c.origin = 'report' and c.about_department_id is null and {{0}}
order by t.at, t.id limit %(limit)s offset %(offset)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A matter as a service; ``conditions`` are (order, wording, amount, unit) of its filing conditions."""

    code: str
    matter_id: UUID | None
    name: str
    name_en: str | None
    group: str
    conditions: Sequence[tuple[int, str, int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests or updates; ``numbers`` overrides everything else, instants are inclusive."""

    numbers: Sequence[str] = ()
    codes: Sequence[str] = ()
    statuses: Sequence[str] = ()
    start: datetime
    end: datetime
    limit: int = MAX_PAGE_SIZE
    offset: int = 0

    def parameters(self) -> dict[str, object]:
        """Give the values of the statements."""
        return {
            "numbers": list(self.numbers), "codes": list(self.codes), "closed": self.statuses[0] == "closed" if self.statuses else None,
            "start": self.start, "end": self.end, "limit": self.limit, "offset": self.offset,
        }  # fmt: skip


UNKNOWN: Final = Service(code=OTHER, matter_id=None, name="待核实事项", name_en="Not sure what it is", group="其他", conditions=())


async def services(conn: Conn, code: str | None = None) -> list[Service]:
    """List the services, or the one of this code, in order of code; the unknown matter comes last."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_SERVICES, {"code": code})).fetchall()
    found = [
        Service(
            code=row["code"], matter_id=row["id"], name=row["name"], name_en=row["name_en"], group=row["major_name"],
            conditions=[tuple(condition) for condition in row["conditions"]],
        )
        for row in rows
    ]  # fmt: skip
    return [*found, UNKNOWN] if code in (None, OTHER) else found


async def named(conn: Conn, kind: str) -> Service | None:
    """Find the service another system means by a code of ours or by a matter's exact name; None when it means none."""
    wanted = kind.strip()
    return next((service for service in await services(conn) if service.matter_id and wanted in (service.code, service.name)), None)


async def changeset(conn: Conn) -> str:
    """Give a text that sorts after every earlier one whenever the catalogue or who answers for it has changed."""
    row = await (await conn.execute("select version from routing_state")).fetchone()
    return f"{row[0] if row else 0:010d}"


async def city_codes(conn: Conn) -> list[str]:
    """Give the codes of the cities this installation serves: its jurisdiction_id."""
    rows = await conn.execute("select code from area_versions where layer = 'admin' and level = 'city' and valid_to is null order by code")
    return [code for (code,) in await rows.fetchall()]


async def requests(conn: Conn, wanted: Wanted) -> Sequence[Mapping[str, Any]]:
    """List requests, newest first, each with ``lon`` and ``lat`` of the middle of its cell."""
    conditions = ["c.number = any(%(numbers)s)"] if wanted.numbers else ["c.opened_at between %(start)s and %(end)s"]
    if not wanted.numbers and wanted.codes:
        conditions.append(f"coalesce({CODE.format('m')}, '{OTHER}') = any(%(codes)s)")
    if not wanted.numbers and len(set(wanted.statuses)) == 1:
        conditions.append("(e.closed_at is not null) = %(closed)s")
    async with conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_REQUESTS.format(" and ".join(conditions)), wanted.parameters())).fetchall()
    return [row | _middle(row["cell"]) for row in rows]


async def updates(conn: Conn, wanted: Wanted) -> Sequence[Mapping[str, Any]]:
    """List what changed, oldest first; never why, because reasons are words of people."""
    conditions = ["c.number = any(%(numbers)s)"] if wanted.numbers else ["t.at between %(start)s and %(end)s"]
    async with conn.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(_UPDATES.format(" and ".join(conditions)), wanted.parameters())).fetchall()


def _middle(cell: int) -> dict[str, float]:
    middle = cells.center(cell)
    return {"lon": round(middle.lon, 6), "lat": round(middle.lat, 6)}
