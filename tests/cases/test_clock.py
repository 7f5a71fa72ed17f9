"""Deadlines against a minute-by-minute count, and the cases people argue about."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cases.clock import DEFAULT_CALENDAR, deadline
from domain.errors import Invalid

LOCAL = DEFAULT_CALENDAR.zone
FRIDAY_1630 = datetime(2026, 11, 20, 16, 30, tzinfo=LOCAL)


def is_office_minute(instant: datetime) -> bool:
    local = instant.astimezone(LOCAL)
    return local.weekday() < 5 and any(opens <= local.time() < closes for opens, closes in DEFAULT_CALENDAR.hours)


@given(
    start=st.integers(0, 365 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m)),
    hours=st.integers(1, 12),
)
def test_work_hours_count_exactly_the_office_minutes_between(start: datetime, hours: int) -> None:
    due = deadline(start, hours, "work_hour")
    minutes = int((due - start).total_seconds() // 60)
    assert sum(is_office_minute(start + timedelta(minutes=m)) for m in range(minutes)) == hours * 60
    assert is_office_minute(due - timedelta(minutes=1)), "a deadline never falls later than the last minute it needs"


def test_urgent_hours_run_through_the_weekend() -> None:
    assert deadline(FRIDAY_1630, 2, "urgent_hour") == datetime(2026, 11, 20, 18, 30, tzinfo=LOCAL)
    assert deadline(FRIDAY_1630, 2, "urgent_day") == datetime(2026, 11, 22, 16, 30, tzinfo=LOCAL)


def test_work_hours_left_on_friday_go_on_on_monday_morning() -> None:
    assert deadline(FRIDAY_1630, 4, "work_hour") == datetime(2026, 11, 23, 10, 30, tzinfo=LOCAL)


def test_a_work_day_ends_with_the_office_and_the_day_of_filing_does_not_count() -> None:
    assert deadline(FRIDAY_1630, 1, "work_day") == datetime(2026, 11, 23, 18, 0, tzinfo=LOCAL)
    saturday = datetime(2026, 11, 21, 9, tzinfo=LOCAL)
    assert deadline(saturday, 2, "work_day") == datetime(2026, 11, 24, 18, 0, tzinfo=LOCAL)


def test_a_deadline_is_in_utc_whatever_the_zone_of_the_filing() -> None:
    due = deadline(FRIDAY_1630.astimezone(UTC), 1, "work_day")
    assert due.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("amount", "unit"), [(0, "work_day"), (-1, "urgent_hour"), (1001, "work_day"), (1, "fortnight")])
def test_a_limit_that_makes_no_sense_is_refused(amount: int, unit: str) -> None:
    with pytest.raises(Invalid):
        deadline(FRIDAY_1630, amount, unit)
