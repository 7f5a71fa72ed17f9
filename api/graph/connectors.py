"""Connectors: hand-overs that wait for a place, and cases handed up to other platforms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from api import auth, read
from api.context import Info
from api.entity import column, derived, entity, told
from api.graph.words import PageInfo, PositionInput
from api.scalars import uuid_of
from domain.connectors.tables import DIVERSION_STATES
from domain.errors import Invalid
from domain.flows import diversions, upward
from domain.flows.diversions import Given
from domain.people.scope import scope_for
from runtime.database import transaction


@strawberry.type(description="A place the address of a hand-over may mean.")
class PlaceChoice:
    """A candidate."""

    id: str = told("Id of the place.")
    kind: str = told("station, village, road, address, town ...")
    name: str = told("Its name.")
    detail: str = told("Where it is, in words.")
    lon: float = told("Longitude, WGS 84.")
    lat: float = told("Latitude, WGS 84.")
    precision_m: float = told("How far the real place may be from there, in metres.")
    confidence: float = told("How likely it is the one that was meant, 0-1.")


def _choices(candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{("precisionM" if key == "precision_m" else key): value for key, value in one.items()} for one in candidates]


@entity(
    "(select v.*, k.name as sender, c.id as case_id, c.number as case_number, c.department_id, c.about_department_id,"
    " coalesce(c.party_ids, array[]::uuid[]) as party_ids from diversions v join connector_clients k on k.id = v.client_id"
    " left join reports r on r.id = v.report_id left join cases c on c.id = r.case_id)",
    "What a hotline, 110 or another system handed over. Needs case.file in the areas it may lie in.",
    permission="case.file",
)
class Diversion:
    """A hand-over."""

    id: strawberry.ID = column("{0}.id", "Id.")
    sender: str = column("{0}.sender", "Name of the system that handed it over.")
    external_number: str = column("{0}.external_number", "The sender's own number.")
    diverted_from: str = column("{0}.diverted_from", "The line it came in on: 12345, 110 ...")
    state: str = column("{0}.state", "`needs_place`, `accepted` or `returned`.")
    handover_at: datetime = column("{0}.handover_at", "When it was handed over; the clock counts from here.")
    received_at: datetime = column("{0}.received_at", "When it came in.")
    description: str = column("{0}.description", "The sender's words.")
    address: str | None = column("{0}.address_text", "The address as it was given.")
    candidates: list[PlaceChoice] = derived("{0}.candidates", _choices, "Places the address may mean, best first.")
    place_name: str | None = column("{0}.place_name", "What was taken for the place.")
    accepted_at: datetime | None = column("{0}.accepted_at", "When its case was opened.")
    case_id: strawberry.ID | None = column("{0}.case_id", "Its case, once there is one.")
    case_number: str | None = column("{0}.case_number", "The case's number.")
    returned_at: datetime | None = column("{0}.returned_at", "When it was returned.")
    returned_reason: str | None = column("{0}.returned_reason", "Why it was returned.")


@strawberry.type(description="One hand-over and its place in the list.")
class DiversionEdge:
    """An edge."""

    cursor: str = told("Give it as `after` to go on from here.")
    node: Diversion = told("The hand-over.")


@strawberry.type(description="A page of hand-overs, oldest first.")
class DiversionConnection:
    """A page."""

    edges: list[DiversionEdge] = told("Hand-overs with their cursors.")
    nodes: list[Diversion] = told("The hand-overs alone.")
    page_info: PageInfo = told("Where this page stands.")


@entity(
    "(select u.*, t.code as target_code, t.name as target_name from upward_reports u join connector_targets t on t.id = u.target_id)",
    "A case handed up to another platform, and what became of it there.",
)
class UpwardReport:
    """A case handed up."""

    id: strawberry.ID = column("{0}.id", "Id.")
    platform: str = column("{0}.target_code", "Code of the platform.")
    platform_name: str = column("{0}.target_name", "Its name.")
    state: str = column("{0}.state", "`queued`, `sent` or `refused`.")
    queued_at: datetime = column("{0}.queued_at", "When it was decided.")
    sent_at: datetime | None = column("{0}.sent_at", "When the platform took it.")
    attempts: int = column("{0}.attempts", "How often it was tried.")
    last_error: str | None = column("{0}.last_error", "Why the latest attempt failed.")
    external_id: str | None = column("{0}.external_id", "Its number there; null while the platform has given none.")
    external_status: str | None = column("{0}.external_status", "`open` or `closed` there, as last heard.")
    external_notes: str | None = column("{0}.external_notes", "What the platform says of it.")
    external_at: datetime | None = column("{0}.external_at", "When it changed there.")


@entity("connector_targets", "A platform above that cases may be handed up to.")
class Platform:
    """A platform."""

    code: str = column("{0}.code", "Give it to handUpCase.")
    name: str = column("{0}.name", "Its name.")


@strawberry.input(description="Where a waiting hand-over is.")
class PlaceDiversionInput:
    """Input of placeDiversion."""

    id: strawberry.ID = told("The hand-over.")
    position: PositionInput = told("The place that was found, with how far the real one may be as accuracyM.")
    place_name: str = told("What the place is called, for whoever goes there.", default="")


@strawberry.input(description="Why a waiting hand-over is not ours.")
class ReturnDiversionInput:
    """Input of returnDiversion."""

    id: strawberry.ID = told("The hand-over.")
    reason: str = told("The sender reads this.")


OLDEST = read.Order((("{0}.received_at", "instant"), ("{0}.id", "uuid")))


@strawberry.type
class ConnectorsQuery:
    """Reads of what systems handed over."""

    @strawberry.field(
        description="Hand-overs, oldest first: those that wait for a place unless another state is asked for. Needs case.file."
    )
    async def diversions(self, info: Info, state: str = "needs_place", first: int = 50, after: str | None = None) -> DiversionConnection:
        """List hand-overs."""
        if state not in DIVERSION_STATES:
            raise Invalid(f"a state is one of {', '.join(DIVERSION_STATES)}", "未知的移交状态", field="state")
        return await read.page(info, OLDEST, where=["{0}.state = %(state)s"], values={"state": state}, first=first, after=after)


    @strawberry.field(description="Platforms above that cases may be handed up to. Needs case.dispatch.")
    async def platforms(self, info: Info) -> list[Platform]:
        """List platforms."""
        scope_for(await info.context.actor(), upward.PERMISSION)
        return await read.rows(info, where="{0}.active", order="{0}.name, {0}.id")


@strawberry.type
class ConnectorsMutation:
    """Steps of hand-overs."""

    @strawberry.mutation(description="Say where a waiting hand-over is; its case is opened with the clock counting from the hand-over.")
    async def place_diversion(self, info: Info, input: PlaceDiversionInput) -> Diversion:  # noqa: A002
        """Place a hand-over."""
        context = info.context
        actor = await context.signed_in()
        diversion_id = uuid_of(input.id, "id")
        where = input.position
        chosen = Given(lon=where.lon, lat=where.lat, datum=where.datum.value, accuracy_m=where.accuracy_m)
        async with transaction(context.pool) as conn:
            await diversions.place(
                conn, context.state.jurisdictions, actor, diversion_id, chosen, name=input.place_name, at=context.now(),
                secret=auth.signing_key(context.state.settings),
            )  # fmt: skip
            placed = await read.by_id(info, diversion_id, conn=conn, authorised=True)
        context.changed()
        return placed

    @strawberry.mutation(description="Return a waiting hand-over that is not ours, with the reason its sender will read.")
    async def return_diversion(self, info: Info, input: ReturnDiversionInput) -> Diversion:  # noqa: A002
        """Return a hand-over."""
        context = info.context
        actor = await context.signed_in()
        diversion_id = uuid_of(input.id, "id")
        async with transaction(context.pool) as conn:
            await diversions.give_back(conn, actor, diversion_id, input.reason, at=context.now())
            returned = await read.by_id(info, diversion_id, conn=conn, authorised=True)
        context.changed()
        return returned

    @strawberry.mutation(
        description="Hand a case up to a platform above; it is sent in the background and followed there. Needs case.dispatch."
    )
    async def hand_up_case(self, info: Info, case_id: strawberry.ID, platform: str) -> list[UpwardReport]:
        """Hand a case up; gives all its hand-ups."""
        context = info.context
        actor = await context.signed_in()
        wanted = uuid_of(case_id, "caseId")
        async with transaction(context.pool) as conn:
            await upward.hand_up(conn, actor, wanted, platform, at=context.now())
        context.changed()
        return await read.rows(info, where="{0}.case_id = %(case)s", values={"case": wanted}, order="{0}.queued_at, {0}.id")
