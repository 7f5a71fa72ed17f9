"""The city sets its calendar: intake uses it at once, running deadlines follow with a row of the ledger, nothing else moves."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from domain.cases import calendar, city_calendar, timers
from domain.cases.ledger import read
from domain.cases.rules import StepInput
from domain.errors import Invalid
from domain.flows import case_steps
from domain.flows.calendar_change import Recomputed, recompute
from domain.flows.due import fire
from tests.flows.conftest import AT, SmallCity

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


async def due_of(city: SmallCity, case_id: Any) -> Any:
    return await city.one("select due_at from cases where id = %s", case_id)


async def filed(city: SmallCity, at: datetime = AT) -> Any:
    """Filed on Friday at 10 with 4 work hours, so due at 16:00; on Friday at 16, due on Monday at 10."""
    (done,) = await city.submit(city.report(source="staff", occurred_at=at), at=at)
    return done.case_id


async def recomputed(city: SmallCity, at: datetime = AT, limit: int = 200) -> Recomputed:
    known, seen, moved = await city_calendar.load(city.conn), 0, 0
    while (batch := await recompute(city.conn, known, at=at, limit=limit)).seen:
        seen, moved = seen + batch.seen, moved + batch.moved
    return Recomputed(seen, moved)


async def test_a_city_that_set_nothing_has_the_shipped_calendar(city: SmallCity) -> None:
    assert (await city_calendar.load(city.conn)).version == calendar.shipped().version


async def test_intake_reckons_with_a_day_off_as_soon_as_it_is_set(city: SmallCity) -> None:
    afternoon = AT + timedelta(hours=6)
    assert await due_of(city, await filed(city, afternoon)) == datetime(2026, 11, 23, 2, tzinfo=UTC)
    await city_calendar.set_day(city.conn, MONDAY, works=False, name="全市停电检修", at=AT)
    assert await due_of(city, await filed(city, afternoon)) == datetime(2026, 11, 24, 2, tzinfo=UTC)


async def test_a_running_deadline_follows_with_a_row_that_names_the_calendar_and_tells_it(city: SmallCity) -> None:
    case_id = await filed(city, AT + timedelta(hours=6))
    known = await city_calendar.set_day(city.conn, MONDAY, works=False, name="全市停电检修", at=AT)
    assert await recomputed(city, AT + timedelta(hours=7)) == Recomputed(1, 1)
    due = datetime(2026, 11, 24, 2, tzinfo=UTC)
    assert await city.one("select due_at, handle_due_at, due_basis from cases") == (due, due, f"4 work_hour, {known.version}")
    rows = await city.rows("select seq, kind, phase, calendar_version, due_at from case_clock where case_id = %s order by seq", case_id)
    assert rows[1] == (2, "recompute", "handle", known.version, due)
    assert await city.one("select count(*) from events where kind = 'case.recompute' and subject_id = %s", case_id) == 1
    kind, at = await city.one("select kind, due_at from case_timers where chain = 'deadline'")
    assert (kind, at) == ("warn", datetime(2026, 11, 24, 1, tzinfo=UTC))
    assert await recomputed(city, AT + timedelta(hours=7)) == Recomputed(0, 0)


async def test_any_row_of_a_ledger_can_be_computed_again_from_the_calendar_it_names(city: SmallCity) -> None:
    case_id = await filed(city, AT + timedelta(hours=6))
    await city_calendar.keep(city.conn, await city_calendar.load(city.conn), at=AT)
    await city_calendar.set_day(city.conn, MONDAY, works=False, name="停电", at=AT)
    await recomputed(city, AT + timedelta(hours=6, minutes=1))
    await city_calendar.set_hours(city.conn, ["09:00-17:00"], zone="Asia/Shanghai", at=AT)
    await recomputed(city, AT + timedelta(hours=6, minutes=2))
    entries = (await timers.entries_of(city.conn, [case_id]))[case_id]
    rows = await city.rows("select seq, calendar_version, due_at, provisional from case_clock where case_id = %s order by seq", case_id)
    assert len({version for _, version, _, _ in rows}) == 3
    for seq, version, due_at, provisional in rows:
        then = await city_calendar.kept(city.conn, version)
        assert then is not None
        reading = read(entries[:seq], then)
        assert (reading.due_at, reading.provisional) == (due_at, provisional)


async def test_what_has_passed_is_paused_or_has_stopped_is_never_moved(city: SmallCity) -> None:
    missed, paused, finished = [await filed(city) for _ in range(3)]
    now, later = await city.holder.current(city.conn, at=AT), AT + timedelta(hours=1)
    clerk, chief = city.actor("clerk", department="west"), city.actor("supervisor")
    await case_steps.step(city.conn, clerk, paused, "accept", StepInput(), city=now, at=later)
    await case_steps.step(city.conn, chief, paused, "suspend", StepInput(reason="等待材料"), city=now, at=later)
    for actor, verb in ((clerk, "accept"), (clerk, "finish"), (chief, "verify")):
        await case_steps.step(city.conn, actor, finished, verb, StepInput(), city=now, at=later)
    after = AT + timedelta(days=1)
    while await fire(city.conn, city.holder, at=after):
        pass
    before = await city.rows("select id, due_at, handle_due_at, late_at, overdue_at from cases order by id")
    ledgers = await city.one("select count(*) from case_clock")
    await city_calendar.set_day(city.conn, date(2026, 11, 20), works=False, name="补休", at=after)
    assert await recomputed(city, after) == Recomputed(0, 0)
    assert await city.rows("select id, due_at, handle_due_at, late_at, overdue_at from cases order by id") == before
    assert await city.one("select count(*) from case_clock") == ledgers
    assert before[0][0] == missed
    assert before[0][3] is not None


async def test_a_provisional_deadline_is_firm_once_the_city_knows_the_year(city: SmallCity) -> None:
    await city.conn.execute("update filing_conditions set limit_amount = 40, limit_unit = 'work_day'")
    case_id = await filed(city)
    assert await city.one("select due_provisional from cases where id = %s", case_id)
    await city_calendar.set_day(city.conn, date(2027, 1, 1), works=False, name="元旦", at=AT)
    await recomputed(city)
    assert await city.one("select due_provisional from cases where id = %s", case_id)
    due = await due_of(city, case_id)
    await city_calendar.set_known_until(city.conn, date(2027, 12, 31), at=AT)
    assert await recomputed(city) == Recomputed(1, 1)
    assert await city.one("select due_at = %s, due_provisional from cases where id = %s", due, case_id) == (True, False)
    assert [row[0] for row in await city.rows("select provisional from case_clock order by seq")] == [True, True, False]


async def test_a_change_of_many_deadlines_is_done_in_batches_and_may_be_broken_off(city: SmallCity) -> None:
    for _ in range(7):
        await filed(city, AT + timedelta(hours=6))
    known = await city_calendar.set_day(city.conn, MONDAY, works=False, name="停电", at=AT)
    assert await recompute(city.conn, known, at=AT + timedelta(hours=7), limit=3) == Recomputed(3, 3)
    assert await recomputed(city, AT + timedelta(hours=7), limit=3) == Recomputed(4, 4)
    assert await city.one("select count(*) from case_clock where kind = 'recompute'") == 7


async def test_deadlines_that_do_not_move_get_no_row(city: SmallCity) -> None:
    await filed(city)
    known = await city_calendar.set_day(city.conn, date(2026, 12, 24), works=False, name="停电", at=AT)
    assert await recomputed(city) == Recomputed(1, 0)
    assert await city.one("select count(*) from case_clock") == 1
    assert await city.one("select due_basis from cases") == f"4 work_hour, {known.version}"


async def test_a_day_that_was_set_can_be_given_back_to_the_published_holidays(city: SmallCity) -> None:
    await city_calendar.set_day(city.conn, MONDAY, works=False, name="停电", at=AT)
    await city_calendar.set_day(city.conn, TUESDAY, works=False, name="停电", at=AT)
    assert await city_calendar.own_days(city.conn) == {MONDAY: (False, "停电"), TUESDAY: (False, "停电")}
    await city_calendar.unset_day(city.conn, MONDAY, at=AT)
    back = await city_calendar.unset_day(city.conn, TUESDAY, at=AT)
    assert back.version == calendar.shipped().version
    with pytest.raises(Invalid):
        await city_calendar.unset_day(city.conn, TUESDAY, at=AT)


@pytest.mark.parametrize(
    ("day", "name"), [(date(2009, 1, 1), "x"), (date(2050, 1, 1), "x"), (MONDAY, " "), (MONDAY, "长" * 101), (MONDAY, "\x00")]
)
async def test_a_day_nobody_can_mean_is_refused(city: SmallCity, day: date, name: str) -> None:
    with pytest.raises(Invalid):
        await city_calendar.set_day(city.conn, day, works=False, name=name, at=AT)


@pytest.mark.parametrize("zone", ["Nowhere/City", "", "../../etc/passwd", "Asia/\x00"])
async def test_a_zone_that_does_not_exist_is_refused(city: SmallCity, zone: str) -> None:
    with pytest.raises(Invalid):
        await city_calendar.set_hours(city.conn, ["09:00-17:00"], zone=zone, at=AT)


async def test_a_kept_version_is_never_rewritten(city: SmallCity) -> None:
    await city_calendar.keep(city.conn, calendar.shipped(), at=AT)
    with pytest.raises(psycopg.errors.RestrictViolation):
        await city.conn.execute("update work_calendars set hours = '00:00-24:00'")
