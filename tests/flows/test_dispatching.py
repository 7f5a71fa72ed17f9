"""Dispatch over real rows: figures read in one statement, the next unit, and who must not get a case by any verb."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.base import new_id
from domain.cases.rules import Part
from domain.dispatch.ranking import Ranked
from domain.errors import Invalid
from domain.flows import dispatching
from domain.flows.case_steps import StepInput, step_as_system
from tests.flows.conftest import AT, SmallCity

LONG_AGO = AT - timedelta(days=30)


async def opened(city: SmallCity, **given: Any) -> UUID:
    (done,) = await city.submit(city.report(**given))
    case_id: UUID = done.case_id
    return case_id


async def department(city: SmallCity, code: str, *, kind: str = "government", serves_grids: bool = False) -> UUID:
    city.departments[code] = new_id()
    await city.conn.execute(
        "insert into departments (id, code, name, kind, serves_grids, created_at) values (%s, %s, %s, %s, %s, %s)",
        (city.departments[code], code, f"{code}公司", kind, serves_grids, LONG_AGO),
    )
    return city.departments[code]


async def duty(city: SmallCity, code: str, area: str, capacity: str = "territory", **matter: str) -> None:
    await city.conn.execute(
        "insert into duties (id, department_id, area_id, capacity, kind, major, minor, valid_from) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (new_id(), city.departments[code], city.areas[area], capacity, matter.get("kind"), matter.get("major"), matter.get("minor"),
         LONG_AGO),
    )  # fmt: skip


async def skill(city: SmallCity, code: str, **matter: str) -> None:
    await city.conn.execute(
        "insert into department_skills (id, department_id, kind, major, minor, saved_at) values (%s, %s, %s, %s, %s, %s)",
        (new_id(), city.departments[code], matter.get("kind"), matter.get("major"), matter.get("minor"), AT),
    )


async def shift(city: SmallCity, code: str, hours: tuple[float, float], heads: int, **given: Any) -> None:
    await city.conn.execute(
        "insert into duty_shifts (id, department_id, area_id, starts_at, ends_at, head_count, on_call, saved_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (new_id(), city.departments[code], city.areas[given["area"]] if "area" in given else None, AT + timedelta(hours=hours[0]),
         AT + timedelta(hours=hours[1]), heads, given.get("on_call", False), AT),
    )  # fmt: skip


async def admit(city: SmallCity, area: str, task_class: str = "环境卫生", **matter: str) -> None:
    await city.conn.execute(
        "insert into admissions (id, area_id, kind, major, minor, task_class, valid_from) values (%s, %s, %s, %s, %s, %s, %s)",
        (new_id(), city.areas[area], matter.get("kind"), matter.get("major"), matter.get("minor"), task_class, LONG_AGO),
    )


async def ranking(city: SmallCity, case_id: UUID, *, at: datetime = AT) -> list[Ranked]:
    sql = f"select {dispatching.units_sql('c')} from cases c where c.id = %(id)s"
    ((figures,),) = await (await city.conn.execute(sql, {"id": case_id, "at": at})).fetchall()
    return dispatching.ranked(figures)


async def codes(city: SmallCity, case_id: UUID) -> list[str]:
    return [one.unit.code for one in await ranking(city, case_id)]


async def test_units_with_a_duty_at_the_place_are_ranked_the_holder_left_out(city: SmallCity) -> None:
    case_id = await opened(city)
    await department(city, "chengguan")
    await duty(city, "chengguan", "360500", "owner", kind="event")
    assert await codes(city, case_id) == ["chengguan"]  # west has it, east answers for other ground, water for components
    await city.walk(city.actor("dispatcher"), case_id, "recall", reason="收回")
    assert await codes(city, case_id) == ["chengguan", "west"]  # it had the case already
    west = (await ranking(city, case_id))[1]
    assert {point.code for point in west.why} == {"duty_territory", "no_roster", "load", "had_it"}


async def test_a_matter_nobody_knows_yet_goes_to_who_answers_for_everything(city: SmallCity) -> None:
    case_id = await opened(city, matter_id=None)
    await city.walk(city.actor("dispatcher"), case_id, "recall", reason="收回")
    await department(city, "chengguan")
    await duty(city, "chengguan", "360500", "owner", kind="event")
    assert await codes(city, case_id) == ["west"]


async def test_the_roster_counts_who_is_on_duty_now_and_here(city: SmallCity) -> None:
    case_id = await opened(city)
    await department(city, "chengguan")
    await duty(city, "chengguan", "360500", "owner", kind="event")
    await shift(city, "chengguan", (-1, 1), 3)
    await shift(city, "chengguan", (-1, 1), 4, area="360502101")
    await shift(city, "chengguan", (-1, 1), 5, area="360502102")  # the other town
    await shift(city, "chengguan", (1, 9), 6)  # later
    await shift(city, "chengguan", (-1, 1), 2, on_call=True)
    (one,) = await ranking(city, case_id)
    assert (one.unit.on_duty, one.unit.on_call) == (7, 2)
    (later,) = await ranking(city, case_id, at=AT + timedelta(hours=1))
    assert (later.unit.on_duty, later.unit.on_call) == (6, 0)


async def test_load_is_what_a_unit_has_now(city: SmallCity) -> None:
    first, second = await opened(city), await opened(city)
    await city.walk(city.actor("dispatcher"), first, "recall", reason="收回")
    (west,) = await ranking(city, first)
    assert (west.unit.open_cases, west.unit.overdue_cases) == (1, 0)
    (late,) = await ranking(city, first, at=AT + timedelta(days=9))
    assert (late.unit.open_cases, late.unit.overdue_cases) == (1, 1)
    await city.walk(city.actor("clerk"), second, "start")
    await city.walk(city.actor("clerk"), second, "finish")
    (west,) = await ranking(city, first)
    assert west.unit.open_cases == 0


async def test_the_next_unit_is_the_best_that_has_not_had_the_case(city: SmallCity) -> None:
    case_id = await opened(city)
    for code in ("chengguan", "huanbao"):
        await department(city, code)
        await duty(city, code, "360500", "owner", kind="event")
    await shift(city, "huanbao", (-1, 9), 3)
    now = await city.holder.current(city.conn, at=AT)
    for expected in ("huanbao", "chengguan"):
        unit = await dispatching.next_unit(city.conn, case_id, at=AT)
        assert unit == city.departments[expected]
        await step_as_system(city.conn, case_id, "pass_on", StepInput(department_id=unit, reason="逾时未受理"), city=now, at=AT)
    assert await dispatching.next_unit(city.conn, case_id, at=AT) is None
    assert await dispatching.next_unit(city.conn, new_id(), at=AT) is None


async def test_the_complained_of_is_never_next_and_never_listed(city: SmallCity) -> None:
    case_id = await opened(city)
    await city.walk(city.actor("dispatcher"), case_id, "recall", reason="收回")
    await city.conn.execute("update cases set about_department_id = %s where id = %s", (city.departments["west"], case_id))
    assert await codes(city, case_id) == []
    assert await dispatching.next_unit(city.conn, case_id, at=AT) is None


async def test_a_closed_department_is_not_listed(city: SmallCity) -> None:
    case_id = await opened(city)
    await city.walk(city.actor("dispatcher"), case_id, "recall", reason="收回")
    await city.conn.execute("update departments set active = false where code = 'west'")
    assert await codes(city, case_id) == []


async def test_an_outside_body_is_listed_where_the_matter_is_on_record_for_it(city: SmallCity) -> None:
    case_id = await opened(city)
    await department(city, "wuye", kind="external")
    await duty(city, "wuye", "360502101")  # whatever happens there: nothing an outside body is given for
    assert await codes(city, case_id) == []
    await skill(city, "wuye", kind="event", major="01", minor="10")
    assert await codes(city, case_id) == ["wuye"]


async def test_grids_get_admitted_matters_only_by_dispatch_transfer_and_joint_action(city: SmallCity) -> None:
    grid = await department(city, "wangge", serves_grids=True)
    await admit(city, "360502", kind="component")
    case_id = await opened(city)
    chief = city.actor("dispatcher")
    for verb, given in (
        ("transfer", {"department_id": grid, "reason": "派网格"}),
        ("whistle", {"parts": (Part(grid, "现场看看"),)}),
    ):
        with pytest.raises(Invalid) as refused:
            await city.walk(chief, case_id, verb, **given)
        assert refused.value.code == "not_admitted"
        assert "wangge公司" in refused.value.message_zh
    await city.walk(chief, case_id, "recall", reason="收回")
    with pytest.raises(Invalid, match="not admitted"):
        await city.walk(chief, case_id, "dispatch", department_id=grid)
    await admit(city, "360502101", kind="event", major="01")
    await city.walk(chief, case_id, "dispatch", department_id=grid)
    assert await city.one("select department_id from cases where id = %s", case_id) == grid


async def test_where_no_list_holds_every_matter_is_admitted(city: SmallCity) -> None:
    grid = await department(city, "wangge", serves_grids=True)
    await admit(city, "360502102", kind="component")  # holds in the other town
    case_id = await opened(city)
    await city.walk(city.actor("dispatcher"), case_id, "transfer", department_id=grid, reason="派网格")


async def test_an_admission_that_has_ended_admits_nothing_and_lists_nothing(city: SmallCity) -> None:
    grid = await department(city, "wangge", serves_grids=True)
    await admit(city, "360502", kind="event")
    await admit(city, "360502", kind="component")
    await city.conn.execute("update admissions set valid_to = %s where kind = 'event'", (AT,))
    case_id = await opened(city)
    with pytest.raises(Invalid, match="not admitted"):
        await city.walk(city.actor("dispatcher"), case_id, "transfer", department_id=grid, reason="派网格")


async def test_an_unnamed_matter_must_be_named_before_it_goes_to_a_grid(city: SmallCity) -> None:
    grid = await department(city, "wangge", serves_grids=True)
    await admit(city, "360502")
    case_id = await opened(city, matter_id=None)
    with pytest.raises(Invalid, match="name the matter first"):
        await city.walk(city.actor("dispatcher"), case_id, "transfer", department_id=grid, reason="派网格")


async def test_an_outside_body_cannot_be_sent_what_is_not_on_record_for_it(city: SmallCity) -> None:
    company = await department(city, "wuye", kind="external")
    await skill(city, "wuye", kind="component")
    case_id = await opened(city)
    with pytest.raises(Invalid) as refused:
        await city.walk(city.actor("dispatcher"), case_id, "transfer", department_id=company, reason="派物业")
    assert refused.value.code == "not_theirs"
    await skill(city, "wuye", kind="event", major="01", minor="10")
    await city.walk(city.actor("dispatcher"), case_id, "transfer", department_id=company, reason="派物业")


async def test_filing_leaves_a_case_in_the_queue_when_the_grid_it_was_meant_for_may_not_get_it_any_more(city: SmallCity) -> None:
    await department(city, "wangge", serves_grids=True)
    await duty(city, "wangge", "360502101", kind="event", major="01", minor="10")
    case_id = await opened(city, source="citizen")
    await admit(city, "360502", kind="component")
    done = await city.walk(city.actor("dispatcher"), case_id, "file")
    assert done.state == "filed"
    await admit(city, "360502", kind="event")
    await city.walk(city.actor("dispatcher"), case_id, "dispatch", department_id=city.departments["wangge"])


async def test_routing_itself_passes_over_a_grid_unit_that_may_not_get_the_matter(city: SmallCity) -> None:
    await department(city, "wangge", serves_grids=True)
    await duty(city, "wangge", "360502101", kind="event")
    assert await city.one("select department_id from cases where id = %s", await opened(city)) == city.departments["wangge"]
    await admit(city, "360502", kind="component")
    assert await city.one("select department_id from cases where id = %s", await opened(city)) == city.departments["west"]
    await admit(city, "360502101", kind="event", major="01", minor="10")
    assert await city.one("select department_id from cases where id = %s", await opened(city)) == city.departments["wangge"]
