"""Staff and those who reported: ask, reply, templates, what is released and published; the public map; who looked at photos."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from api import read
from api.context import Info
from api.entity import column, entity, told
from api.graph.cases import Case
from api.graph.reports import Report
from api.graph.words import Words, state_words
from api.scalars import GeoJSON, uuid_of
from domain.errors import Invalid
from domain.flows import public_map, replies
from domain.flows.replies import Outgoing
from domain.people.scope import scope_for
from geo import cells
from geo.lonlat import BBox
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

MAP_LOOKS = Limit("public_map", 120, 60, "查询过于频繁", "looks at the public map from this address")


@entity("(select t.*, t.code as id from reply_templates t)", "A text for reporters.")
class ReplyTemplate:
    """A template."""

    code: str = column("{0}.code", "Give it as templateCode.")
    kind: str = column("{0}.kind", "`auto_reply`, `question` or `reply`.")
    name: str = column("{0}.name", "Its name.")
    text_zh: str = column("{0}.text_zh", "In Chinese; {number}, {matter}, {area}, {department} and {due} are filled in.")
    text_en: str = column("{0}.text_en", "In English.")
    enabled: bool = column("{0}.enabled", "Whether it is in use.")
    updated_at: datetime = column("{0}.updated_at", "Latest change.")


@entity(
    "media_views",
    "A look at an original photo. Needs case.verify.",
    permission="case.verify",
    guarded="{0}_case",
    guard_join="join cases {0}_case on {0}_case.id = {0}.case_id",
)
class MediaView:
    """A look."""

    id: strawberry.ID = column("{0}.id", "Id.")
    photo_id: strawberry.ID = column("{0}.photo_id", "The photo.")
    at: datetime = column("{0}.at", "When.")
    user_name: str | None = column("(select u.display_name from users u where u.id = {0}.user_id)", "Who; null for a reporter.")
    by_reporter: bool = column("{0}.report_id is not null", "A reporter with a tracking code.")


@strawberry.type(description="A case as everybody may know it: no point, no day, no photo, and words only where a supervisor wrote them.")
class PublicCase:
    """A public case."""

    cell: str = told("H3 cell at resolution 9, about 350 m across.")
    polygon: GeoJSON = told("The cell.")
    lon: float = told("Longitude of the cell's middle, WGS 84.")
    lat: float = told("Latitude of the cell's middle, WGS 84.")
    matter: Words = told("Name of the matter.")
    month: str = told("Local month it was opened in, as 2026-11.")
    state: str = told("Key of the state.")
    state_name: Words = told("Name of the state.")
    text: str | None = told("Words a supervisor published.")


@strawberry.input(description="A message to those who reported a case: typed, or from a template.")
class ReporterMessageInput:
    """Input of askReporter and replyToReporter."""

    case_id: strawberry.ID = told("The case.")
    text: str | None = told("The words, 1 to 1000 characters.", default=None)
    template_code: str | None = told("A template in place of words.", default=None)
    report_id: strawberry.ID | None = told("To the sender of this report only; left out: to every reporter of the case.", default=None)
    submission_id: strawberry.ID | None = told("A UUID made by the client; a retry is the same message.", default=None)


@strawberry.input(description="A text for reporters, new or changed.")
class ReplyTemplateInput:
    """Input of saveReplyTemplate."""

    code: str = told("Lower-case letters, digits and _.")
    kind: str = told("`auto_reply`, `question` or `reply`; stays as it is.")
    name: str = told("Its name, 1 to 40 characters.")
    text_zh: str = told("In Chinese; may name {number}, {matter}, {area}, {department} and {due}.")
    text_en: str = told("In English.")
    enabled: bool = told("Whether it is in use.", default=True)


@strawberry.type
class RepliesQuery:
    """Reads."""

    @strawberry.field(description="Texts for reporters. Needs case.read.")
    async def reply_templates(self, info: Info, kind: str | None = None) -> list[ReplyTemplate]:
        """List templates."""
        scope_for(await info.context.actor(), "case.read")
        where = ["{0}.kind = %(kind)s"] if kind is not None else []
        return await read.rows(info, where=where, values={"kind": kind}, order="{0}.kind, {0}.code")

    @strawberry.field(description="Who looked at the photos of a case, newest first. Needs case.verify.")
    async def media_views(self, info: Info, case_id: strawberry.ID, first: int = 100) -> list[MediaView]:
        """List looks."""
        values = {"case": uuid_of(case_id, "caseId")}
        return await read.rows(info, where=["{0}.case_id = %(case)s"], values=values, order="{0}.at desc, {0}.id desc", limit=first)

    @strawberry.field(
        description="Cases as everybody may know them, newest month first, in a viewport of at most 2 degrees (west, south, east, north)."
        " Public; limited by address."
    )
    async def public_cases(self, info: Info, bbox: list[float], first: int = 200) -> list[PublicCase]:
        """List public cases."""
        context = info.context
        await ratelimit.spend(context.state.redis, MAP_LOOKS, context.address)
        if len(bbox) != 4:
            raise Invalid("bbox is west, south, east, north", "矩形范围须为西、南、东、北四个数", field="bbox")
        box = BBox(west=bbox[0], south=bbox[1], east=bbox[2], north=bbox[3])
        async with context.pool.connection() as conn:
            found = await public_map.shown(conn, box, first=first, at=context.now())
        return [_public(case) for case in found]


@strawberry.type
class RepliesMutation:
    """Changes."""

    @strawberry.mutation(description="Ask those who reported a case. Needs case.handle, case.file or case.check.")
    async def ask_reporter(self, info: Info, input: ReporterMessageInput) -> Case:  # noqa: A002
        """Ask."""
        return await _write(info, input, "question")

    @strawberry.mutation(description="Answer those who reported a case. Needs case.handle, case.file or case.check.")
    async def reply_to_reporter(self, info: Info, input: ReporterMessageInput) -> Case:  # noqa: A002
        """Reply."""
        return await _write(info, input, "reply")

    @strawberry.mutation(description="Keep a text for reporters. Needs case.approve or user.manage.")
    async def save_reply_template(self, info: Info, input: ReplyTemplateInput) -> ReplyTemplate:  # noqa: A002
        """Save a template."""
        context = info.context
        actor = await context.signed_in()
        async with transaction(context.pool) as conn:
            await replies.save_template(
                conn, actor, code=input.code, kind=input.kind, name=input.name, text_zh=input.text_zh, text_en=input.text_en,
                enabled=input.enabled, at=context.now(),
            )  # fmt: skip
        return await read.first(info, where=["{0}.code = %(code)s"], values={"code": input.code}, order="{0}.code")

    @strawberry.mutation(
        description="Let the reporters of a case see photos of the finished work, or no more. Needs case.verify or case.file."
    )
    async def release_photos(self, info: Info, case_id: strawberry.ID, photo_ids: list[strawberry.ID], released: bool = True) -> Case:
        """Release photos."""
        context = info.context
        actor = await context.signed_in()
        case, photos = uuid_of(case_id, "caseId"), [uuid_of(one, "photoIds") for one in photo_ids]
        async with transaction(context.pool) as conn:
            await replies.release_photos(conn, actor, case, photos, released, at=context.now())
            found = await read.by_id(info, case, conn=conn, authorised=True)
        context.changed()
        return found

    @strawberry.mutation(description="Publish words about a report on the public map, or without any take them back. Needs case.verify.")
    async def moderate_report(self, info: Info, report_id: strawberry.ID, public_text: str | None = None) -> Report:
        """Publish words."""
        context = info.context
        actor = await context.signed_in()
        report = uuid_of(report_id, "reportId")
        async with transaction(context.pool) as conn:
            await replies.moderate(conn, actor, report, public_text, at=context.now())
            found = await read.by_id(info, report, conn=conn, authorised=True)
        context.changed()
        return found


async def _write(info: Info, given: ReporterMessageInput, kind: str) -> Any:
    context = info.context
    actor = await context.signed_in()
    message = Outgoing(
        case_id=uuid_of(given.case_id, "caseId"), kind=kind, text=given.text, template_code=given.template_code,
        report_id=uuid_of(given.report_id, "reportId") if given.report_id else None,
        submission_id=uuid_of(given.submission_id, "submissionId") if given.submission_id else None,
    )  # fmt: skip
    async with transaction(context.pool) as conn:
        await replies.write_to_reporters(conn, actor, message, at=context.now())
        case = await read.by_id(info, message.case_id, conn=conn, authorised=True)
    context.changed()
    return case


def _public(case: public_map.PublicCase) -> PublicCase:
    ring = [[round(lon, 6), round(lat, 6)] for lon, lat in cells.boundary(case.cell).exterior.coords]
    return PublicCase(
        cell=f"{case.cell:x}", polygon=GeoJSON({"type": "Polygon", "coordinates": [ring]}), lon=round(case.center.lon, 6),
        lat=round(case.center.lat, 6), matter=Words(zh=case.matter_zh, en=case.matter_en), month=case.month, state=case.state,
        state_name=Words(**state_words(case.state)), text=case.text,
    )  # fmt: skip
