"""Choosing the department: components are their owner's first and the territory's second, events the other way round.

Among the duties of one capacity the most particular wins: the deepest area first, then the narrowest matter, then the
lowest department code, so that the same question always has the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.routing.table import Department, Duty, Matter, RoutingTable, Rule

UNKNOWN_MATTER_KIND: Final = "event"
Reason = dict[str, object]


@dataclass(frozen=True, slots=True)
class Choice:
    """The department chosen (None: nobody), by which rule and duty, and the reasons in order."""

    rule: Rule
    department: Department | None
    capacity: str | None
    duty: Duty | None
    reasons: tuple[Reason, ...]


def choose(
    table: RoutingTable, matter: Matter | None, area_path: Sequence[UUID], barred: Collection[UUID] = frozenset()
) -> Choice:
    """Choose who acts on a matter at a place.

    ``area_path`` holds the areas of the place from the widest to the narrowest; ``barred`` departments that may not be given
    the matter there, whatever their duties. A report whose matter is not known yet
    is treated as an event: the territory looks at it first.
    """
    rule = table.rules[matter.kind if matter else UNKNOWN_MATTER_KIND]
    reasons: list[Reason] = [{"code": "rule", "rule": rule.code, "version": rule.version, "first": rule.first}]
    if matter is None:
        reasons.append({"code": "matter_unknown"})
    for capacity in (rule.first, rule.second):
        if capacity is None:
            continue
        duty = _best(table, capacity, matter, area_path, barred)
        if duty is not None:
            department = table.departments[duty.department_id]
            reasons.append({"code": f"duty_{capacity}", "department": department.name, "depth": area_path.index(duty.area_id)})
            return Choice(rule, department, capacity, duty, tuple(reasons))
        reasons.append({"code": f"nobody_{capacity}"})
    reasons.append({"code": "unassigned"})
    return Choice(rule, None, None, None, tuple(reasons))


def _best(
    table: RoutingTable, capacity: str, matter: Matter | None, area_path: Sequence[UUID], barred: Collection[UUID]
) -> Duty | None:
    for area_id in reversed(area_path):
        standing = table.duties.get((capacity, area_id), ())
        fitting = [duty for duty in standing if _fits(duty, matter) and duty.department_id not in barred]
        if fitting:
            return min(fitting, key=lambda duty: (-_narrowness(duty), table.departments[duty.department_id].code))
    return None


def _fits(duty: Duty, matter: Matter | None) -> bool:
    if matter is None:
        return duty.kind is None and duty.major is None and duty.minor is None
    return (
        duty.kind in (None, matter.kind) and duty.major in (None, matter.major) and duty.minor in (None, matter.minor)
    )


def _narrowness(duty: Duty) -> int:
    return sum(part is not None for part in (duty.kind, duty.major, duty.minor))
