"""Duplicates at the doors: offered to a reporter in general words, shown to staff with the reasons.

A reporter learns of other people's reports only what the public map would say too: number, matter, state, age and a cell; never a
word, a photo or a point. Which cases are offered, and how near they are said to be, follows from cells alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import strawberry
from strawberry.scalars import JSON

from api import read
from api.context import Info
from api.entity import column, derived, entity, told
from api.graph.words import CaseRef, PositionInput, Words, state_words
from api.scalars import uuid_of
from domain.cases.open import CELL_RESOLUTION
from domain.errors import Invalid
from domain.flows import duplicates, suggestion
from domain.flows.assignment import read_position
from domain.flows.duplicates import OFFERED, Match
from domain.reports import photos
from domain.reports.intake import MAX_DESCRIPTION, MAX_PHOTOS
from domain.reports.likeness import Trace
from domain.routing.suggest import MAX_TEXT
from geo import cells
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

SIMILAR: Final = Limit("similar", 300, 60, "查询过于频繁", "look-ups of similar reports from this address")
# No two points of one cell of resolution 10 are farther apart than the first, nor of two neighbours than the second.
SAME_CELL_M: Final = 160
NEXT_CELL_M: Final = 360


@strawberry.type(description="An open case that may be the same as another; staff decide.")
class Duplicate:
    """A possible duplicate."""

    case: CaseRef = told("The other case.")
    score: float = told("How alike they are, 0-1.")
    sure: bool = told("Alike enough to have been folded, had a citizen's report come second.")
    distance_m: float = told("Metres between them.")
    apart_s: float = told("Seconds between their latest reports.")
    words_share: float = told("Share of common character pairs in what was written, 0-1.")
    picture_bits: int | None = told("Bits of 64 in which their likest photos differ; null without telling photos.")
    same_matter: bool = told("Whether they have the same matter.")


DUPLICATES: Final = duplicates.near_sql("{0}", read.sees("o", "case.read"))


def found_duplicates(found: Mapping[str, Any]) -> list[dict[str, object]]:
    """Describe what ``DUPLICATES`` gives."""
    return [
        {
            "case": {"id": other["id"], "number": other["number"], "state": other["state"]},
            "score": like.score, "sure": like.sure, "distanceM": round(like.distance_m, 1), "apartS": like.apart_s,
            "wordsShare": round(like.words_share, 3), "pictureBits": like.picture_bits, "sameMatter": like.same_matter,
        }
        for other, like in duplicates.alike(found)
    ]  # fmt: skip


def _as_is(found: Any) -> Any:
    return found


_OTHER = (
    "(select jsonb_build_object('id', o.id, 'number', o.number, 'state', o.state) from cases o"
    f" where o.id = {{0}}.other_case_id and {read.sees('o', 'case.read')})"
)


@entity("case_links", "Why a report or a case belongs to a case.")
class CaseLink:
    """A link."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str = column("{0}.kind", "`folded` by itself, `same_as` by the reporter's word, `merged` or `split` by staff.")
    report_id: strawberry.ID | None = column("{0}.report_id", "The report that joined.")
    other: CaseRef | None = derived(_OTHER, _as_is, "The case merged in, or the one it was split off, where the caller may see it.")
    score: float | None = column("{0}.score", "How alike they were, 0-1.")
    features: JSON = column("{0}.features", "What was compared: distance_m, apart_s, words_share, picture_bits, same_matter, sure.")
    actor_name: str | None = column("(select u.display_name from users u where u.id = {0}.actor_id)", "Who; null for the system.")
    at: datetime = column("{0}.at", "When.")
    undone_at: datetime | None = column("{0}.undone_at", "Since when it no longer holds.")


@strawberry.input(description="What somebody is about to report.")
class SimilarReportsInput:
    """Input of similarReports."""

    description: str = told("What is wrong, 1 to 4000 characters.")
    position: PositionInput = told("Where.")
    matter_id: strawberry.ID | None = told("What kind of matter; left out, the likeliest three are looked for.", default=None)
    photo_claims: list[str] | None = told("Claims that POST /uploads gave, at most 6.", default=None)


@strawberry.type(description="An open case close by that may be what is about to be reported, in general words.")
class SimilarReport:
    """An offered case."""

    number: str = told("Give it to submitReport as sameAs to join it.")
    matter_name: str = told("Name of the matter.")
    state: str = told("Key of the state.")
    state_name: Words = told("Name of the state.")
    hours_ago: int = told("Whole hours since it was opened.")
    within_m: int = told("It lies no farther away than this; never more exact than a cell of some 130 m.")


@strawberry.type
class DuplicatesQuery:
    """Reads of the public."""

    @strawberry.field(
        description="Open cases of the same matter close by, at most three, likest first: maybe it is reported already."
        " Public; limited by address."
    )
    async def similar_reports(self, info: Info, input: SimilarReportsInput) -> list[SimilarReport]:  # noqa: A002
        """Look for similar reports."""
        context = info.context
        await ratelimit.spend(context.state.redis, SIMILAR, context.address)
        at, claims = context.now(), input.photo_claims or []
        if len(claims) > MAX_PHOTOS:
            raise Invalid(f"at most {MAX_PHOTOS} photos", f"最多 {MAX_PHOTOS} 张照片", field="photoClaims")
        if not input.description.strip() or len(input.description) > MAX_DESCRIPTION:
            message = f"describe the matter in 1 to {MAX_DESCRIPTION} characters"
            raise Invalid(message, f"请用 1 至 {MAX_DESCRIPTION} 个字描述问题", field="description")
        given = input.position
        position = read_position(
            lon=given.lon, lat=given.lat, datum_name=given.datum.value, accuracy_m=given.accuracy_m, where="position"
        )
        async with transaction(context.pool) as conn:
            if input.matter_id:
                matters = [uuid_of(input.matter_id, "matterId")]
            else:
                city = await context.state.jurisdictions.current(conn, at=at)
                likely = await suggestion.suggest_matters(conn, city, input.description[:MAX_TEXT], position)
                matters = [one.matter_id for one in likely]
            hashes = tuple((await photos.hashes_of(conn, claims)).values()) if claims else ()
            trace = Trace(
                matter_id=None, lonlat=position.lonlat, at=at, accuracy_m=position.accuracy_m, texts=(input.description,), hashes=hashes
            )
            found = await duplicates.find(conn, [replace(trace, matter_id=matter_id) for matter_id in matters], at=at)
        matches = sorted((match for one in found for match in one), key=lambda match: -match.likeness.score)
        here = cells.cell(position.lonlat, CELL_RESOLUTION)
        return [_offered(match, here, at) for match in matches[:OFFERED]]


def _offered(match: Match, here: int, at: datetime) -> SimilarReport:
    case = match.candidate
    return SimilarReport(
        number=case.number or "",
        matter_name=case.title,
        state=case.state,
        state_name=Words(**state_words(case.state)),
        hours_ago=max(0, int((at - case.opened_at).total_seconds() // 3600)),
        within_m=SAME_CELL_M if case.cell == here else NEXT_CELL_M,
    )
