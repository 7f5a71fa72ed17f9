"""Who is told of what, and who is told next: by the table, in the transaction of what happened, by a clock that is moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.base import new_id
from domain.deliveries import ladder, write
from domain.deliveries.channels import KINDS
from domain.deliveries.letters import TEMPLATES
from domain.deliveries.notices import ANSWERS, ENDS, RULES, SOON, URGENT, Notice
from domain.errors import NotFound
from tests.deliveries.conftest import Reachable
from tests.flows.conftest import AT

MINUTE = timedelta(minutes=1)


async def test_nothing_is_written_where_nobody_can_be_reached(reachable: Reachable) -> None:
    await reachable.happen("case.dispatch", await reachable.case(), "west")
    assert await reachable.told() == []


async def test_a_dispatched_case_is_told_to_its_department_by_the_first_channel_of_the_rule(reachable: Reachable) -> None:
    await reachable.endpoint("dingtalk", department="west")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("wecom", department="east")
    await reachable.happen("case.dispatch", await reachable.case(), "west")
    assert await reachable.told() == [("west/wecom", "assigned", "first", "pending")]


async def test_unread_it_goes_to_the_next_channel_then_the_next_person_then_the_next_level(reachable: Reachable) -> None:
    await reachable.under("west", "rail")
    await reachable.person("zhang", "west")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("dingtalk", department="west")
    await reachable.endpoint("sms", user="zhang")
    await reachable.endpoint("wecom", department="rail")
    await reachable.happen("case.dispatch", await reachable.case(), "west")
    expected = [("west/wecom", "first")]
    at = AT
    # Soon: ten minutes for the next channel, twenty for the next person, thirty for the next level.
    for minutes, label, rung in ((10, "west/dingtalk", "channel"), (20, "zhang/sms", "person"), (30, "rail/wecom", "level")):
        at += minutes * MINUTE
        assert await ladder.climb_due(reachable.city.conn, at=at - timedelta(microseconds=1)) == 0
        assert await ladder.climb_due(reachable.city.conn, at=at) == 1
        expected.append((label, rung))
        assert [(row[0], row[2]) for row in await reachable.told()] == expected
    assert await ladder.climb_due(reachable.city.conn, at=at + timedelta(days=1)) == 0, "the top of the ladder"


async def test_what_was_read_wakes_nobody_further(reachable: Reachable) -> None:
    reader = await reachable.person("zhang", "west")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("sms", user="zhang")
    await reachable.happen("case.dispatch", await reachable.case(), "west")
    delivery = await reachable.city.one("select id from deliveries")
    stranger = await reachable.person("li", "east")
    with pytest.raises(NotFound):
        await ladder.mark_read(
            reachable.city.conn, delivery, user_id=stranger, department_ids=[reachable.city.departments["east"]], at=AT
        )
    await ladder.mark_read(reachable.city.conn, delivery, user_id=reader, department_ids=[reachable.city.departments["west"]], at=AT)
    assert await ladder.climb_due(reachable.city.conn, at=AT + timedelta(days=1)) == 0
    assert await reachable.told() == [("west/wecom", "assigned", "first", "read")]


async def test_a_unit_that_takes_the_case_in_hand_has_read_it(reachable: Reachable) -> None:
    await reachable.person("zhang", "west")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("sms", user="zhang")
    case_id = await reachable.case()
    await reachable.happen("case.dispatch", case_id, "west")
    await reachable.happen("case.accept", case_id, "west", by="zhang")
    assert await reachable.city.one("select state, read_by from deliveries") == ("read", reachable.users["zhang"])
    assert await ladder.climb_due(reachable.city.conn, at=AT + timedelta(days=1)) == 0


async def test_a_transferred_case_is_told_to_the_new_unit_and_no_more_to_the_old_one(reachable: Reachable) -> None:
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("dingtalk", department="west")
    await reachable.endpoint("wecom", department="east")
    case_id = await reachable.case()
    await reachable.happen("case.dispatch", case_id, "west")
    await reachable.happen("case.transfer", case_id, "east")
    assert await reachable.told() == [
        ("east/wecom", "assigned", "first", "pending"),
        ("west/wecom", "assigned", "first", "discarded"),
    ]
    assert await ladder.climb_due(reachable.city.conn, at=AT + timedelta(days=1)) == 0


async def test_a_department_without_an_address_is_woken_through_the_one_above_it(reachable: Reachable) -> None:
    await reachable.under("west", "rail")
    await reachable.endpoint("wecom", department="rail")
    await reachable.happen("case.dispatch", await reachable.case(), "west")
    assert [row[0] for row in await reachable.told()] == ["rail/wecom"]


async def test_whom_a_complaint_is_about_is_told_on_no_rung(reachable: Reachable) -> None:
    await reachable.under("west", "rail")
    await reachable.under("rail", "east")
    await reachable.person("insider", "rail")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("wecom", department="rail")
    await reachable.endpoint("sms", user="insider")
    await reachable.endpoint("webhook", department="rail")
    await reachable.endpoint("wecom", department="east")
    case_id = await reachable.case()
    await reachable.city.conn.execute("update cases set about_department_id = %s", (reachable.city.departments["rail"],))
    await reachable.happen("case.dispatch", case_id, "west")
    for hour in range(1, 6):
        await ladder.climb_due(reachable.city.conn, at=AT + timedelta(hours=hour))
    assert [row[0] for row in await reachable.told()] == ["west/wecom", "east/wecom"]


async def test_a_risen_case_is_told_as_high_as_it_has_risen(reachable: Reachable) -> None:
    await reachable.under("west", "rail")
    await reachable.under("rail", "east")
    for department in ("west", "rail", "east"):
        await reachable.endpoint("wecom", department=department)
    case_id = await reachable.case()
    for level, above in ((1, "rail"), (2, "east"), (3, "east")):
        await reachable.city.conn.execute("delete from deliveries")
        await reachable.city.conn.execute("update cases set level = %s where id = %s", (level, case_id))
        await reachable.happen("case.escalated", case_id, "west")
        assert sorted(row[0] for row in await reachable.told()) == sorted(["west/wecom", f"{above}/wecom"])


async def test_a_report_to_be_checked_wakes_the_grid_s_worker_and_late_the_department_of_the_ground(reachable: Reachable) -> None:
    worker = await reachable.person("wang")
    case_id = await reachable.case()
    await reachable.city.conn.execute("update cases set department_id = null, state = 'checking' where id = %s", (case_id,))
    await reachable.city.conn.execute(
        "insert into user_roles (id, user_id, role, area_id) select %s, %s, 'grid_worker', home_area_id from cases", (new_id(), worker)
    )
    await reachable.endpoint("sms", user="wang")
    await reachable.endpoint("wecom", department="west")
    await reachable.happen("case.opened", case_id)
    await reachable.happen("case.overdue", case_id, at=AT + MINUTE)
    assert [row[:2] for row in await reachable.told()] == [("wang/sms", "check"), ("west/wecom", "overdue")]


async def test_while_somebody_is_on_duty_their_colleagues_are_left_alone(reachable: Reachable) -> None:
    for name in ("zhang", "li"):
        await reachable.person(name, "west")
        await reachable.endpoint("sms", user=name, address={"phone": f"1380000{len(name):04}"})
    await reachable.city.conn.execute(
        "insert into duty_shifts (id, department_id, starts_at, ends_at, head_count, user_ids, saved_at)"
        " values (%s, %s, %s, %s, 2, %s, %s)",
        (new_id(), reachable.city.departments["west"], AT, AT + timedelta(hours=8), [reachable.users["li"]], AT),
    )
    case_id = await reachable.case()
    await reachable.happen("case.dispatch", case_id, "west")
    assert await ladder.climb_due(reachable.city.conn, at=AT + timedelta(hours=1)) == 0, "nobody else on duty"
    assert [row[0] for row in await reachable.told()] == ["li/sms"]
    await reachable.happen("case.supervise", case_id, "west", at=AT + timedelta(hours=9))
    await ladder.climb_due(reachable.city.conn, at=AT + timedelta(hours=10))
    assert sorted(row[0] for row in await reachable.told()) == ["li/sms", "li/sms", "zhang/sms"], "off the roster everybody is told"


async def test_a_named_person_is_woken_before_the_department(reachable: Reachable) -> None:
    await reachable.person("zhang", "west")
    await reachable.endpoint("wecom", department="west")
    await reachable.endpoint("email", user="zhang")
    notice = Notice(
        event_kind="case.dispatch", template="assigned", channels=URGENT, facts={"number": "1"}, patience=SOON,
        department_id=reachable.city.departments["west"], user_id=reachable.users["zhang"],
    )  # fmt: skip
    await write.notify(reachable.city.conn, [notice], at=AT)
    await ladder.climb_due(reachable.city.conn, at=AT + timedelta(hours=1))
    assert [(row[0], row[2]) for row in await reachable.told()] == [("zhang/email", "first"), ("west/wecom", "person")]


async def test_a_webhook_hears_the_kinds_it_asked_for_of_its_department_alone(reachable: Reachable) -> None:
    await reachable.endpoint("webhook", label="all", address={"url": "https://a.example.org/"})
    await reachable.endpoint("webhook", label="closings", address={"url": "https://b.example.org/"}, event_kinds=["case.close"])
    await reachable.endpoint("webhook", label="west", department="west", address={"url": "https://c.example.org/"})
    case_id = await reachable.case()
    await reachable.happen("case.dispatch", case_id, "east")
    assert [row[0] for row in await reachable.told()] == ["all"]
    await reachable.happen("case.close", case_id, "west", at=AT + MINUTE)
    assert sorted(row[0] for row in await reachable.told()) == ["all", "all", "closings", "west"]


async def test_a_rolled_back_step_leaves_no_message(reachable: Reachable) -> None:
    await reachable.endpoint("wecom", department="west")
    case_id = await reachable.case()
    async with reachable.city.conn.transaction(force_rollback=True):
        await reachable.happen("case.dispatch", case_id, "west")
        assert len(await reachable.told()) == 1
    assert await reachable.told() == []


async def test_facts_hold_nothing_of_the_reporter(reachable: Reachable) -> None:
    await reachable.endpoint("wecom", department="west")
    case_id = await reachable.case(description="李大爷说楼下有垃圾", contact_name="李大爷", contact_phone="13900001111")
    await reachable.happen("case.dispatch", case_id, "west")
    facts = await reachable.city.one("select facts from deliveries")
    assert set(facts) == {"number", "title", "state", "due_at", "grid"}
    assert "李" not in str(facts)


def test_every_rule_names_a_template_and_channels_that_exist() -> None:
    for rule in RULES:
        assert rule.template in TEMPLATES
        assert set(rule.channels) <= set(KINDS)
    assert not ANSWERS & ENDS
