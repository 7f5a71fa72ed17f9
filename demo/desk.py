"""The demo's desk: grid teams, what they may be sent, who is on duty for a month, and what outside bodies can do.

Classes and matters are our own choice in the shape cities publish (eight classes of task, 24 matters admitted to grids).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from demo import city
from domain.base import Conn, new_id

ZONE: Final = ZoneInfo("Asia/Shanghai")
DAYS: Final = 30
BASIS: Final = "演示：网格任务准入清单"

# Class of task to events of the catalogue, as major and minor.
ADMITTED: Final[Mapping[str, tuple[str, ...]]] = {
    "环境卫生": ("0110", "0112", "0192"),
    "绿化管护": ("0117", "0118", "0191"),
    "河湖巡查": ("0125", "0126", "0182"),
    "街面秩序": ("0405", "0406", "0410"),
    "户外广告": ("0201", "0203", "0207"),
    "消防隐患": ("0496", "0120", "0180"),
    "建设巡查": ("0101", "0136", "0305"),
    "应急先报": ("0505", "0506", "0596"),
}
TEAMS: Final = {
    "360502": ("wangge-360502", "渝水区网格服务队", "Yushui grid team"),
    "360521": ("wangge-360521", "分宜县网格服务队", "Fenyi grid team"),
}
PROPERTY_COMPANY: Final = ("0110", "0192", "0136", "0410", "0496", "0596")  # rubbish, heaps, bicycles, fire lanes, falling objects
# Heads by day (08-18) and by night, the night on call.
SHIFTS: Final = {
    "zongzhi-360502": (24, 6), "zongzhi-360521": (16, 4), "chengguan": (40, 8), "zhujian": (12, 3), "yuanlin": (18, 2), "gongshui": (15, 5),
    "gongdian": (20, 8), "ranqi": (14, 6), "huluban": (10, 10), "wangge-360502": (120, 12), "wangge-360521": (80, 8), "wuye": (30, 6),
}  # fmt: skip

_ADMIT: Final = """
insert into admissions (id, area_id, kind, major, minor, task_class, basis, valid_from) values (%s, %s, 'event', %s, %s, %s, %s, %s)
"""
_SKILL: Final = "insert into department_skills (id, department_id, kind, major, minor, saved_at) values (%s, %s, 'event', %s, %s, %s)"
_SHIFT: Final = """
insert into duty_shifts (id, department_id, area_id, starts_at, ends_at, head_count, on_call, saved_at)
values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_TEAM: Final = """
insert into departments (id, code, name, name_en, kind, serves_grids, created_at) values (%s, %s, %s, %s, 'government', true, %s)
"""


async def load(conn: Conn, areas: Mapping[str, UUID], bodies: Mapping[str, UUID], *, at: datetime) -> None:
    """Write grid teams, admissions, skills and a month of shifts; ``areas`` by administrative code, ``bodies`` by department code."""
    bodies = {**bodies, **await _teams(conn, at)}
    matters = [(matter[:2], matter[2:], name) for name, listed in ADMITTED.items() for matter in listed]
    async with conn.cursor() as cursor:
        root = areas[city.CITY]
        await cursor.executemany(_ADMIT, [(new_id(), root, major, minor, name, BASIS, at) for major, minor, name in matters])
        able = [(code, major, minor) for code, _, _ in TEAMS.values() for major, minor, _ in matters]
        able += [("wuye", matter[:2], matter[2:]) for matter in PROPERTY_COMPANY]
        await cursor.executemany(_SKILL, [(new_id(), bodies[code], major, minor, at) for code, major, minor in able])
        await cursor.executemany(_SHIFT, [row for code in SHIFTS for row in _shifts(code, bodies[code], areas, at)])


async def _teams(conn: Conn, at: datetime) -> dict[str, UUID]:
    made = {code: new_id() for code, _, _ in TEAMS.values()}
    async with conn.cursor() as cursor:
        await cursor.executemany(_TEAM, [(made[code], code, name, name_en, at) for code, name, name_en in TEAMS.values()])
    return made


def _shifts(code: str, department_id: UUID, areas: Mapping[str, UUID], at: datetime) -> list[tuple[object, ...]]:
    by_day, by_night = SHIFTS[code]
    area_id = areas[code[-6:]] if code[-6:] in city.COUNTIES else None
    rows: list[tuple[object, ...]] = []
    for day in range(-1, DAYS):
        morning = datetime.combine((at.astimezone(ZONE) + timedelta(days=day)).date(), time(8), ZONE)
        evening, next_morning = morning + timedelta(hours=10), morning + timedelta(days=1)
        rows.append((new_id(), department_id, area_id, morning, evening, by_day, False, at))
        rows.append((new_id(), department_id, area_id, evening, next_morning, by_night, True, at))
    return rows
