"""The working calendar of the city: public holidays with their make-up working days, overrides, office hours, zone.

Holidays come from the kept library ``chinesecalendar``, which knows what the State Council has published: each year's in the
autumn before. Days the city sets itself go before it. The version names library, its release and a hash of everything that
decides a deadline, and is kept with every deadline; the days of each version are kept too (``work_calendars``), so that any
row of a ledger can be computed again years later.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import chinese_calendar

from domain.cases.office_time import FIRST_DAY, MIDNIGHT, Hours, OfficeTime, first_showing
from domain.errors import Invalid

SHIPPED_ZONE: Final = ZoneInfo("Asia/Shanghai")
SHIPPED_HOURS: Final = ((time(8), time(12)), (time(14), time(18)))
MAX_SPANS: Final = 8
_DAY: Final = timedelta(days=1)
_SPAN: Final = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)")


@dataclass(frozen=True, eq=False)
class Calendar:
    """Office hours of a place; ``version`` names what was known when a deadline was computed.

    ``days`` holds the days that are not as their weekday says (Monday to Friday the office is open); ``known_until`` is the
    last day whose public holidays are published. A span of ``hours`` that closes at 00:00 ends with the day. ``revision`` is
    that of the city's settings, 0 where there are none.
    """

    version: str
    zone: ZoneInfo
    hours: tuple[tuple[time, time], ...]
    known_until: date
    days: Mapping[date, bool]
    revision: int = 0

    def works(self, day: date) -> bool:
        """Tell whether the office is open on a day."""
        return self.days.get(day, day.weekday() < 5)

    @cached_property
    def office(self) -> OfficeTime:
        """Office time as a sum over all days, made when it is first asked for (about 0.1 s)."""
        return _office(self.zone, self.hours, tuple(self.days.items()))

    @cached_property
    def known_until_micros(self) -> int:
        """The midnight that ends the last published day."""
        return first_showing(self.known_until + _DAY, MIDNIGHT, self.zone)


@lru_cache(maxsize=8)
def _office(zone: ZoneInfo, hours: tuple[tuple[time, time], ...], days: tuple[tuple[date, bool], ...]) -> OfficeTime:
    exceptions = dict(days)
    return OfficeTime(zone, hours, lambda day: exceptions.get(day, day.weekday() < 5))


def make(
    *,
    zone: ZoneInfo = SHIPPED_ZONE,
    hours: Hours = SHIPPED_HOURS,
    overrides: Mapping[date, bool] | None = None,
    known: date | None = None,
    revision: int = 0,
) -> Calendar:
    """Put a calendar together from the library's holidays and a city's own days, which go before them.

    ``known`` says until when the city has set all of its holidays itself, where that is later than the library knows.
    """
    until = max(known_until(), known or date.min)
    days = {**published(), **(overrides or {})}
    days = {day: works for day, works in sorted(days.items()) if works != (day.weekday() < 5)}
    told = f"{zone.key} {told_hours(hours)} {until} " + " ".join(f"{day}{'+' if works else '-'}" for day, works in days.items())
    digest = hashlib.sha256(told.encode()).hexdigest()[:12]
    return Calendar(f"{library()}+{digest}", zone, tuple(hours), until, days, revision)


def parse_hours(spans: Sequence[str]) -> tuple[tuple[time, time], ...]:
    """Read spans such as 08:00-12:00; 24:00 closes at the end of the day. Raises Invalid unless they follow one another."""
    found: list[tuple[time, time]] = []
    for span in spans:
        read = _SPAN.fullmatch(span)
        if read is None:
            raise Invalid(f"office hours are spans such as 08:00-12:00, not {span[:40]!r}", "工作时间应写作 08:00-12:00", field="hours")
        found.append((time.fromisoformat(read[1]), MIDNIGHT if read[2] == "24:00" else time.fromisoformat(read[2])))
    # 24:00 is kept as 00:00, so minutes of the day tell the order.
    minutes = [m for opens, closes in found for m in (_minute(opens), _minute(closes) or 1440)]
    in_order = all(one < next_ or (i % 2 and one == next_) for i, (one, next_) in enumerate(pairwise(minutes)))
    if not found or len(found) > MAX_SPANS or not in_order:
        told = f"give 1 to {MAX_SPANS} spans of office hours, each after the one before"
        raise Invalid(told, f"工作时间须为 1 至 {MAX_SPANS} 段，依次排列", field="hours")
    return tuple(found)


def _minute(shown: time) -> int:
    return shown.hour * 60 + shown.minute


def told_hours(hours: Hours) -> str:
    """Give office hours as they are written and stored: 08:00-12:00 14:00-18:00."""
    return " ".join(f"{opens:%H:%M}-{'24:00' if closes == MIDNIGHT else f'{closes:%H:%M}'}" for opens, closes in hours)


@cache
def shipped() -> Calendar:
    """Give the calendar of a city that has set nothing: Chinese holidays, 08:00-12:00 and 14:00-18:00 in Shanghai."""
    return make()


@cache
def published() -> Mapping[date, bool]:
    """Give the days from 2010 on that the State Council's notices set against their weekday: off, or worked to make up."""
    off = {day: False for day in chinese_calendar.holidays if day >= FIRST_DAY and day.weekday() < 5}
    return off | {day: True for day in chinese_calendar.workdays if day >= FIRST_DAY and day.weekday() >= 5}


@cache
def known_until() -> date:
    """Give the last day of the last year whose holidays the library knows."""
    return date(max(day.year for day in chinese_calendar.holidays), 12, 31)


def library() -> str:
    """Name the library and its release."""
    return f"chinesecalendar {chinese_calendar.__version__}"
