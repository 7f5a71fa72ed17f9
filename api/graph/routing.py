"""Why a thing was assigned as it was: the matter catalogue and receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api import read
from api.context import Info
from api.entity import column, derived, entity, one, told
from api.graph.people import Department
from domain.errors import Invalid
from domain.routing.receipts import explain

MATTER_KINDS = ("component", "event", "alert")


@entity("matters", "What can be wrong: a class of the catalogue, with scheme and version.")
class Matter:
    """A matter."""

    id: strawberry.ID = column("{0}.id", "Id.")
    scheme: str = column("{0}.scheme", "Catalogue it is from.")
    scheme_version: str = column("{0}.scheme_version", "Version of the catalogue.")
    kind: str = column("{0}.kind", "`component`: a managed object; `event`: something happening; `alert`: raised by devices.")
    major: str = column("{0}.major", "Code of the major class.")
    major_name: str = column("{0}.major_name", "Name of the major class.")
    minor: str = column("{0}.minor", "Code of the minor class within the major one.")
    name: str = column("{0}.name", "Name.")
    name_en: str | None = column("{0}.name_en", "English name.")


@strawberry.type(description="One reason of a receipt, in words.")
class Reason:
    """A reason."""

    code: str = told("Stable key of the reason.")
    zh: str = told("In Chinese.")
    en: str = told("In English.")


def reasons(why: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Put the reasons of a receipt into words."""
    found = []
    for reason in why:
        zh, en = explain(reason)
        found.append({"code": str(reason.get("code")), "zh": zh, "en": en})
    return found


@entity("receipts", "Why a thing was assigned as it was; never changed afterwards.")
class Receipt:
    """A receipt."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When it was assigned.")
    rule_code: str = column("{0}.rule_code", "Rule that decided.")
    rule_version: int = column("{0}.rule_version", "Its version.")
    capacity: str | None = column("{0}.capacity", "`owner` or `territory`: in what capacity the department was chosen.")
    department: Department | None = one("{0}.id = {1}.department_id", "The department chosen; null when nobody answers.")
    owners: JSON = column("{0}.owners", "One entry per layer: layer, layer_name, layer_version, area_id, version_id, code, name.")
    candidates: JSON = column("{0}.candidates", "Areas near the point: area_id, version_id, code, name, distance_m, share.")
    why: list[Reason] = derived("{0}.why", reasons, "Reasons in order.")
    accuracy_m: float | None = column("{0}.accuracy_m", "Accuracy radius used, in metres.")


@strawberry.type
class RoutingQuery:
    """Reads about the catalogue."""

    @strawberry.field(description="Matters in use, by kind and code.")
    async def matters(self, info: Info, text: str | None = None, kind: str | None = None, first: int = 300) -> list[Matter]:
        """List matters."""
        if kind is not None and kind not in MATTER_KINDS:
            raise Invalid(f"kind is one of {', '.join(MATTER_KINDS)}", "事项类别不正确", field="kind")
        where, values = ["{0}.enabled"], {"kind": kind}
        if kind is not None:
            where.append("{0}.kind = %(kind)s")
        if text:
            where.append("concat_ws(' ', {0}.name, {0}.major_name, {0}.name_en) ilike %(like)s escape '!'")
            values["like"] = f"%{read.plain(text)}%"
        order = "{0}.kind, {0}.major, {0}.minor, {0}.id"
        return await read.rows(info, where=where, values=values, order=order, limit=first)
