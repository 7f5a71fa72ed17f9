"""Counts figures over cases read as columns, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.insights.conditions import Bools, Columns, Condition, Ints
from domain.insights.definitions import Definition
from domain.insights.facts import MEASURES, SOURCES
from domain.insights.packing import COLUMNS, Packed
from domain.insights.reading import Numbers

SHARES: Final = {"median": 0.5, "p90": 0.9}
Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Value:
    """One figure of one group: percent or minutes are derived, numerator and denominator are numbers of cases.

    ``value`` is None where there is nothing to divide by or to measure; ``numerator`` of a median is how many were measured.
    """

    code: str
    version: int
    unit: str
    value: float | None
    numerator: int
    denominator: int | None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which group a case belongs to, by one of its columns: ``tables`` tell the group of each number, -1 for none.

    Areas may overlap, then a case belongs to several groups: one table for the first, one for the second, and so on. Cases in no
    group count in the last one. ``column`` None puts all cases into one group.
    """

    column: str | None
    tables: Sequence[NDArray[np.int64]]
    count: int


@dataclass
class Rows:
    """The cases to count of one anchor, with the group of each."""

    packed: Packed
    numbers: Numbers
    group: Groups
    count: int

    @cached_property
    def columns(self) -> Columns:
        """What conditions look at."""
        return Columns(
            column(self.packed, "facts"),
            {measure: column(self.packed, measure) for measure in MEASURES},
            lambda sources: from_sources(self.packed, self.numbers, sources),
        )

    @cached_property
    def alike(self) -> tuple[Columns, Groups, NDArray[np.int64]]:
        """Cases of one group with the same facts and source, once, and how many there are: some hundred stand for all."""
        source = self.numbers.sources()[column(self.packed, "kind")]
        keys = np.sort((self.group << 40) | (source << 32) | column(self.packed, "facts"))
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
        kinds = keys[starts]
        found = (kinds >> 32) & 0xFF
        columns = Columns(
            (kinds & 0xFFFFFFFF).astype(np.int32), {}, lambda sources: np.isin(found, [SOURCES.index(one) for one in sources])
        )
        return columns, kinds >> 40, np.diff(starts, append=len(keys))

    @cached_property
    def occurring(self) -> NDArray[np.bool_]:
        """Which groups there are cases of."""
        found: NDArray[np.bool_] = np.bincount(self.group, minlength=self.count) > 0
        return found

    def number_in(self, condition: Condition) -> NDArray[np.int64]:
        """Count the cases that meet a condition, for each group."""
        if condition.measures:
            return np.bincount(self.group[condition.holds(self.columns)], minlength=self.count)
        columns, group, cases = self.alike
        keep = condition.holds(columns)
        return np.bincount(group[keep], cases[keep], minlength=self.count).astype(np.int64)

    def measured(self, condition: Condition, measure: str, share: float) -> tuple[NDArray[np.int64], list[float | None]]:
        """Give how many cases were measured and the smallest value that this share of them does not exceed, in minutes."""
        values = column(self.packed, measure)
        keep = condition.holds(self.columns) & (values >= 0)
        ordered = np.sort((self.group[keep] << 32) | values[keep])
        counts = np.bincount(self.group[keep], minlength=self.count)
        starts = np.concatenate([[0], np.cumsum(counts)])
        found: list[float | None] = [
            (int(ordered[start + ceil(share * count) - 1]) & 0xFFFFFFFF) / 60 if count else None
            for start, count in zip(starts.tolist(), counts.tolist(), strict=False)
        ]
        return counts, found


def column(packed: Packed, name: str) -> Ints:
    """Give one column."""
    found: Ints = packed.columns[COLUMNS.index(name)]
    return found


def from_sources(packed: Packed, numbers: Numbers, sources: Sequence[str]) -> Bools:
    """Tell which cases came from one of these sources."""
    kinds = [kind for source in sources for kind in numbers.kinds_from.get(source, ())]
    found: Bools = numbers.marks("kind", kinds)[column(packed, "kind")]
    return found


def grouped(packed: Packed, numbers: Numbers, grouping: Grouping) -> Rows:
    """Put cases into their groups; one in several groups occurs once in each."""
    if grouping.column is None:
        return Rows(packed, numbers, np.zeros(packed.columns.shape[1], np.int64), 1)
    of = column(packed, grouping.column)
    first = grouping.tables[0][of]
    parts, groups = [packed.columns], [np.where(first < 0, grouping.count, first)]
    for table in grouping.tables[1:]:
        more = table[of]
        parts.append(packed.columns[:, more >= 0])
        groups.append(more[more >= 0])
    columns = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    return Rows(Packed(packed.ids, packed.moments, columns), numbers, np.concatenate(groups), grouping.count + 1)


def count(rows: Mapping[str, Rows], definitions: Sequence[Definition]) -> list[list[Value]]:
    """Count every definition for every group: a list of groups, each a list of values in the definitions' order."""
    found = [_values(rows[definition.anchor], definition) for definition in definitions]
    return [list(values) for values in zip(*found, strict=True)] if found else []


def _values(rows: Rows, definition: Definition) -> list[Value]:
    def value(number: float | None, numerator: int, denominator: int | None) -> Value:
        return Value(definition.code, definition.version, definition.unit, number, numerator, denominator)

    if definition.measure is not None:
        counts, measured = rows.measured(definition.numerator, definition.measure, SHARES[definition.statistic])
        return [value(minutes, number, None) for number, minutes in zip(counts.tolist(), measured, strict=True)]
    numerators = rows.number_in(definition.numerator).tolist()
    if definition.denominator is None:
        return [value(float(number), number, None) for number in numerators]
    denominators = rows.number_in(definition.denominator).tolist()
    return [value(100 * number / of if of else None, number, of) for number, of in zip(numerators, denominators, strict=True)]
