"""Figures counted the slow way: every case looked at by itself, in plain Python, from what the test knows it wrote."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from domain.people.scope import Scope

ZONE = ZoneInfo("Asia/Shanghai")
Case = Mapping[str, Any]

ANCHORS: dict[str, Callable[[Case], datetime | None]] = {
    "received": lambda case: case["opened_at"],
    "due": lambda case: case["late_at"] or case["handle_due_at"],
    "handled": lambda case: case["handled_at"],
    "closed": lambda case: case["closed_at"],
}


def facts(case: Case) -> dict[str, bool]:
    state, rated = case["state"], case["satisfaction"]
    in_time = bool(case["handled_at"] and case["handle_due_at"] and case["handled_at"] <= case["handle_due_at"])
    return {
        "report": case["origin"] == "report", "alert": case["origin"] == "alert", "filed": case["filed_at"] is not None,
        **{name: state == name for name in ("rejected", "withdrawn", "merged", "closed", "checking", "suspended")},
        "waiting": state == "filed", "open": case["closed_at"] is None, "handled": case["handled_at"] is not None,
        "verified": case["verified_at"] is not None, "late": case["late_at"] is not None,
        "on_time": case["late_at"] is None and in_time, "returned": case["bounces"] > 0, "bounced": case["bounces"] > 1,
        "reworked": case["reworks"] > 0, "reopened": case["reopens"] > 0, "extended": case["extensions"] > 0,
        "escalated": case["level"] > 0, "supervised": case["supervised_at"] is not None, "joint": bool(case["party_ids"]),
        "rated": rated is not None, **{word: rated == word for word in ("satisfied", "fair", "dissatisfied")},
        "wants_rating": case["wants_rating"], "replied": case["first_reply_at"] is not None,
    }  # fmt: skip


def measure_s(case: Case, measure: str) -> int | None:
    end, begin = {
        "first_reply": ("first_reply_at", "opened_at"),
        "auto_reply": ("auto_reply_at", "opened_at"),
        "handling": ("handled_at", "filed_at"),
    }[measure]
    if case[end] is None or case[begin] is None:
        return None
    return max(int((case[end] - case[begin]).total_seconds() // 1), 0)


def holds(condition: Any, case: Case) -> bool:
    if isinstance(condition, str):
        known = facts(case)
        return not known[condition[4:]] if condition.startswith("not:") else known[condition]
    ((kind, given),) = condition.items()
    if kind == "within":
        value = measure_s(case, given[0])
        return value is not None and value <= given[1]
    if kind == "source":
        return case["source"] in given
    found = [holds(part, case) for part in given]
    return all(found) if kind == "all" else any(found) if kind == "any" else not any(found)


def sees(scope: Scope, case: Case) -> bool:
    inside = (
        scope.everything
        or bool(scope.area_ids & set(case["area_ids"]))
        or case["department_id"] in scope.department_ids
        or bool(scope.department_ids & set(case["party_ids"]))
    )
    return inside and case["about_department_id"] not in scope.own_ids


def counted(cases: Sequence[Case], row: Case, first: date, last: date, at: datetime, part: str) -> list[Case]:
    """Pick the cases that a part of a definition (a row of its table) counts among these."""
    found = []
    for case in cases:
        anchor = ANCHORS[row["anchor"]](case)
        if anchor is None or anchor > at or not first <= anchor.astimezone(ZONE).date() <= last:
            continue
        measured = row["measure"] is None or measure_s(case, row["measure"]) is not None
        if measured and all(holds(condition, case) for condition in (row["filter"], row[part]) if condition is not None):
            found.append(case)
    return found


def value(cases: Sequence[Case], row: Case, first: date, last: date, at: datetime) -> tuple[float | None, int, int | None]:
    """Give value, numerator and denominator of one figure over these cases."""
    numerator = counted(cases, row, first, last, at, "numerator")
    if row["statistic"] in ("median", "p90"):
        share = {"median": 0.5, "p90": 0.9}[row["statistic"]]
        ordered = sorted(measure_s(case, row["measure"]) or 0 for case in numerator)
        return (ordered[ceil(share * len(ordered)) - 1] / 60 if ordered else None), len(numerator), None
    if row["statistic"] == "count":
        return float(len(numerator)), len(numerator), None
    of = len(counted(cases, row, first, last, at, "denominator"))
    return (100 * len(numerator) / of if of else None), len(numerator), of
