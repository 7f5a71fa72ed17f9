"""Deliveries: what was sent to whom and what became of it, the dead letters among it, and that it was read."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api import read
from api.context import Info
from api.entity import column, derived, entity, many, told
from api.graph.words import PageInfo, Words
from api.scalars import uuid_of
from domain.deliveries import ladder, letters, sending
from domain.deliveries.channels import BY_KIND, KINDS
from domain.deliveries.tables import STATES
from domain.errors import Invalid, NotFound
from domain.people.scope import scope_for
from runtime.database import transaction

STATE_WORDS = {
    "pending": {"zh": "待发送", "en": "Waiting"},
    "sending": {"zh": "发送中", "en": "Being sent"},
    "sent": {"zh": "已送达", "en": "Sent"},
    "read": {"zh": "已读", "en": "Read"},
    "failed": {"zh": "失败，已转下一级", "en": "Failed, the next was told"},
    "dead": {"zh": "发送失败", "en": "Dead letter"},
    "discarded": {"zh": "已作废", "en": "Discarded"},
}
RUNG_WORDS = {
    "first": {"zh": "首次通知", "en": "First"},
    "channel": {"zh": "换渠道", "en": "Next channel"},
    "person": {"zh": "换人", "en": "Next person"},
    "level": {"zh": "升一级", "en": "Next level"},
}
NEWEST = read.Order((("{0}.created_at", "instant"), ("{0}.id", "uuid")), descending=True)
COUNTED_FOR = "7 days"


def channel_words(kind: str) -> dict[str, str]:
    """Name a channel in two languages."""
    return {"zh": BY_KIND[kind].zh, "en": BY_KIND[kind].en}


def template_words(template: str) -> dict[str, str]:
    """Name what a message says."""
    return {language: letters.words(template, language, {})[0] for language in ("zh", "en")}


@entity("delivery_attempts", "One attempt to send a message.")
class DeliveryAttempt:
    """An attempt."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When it ended.")
    attempt: int = column("{0}.attempt", "Which attempt, from 1.")
    outcome: str = column("{0}.outcome", "accepted, later, limited, refused, or lost: the sender was killed meanwhile.")
    detail: str | None = column("{0}.detail", "What the receiver said.")
    took_ms: int | None = column("{0}.took_ms", "How long it took.")


@entity(
    "deliveries",
    "A message to somebody about a case. Needs delivery.read where the case lies. It shows no address.",
    permission="delivery.read",
    guarded="{0}_case",
    guard_join="left join cases {0}_case on {0}_case.id = {0}.case_id",
)
class Delivery:
    """A delivery."""

    id: strawberry.ID = column("{0}.id", "Id; receivers know a repeat by it.")
    created_at: datetime = column("{0}.created_at", "When it was written, with what caused it.")
    case_id: strawberry.ID | None = column("{0}.case_id", "The case; null for test messages.")
    case_number: str | None = column("{0}.facts->>'number'", "Number of the case.")
    case_title: str | None = column("{0}.facts->>'title'", "Matter of the case.")
    event_kind: str = column("{0}.event_kind", "What caused it.")
    subject: Words = derived("{0}.template", template_words, "What it says.")
    channel: str = column("{0}.channel", "Key of the channel.")
    channel_name: Words = derived("{0}.channel", channel_words, "Name of the channel.")
    to: str | None = column(
        "(select concat_ws(' · ', coalesce(d.name, u.display_name), e.label) from endpoints e"
        " left join departments d on d.id = e.department_id left join users u on u.id = e.user_id where e.id = {0}.endpoint_id)",
        "Whose address it goes to and the address's label; null for reporters and removed addresses.",
    )  # fmt: skip
    to_reporter: bool = column("{0}.report_id is not null", "Whether it goes to a reporter, whose number is not shown.")
    department_name: str | None = column(
        "(select d.name from departments d where d.id = {0}.department_id)", "The department that was to be woken."
    )
    state: str = column("{0}.state", "Key of the state.")
    state_name: Words = derived("{0}.state", STATE_WORDS.__getitem__, "Name of the state.")
    attempts: int = column("{0}.attempts", "Attempts so far.")
    next_at: datetime | None = column("case when {0}.state = 'pending' then {0}.next_at end", "When it is sent next, while it waits.")
    sent_at: datetime | None = column("{0}.sent_at", "When the receiver took it.")
    read_at: datetime | None = column("{0}.read_at", "When it was read.")
    read_by_name: str | None = column(
        "(select u.display_name from users u where u.id = {0}.read_by)", "Who read it or took the case in hand."
    )
    last_error: str | None = column("{0}.last_error", "Why it was not sent, or why it was discarded.")
    receipt: str | None = column("{0}.receipt", "What the receiver answered.")
    ladder_id: strawberry.ID = column("{0}.ladder_id", "Shared by all messages of one ladder.")
    rung: int = column("{0}.rung", "Place in the ladder, from 0.")
    rung_kind: str = column("{0}.rung_kind", "first, or against the one before: channel, person, level.")
    rung_name: Words = derived("{0}.rung_kind", RUNG_WORDS.__getitem__, "Name of the rung.")
    climb_at: datetime | None = column("{0}.climb_at", "When the next in line is told if nobody reads it before.")
    log: list[DeliveryAttempt] = many("{0}.delivery_id = {1}.id", "Every attempt.", order="{0}.at, {0}.attempt, {0}.id", limit=50)


