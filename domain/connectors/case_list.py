"""The columns of a list of cases for people's spreadsheets; never the reporter's words, contact or photos."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from domain.base import Conn

MAX_ROWS: Final = {"csv": 500_000, "xlsx": 50_000}
FETCHED: Final = 2000
SATISFACTION: Final = {"satisfied": ("满意", "satisfied"), "fair": ("基本满意", "fair"), "dissatisfied": ("不满意", "dissatisfied")}

# What is read, with its name in both languages.
COLUMNS: Final[Sequence[tuple[str, str, str]]] = (
    ("c.number", "案件编号", "Number"),
    ("c.title", "事项", "Matter"),
    ("c.state", "状态", "State"),
    ("m.major_name", "大类", "Class"),
    ("coalesce((select min(r.source) from reports r where r.case_id = c.id), c.origin)", "来源", "Source"),
    ("h.code", "网格编码", "Grid code"),
    ("h.name", "网格", "Grid"),
    ("d.name", "承办单位", "Department"),
    ("c.opened_at", "立案时间", "Opened"),
    ("c.dispatched_at", "派遣时间", "Dispatched"),
    ("c.handled_at", "办结时间", "Handled"),
    ("c.closed_at", "结案时间", "Closed"),
    ("coalesce(c.handle_due_at, c.due_at)", "处置时限", "Due"),
    ("case when c.late_at is not null then '是' else '否' end", "超时", "Late"),
    ("c.bounces", "退回次数", "Returned"),
    ("c.reworks", "返工次数", "Redone"),
    ("c.reopens", "重开次数", "Reopened"),
    ("c.satisfaction", "满意度", "Satisfaction"),
    ("round(st_x(c.position)::numeric, 6)::float8", "经度(WGS84)", "Longitude (WGS 84)"),
    ("round(st_y(c.position)::numeric, 6)::float8", "纬度(WGS84)", "Latitude (WGS 84)"),
)
_SELECT: Final = f"""
select {", ".join(sql for sql, _, _ in COLUMNS)} from cases c
left join matters m on m.id = c.matter_id left join area_versions h on h.id = c.home_version_id
left join departments d on d.id = c.department_id
where {{0}} order by c.opened_at desc, c.id desc limit %(limit)s
"""
_STATE: Final = 2
_SATISFACTION: Final = 17


def header(language: str) -> list[str]:
    """Give the names of the columns."""
    return [zh if language == "zh" else en for _, zh, en in COLUMNS]


async def chunks(
    conn: Conn, where: Sequence[str], values: dict[str, object], *, limit: int, language: str, states: Mapping[str, tuple[str, str]]
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """Read the cases of these conditions (``c`` is the case), newest first, 2000 at a time through a cursor of the server's.

    ``states`` gives the Chinese and English name of each state.
    """
    which = 0 if language == "zh" else 1
    async with conn.transaction(), conn.cursor(name="case_list") as cursor:
        await cursor.execute(_SELECT.format(" and ".join(where) or "true"), {**values, "limit": limit})
        while found := await cursor.fetchmany(FETCHED):
            yield [_shown(row, which, states) for row in found]


def _shown(row: Sequence[Any], which: int, states: Mapping[str, tuple[str, str]]) -> tuple[Any, ...]:
    values = list(row)
    values[_STATE] = states[values[_STATE]][which]
    values[_SATISFACTION] = SATISFACTION[values[_SATISFACTION]][which] if values[_SATISFACTION] else None
    return tuple(values)
