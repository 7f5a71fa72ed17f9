"""Alerts: incidents seen by devices, or raised by a person on the spot."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.entity import column, entity, told
from api.graph.words import PositionInput
from api.scalars import uuid_of
from domain.alerts.intake import DetectionInput
from domain.errors import Invalid
from domain.flows import alert_intake
from domain.people.scope import scope_for
from runtime.database import transaction

MAX_NOTE = 500


@entity(
    "alerts",
    "One incident, seen by one or many detections. Needs alert.read.",
    permission="alert.read",
    guarded="{0}_case",
    guard_join="join cases {0}_case on {0}_case.id = {0}.case_id",
)
class Alert:
    """An alert."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str = column("{0}.kind", "What was seen: person_on_track, falling_object, ... Kinds, never identities.")
    first_at: datetime = column("{0}.first_at", "First detection.")
    last_at: datetime = column("{0}.last_at", "Latest detection.")
    detection_count: int = column("{0}.detection_count", "How many detections it has.")
    confidence: float = column("{0}.confidence", "Highest confidence of its detections, 0-1.")


@strawberry.input(description="An alert raised by a person.")
class RaiseAlertInput:
    """Input of raiseAlert."""

    submission_id: strawberry.ID = told("A UUID made by the sender; a retry carries the same one and is the same alert.")
    kind: str = told("What was seen; a kind of the catalogue.")
    position: PositionInput = told("Where.")
    occurred_at: datetime = told("When, by the sender's clock.")
    note: str | None = told("A short note for the dispatcher; no names.", default=None)


@strawberry.type(description="What became of a raised alert.")
class RaisedAlert:
    """Payload of raiseAlert."""

    alert_id: strawberry.ID = told("The alert; an open one nearby of the same kind is joined.")
    case_id: strawberry.ID = told("Its case.")
    number: str = told("The case's number.")
    repeated: bool = told("True when this submission had been taken in before.")


@strawberry.type
class AlertsMutation:
    """Raising alerts."""

    @strawberry.mutation(description="Raise an alert by hand. Needs alert.raise.")
    async def raise_alert(self, info: Info, input: RaiseAlertInput) -> RaisedAlert:  # noqa: A002
        """Raise an alert."""
        context = info.context
        actor = await context.signed_in()
        scope_for(actor, "alert.raise")
        if input.note is not None and (len(input.note) > MAX_NOTE or "\0" in input.note):
            raise Invalid(f"a note has at most {MAX_NOTE} characters, none of them NUL", f"备注不得超过 {MAX_NOTE} 个字", field="note")
        submission_id, item = uuid_of(input.submission_id, "submissionId"), _detection(input)
        async with transaction(context.pool) as conn:
            raised = await alert_intake.raise_alert(
                conn, context.state.jurisdictions, submission_id, item, at=context.now(), actor_id=actor.user_id
            )
        context.changed()
        return RaisedAlert(
            alert_id=strawberry.ID(str(raised.alert_id)),
            case_id=strawberry.ID(str(raised.case_id)),
            number=raised.number,
            repeated=raised.repeated,
        )


def _detection(given: RaiseAlertInput) -> DetectionInput:
    return DetectionInput(
        detection_key=str(given.submission_id),
        kind=given.kind,
        confidence=1.0,
        lon=given.position.lon,
        lat=given.position.lat,
        datum=given.position.datum.value,
        accuracy_m=given.position.accuracy_m,
        occurred_at=given.occurred_at,
        evidence={"note": given.note} if given.note else None,
    )
