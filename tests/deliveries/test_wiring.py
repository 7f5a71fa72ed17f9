"""The stories of cases wake people by themselves: intake, steps, and deadlines that pass."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.base import new_id
from domain.deliveries import endpoints
from domain.flows import due, replies
from tests.deliveries.conftest import SECRET, Reachable
from tests.flows.conftest import AT


async def test_a_staff_report_wakes_its_department_and_accepting_it_is_reading(reachable: Reachable) -> None:
    city = reachable.city
    await reachable.endpoint("wecom", department="west")
    (done,) = await city.submit(city.report(source="staff", submitted_by=city.users["staff"]))
    assert [row[:2] for row in await reachable.told()] == [("west/wecom", "assigned")]
    await city.walk(city.actor("clerk", department="west"), done.case_id, "accept")
    assert {row[3] for row in await reachable.told()} == {"read"}


async def test_a_reporter_with_a_number_hears_that_the_report_came_and_of_questions_put_to_them(reachable: Reachable) -> None:
    city = reachable.city
    settings = {"url": "https://sms.example.org", "account": "N1", "secret": "x"}
    await endpoints.save_gateway(city.conn, "sms", settings, active=True, secret=SECRET, at=AT)
    (one,) = await city.submit(city.report(source="hotline", contact_name="李", contact_phone="13900001111"))
    copied = "insert into reports select (jsonb_populate_record(r, jsonb_build_object('id', %s::uuid, 'tracking_hash', '\\x01'))).*"
    other = await city.one(f"{copied} from reports r returning id", new_id())
    await city.conn.execute("insert into contacts (report_id, phone, created_at) values (%s, '13900002222', %s)", (other, AT))
    question = replies.Outgoing(case_id=one.case_id, kind="question", text="几号楼？", report_id=other)
    later = AT + timedelta(minutes=1)
    await replies.write_to_reporters(city.conn, city.actor("dispatcher"), question, at=later)
    told = await city.rows("select template, report_id from deliveries order by created_at")
    assert told == [("reporter.received", one.report_id), ("reporter.asked", other)]


async def test_reporters_of_one_thing_each_hear_once_that_theirs_came(reachable: Reachable) -> None:
    city = reachable.city
    settings = {"url": "https://sms.example.org", "account": "N1", "secret": "x"}
    await endpoints.save_gateway(city.conn, "sms", settings, active=True, secret=SECRET, at=AT)
    (first,) = await city.submit(city.report(source="citizen", contact_phone="13900001000"))
    same = [city.report(source="citizen", contact_phone=f"1390000200{i}", same_as=first.number) for i in range(3)]
    told: list[UUID] = [first.report_id, *(one.report_id for one in await city.submit(*same, at=AT + timedelta(minutes=5)))]
    assert await city.one("select count(*) from cases") == 1, "they joined its case"
    heard = await city.rows("select report_id from deliveries where template = 'reporter.received'")
    assert sorted(row[0] for row in heard) == sorted(told)


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
