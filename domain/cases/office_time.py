"""Office time as a sum that is looked up, not walked: where the wall clock of a zone says the office is open.

Everything here is whole microseconds since 1970 in UTC, so that a deadline is exact and a report costs two bisections. An
opening or closing is the first instant of its local day at which the wall clock shows at least that time: one that a change
to summer time leaps over happens at the leap, one that occurs twice happens the first time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from domain.errors import Invalid

FIRST_DAY: Final = date(2010, 1, 1)
LAST_DAY: Final = date(2049, 12, 31)
MIDNIGHT: Final = time(0)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)

Hours = Sequence[tuple[time, time]]


def micros(instant: datetime) -> int:
    """Give an aware instant as microseconds since 1970 in UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(micros: int) -> datetime:
    """Give microseconds since 1970 as an aware instant in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def first_showing(day: date, wanted: time, zone: ZoneInfo) -> int:
    """Give the first instant at which the zone's wall clock shows ``wanted`` on a day or, where it leaps over that, later."""
    naive = datetime.combine(day, wanted)
    after = micros(naive.replace(tzinfo=zone))
    if instant_of(after).astimezone(zone).replace(tzinfo=None) == naive:
        return after
    # Leapt over: read with the offset before the leap it lies after the leap, with the offset behind it before.
    before = micros(naive.replace(tzinfo=zone, fold=1))
    while after - before > 1:
        middle = (before + after) // 2
        if instant_of(middle).astimezone(zone).replace(tzinfo=None) < naive:
            before = middle
        else:
            after = middle
    return after


class OfficeTime:
    """The office spans of one calendar from 2010 to 2049, with what was open before each of them."""

    def __init__(self, zone: ZoneInfo, hours: Hours, works: Callable[[date], bool]) -> None:
        self.zone = zone
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.closings: list[int] = []
        day = FIRST_DAY
        while day <= LAST_DAY:
            if works(day):
                self._open(day, hours)
            day += _DAY
        self.before = [0, *accumulate(end - begin for begin, end in zip(self.begins, self.ends, strict=True))]
        self._first = first_showing(FIRST_DAY, MIDNIGHT, zone)
        self._last = first_showing(LAST_DAY + _DAY, MIDNIGHT, zone)

    def _open(self, day: date, hours: Hours) -> None:
        opened = 0
        for opens, closes in hours:
            begin = first_showing(day, opens, self.zone)
            closing = first_showing(day + _DAY if closes == MIDNIGHT else day, closes, self.zone)
            if begin < closing:
                self.begins.append(begin)
                self.ends.append(closing)
                opened = closing
        if opened:
            self.closings.append(opened)

    def until(self, at: int) -> int:
        """Give the office time that has passed up to an instant, counted from the calendar's beginning."""
        if not self._first <= at <= self._last:
            raise _outside()
        i = bisect_right(self.begins, at)
        return self.before[i] - max(self.ends[i - 1] - at, 0) if i else 0

    def after(self, at: int, wanted: int) -> int:
        """Give the first instant at which ``wanted`` (> 0) more office time has passed since ``at``."""
        total = self.until(at) + wanted
        i = bisect_left(self.before, total)
        if i == len(self.before):
            raise _outside()
        return self.ends[i - 1] - (self.before[i] - total)

    def closings_between(self, after: int, until: int) -> int:
        """Count the closings after one instant, up to and with another."""
        return bisect_right(self.closings, until) - bisect_right(self.closings, after)

    def closing_after(self, at: int, number: int) -> int:
        """Give the closing that is number ``number`` (from 1) of those after ``at``."""
        i = bisect_right(self.closings, at) + number - 1
        if at < self._first or i >= len(self.closings):
            raise _outside()
        return self.closings[i]

    def end_of_day(self, at: int) -> int:
        """Give the midnight that ends the local day of an instant."""
        return first_showing(instant_of(at).astimezone(self.zone).date() + _DAY, MIDNIGHT, self.zone)


def _outside() -> Invalid:
    years = f"{FIRST_DAY.year}-{LAST_DAY.year}"
    return Invalid(f"the working calendar covers {years} only", f"工作日历仅覆盖 {years} 年")
