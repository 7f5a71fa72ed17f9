"""The demo's desk: eight classes of task with 24 matters admitted to grids, people on duty, and a ranking that uses them."""

from typing import Any

import psycopg
import pytest

from demo import desk
from domain.base import Conn
from domain.flows import dispatching
from tests.demo.conftest import AT


@pytest.fixture
async def loaded(loaded_url: str) -> Any:
    async with await psycopg.AsyncConnection.connect(loaded_url) as conn:
        yield conn
        await conn.rollback()


async def rows(conn: Conn, query: str, values: dict[str, object] | None = None) -> list[Any]:
    return list(await (await conn.execute(query, values)).fetchall())


async def test_every_admitted_matter_is_an_enabled_one_of_the_catalogue(loaded: Conn) -> None:
    found = await rows(
        loaded,
        "select a.task_class, m.name from admissions a join matters m on (m.kind, m.major, m.minor) = (a.kind, a.major, a.minor)"
        " and m.enabled",
    )
    assert len(found) == 24
    assert {task_class for task_class, _ in found} == set(desk.ADMITTED)
    assert len(desk.ADMITTED) == 8


async def test_somebody_is_on_duty_by_day_and_on_call_by_night_at_any_hour_of_the_month(loaded: Conn) -> None:
    gaps = await rows(
        loaded,
        "select t from generate_series(%(at)s::timestamptz, %(at)s::timestamptz + interval '28 days', interval '1 hour') t"
        " where (select count(*) from duty_shifts s where s.starts_at <= t and s.ends_at > t) <> %(units)s",
        {"at": AT, "units": len(desk.SHIFTS)},
    )
    assert gaps == []


async def test_the_grid_team_is_offered_admitted_matters_and_no_others(loaded: Conn) -> None:
    sql = (
        "select m.major || m.minor, c.fig from matters m cross join lateral (select"
        f" {dispatching.units_sql('k')} as fig from (select c.id, c.area_ids, m.id as matter_id, null::uuid as department_id,"
        " null::uuid as about_department_id, c.filed_at from cases c join area_versions v on v.id = c.home_version_id"
        " where v.code like '360502%%' order by c.id limit 1) k) c where m.kind = 'event' and m.enabled"
    )
    admitted = {matter for listed in desk.ADMITTED.values() for matter in listed}
    offered = {
        matter
        for matter, figures in await rows(loaded, sql, {"at": AT})
        if "wangge-360502" in {one.unit.code for one in dispatching.ranked(figures)}
    }
    assert offered == admitted
