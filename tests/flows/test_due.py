"""Timers fire once each, at the instant they record: warning, deadline, ladder, accept, rating; by any number of workers."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from domain.base import Conn, new_id
from domain.cases import calendar
from domain.cases.ledger import Entry, read
from domain.cases.rules import StepInput
from domain.flows import case_steps
from domain.flows.city import CityHolder
from domain.flows.due import fire
from tests.flows.conftest import AT, SmallCity, fill

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(microseconds=1)
CALENDAR = calendar.shipped()


async def fire_all(city: SmallCity, at: datetime, limit: int = 200) -> int:
    total = 0
    while fired := await fire(city.conn, city.holder, at=at, limit=limit):
        total += fired
    return total


async def told(city: SmallCity) -> list[str]:
    """What the timers told, in order; openings and steps left out."""
    rows = await city.rows("select kind from events where kind in ('case.warning', 'case.overdue', 'case.escalated') order by seq")
    return [kind for (kind,) in rows]


async def staff_case(city: SmallCity, **given: Any) -> Any:
    """A case that was dispatched at once, with a limit of 4 work hours; it is Friday, 10 o'clock."""
    (done,) = await city.submit(city.report(source="staff", **given))
    return done.case_id


async def step(city: SmallCity, case_id: Any, verb: str, at: datetime, **given: Any) -> None:
    now = await city.holder.current(city.conn, at=at)
    await case_steps.step_as_system(city.conn, case_id, verb, StepInput(**given), city=now, at=at)


async def accepted(city: SmallCity) -> Any:
    case_id = await staff_case(city)
    now = await city.holder.current(city.conn, at=AT)
    actor = city.actor("clerk", department="west")
    await case_steps.step(city.conn, actor, case_id, "accept", StepInput(), city=now, at=AT)
    return case_id


async def timers_of(city: SmallCity, case_id: Any) -> dict[str, Any]:
    rows = await city.rows("select chain, kind, due_at from case_timers where case_id = %s", case_id)
    return {chain: (kind, due) for chain, kind, due in rows}


async def test_the_chain_warns_tells_and_rises_each_at_its_instant_and_each_once(city: SmallCity) -> None:
    case_id = await accepted(city)
    due = await city.one("select due_at from cases where id = %s", case_id)
    ledger = [Entry(AT, "start", "handle", 4, "work_hour")]
    assert due == read(ledger, CALENDAR).due_at
    seen: list[tuple[str, datetime]] = []
    while chain := await timers_of(city, case_id):
        kind, at = chain["deadline"]
        assert await fire_all(city, at - MOMENT) == 0
        assert await fire_all(city, at) == 1
        seen.append((kind, at))
    waits = {"warn": 3, "overdue": 4, "escalate_1": 6, "escalate_2": 10, "escalate_3": 18}
    assert seen == [(kind, read([Entry(AT, "start", "handle", hours, "work_hour")], CALENDAR).due_at) for kind, hours in waits.items()]
    assert await told(city) == ["case.warning", "case.overdue", "case.escalated", "case.escalated", "case.escalated"]
    assert await city.one("select level, late_at = due_at, overdue_at = due_at from cases where id = %s", case_id) == (3, True, True)


async def test_an_urgent_case_rises_through_the_night(city: SmallCity) -> None:
    (done,) = await city.submit(city.report(source="staff", matter_id=city.matters["cover"]))
    await fire_all(city, AT + 2 * HOUR)
    assert (await timers_of(city, done.case_id))["deadline"] == ("escalate_1", AT + 3 * HOUR)


async def test_after_an_outage_everything_is_told_in_order_with_the_instants_it_was_due(city: SmallCity) -> None:
    case_id = await accepted(city)
    late = AT + 30 * DAY
    await fire_all(city, late)
    assert await told(city) == ["case.warning", "case.overdue", "case.escalated", "case.escalated", "case.escalated"]
    rows = await city.rows("select level, due_at, at from case_escalations where case_id = %s order by level", case_id)
    assert [level for level, _, _ in rows] == [0, 1, 2, 3]
    assert [due for _, due, _ in rows] == [
        read([Entry(AT, "start", "handle", hours, "work_hour")], CALENDAR).due_at for hours in (4, 6, 10, 18)
    ]
    assert {at for _, _, at in rows} == {late}
    assert await fire_all(city, late + 300 * DAY) == 0


