"""Deadlines against a walk through the minutes and against sums; and the cases people argue about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cases import calendar
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry, read, share_at
from domain.cases.office_time import OfficeTime, instant_of, micros
from domain.errors import Invalid
from tests.cases import oracles
from tests.cases.oracles import LONG, USUAL, Minutes, Sums, Table

CALENDAR = calendar.shipped()
LOCAL = ZoneInfo("Asia/Shanghai")
FRIDAY_1630 = datetime(2026, 11, 20, 16, 30, tzinfo=LOCAL)


@cache
def shanghai() -> Table:
    return oracles.shanghai()


def start(at: datetime, amount: int, unit: str, phase: str = "handle") -> Entry:
    return Entry(at, "start", phase, amount, unit)


def due(*entries: Entry) -> datetime | None:
    return read(entries, CALENDAR).due_at


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=LOCAL)  # type: ignore[arg-type,misc]


def test_a_thousand_random_ledgers_are_due_when_a_walk_through_the_minutes_says() -> None:
    oracle = Minutes(shanghai())
    for entries in islice(oracles.ledgers(20240101, longest=USUAL, exact=False), 1_000):
        assert read(entries, CALENDAR).due_at == oracle.due(entries), entries


def test_fifteen_thousand_long_ledgers_are_due_when_the_sums_say_to_the_microsecond() -> None:
    oracle = Sums(shanghai())
    for entries in islice(oracles.ledgers(20260101, longest=LONG, exact=True), 15_000):
        assert read(entries, CALENDAR).due_at == oracle.due(entries), entries


ZONES = (
    ("Europe/Berlin", ((8 * 60, 12 * 60), (14 * 60, 18 * 60))),
    ("America/New_York", ((0, 150), (155, 1440))),  # the leap of 2 o'clock falls into both spans
    ("Australia/Lord_Howe", ((90, 105), (120, 1440))),  # a summer time of half an hour
    ("Asia/Shanghai", ((0, 1440),)),
)


@pytest.mark.parametrize(("name", "hours"), ZONES)
def test_where_clocks_are_put_forward_and_back_the_walk_agrees_too(name: str, hours: Sequence[tuple[int, int]]) -> None:
    zone = ZoneInfo(name)
    table = oracles.anywhere(zone, hours, date(2025, 2, 20), date(2025, 5, 1))
    autumn = oracles.anywhere(zone, hours, date(2025, 9, 20), date(2025, 11, 30))
    spans = tuple((time(a // 60, a % 60), time(b // 60 % 24, b % 60)) for a, b in hours)
    office = OfficeTime(zone, spans, lambda day: day.weekday() < 5)
    plain = Calendar("plain", zone, spans, date(2030, 1, 1), {day: day.weekday() < 5 for day in calendar.published()})
    for months in (table, autumn):
        begin = micros(months.begin)
        passed = 0
        for minute, is_open in enumerate(months.open):
            if minute % 17 == 0:
                now = begin + minute * 60_000_000
                assert office.until(now) - office.until(begin) == passed, instant_of(now)
            passed += is_open * 60_000_000
        assert office.closings_between(begin, begin + len(months.open) * 60_000_000) == sum(months.closes)
        oracle = Minutes(months)
        for i in range(150):
            at = months.begin + timedelta(days=2, minutes=i * 331, seconds=i)
            for unit in USUAL:
                entries = [start(at, 1 + i % 3, unit), Entry(at + timedelta(hours=3), "pause", "handle"),
                           Entry(at + timedelta(hours=i % 40 + 3), "resume", "handle")]  # fmt: skip
                assert read(entries, plain).due_at == oracle.due(entries), entries


def test_urgent_hours_run_through_the_weekend() -> None:
    assert due(start(FRIDAY_1630, 2, "urgent_hour")) == local(2026, 11, 20, 18, 30)
    assert due(start(FRIDAY_1630, 2, "urgent_day")) == local(2026, 11, 22, 16, 30)


def test_work_hours_left_on_friday_go_on_on_monday_morning() -> None:
    assert due(start(FRIDAY_1630, 4, "work_hour")) == local(2026, 11, 23, 10, 30)


def test_a_work_day_ends_with_the_office_and_the_day_of_filing_does_not_count() -> None:
    assert due(start(FRIDAY_1630, 1, "work_day")) == local(2026, 11, 23, 18)
    assert due(start(local(2026, 11, 21, 9), 2, "work_day")) == local(2026, 11, 24, 18)


def test_the_national_day_is_skipped_and_the_saturday_that_makes_up_for_it_counts() -> None:
    assert due(start(local(2026, 9, 30, 17), 2, "work_hour")) == local(2026, 10, 8, 9)
    assert due(start(local(2026, 10, 9, 17), 2, "work_hour")) == local(2026, 10, 10, 9), "10 October is worked"


def test_a_deadline_beyond_the_published_holidays_is_provisional_unless_it_runs_day_and_night() -> None:
    filed = local(2026, 12, 31, 15)
    assert not read([start(filed, 3, "work_hour")], CALENDAR).provisional
    assert read([start(filed, 4, "work_hour")], CALENDAR).provisional
    assert read([start(filed, 1, "work_day")], CALENDAR).provisional
    assert not read([start(filed, 5, "urgent_day")], CALENDAR).provisional


def test_a_pause_shows_no_deadline_and_a_resume_moves_it_by_the_office_time_that_was_left() -> None:
    entries = [start(local(2026, 11, 23, 9), 4, "work_hour"), Entry(local(2026, 11, 23, 10), "pause", "handle")]
    assert read(entries, CALENDAR).due_at is None
    assert not read(entries, CALENDAR).running
    entries.append(Entry(local(2026, 11, 25, 16), "resume", "handle"))
    assert due(*entries) == local(2026, 11, 26, 9)


def test_an_extension_is_used_after_what_was_allowed_before_also_when_it_is_granted_late() -> None:
    filed = local(2026, 11, 23, 9)
    late = Entry(local(2026, 11, 24, 9), "extend", "handle", 2, "work_hour")
    assert due(start(filed, 3, "work_hour"), late) == local(2026, 11, 23, 16)


def test_rework_goes_on_with_the_handling_clock_and_the_time_of_verification_does_not_count() -> None:
    done, refused = local(2026, 11, 23, 11), local(2026, 11, 26, 8)
    entries = [
        start(local(2026, 11, 23, 9), 4, "work_hour"), Entry(done, "stop", "handle"), start(done, 24, "urgent_hour", "verify"),
        Entry(refused, "stop", "verify"), Entry(refused, "resume", "handle"),
    ]  # fmt: skip
    assert read(entries[:3], CALENDAR).due_at == done + timedelta(days=1)
    assert read(entries[:3], CALENDAR).phase == "verify"
    assert due(*entries) == local(2026, 11, 26, 10)


def test_a_stopped_clock_says_when_and_recomputing_changes_nothing() -> None:
    stopped = local(2026, 11, 23, 11)
    entries = [start(local(2026, 11, 23, 9), 4, "work_hour"), Entry(stopped, "stop", "handle")]
    reading = read(entries, CALENDAR)
    assert (reading.running, reading.due_at, reading.stopped_at) == (False, None, stopped)
    assert read([*entries, Entry(stopped, "recompute", "handle")], CALENDAR) == reading


def test_a_matter_named_later_starts_the_clock_again_from_the_filing() -> None:
    filed = local(2026, 11, 23, 9)
    entries = [start(filed, 2, "work_hour"), Entry(filed + timedelta(hours=1), "pause", "handle"), start(filed, 1, "work_day")]
    assert due(*entries) == local(2026, 11, 24, 18)


def test_nothing_in_the_ledger_is_no_clock() -> None:
    reading = read([], CALENDAR)
    assert (reading.phase, reading.running, reading.due_at, reading.stopped_at) == (None, False, None, None)


@pytest.mark.parametrize(
    "kinds",
    ["pause", "stop", "resume", "extend", "start resume", "start x"]
    + [f"start {kinds}" for kinds in ("pause pause", "stop stop", "stop pause", "stop extend")],
)
def test_entries_that_make_no_account_are_refused(kinds: str) -> None:
    given = {"start": (2, "urgent_hour"), "extend": (1, "urgent_hour")}
    entries = [Entry(FRIDAY_1630, kind, "handle", *given.get(kind, (None, None))) for kind in kinds.split()]
    with pytest.raises(Invalid):
        read(entries, CALENDAR)


def test_a_suspended_case_may_be_stopped_and_a_stopped_clock_resumed() -> None:
    kinds = ("pause", "stop", "resume")
    entries = [start(FRIDAY_1630, 2, "urgent_hour"), *(Entry(FRIDAY_1630, kind, "handle") for kind in kinds)]
    assert due(*entries) == FRIDAY_1630 + timedelta(hours=2)


def test_time_does_not_run_backwards_in_a_ledger_except_to_a_start() -> None:
    with pytest.raises(Invalid):
        read([start(FRIDAY_1630, 1, "work_day"), Entry(FRIDAY_1630 - timedelta(seconds=1), "pause", "handle")], CALENDAR)


@pytest.mark.parametrize(
    ("amount", "unit"), [(0, "work_day"), (-1, "urgent_hour"), (1001, "work_hour"), (1, "fortnight"), (None, "work_day")]
)
def test_a_limit_nobody_could_mean_is_refused(amount: int | None, unit: str) -> None:
    with pytest.raises(Invalid):
        read([Entry(FRIDAY_1630, "start", "handle", amount, unit)], CALENDAR)


def test_an_instant_outside_the_calendars_years_is_refused_not_guessed() -> None:
    for at in (datetime(2009, 12, 31, tzinfo=UTC), datetime(2049, 12, 30, tzinfo=UTC), datetime(2051, 1, 1, tzinfo=UTC)):
        for unit in ("work_hour", "work_day"):
            with pytest.raises(Invalid):
                read([start(at, 100, unit)], CALENDAR)


RUNNING = oracles.ledgers(7, longest=LONG, exact=True)


@given(skip=st.integers(0, 5), share=st.floats(0.01, 0.99))
def test_the_whole_share_is_the_deadline_and_a_smaller_one_is_never_later(skip: int, share: float) -> None:
    entries = next(islice((e for e in RUNNING if read(e, CALENDAR).running), skip, None))
    deadline = read(entries, CALENDAR).due_at
    part = share_at(entries, CALENDAR, share)
    assert deadline is not None
    assert part is not None
    assert share_at(entries, CALENDAR, 1.0) == deadline
    assert entries[0].at <= part <= deadline


def test_half_of_four_work_hours_is_the_deadline_of_two() -> None:
    assert share_at([start(FRIDAY_1630, 4, "work_hour")], CALENDAR, 0.5) == due(start(FRIDAY_1630, 2, "work_hour"))
    assert share_at([start(local(2026, 11, 23, 9), 1, "work_day")], CALENDAR, 0.5) == local(2026, 11, 24, 8, 30), (
        "a work day is measured by the office time from the start to its closing: 7 hours and 8"
    )


def test_a_paused_clock_warns_of_nothing() -> None:
    assert share_at([start(FRIDAY_1630, 4, "work_hour"), Entry(FRIDAY_1630, "pause", "handle")], CALENDAR, 0.5) is None
