"""A city of nine grids in two towns, with departments, matters and staff, small enough to reason about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import shapely

from domain.alerts.intake import DetectionInput
from domain.areas.changes import Record
from domain.areas.publish import publish
from domain.base import Conn, new_id
from domain.flows import alert_intake, case_steps, report_intake
from domain.flows.case_steps import StepInput, Stepped
from domain.flows.city import CityHolder
from domain.people.scope import Actor, Grant
from domain.reports.intake import ReportInput

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
WEST, SOUTH, STEP = 114.90, 27.80, 0.01
SECRET = b"a secret of the tests"


def grid_box(column: int, row: int) -> shapely.Polygon:
    """Cell (column, row) of the three by three grids, rows counted from the south."""
    west, south, east, north = (WEST + column * STEP, SOUTH + row * STEP, WEST + (column + 1) * STEP, SOUTH + (row + 1) * STEP)
    return shapely.box(round(west, 7), round(south, 7), round(east, 7), round(north, 7))


def grids() -> list[Record]:
    return [
        Record("grid", f"36050210{1 if column < 2 else 2}00100{row * 3 + column}", f"网格{column}{row}", grid_box(column, row),
               parent_code=f"36050210{1 if column < 2 else 2}")
        for row in range(3)
        for column in range(3)
    ]  # fmt: skip


def admin() -> list[Record]:
    whole = shapely.box(WEST, SOUTH, WEST + 3 * STEP, SOUTH + 3 * STEP)
    east = shapely.box(WEST + 2 * STEP, SOUTH, WEST + 3 * STEP, SOUTH + 3 * STEP)
    return [
        Record("city", "360500", "新余市", whole.buffer(0.05, join_style="mitre")),
        Record("county", "360502", "渝水区", whole.buffer(0.02, join_style="mitre"), parent_code="360500"),
        Record("town", "360502101", "西镇", whole.difference(east), parent_code="360502"),
        Record("town", "360502102", "东镇", east, parent_code="360502"),
    ]


@dataclass
class SmallCity:
    """The city on one connection, with the ids a test asks for by name."""

    conn: Conn
    holder: CityHolder
    areas: dict[str, UUID] = field(default_factory=dict)
    departments: dict[str, UUID] = field(default_factory=dict)
    matters: dict[str, UUID] = field(default_factory=dict)
    users: dict[str, UUID] = field(default_factory=dict)

    def report(self, **given: Any) -> ReportInput:
        values: dict[str, Any] = {
            "submission_id": uuid4(), "source": "staff", "matter_id": self.matters["rubbish"], "description": "路边垃圾",
            "lon": WEST + 0.005, "lat": SOUTH + 0.005, "datum": "WGS84", "accuracy_m": 8.0, "occurred_at": AT,
        }  # fmt: skip
        return ReportInput(**(values | given))

    async def submit(self, *items: ReportInput, at: datetime = AT) -> list[Any]:
        return list(await report_intake.submit(self.conn, self.holder, items, at=at, secret=SECRET))

    async def detect(self, *items: DetectionInput, device_id: UUID | None = None, at: datetime = AT) -> list[Any]:
        return list(await alert_intake.detect(self.conn, self.holder, items, device_id=device_id, at=at))

    def actor(self, role: str, *, area: str | None = None, department: str | None = None) -> Actor:
        grant = Grant(role, self.areas[area] if area else None, self.departments[department] if department else None)
        return Actor(self.users["staff"], "staff", "工作人员", None, (grant,))

    async def walk(self, actor: Actor | None, case_id: UUID, verb: str, *, at: datetime = AT, **given: Any) -> Stepped:
        city = await self.holder.current(self.conn, at=at)
        return await case_steps.step(self.conn, actor, case_id, verb, StepInput(**given), city=city, at=at)

    async def rows(self, query: str, *parameters: object) -> Sequence[Any]:
        return await (await self.conn.execute(query, parameters)).fetchall()

    async def one(self, query: str, *parameters: object) -> Any:
        (row,) = await self.rows(query, *parameters)
        return row[0] if len(row) == 1 else row


async def fill(conn: Conn) -> SmallCity:
    """Publish the areas and write departments, matters, duties, staff and a device."""
    city = SmallCity(conn, CityHolder())
    early = AT - timedelta(days=30)
    await publish(conn, "admin", admin(), at=early)
    await publish(conn, "grid", grids(), at=early)
    city.areas = dict(await city.rows("select code, area_id from area_versions"))
    for code, name in (("water", "供水公司"), ("west", "西镇政府"), ("east", "东镇政府"), ("rail", "护路办")):
        city.departments[code] = new_id()
        await conn.execute(
            "insert into departments (id, code, name, kind, created_at) values (%s, %s, %s, 'government', %s)",
            (city.departments[code], code, name, early),
        )
    for key, kind, major, minor, name, amount, unit in (
        ("cover", "component", "01", "01", "上水井盖", 2, "urgent_hour"),
        ("rubbish", "event", "01", "10", "暴露生活垃圾", 4, "work_hour"),
        ("person", "alert", "rail", "person_on_track", "行人上道", 1, "urgent_hour"),
        ("livestock", "alert", "rail", "large_livestock", "大牲畜上道", 1, "urgent_hour"),
    ):
        city.matters[key] = new_id()
        await conn.execute(
            "insert into matters (id, scheme, scheme_version, kind, major, major_name, minor, name, basis)"
            " values (%s, 'test', '1', %s, %s, '', %s, %s, 'test')",
            (city.matters[key], kind, major, minor, name),
        )
        await conn.execute(
            "insert into filing_conditions (id, matter_id, ord, wording, wording_basis, limit_amount, limit_unit, limit_basis)"
            " values (%s, %s, 1, '', 'own_wording', %s, %s, 'test')",
            (new_id(), city.matters[key], amount, unit),
        )
    for department, area, capacity, asked in (
        ("water", "360500", "owner", "component"), ("rail", "360500", "owner", "alert"),
        ("west", "360502101", "territory", None), ("east", "360502102", "territory", None),
    ):  # fmt: skip
        await conn.execute(
            "insert into duties (id, department_id, area_id, capacity, kind, valid_from) values (%s, %s, %s, %s, %s, %s)",
            (new_id(), city.departments[department], city.areas[area], capacity, asked, early),
        )
    city.users["staff"] = new_id()
    await conn.execute(
        "insert into users (id, username, display_name, password_hash, created_at) values (%s, 'staff', '工作人员', '-', %s)",
        (city.users["staff"], early),
    )
    return city


@pytest.fixture
async def city(conn: psycopg.AsyncConnection[Any]) -> SmallCity:
    return await fill(conn)


@pytest.fixture
async def device_id(city: SmallCity) -> UUID:
    device = new_id()
    await city.conn.execute(
        "insert into devices (id, code, kind, name, key_hash, position, created_at)"
        " values (%s, 'D1', 'camera', '相机', '\\x00', st_point(114.9, 27.8, 4326), %s)",
        (device, AT),
    )
    return device
