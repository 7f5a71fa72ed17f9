"""A small city for the tests of the doors: two counties of four square grids each, and cases put into them."""

from datetime import datetime
from uuid import UUID

import shapely

from domain.areas import publish
from domain.areas.changes import Record
from domain.base import Conn, new_id

WEST, SOUTH, SIDE = 114.90, 27.80, 0.01
MIDDLE = (WEST + 2 * SIDE, SOUTH + SIDE)


def grid_records(names: str = "网格") -> list[Record]:
    """Give the grids: four columns and two rows, the west half in county A and the east half in B."""
    return [
        Record("grid", f"G{column}{row}", f"{names}{column}{row}", _square(column, row), parent_code="AABB"[column])
        for column in range(4)
        for row in range(2)
    ]


def admin_records() -> list[Record]:
    """Give the city and its two counties."""
    counties = [shapely.box(WEST + i * SIDE, SOUTH, WEST + (i + 2) * SIDE, SOUTH + 2 * SIDE) for i in (0, 2)]
    city = Record("city", "C", "某市", shapely.union_all(counties), source="test data")
    return [city, *(Record("county", c, f"{c}县", s, parent_code="C") for c, s in zip("AB", counties, strict=True))]


def _square(column: int, row: int) -> shapely.Polygon:
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    return shapely.box(west, south, west + SIDE, south + SIDE)


async def build(conn: Conn, *, at: datetime) -> dict[str, UUID]:
    """Publish the city and return the ids of its areas by code."""
    await publish.publish(conn, "admin", admin_records(), at=at)
    await publish.publish(conn, "grid", grid_records(), at=at)
    return await area_ids(conn)


async def area_ids(conn: Conn) -> dict[str, UUID]:
    """Return the ids of the areas in force, by code."""
    return dict(await (await conn.execute("select code, area_id from area_versions where valid_to is null")).fetchall())


async def department(conn: Conn, code: str, *, at: datetime) -> UUID:
    """Make a department."""
    department_id = new_id()
    statement = "insert into departments (id, code, name, kind, created_at) values (%s, %s, %s, 'government', %s)"
    await conn.execute(statement, (department_id, code, code, at))
    return department_id


async def case(
    conn: Conn,
    number: str,
    *,
    grid: str,
    at: datetime,
    department_id: UUID | None = None,
    closed_at: datetime | None = None,
    offset: tuple[float, float] = (0.5, 0.5),
) -> UUID:
    """Put a case into a grid, at a share of its side from the south-west corner, with its receipt."""
    case_id, receipt_id = new_id(), new_id()
    column, row = int(grid[1]), int(grid[2])
    lon, lat = WEST + (column + offset[0]) * SIDE, SOUTH + (row + offset[1]) * SIDE
    values = {
        "case": case_id, "receipt": receipt_id, "number": number, "grid": grid, "lon": lon, "lat": lat, "at": at,
        "department": department_id, "closed_at": closed_at, "state": "closed" if closed_at else "filed",
    }  # fmt: skip
    await conn.execute(_RECEIPT, values)
    await conn.execute(_CASE, values)
    return case_id


_RECEIPT = """
    insert into receipts (id, subject_kind, subject_id, at, position, rule_code, rule_version, owners, candidates, why)
    values (%(receipt)s, 'case', %(case)s, %(at)s, st_setsrid(st_point(%(lon)s, %(lat)s), 4326), 'event.default', 1,
            '[]', '[]', '[]')
"""
_CASE = """
    insert into cases (id, number, origin, state, title, position, position_3857, cell, home_area_id, home_version_id,
                       area_ids, department_id, receipt_id, opened_at, closed_at, updated_at)
    select %(case)s, %(number)s, 'report', %(state)s, '井盖缺失', p, st_transform(p, 3857), 0, v.area_id, v.id, v.path,
           %(department)s, %(receipt)s, %(at)s, %(closed_at)s, %(at)s
    from area_versions v, st_setsrid(st_point(%(lon)s, %(lat)s), 4326) p
    where v.layer = 'grid' and v.code = %(grid)s and v.valid_to is null
"""