async def test_a_clock_set_back_fires_nothing_again_and_moves_nothing(city: SmallCity) -> None:
    case_id = await accepted(city)
    due = await city.one("select due_at from cases where id = %s", case_id)
    await fire_all(city, due)
    before = await city.rows("select chain, kind, due_at from case_timers"), await city.one("select to_jsonb(c) from cases c")
    for back in (HOUR, DAY, 400 * DAY):
        assert await fire_all(city, due - back) == 0
    assert before == (await city.rows("select chain, kind, due_at from case_timers"), await city.one("select to_jsonb(c) from cases c"))
    assert await told(city) == ["case.warning", "case.overdue"]


async def test_a_finished_case_is_never_told_to_be_late_and_its_verification_has_a_clock_of_its_own(city: SmallCity) -> None:
    case_id = await accepted(city)
    now = await city.holder.current(city.conn, at=AT)
    await case_steps.step(city.conn, city.actor("clerk", department="west"), case_id, "finish", StepInput(), city=now, at=AT + HOUR)
    await fire_all(city, AT + 90 * DAY)
    assert await city.one("select late_at, phase from cases where id = %s", case_id) == (None, "verify")
    phases = await city.rows("select distinct phase, department_id from case_escalations")
    assert phases == [("verify", None)], "the unit owes no explanation for a late verification"


async def test_a_suspended_case_rises_no_further_and_is_not_told_twice_when_it_resumes(city: SmallCity) -> None:
    case_id = await accepted(city)
    due = await city.one("select due_at from cases where id = %s", case_id)
    await fire_all(city, due)
    now = await city.holder.current(city.conn, at=AT)
    chief = city.actor("supervisor")
    pause = due + HOUR
    await case_steps.step(city.conn, chief, case_id, "suspend", StepInput(reason="等待材料"), city=now, at=pause)
    assert await timers_of(city, case_id) == {}
    assert await fire_all(city, due + 20 * DAY) == 0
    resumed = due + 20 * DAY
    await case_steps.step(city.conn, chief, case_id, "resume", StepInput(), city=now, at=resumed)
    await fire_all(city, resumed)
    assert await told(city) == ["case.warning", "case.overdue"]
    assert await city.one("select overdue_at = %s, late_at = %s from cases where id = %s", due, due, case_id) == (True, True)
    entries = [Entry(AT, "start", "handle", 6, "work_hour"), Entry(pause, "pause", "handle"), Entry(resumed, "resume", "handle")]
    assert (await timers_of(city, case_id))["deadline"] == ("escalate_1", read(entries, CALENDAR).due_at)


@pytest.mark.parametrize("verb", ["suspend", "extend"])
async def test_a_deadline_missed_while_no_worker_was_awake_is_not_taken_back_by_a_later_favour(city: SmallCity, verb: str) -> None:
    case_id = await accepted(city)
    due = await city.one("select due_at from cases where id = %s", case_id)
    await city.conn.execute("update cases set pending_request = 'extension' where id = %s and %s = 'extend'", (case_id, verb))
    late = due + HOUR
    await city.walk(city.actor("supervisor"), case_id, verb, at=late, reason="等待材料", amount=9, unit="work_day")
    assert await city.one("select late_at from cases where id = %s", case_id) == due


async def test_the_unit_explains_in_writing_once_for_all_that_is_owed_and_another_unit_does_not_owe_it(city: SmallCity) -> None:
    case_id = await accepted(city)
    await fire_all(city, AT + 30 * DAY)
    now = await city.holder.current(city.conn, at=AT)
    clerk, at = city.actor("clerk", department="west"), AT + 30 * DAY
    await case_steps.step(city.conn, clerk, case_id, "explain", StepInput(reason="车辆故障"), city=now, at=at)
    rows = await city.rows("select explanation, explained_by, department_id from case_escalations")
    assert rows == [("车辆故障", city.users["staff"], city.departments["west"])] * 4


async def test_who_does_not_accept_in_time_loses_the_case_to_the_next_unit_and_then_to_the_queue(city: SmallCity) -> None:
    (done,) = await city.submit(city.report(source="staff", matter_id=city.matters["cover"]))
    case_id = done.case_id
    kind, by = (await timers_of(city, case_id))["accept"]
    assert (kind, by) == ("accept_late", AT + timedelta(minutes=30))
    await fire_all(city, by)
    state, department = await city.one("select state, department_id from cases where id = %s", case_id)
    assert (state, department) == ("dispatched", city.departments["west"]), "the pipe's owner slept; the town answers for the ground"
    kind, by = (await timers_of(city, case_id))["accept"]
    await fire_all(city, by)
    assert await city.one("select state, department_id from cases where id = %s", case_id) == ("filed", None)
    verbs = await city.rows("select verb, actor_id, reason from case_transitions where case_id = %s order by at", case_id)
    assert [verb for verb, _, _ in verbs][-2:] == ["pass_on", "recall"]
    assert all(actor is None and "未在" in reason and "not accepted" in reason for verb, actor, reason in verbs[-2:])
    assert "accept" not in await timers_of(city, case_id)


