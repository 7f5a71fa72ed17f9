"""The stories of cases wake people by themselves: intake, steps, and deadlines that pass."""

from __future__ import annotations

from datetime import timedelta

from domain.flows import due
from tests.deliveries.conftest import Reachable
from tests.flows.conftest import AT


async def test_a_staff_report_wakes_its_department_and_accepting_it_is_reading(reachable: Reachable) -> None:
    city = reachable.city
    await reachable.endpoint("wecom", department="west")
    (done,) = await city.submit(city.report(source="staff", submitted_by=city.users["staff"]))
    assert [row[:2] for row in await reachable.told()] == [("west/wecom", "assigned")]
    await city.walk(city.actor("clerk", department="west"), done.case_id, "accept")
    assert {row[3] for row in await reachable.told()} == {"read"}


async def test_a_deadline_that_nears_passes_and_rises_is_told_each_time(reachable: Reachable) -> None:
    city = reachable.city
    await reachable.under("west", "rail")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("wecom", department="rail")
    (done,) = await city.submit(city.report(source="staff", submitted_by=city.users["staff"]))
    await city.walk(city.actor("clerk", department="west"), done.case_id, "accept")
    for hours in range(1, 100):
        at = AT + timedelta(hours=hours)
        while await due.fire(city.conn, city.holder, at=at):
            pass
    told = await city.rows(
        "select d.template, e.label from deliveries d join endpoints e on e.id = d.endpoint_id where rung = 0 order by d.created_at, d.id"
    )
    assert [row for row in told if row[0] in ("warning", "overdue")] == [("warning", "west/wecom"), ("overdue", "west/wecom")]
    assert ("escalated", "rail/wecom") in told
    assert ("escalated", "west/wecom") in told
