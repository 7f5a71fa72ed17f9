"""Deadlines of many cases at once, by the same calendar and to the same second as the ledger of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo.bulk import Instants
from domain.cases.calendar import Calendar

Ints = NDArray[np.int64]
_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR


def deadlines(calendar: Calendar, at: Instants, amounts: Ints, units: Sequence[str]) -> Instants:
    """Give the deadline of a clock started at each instant with that allowance; for zones without summer time."""
    begin, unit = at.astype("datetime64[us]").astype(np.int64), np.array(units)
    due = begin + amounts * np.where(unit == "urgent_day", _DAY, _HOUR)
    for kind, end_of in (("work_hour", _office_hours), ("work_day", _closings)):
        those = np.flatnonzero(unit == kind)
        due[those] = end_of(calendar, begin[those], amounts[those])
    return due.astype("datetime64[us]").astype("datetime64[s]")


def _office_hours(calendar: Calendar, begin: Ints, amounts: Ints) -> Ints:
    office = calendar.office
    begins, ends, before = (np.array(column) for column in (office.begins, office.ends, office.before))
    i = np.searchsorted(begins, begin, "right")
    total = before[i] - np.maximum(ends[i - 1] - begin, 0) + amounts * _HOUR
    j = np.searchsorted(before, total, "left")
    due: Ints = ends[j - 1] - (before[j] - total)
    return due


def _closings(calendar: Calendar, begin: Ints, amounts: Ints) -> Ints:
    offset = datetime(2020, 1, 1, tzinfo=UTC).astimezone(calendar.zone).utcoffset()
    shift = round(offset.total_seconds() * 1_000_000) if offset else 0
    midnight = ((begin + shift) // _DAY + 1) * _DAY - shift
    closings = np.array(calendar.office.closings)
    due: Ints = closings[np.searchsorted(closings, midnight, "right") + amounts - 1]
    return due
