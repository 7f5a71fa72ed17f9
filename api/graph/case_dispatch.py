"""What a case shows of its dispatch: which units could take it and why, and who has it open right now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from api import read
from api.entity import column, entity, told
from api.graph.routing import Reason
from domain.dispatch import ranking
from domain.flows import dispatching


@strawberry.type(description="A department as the ranking names it.")
class RankedDepartment:
    """A department."""

    id: strawberry.ID = told("Give it to stepCase.")
    code: str = told("Short code.")
    name: str = told("Name.")
    name_en: str | None = told("English name.")
    kind: str = told("`government` or `external`.")


@strawberry.type(description="A unit that could take the case, in its place. Units are ranked; people never are.")
class RankedUnit:
    """A ranked unit."""

    department: RankedDepartment = told("The unit.")
    score: int = told("Sum of the points of its reasons.")
    why: list[Reason] = told("Reasons with their numbers and points.")
    load: int = told("Open cases it has now.")
    overdue: int = told("How many of them are past their deadline.")
    on_duty: int = told("People on duty now by its roster; 0 also where it keeps none.")
    on_call: int = told("People on call now.")


@entity(
    "(select k.case_id as id, k.case_id, k.user_id, u.display_name as by_name, k.until from case_claims k"
    " join users u on u.id = k.user_id)",
    "Who has a case open at a desk. Advice, never a lock: it runs out by itself.",
)
class CaseClaim:
    """A claim."""

    user_id: strawberry.ID = column("{0}.user_id", "Who; compare it with me.id.")
    by_name: str = column("{0}.by_name", "Their name.")
    until: datetime = column("{0}.until", "Until when, unless it is renewed.")


_NONE = "json_build_object('first', 'owner', 'units', json_build_array())"
RANKING = f"(case when {read.sees('{0}', 'case.dispatch')} then {dispatching.units_sql('{0}')} else {_NONE} end)"
CLAIM_NOW = "{0}.case_id = {1}.id and {0}.until > %(at)s"

# An outside body is probably whom a complaint is about when complaining words stand beside its name, or beside what it is
# where it has duties or skills on record for the place.
_COMPLAINS = "r.description ~ '投诉|举报|态度|不作为|乱收费|推诿|敷衍|不处理|没人管|不管|欺负'"
_SHORT = "regexp_replace({0}.name, '(物业)?(管理|服务|运营)*(有限责任公司|有限公司|集团|公司|企业)$', '')"
SUGGESTED_ABOUT = (
    f"{read.sees('{1}', 'case.file')} and {{0}}.active and {{0}}.kind = 'external'"
    f" and exists (select from reports r where r.case_id = {{1}}.id and {_COMPLAINS} and (position({{0}}.name in r.description) > 0"
    f" or (length({_SHORT}) > 1 and position({_SHORT} in r.description) > 0)"
    " or (position('物业' in {0}.name) > 0 and position('物业' in r.description) > 0"
    " and (exists (select from duties u where u.department_id = {0}.id and u.area_id = any({1}.area_ids))"
    " or exists (select from department_skills k where k.department_id = {0}.id)))))"
)


def ranked_units(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rank the units of a case's figures and put the reasons into words."""
    return [_unit(one) for one in dispatching.ranked(figures)]


def _unit(one: ranking.Ranked) -> dict[str, Any]:
    unit = one.unit
    why = [(point.code, *ranking.explain(point)) for point in one.why]
    return {
        "department": {"id": str(unit.id), "code": unit.code, "name": unit.name, "nameEn": unit.name_en, "kind": unit.kind},
        "score": one.score,
        "why": [{"code": code, "zh": zh, "en": en} for code, zh, en in why],
        "load": unit.open_cases, "overdue": unit.overdue_cases, "onDuty": unit.on_duty, "onCall": unit.on_call,
    }  # fmt: skip
