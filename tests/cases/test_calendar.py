"""The working calendar: the library's holidays against the notices, office hours as typed, and a version for every difference."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.cases import calendar
from domain.errors import Invalid
from tests.cases import oracles


def test_three_years_of_days_are_worked_as_the_notices_say() -> None:
    day = date(2024, 1, 1)
    while day <= date(2026, 12, 31):
        assert calendar.shipped().works(day) == oracles.works(day), day
        day += timedelta(days=1)


def test_beyond_the_published_years_monday_to_friday_are_taken_for_working_days() -> None:
    known = calendar.shipped().known_until
    assert known >= date(2026, 12, 31)
    week = [date(2040, 10, 1) + timedelta(days=i) for i in range(7)]
    assert [calendar.shipped().works(day) for day in week] == [day.strftime("%a") not in ("Sat", "Sun") for day in week]


def test_a_day_the_city_sets_goes_before_the_holidays_and_changes_the_version() -> None:
    own = calendar.make(overrides={date(2026, 10, 1): True, date(2026, 12, 30): False})
    assert own.works(date(2026, 10, 1))
    assert not own.works(date(2026, 12, 30))
    versions = {own.version, calendar.shipped().version, calendar.make(hours=calendar.parse_hours(["09:00-17:00"])).version}
    versions |= {calendar.make(known=date(2030, 12, 31)).version, calendar.make(zone=ZoneInfo("Asia/Urumqi")).version}
    assert len(versions) == 5
    assert all(version.startswith(calendar.library()) for version in versions)


def test_setting_a_day_to_what_it_is_anyway_is_no_other_version() -> None:
    assert calendar.make(overrides={date(2026, 10, 1): False}).version == calendar.shipped().version


def test_saying_that_less_is_known_than_the_library_knows_changes_nothing() -> None:
    assert calendar.make(known=date(2020, 1, 1)).known_until == calendar.shipped().known_until


def test_hours_are_read_as_they_are_written() -> None:
    assert calendar.parse_hours(["08:00-12:00", "14:00-24:00"]) == ((time(8), time(12)), (time(14), time(0)))
    for told in ("08:00-12:00 14:00-18:00", "00:00-24:00", "08:00-12:00 12:00-18:00"):
        assert calendar.told_hours(calendar.parse_hours(told.split())) == told


@pytest.mark.parametrize(
    "told",
    ["", "8-12", "12:00-08:00", "08:00-08:00", "08:00-12:00 11:00-18:00", "14:00-24:00 08:00-09:00", "25:00-26:00", "08:00-24:30",
     " ".join(f"{hour:02}:00-{hour:02}:30" for hour in range(9))],
)  # fmt: skip
def test_hours_that_are_none_are_refused(told: str) -> None:
    with pytest.raises(Invalid):
        calendar.parse_hours(told.split())
