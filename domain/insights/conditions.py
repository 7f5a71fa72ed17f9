"""The language of definitions: conditions over named facts, read strictly, told as SQL and evaluated on packed columns.

A condition is a fact (``"handled"``), its opposite (``"not:rejected"``), or one of ``{"all": [...]}``, ``{"any": [...]}``,
``{"none": [...]}``, ``{"within": ["first_reply", 3600]}`` (a measure of at most so many seconds; a missing one is not within) and
``{"source": ["citizen", "qr"]}``. Nothing a caller writes reaches the database as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.insights.facts import BIT, FACTS, LONGEST_S, MEASURES, SOURCE, SOURCES, seconds

MAX_DEPTH: Final = 6
MAX_PARTS: Final = 60

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Columns:
    """What conditions look at, a value for each row: the facts' bits, the measures (-1: missing), the source."""

    facts: Ints
    measures: Mapping[str, Ints]
    from_sources: Callable[[tuple[str, ...]], Bools]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact holds, or (``wanted`` false) does not."""

    name: str
    wanted: bool = True

    @property
    def measures(self) -> bool:
        """Whether it looks at a measure."""
        return False

    def sql(self) -> str:
        """Write it; {0} is the alias of cases. Never NULL."""
        return f"(coalesce({FACTS[self.name].sql}, false)) = {str(self.wanted).lower()}"

    def holds(self, columns: Columns) -> Bools:
        """Tell for each row whether it holds."""
        found: Bools = ((columns.facts & BIT[self.name]) != 0) == self.wanted
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """All, any or none of several conditions."""

    kind: str
    parts: tuple[Condition, ...]

    @property
    def measures(self) -> bool:
        """Whether it looks at a measure."""
        return any(part.measures for part in self.parts)

    def sql(self) -> str:
        """Write it; {0} is the alias of cases. Never NULL."""
        joined = (" and " if self.kind == "all" else " or ").join(f"({part.sql()})" for part in self.parts)
        return f"not ({joined})" if self.kind == "none" else joined

    def holds(self, columns: Columns) -> Bools:
        """Tell for each row whether it holds."""
        combine = np.logical_and if self.kind == "all" else np.logical_or
        found: Bools = combine.reduce([part.holds(columns) for part in self.parts])
        return ~found if self.kind == "none" else found


@dataclass(frozen=True, slots=True)
class Within:
    """A measure is at most so many seconds."""

    measure: str
    limit_s: int

    @property
    def measures(self) -> bool:
        """Whether it looks at a measure."""
        return True

    def sql(self) -> str:
        """Write it; {0} is the alias of cases. Never NULL."""
        return f"coalesce({seconds(self.measure)} <= {self.limit_s}, false)"

    def holds(self, columns: Columns) -> Bools:
        """Tell for each row whether it holds."""
        values = columns.measures[self.measure]
        found: Bools = (values >= 0) & (values <= self.limit_s)
        return found


@dataclass(frozen=True, slots=True)
class From:
    """It came from one of these sources."""

    sources: tuple[str, ...]

    @property
    def measures(self) -> bool:
        """Whether it looks at a measure."""
        return False

    def sql(self) -> str:
        """Write it; {0} is the alias of cases. Never NULL."""
        return f"({SOURCE}) in ({', '.join(repr(source) for source in self.sources)})"

    def holds(self, columns: Columns) -> Bools:
        """Tell for each row whether it holds."""
        return columns.from_sources(self.sources)


Condition: TypeAlias = Fact | Group | Within | From


def parse(value: object, *, field: str) -> Condition:
    """Read a condition from its JSON; raises Invalid that names the part that is not understood."""
    return _Reader(field).read(value, 1)


@dataclass(slots=True)
class _Reader:
    """Reads one condition and counts its parts."""

    field: str
    parts: int = 0

    def read(self, value: object, depth: int) -> Condition:
        self.parts += 1
        if self.parts > MAX_PARTS or depth > MAX_DEPTH:
            raise self._wrong(f"at most {MAX_PARTS} parts, {MAX_DEPTH} deep", f"条件最多 {MAX_PARTS} 项、{MAX_DEPTH} 层")
        if isinstance(value, str):
            return self._fact(value)
        if not isinstance(value, dict) or len(value) != 1:
            raise self._wrong(f"a condition is a fact or one of all, any, none, within, source, not {str(value)[:60]}", "条件写法不正确")
        ((kind, given),) = value.items()
        if not isinstance(given, list) or not given:
            raise self._wrong(f"{str(kind)[:20]!r} takes a list that is not empty", "条件列表不能为空")
        if kind in ("all", "any", "none"):
            return Group(kind, tuple(self.read(part, depth + 1) for part in given))
        return self._measured(str(kind), given)

    def _fact(self, word: str) -> Condition:
        name = word.removeprefix("not:")
        if name not in FACTS:
            raise self._wrong(f"unknown fact {name[:40]!r}; known: {', '.join(FACTS)}", f"未知的事实「{name[:40]}」")
        return Fact(name, wanted=name == word)

    def _measured(self, kind: str, given: list[Any]) -> Condition:
        if kind == "within":
            known = len(given) == 2 and given[0] in MEASURES
            if not known or type(given[1]) is not int or not 0 <= given[1] <= LONGEST_S:
                raise self._wrong(f"within takes a measure ({', '.join(MEASURES)}) and seconds", "within 须写明用时项和秒数")
            return Within(given[0], given[1])
        if kind == "source":
            if not all(isinstance(source, str) and source in SOURCES for source in given) or len(given) > len(SOURCES):
                raise self._wrong(f"sources are {', '.join(SOURCES)}", "未知的来源")
            return From(tuple(given))
        raise self._wrong(f"unknown condition {kind[:20]!r}; known: all, any, none, within, source", "未知的条件")

    def _wrong(self, en: str, zh: str) -> Invalid:
        return Invalid(f"{self.field}: {en}", f"{self.field}：{zh}", field=self.field)
