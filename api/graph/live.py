"""The live feed: what was missed, in order, then what happens, as far as the caller may see it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
import strawberry

from api import read
from api.context import Info
from api.entity import told
from api.graph.cases import Case
from api.live_hub import Hub, LiveKind, Selection, Subscriber, Update, View, note
from api.plan import Document
from api.read import Ready
from api.scalars import BigInt
from domain.base import Conn
from domain.errors import Invalid
from domain.people.scope import Actor, scope_for
from geo.lonlat import BBox

_KINDS: Any = strawberry.enum(LiveKind, description="What a live update asks the client to do.")
for _value, _description in zip(
    _KINDS.__strawberry_definition__.values,
    (
        "Show the case as it is now.",
        "Remove the case: it left what the caller may see.",
        "Too far behind: read the list again.",
        "Everything missed has been delivered; sent once.",
    ),
    strict=True,
):
    _value.description = _description

RIGHTS_CHANGED: Final = "rights changed"  # root value of an operation that starts anew for this reason


@strawberry.type(description="One change of the live feed.")
class LiveUpdate:
    """An update."""

    position: BigInt = told("Dense position; give the last one as `after` when reconnecting.")
    kind: LiveKind = told("What to do.")
    event_kind: str = told("What happened, such as `case.opened`.")
    at: datetime = told("When it happened.")
    case_id: strawberry.ID | None = told("The case it is about.")
    case: Case | None = told("The case as it is now; null when it left the caller's scope.")


@strawberry.type
class LiveSubscription:
    """The feed."""

    @strawberry.subscription(
        description=(
            "Changes of cases in the caller's scope, by area or by box: what was missed after `after`, in order,"
            " then the stream. Needs case.read."
        )
    )
    async def live(
        self,
        info: Info,
        area_id: strawberry.ID | None = None,
        bbox: list[float] | None = None,
        after: BigInt | None = None,
    ) -> AsyncGenerator[LiveUpdate, None]:
        """Watch cases."""
        actor = await info.context.signed_in()
        view = View(scope_for(actor, "case.read"), _area(area_id), _bbox(bbox))
        subscriber = Subscriber(_selection(info, actor), view)
        feed: Any = _feed(info.context.state.hub, subscriber, after, renewed=info.root_value == RIGHTS_CHANGED)
        return feed


async def _feed(hub: Hub, subscriber: Subscriber, after: int | None, *, renewed: bool) -> AsyncGenerator[Ready, None]:
    """Join first, so that nothing happens unheard; then tell the past up to that point, then what has been heard since."""
    async with hub.joined(subscriber) as until:
        if renewed:
            after = -1
        elif after is not None and after > until:
            subscriber.reached = min(after, await hub.head())  # the caller knows more than this process has heard
            after = subscriber.reached if subscriber.reached == after else -1
        if after is not None:
            async for text in hub.missed(subscriber, after, until):
                yield _ready(text)
        yield _ready(subscriber.selection.write(note(LiveKind.CAUGHT_UP, until)))
        while True:
            for text in await subscriber.next():
                yield _ready(text)


def _ready(text: str) -> Ready:
    return Ready(orjson.Fragment(text))


def _selection(info: Info, actor: Actor) -> Selection:
    """Plan what is asked for of each update; callers with the same document and grants share the plan and its texts."""
    raw = info._raw_info
    asked = Document(raw.fragments, info.variable_values)
    fields = [(key, nodes[0].name.value) for key, nodes in asked.fields(raw.field_nodes).items()]
    plans = read.plan_below(info, "case")
    context = info.context

    async def cases(conn: Conn, ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, object]]:
        found: dict[UUID, dict[str, object]] = {id_: {} for id_ in ids}
        for key, plan in plans:
            for id_, case in (await read.by_ids(context, plan, ids, actor, conn=conn)).items():
                found[id_][key] = case
        return {id_: asked for id_, asked in found.items() if len(asked) == len(plans)}

    key = (id(raw.schema), tuple(fields), tuple(id(plan) for _, plan in plans), frozenset(actor.grants), actor.departments())
    return Selection(key, cases, lambda update: _write(fields, update))


def _write(fields: Sequence[tuple[str, str]], update: Update) -> str:
    facts = {
        "__typename": "LiveUpdate",
        "position": update.position,
        "kind": update.kind.value,
        "eventKind": update.event_kind,
        "at": update.at.astimezone(UTC),
        "caseId": update.case_id,
    }
    case = update.case or {}
    told_of = {key: case.get(key) if name == "case" else facts[name] for key, name in fields}
    return orjson.dumps(told_of, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()  # as over HTTP


def _area(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise Invalid(f"{given[:40]!r} is no id of an area", "区划编号无效", field="areaId") from None


def _bbox(given: Sequence[float] | None) -> BBox | None:
    if given is None:
        return None
    if len(given) != 4:
        raise Invalid("bbox is west, south, east, north", "矩形范围须为西、南、东、北四个数", field="bbox")
    return BBox(west=given[0], south=given[1], east=given[2], north=given[3])
