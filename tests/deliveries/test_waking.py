"""Who is told of what, and who is told next: by the table, in the transaction of what happened, by a clock that is moved."""

from __future__ import annotations

from datetime import timedelta

from domain.deliveries import ladder
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