async def test_a_case_accepted_in_time_stays(city: SmallCity) -> None:
    case_id = await accepted(city)
    assert "accept" not in await timers_of(city, case_id)


async def test_the_time_for_rating_ends_by_closing_the_case(city: SmallCity) -> None:
    (done,) = await city.submit(city.report(source="citizen"))
    case_id, now = done.case_id, await city.holder.current(city.conn, at=AT)
    dispatcher, clerk, chief = city.actor("dispatcher"), city.actor("clerk", department="west"), city.actor("supervisor")
    await case_steps.step(city.conn, dispatcher, case_id, "file", StepInput(), city=now, at=AT)
    assert set(await timers_of(city, case_id)) == {"deadline", "accept"}
    for actor, verb in ((clerk, "accept"), (clerk, "finish"), (chief, "verify")):
        await case_steps.step(city.conn, actor, case_id, verb, StepInput(), city=now, at=AT)
    assert await timers_of(city, case_id) == {"rate": ("rate_end", AT + 7 * DAY)}
    assert await fire_all(city, AT + 7 * DAY - MOMENT) == 0
    await fire_all(city, AT + 7 * DAY)
    assert await city.one("select state, closed_at from cases where id = %s", case_id) == ("closed", AT + 7 * DAY)
    assert await timers_of(city, case_id) == {}


async def test_a_timer_of_a_case_that_has_moved_on_does_nothing_and_goes(city: SmallCity) -> None:
    case_id = await accepted(city)
    for chain, kind in (("accept", "accept_late"), ("rate", "rate_end")):
        row = case_id, chain, kind, AT
        await city.conn.execute("insert into case_timers (case_id, chain, kind, due_at) values (%s, %s, %s, %s)", row)
    before = await city.one("select to_jsonb(c) from cases c")
    await fire_all(city, AT)
    assert await city.one("select to_jsonb(c) from cases c") == before
    assert set(await timers_of(city, case_id)) == {"deadline"}


async def test_one_ledger_that_cannot_be_read_holds_nobody_else_up(city: SmallCity) -> None:
    broken, sound = await accepted(city), await accepted(city)
    await city.conn.execute(
        "insert into case_clock (id, case_id, seq, at, kind, phase, calendar_version) values (%s, %s, 2, %s, 'resume', 'handle', 'x')",
        (new_id(), broken, AT),
    )
    await fire_all(city, AT + 30 * DAY)
    rows = await city.rows("select case_id, max(level) from case_escalations group by case_id")
    assert dict(rows) == {broken: 0, sound: 3}, "the broken one is told to be late, the sound one rises to the top"
    assert await timers_of(city, broken) == {}


async def _filled(database_url: str, count: int) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        await city.submit(*(city.report(source="staff") for _ in range(count)))


async def _work(database_url: str, at: datetime, limit: int) -> int:
    holder, total = CityHolder(), 0
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        while True:
            async with conn.transaction():
                fired = await fire(conn, holder, at=at, limit=limit)
            if not fired:
                return total
            total += fired


@pytest.mark.parametrize("limit", [7, 200])
async def test_four_workers_share_a_backlog_without_telling_anything_twice(database_url: str, limit: int) -> None:
    await _filled(database_url, 60)
    at = AT + 30 * DAY
    while sum(await asyncio.gather(*(_work(database_url, at, limit) for _ in range(4)))):
        pass
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        told = {"case.warning": (60, 60), "case.overdue": (60, 60), "case.escalated": (180, 60), "case.recall": (60, 60)}
        assert await _counts(conn) == told
        assert await (await conn.execute("select count(*) from case_timers")).fetchone() == (0,)
        rises = await conn.execute("select count(*), count(distinct (case_id, level)) from case_escalations")
        assert await rises.fetchone() == (240, 240)


async def _counts(conn: Conn) -> dict[str, tuple[int, int]]:
    rows = await conn.execute(
        "select kind, count(*), count(distinct subject_id) from events where kind like 'case.%' and kind <> 'case.opened' group by kind"
    )
    return {kind: (count, cases) for kind, count, cases in await rows.fetchall()}
