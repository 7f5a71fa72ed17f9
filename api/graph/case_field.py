"""What a case shows of field work and of what was said with its reporters."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.entity import column, entity, many
from api.graph.reports import Photo
from domain.field.given import MAX_PHOTOS


@entity("case_visits", "Somebody was at the spot. Where exactly they stood is not kept.")
class CaseVisit:
    """A visit."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When it was received.")
    occurred_at: datetime = column("{0}.occurred_at", "When it was: the phone's clock, corrected.")
    user_name: str | None = column("(select u.display_name from users u where u.id = {0}.user_id)", "Who.")
    verdict: str = column("{0}.verdict", "`inside`, `outside` or `uncertain`.")
    distance_m: float | None = column("{0}.distance_m", "Metres from the case; null without a position.")
    accuracy_m: float | None = column("{0}.accuracy_m", "Radius in metres the phone's receiver claimed.")


@entity("case_notes", "What somebody at the spot wrote down or photographed; `conflict`: what they attempted and could not do any more.")
class CaseNote:
    """A note."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str = column("{0}.kind", "`note`, `photos` or `conflict`.")
    text: str | None = column("{0}.text", "The words.")
    at: datetime = column("{0}.at", "When it was received.")
    occurred_at: datetime = column("{0}.occurred_at", "When it was: the phone's clock, corrected.")
    author_name: str | None = column("(select u.display_name from users u where u.id = {0}.author_id)", "Who.")
    attempted: JSON | None = column("{0}.attempted", "Of a conflict: kind, verb, reason, role, verdict, and the code of the error.")
    photos: list[Photo] = many("{0}.note_id = {1}.id", "Its photos.", order="{0}.id", limit=MAX_PHOTOS)


@entity("case_messages", "What was said between the city and a reporter.")
class CaseMessage:
    """A message."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str = column("{0}.kind", "To the reporter: auto_reply, question, reply; from them: answer, withdrawal, reopening.")
    text: str = column("{0}.text", "The words, or the Chinese text of a template.")
    text_en: str | None = column("{0}.text_en", "The English text of a template.")
    at: datetime = column("{0}.at", "When.")
    author_name: str | None = column("(select u.display_name from users u where u.id = {0}.author_id)", "Who; null: system or reporter.")
    report_id: strawberry.ID | None = column("{0}.report_id", "Whose report; null: to every reporter of the case.")


@entity("case_ratings", "How content a reporter was with a result.")
class CaseRating:
    """A rating."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When.")
    report_id: strawberry.ID = column("{0}.report_id", "Whose report.")
    round: int = column("{0}.round", "How often the case had been redone or reopened before.")
    satisfaction: str = column("{0}.satisfaction", "satisfied, fair or dissatisfied.")
    words: str | None = column("{0}.words", "Their words.")