@strawberry.type(description="Messages of one channel in one state.")
class DeliveryCount:
    """A count."""

    channel: str = told("Key of the channel.")
    state: str = told("Key of the state.")
    count: int = told("How many.")


@strawberry.type(description="One message and its place in the list.")
class DeliveryEdge:
    """An edge."""

    cursor: str = told("Give it as `after` to go on from here.")
    node: Delivery = told("The message.")


@strawberry.type(description="A page of messages, newest first.")
class DeliveryConnection:
    """A page of deliveries."""

    edges: list[DeliveryEdge] = told("Messages with their cursors.")
    nodes: list[Delivery] = told("The messages alone.")
    page_info: PageInfo = told("Where this page stands.")


@strawberry.input(description="Which messages; conditions given together all hold.")
class DeliveryFilter:
    """Filter of deliveries."""

    states: list[str] | None = told("Any of these states; the dead-letter page asks for `dead`.", default=None)
    channels: list[str] | None = told("Any of these channels.", default=None)
    case_id: strawberry.ID | None = told("About this case.", default=None)
    endpoint_id: strawberry.ID | None = told("To this address.", default=None)
    ladder_id: strawberry.ID | None = told("Of this ladder.", default=None)


@strawberry.type
class DeliveriesQuery:
    """Reads of deliveries."""

    @strawberry.field(description="Messages, newest first. Needs delivery.read.")
    async def deliveries(
        self, info: Info, filter: DeliveryFilter | None = None, first: int = 50, after: str | None = None  # noqa: A002
    ) -> DeliveryConnection:  # fmt: skip
        """List deliveries."""
        where, values = conditions(filter)
        return await read.page(info, NEWEST, where=where, values=values, first=first, after=after)

    @strawberry.field(description="How many of the last seven days' messages and of all unfinished ones, by channel and state.")
    async def delivery_counts(self, info: Info) -> list[DeliveryCount]:
        """Count deliveries."""
        recent = f"({{0}}.created_at >= %(at)s - interval '{COUNTED_FOR}' or {{0}}.state in ('pending', 'sending', 'failed', 'dead'))"
        columns = ("{0}.channel", "{0}.state", "count(*)")
        rows = await read.aggregate(info, "Delivery", columns, where=[recent], values={}, group="{0}.channel, {0}.state")
        return [DeliveryCount(channel=channel, state=state, count=count) for channel, state, count in rows]

@strawberry.type
class DeliveriesMutation:
    """Changes of deliveries."""

    @strawberry.mutation(description="Note that a message to the caller was read; its ladder ends. Done by the page a message links to.")
    async def mark_read(self, info: Info, delivery_id: strawberry.ID) -> bool:
        """Mark a message as read; false when it was not addressed to the caller."""
        context = info.context
        actor = await context.signed_in()
        try:
            async with transaction(context.pool) as conn:
                await ladder.mark_read(
                    conn, uuid_of(delivery_id, "deliveryId"), user_id=actor.user_id, department_ids=actor.departments(), at=context.now()
                )
        except NotFound:
            return False  # whoever looks at a case by somebody else's link need not be told off
        return True

    @strawberry.mutation(description="Send a message again that was given up. Needs delivery.manage.")
    async def retry_delivery(self, info: Info, id: strawberry.ID) -> Delivery:  # noqa: A002
        """Send again."""
        context = info.context
        actor = await context.actor()
        scope_for(actor, "delivery.manage")
        delivery_id = uuid_of(id, "id")
        async with transaction(context.pool) as conn:
            await sending.retry(conn, delivery_id, by=actor.user_id if actor else None, at=context.now())
            return await read.by_id(info, delivery_id, conn=conn, authorised=True)

    @strawberry.mutation(description="Give a message up for good, saying why. Needs delivery.manage.")
    async def discard_delivery(self, info: Info, id: strawberry.ID, reason: str) -> Delivery:  # noqa: A002
        """Discard."""
        context = info.context
        actor = await context.actor()
        scope_for(actor, "delivery.manage")
        delivery_id = uuid_of(id, "id")
        async with transaction(context.pool) as conn:
            await sending.discard(conn, delivery_id, reason=reason, by=actor.user_id if actor else None, at=context.now())
            return await read.by_id(info, delivery_id, conn=conn, authorised=True)

def conditions(given: DeliveryFilter | None) -> tuple[list[str], dict[str, object]]:
    """Turn a filter into conditions and their values; raises Invalid naming the field."""
    where: list[str] = []
    values: dict[str, object] = {}
    if given is None:
        return where, values
    for name, listed, allowed in (("states", given.states, STATES), ("channels", given.channels, KINDS)):
        if listed is not None:
            where.append(f"{{0}}.{name[:-1]} = any(%({name})s)")
            values[name] = [known(word, allowed, name) for word in listed]
    for name, wanted in (("case_id", given.case_id), ("endpoint_id", given.endpoint_id), ("ladder_id", given.ladder_id)):
        if wanted is not None:
            where.append(f"{{0}}.{name} = %({name})s")
            values[name] = uuid_of(wanted, f"{name.split('_', maxsplit=1)[0]}Id")
    return where, values


def known(word: str, allowed: tuple[str, ...], field: str) -> str:
    """Give a word of a closed list back; raises Invalid for any other."""
    if word not in allowed:
        raise Invalid(f"unknown {field} {word[:40]!r}; known: {', '.join(allowed)}", "未知的取值", field=field)
    return word
