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
from api.graph.words import PositionInput
from domain.errors import Invalid
from domain.flows.assignment import read_position
from domain.flows.suggestion import suggest_matters
from domain.routing.receipts import explain
from domain.routing.suggest import MOST, model_of
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

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


@strawberry.type(description="A matter, named.")
class MatterRef:
    """A reference to a matter."""

    id: strawberry.ID = told("Id.")
    kind: str = told("`component` or `event`.")
    major: str = told("Code of the major class.")
    minor: str = told("Code of the minor class within the major one.")
    name: str = told("Name.")
    name_en: str | None = told("English name.")


@strawberry.type(description="A matter a text may be about.")
class MatterSuggestion:
    """A suggestion."""

    matter: MatterRef = told("The matter.")
    score: float = told("How sure the words make it, 0-1; all matters of the catalogue sum to one.")
    words: list[str] = told("The words that spoke for it, strongest first; at most 5.")


SUGGESTIONS = Limit("suggest", 600, 60, "事项推荐过于频繁", "suggestions asked from this address")
_NAMED = "select id, kind, major, minor, name, name_en from matters where id = any(%s)"

# What ``suggested_matters`` needs of the database: the first reporter's words and the catalogue in use.
TEXT_AND_MATTERS = """
(select jsonb_build_object(
    'text', (select r.description from reports r where r.case_id = {0}.id order by r.received_at, r.id limit 1),
    'matters', (select jsonb_agg(jsonb_build_array(m.id, m.kind, m.major, m.minor, m.name, m.name_en)
                                 order by m.kind, m.major, m.minor, m.id)
                from matters m where m.enabled and m.kind <> 'alert')))
"""


def suggested_matters(found: Mapping[str, Any]) -> list[dict[str, object]]:
    """Suggest matters from what ``TEXT_AND_MATTERS`` gives."""
    text, matters = found["text"], found["matters"]
    if not text or not matters:
        return []
    given = model_of(tuple((kind, name) for _, kind, _, _, name, _ in matters)).suggest(range(len(matters)), text, (), MOST)
    return [
        {"matter": _named(matters[one.matter_id]), "score": one.score, "words": list(one.words)} for one in given
    ]  # fmt: skip


def _named(row: Sequence[Any]) -> dict[str, object]:
    matter_id, kind, major, minor, name, name_en = row
    return {"id": str(matter_id), "kind": kind, "major": major, "minor": minor, "name": name, "nameEn": name_en}


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

    @strawberry.field(
        description="The three likeliest matters for a few Chinese words, best first, and why. A position, where one is given,"
        " tips the balance. Public; limited by address."
    )
    async def suggest_matters(self, info: Info, text: str, position: PositionInput | None = None) -> list[MatterSuggestion]:
        """Suggest matters."""
        context = info.context
        await ratelimit.spend(context.state.redis, SUGGESTIONS, context.address)
        where = None
        if position is not None:
            where = read_position(
                lon=position.lon, lat=position.lat, datum_name=position.datum.value, accuracy_m=position.accuracy_m, where="position"
            )
        async with transaction(context.pool) as conn:
            city = await context.state.jurisdictions.current(conn, at=context.now())
            found = await suggest_matters(conn, city, text, where)
            named = {row[0]: row for row in await (await conn.execute(_NAMED, ([one.matter_id for one in found],))).fetchall()}
        return [
            MatterSuggestion(matter=_ref(named[one.matter_id]), score=one.score, words=list(one.words)) for one in found
        ]  # fmt: skip


def _ref(row: Sequence[Any]) -> MatterRef:
    matter_id, kind, major, minor, name, name_en = row
    return MatterRef(id=strawberry.ID(str(matter_id)), kind=kind, major=major, minor=minor, name=name, name_en=name_en)
