"""When a case is due: a pure function of the instant it was filed, the filing condition's limit and a working calendar.

Urgent hours and urgent days run through nights and holidays; work hours count only inside office hours; work days end at
the close of the last one. The calendar shipped here knows weekends and office hours only, and says so in its name, which
is kept with every deadline: public holidays with their make-up days come with the clock ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.errors import Invalid

# More than any filing condition in the catalogue; keeps a typing error from walking years of calendar.
MAX_AMOUNT: Final = 1000


@dataclass(frozen=True, slots=True)
class Calendar:
    """Office hours of a place; ``version`` names what was known when a deadline was computed."""

    version: str
    zone: ZoneInfo
    hours: tuple[tuple[time, time], ...]

    def works(self, day: date) -> bool:
        """Tell whether the office is open on a day."""
        return day.weekday() < 5

    def spans_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the office hours after ``start``, each as aware local instants, without end."""
        day = start.astimezone(self.zone).date()
        while True:
            if self.works(day):
                for opens, closes in self.hours:
                    begin = datetime.combine(day, opens, self.zone)
                    end = datetime.combine(day, closes, self.zone)
                    if end > start:
                        yield max(begin, start), end
            day += timedelta(days=1)


DEFAULT_CALENDAR: Final = Calendar(
    "weekends-only/1", ZoneInfo("Asia/Shanghai"), ((time(8), time(12)), (time(14), time(18)))
)


def deadline(filed_at: datetime, amount: int, unit: str, calendar: Calendar = DEFAULT_CALENDAR) -> datetime:
    """Give the instant by which the case must be handled, in UTC.

    ``unit`` is urgent_hour, urgent_day, work_hour or work_day; the day of filing does not count as a work day. Raises
    Invalid for another unit or an amount outside 1..1000.
    """
    if not 1 <= amount <= MAX_AMOUNT:
        raise Invalid(f"a limit of {amount} is outside 1..{MAX_AMOUNT}", f"时限 {amount} 超出 1 至 {MAX_AMOUNT}")
    if unit == "urgent_hour":
        due = filed_at + timedelta(hours=amount)
    elif unit == "urgent_day":
        due = filed_at + timedelta(days=amount)
    elif unit == "work_hour":
        due = _after_work(filed_at, timedelta(hours=amount), calendar)
    elif unit == "work_day":
        due = _after_work_days(filed_at, amount, calendar)
    else:
        raise Invalid(f"unknown unit of time {unit!r}", f"未知的时限单位 {unit!r}")
    return due.astimezone(ZoneInfo("UTC"))


def basis(amount: int, unit: str, calendar: Calendar = DEFAULT_CALENDAR) -> str:
    """Give the words kept beside a deadline: limit, unit and the calendar's version."""
    return f"{amount} {unit}, {calendar.version}"


def _after_work(start: datetime, wanted: timedelta, calendar: Calendar) -> datetime:
    for begin, end in calendar.spans_from(start):
        if wanted <= end - begin:
            return begin + wanted
        wanted -= end - begin
    raise AssertionError("office hours never end")


def _after_work_days(start: datetime, amount: int, calendar: Calendar) -> datetime:
    day = start.astimezone(calendar.zone).date()
    while amount:
        day += timedelta(days=1)
        amount -= calendar.works(day)
    return datetime.combine(day, calendar.hours[-1][1], calendar.zone)
