"""Which units could take a case, best first, and why: a pure function over figures of departments.

Units are ranked, people never: nothing here knows how many cases any one person has. Every point is explained by a reason
with its numbers, so a dispatcher can disagree. Whoever must not get the case at all is not in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

ASKED_FIRST: Final = 40
ASKED_SECOND: Final = 25
POINTS_A_LEVEL: Final = 2  # an area's depth: whoever answers for less ground knows it better
MOST_LEVELS: Final = 5
POINTS_A_SELECTOR: Final = 3
ON_DUTY: Final = 15
ON_CALL: Final = 5
OFF_DUTY: Final = -25
CASES_A_POINT: Final = 5  # open cases a head that cost one point
MOST_LOAD: Final = 20
ALL_OVERDUE: Final = 10
SKILLED: Final = 10
UNSKILLED: Final = -15
ADMITTED: Final = 5
HAD_IT: Final = -40


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A department as the ranking sees it.

    ``duties`` are those that fit the matter at the place: capacity, depth of the area (1: the widest), how many parts of the
    matter they name. ``skills`` counts what it has said of its skills, ``fitting`` how many of these fit the matter.
    ``admission`` is open (no list holds here), admitted or refused; ``open_cases`` are those it has now, not all its history.
    """

    id: UUID
    code: str
    name: str
    name_en: str | None = None
    kind: str = "government"
    active: bool = True
    serves_grids: bool = False
    complained_of: bool = False
    has_it: bool = False
    had_it: bool = False
    duties: tuple[tuple[str, int, int], ...] = ()
    keeps_roster: bool = False
    on_duty: int = 0
    on_call: int = 0
    open_cases: int = 0
    overdue_cases: int = 0
    skills: int = 0
    fitting: int = 0
    admission: str = "open"
    task_class: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One reason with what it counts; ``values`` are the numbers it rests on."""

    code: str
    points: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A unit in its place."""

    unit: Unit
    score: int
    why: tuple[Point, ...]


def rank(units: Sequence[Unit], *, first: str) -> list[Ranked]:
    """Rank units, the best first; equal scores by code, so that the same question always has the same answer.

    ``first`` is the capacity the routing rule asks first: owner or territory.
    """
    ranked = [_weighed(unit, first) for unit in units if may_get(unit)]
    return sorted(ranked, key=lambda one: (-one.score, one.unit.code))


def may_get(unit: Unit) -> bool:
    """Tell whether a unit may be given the case at all."""
    if not unit.active or unit.complained_of or unit.has_it:
        return False
    if unit.serves_grids and unit.admission == "refused":
        return False
    return unit.kind != "external" or named_for_it(unit)


def named_for_it(unit: Unit) -> bool:
    """Tell whether a duty or a skill names the matter itself: outside bodies get nothing by being there."""
    return any(narrowness > 0 for _, _, narrowness in unit.duties) or unit.fitting > 0


def _weighed(unit: Unit, first: str) -> Ranked:
    why = (*_duty(unit, first), *_roster(unit), *_load(unit), *_skill(unit), *_admission(unit), *_earlier(unit))
    return Ranked(unit, sum(point.points for point in why), why)


def _duty(unit: Unit, first: str) -> list[Point]:
    found = []
    for capacity, depth, narrowness in unit.duties:
        points = ASKED_FIRST if capacity == first else ASKED_SECOND
        points += POINTS_A_LEVEL * min(depth, MOST_LEVELS) + POINTS_A_SELECTOR * narrowness
        found.append(Point(f"duty_{capacity}", points, {"depth": depth, "narrowness": narrowness}))
    return [max(found, key=lambda point: point.points)] if found else [Point("no_duty", 0, {})]


def _roster(unit: Unit) -> list[Point]:
    if unit.on_duty:
        return [Point("on_duty", ON_DUTY, {"count": unit.on_duty})]
    if unit.on_call:
        return [Point("on_call", ON_CALL, {"count": unit.on_call})]
    return [Point("off_duty", OFF_DUTY, {})] if unit.keeps_roster else [Point("no_roster", 0, {})]


def _load(unit: Unit) -> list[Point]:
    heads = max(unit.on_duty, 1)
    points = -min(unit.open_cases // (CASES_A_POINT * heads), MOST_LOAD)
    found = [Point("load", points, {"open": unit.open_cases, "heads": unit.on_duty})]
    if unit.overdue_cases:
        lost = -max(1, round(ALL_OVERDUE * unit.overdue_cases / max(unit.open_cases, 1)))
        found.append(Point("overdue", lost, {"overdue": unit.overdue_cases}))
    return found


def _skill(unit: Unit) -> list[Point]:
    if not unit.skills:
        return []
    return [Point("skilled", SKILLED, {})] if unit.fitting else [Point("unskilled", UNSKILLED, {})]


def _admission(unit: Unit) -> list[Point]:
    admitted = unit.serves_grids and unit.admission == "admitted"
    return [Point("admitted", ADMITTED, {"task_class": unit.task_class})] if admitted else []


def _earlier(unit: Unit) -> list[Point]:
    return [Point("had_it", HAD_IT, {})] if unit.had_it else []


def explain(point: Point) -> tuple[str, str]:
    """Put one reason into words, Chinese first, with its points."""
    zh, en = _WORDS[point.code](point.values)
    return (f"{zh}（{point.points:+d}）", f"{en} ({point.points:+d})") if point.points else (zh, en)


def _heads(values: Mapping[str, Any]) -> tuple[str, str]:
    if not values["heads"]:
        return f"在办 {values['open']} 件", f"{values['open']} open cases"
    return f"在办 {values['open']} 件，在岗 {values['heads']} 人", f"{values['open']} open cases for {values['heads']} on duty"


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "duty_owner": lambda _: ("该事项的属主部门", "owns this kind of matter here"),
    "duty_territory": lambda _: ("此处的属地单位", "answers for this ground"),
    "no_duty": lambda _: ("没有登记的职责，有处置能力", "no duty on record, able to handle it"),
    "on_duty": lambda v: (f"现在岗 {v['count']} 人", f"{v['count']} on duty now"),
    "on_call": lambda v: (f"备勤 {v['count']} 人", f"{v['count']} on call"),
    "off_duty": lambda _: ("按排班现在无人在岗", "nobody on duty now by its roster"),
    "no_roster": lambda _: ("没有排班表", "keeps no roster"),
    "load": _heads,
    "overdue": lambda v: (f"其中超期 {v['overdue']} 件", f"{v['overdue']} of them overdue"),
    "skilled": lambda _: ("具备该事项的处置能力", "able to handle this matter"),
    "unskilled": lambda _: ("登记的能力中没有该事项", "its skills do not include this matter"),
    "admitted": lambda v: (f"已准入网格：{v['task_class']}", f"admitted to grids: {v['task_class']}"),
    "had_it": lambda _: ("立案后已派给过该单位", "had it already since it was filed"),
}
