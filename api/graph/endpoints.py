"""Addresses: where departments, people and other systems are reached, what messages go through, a browser's own push address."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api import auth, read
from api.context import Info
from api.entity import column, derived, entity, told
from api.graph.deliveries import Delivery, channel_words, known
from api.graph.words import Words
from api.scalars import uuid_of
from domain.deliveries import endpoints, ladder
from domain.deliveries.channels import BY_KIND, CHANNELS, GATEWAY_FIELDS, KINDS, Channel
from domain.deliveries.endpoints import NewEndpoint
from domain.people.scope import scope_for
from runtime.adapters import webpush
from runtime.database import transaction


@entity("endpoints", "Where a department, a person or another system is reached. The address itself is never given out.")
class Endpoint:
    """An endpoint."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str = column("{0}.kind", "Key of the channel.")
    kind_name: Words = derived("{0}.kind", channel_words, "Name of the channel.")
    label: str = column("{0}.label", "Label.")
    hint: str = column("{0}.hint", "Enough of the address to recognise it.")
    department_id: strawberry.ID | None = column("{0}.department_id", "Owner, if a department.")
    user_id: strawberry.ID | None = column("{0}.user_id", "Owner, if a person.")
    owner_name: str | None = column(
        "coalesce((select d.name from departments d where d.id = {0}.department_id),"
        " (select u.display_name from users u where u.id = {0}.user_id))",
        "Owner's name; null for the whole city.",
    )
    event_kinds: list[str] | None = column("{0}.event_kinds", "Webhooks: which kinds of event; null: all.")
    language: str = column("{0}.language", "zh or en.")
    ord: int = column("{0}.ord", "Order of trying among one owner's addresses of a kind.")
    active: bool = column("{0}.active", "Whether it is used.")
    resting_until: datetime | None = column("case when {0}.resting_until > %(at)s then {0}.resting_until end", "Left alone until then.")
    failures: int = column("{0}.failures", "Failures in a row.")
    last_ok_at: datetime | None = column("{0}.last_ok_at", "When something was taken there last.")
    waiting: int = column(
        "(select count(*) from deliveries w where w.endpoint_id = {0}.id and w.state = 'pending')", "Messages waiting for it."
    )


@entity("gateways", "What text messages or e-mail go through.")
class Gateway:
    """A gateway."""

    kind: str = column("{0}.kind", "sms or email.")
    hint: str = column("{0}.hint", "Host.")
    active: bool = column("{0}.active", "Whether it is used.")
    updated_at: datetime = column("{0}.updated_at", "Latest change.")


@strawberry.type(description="A channel, with the fields an address of it has.")
class ChannelFacts:
    """A row of the table of channels."""

    kind: str = told("Key.")
    name: Words = told("Name.")
    fields: list[str] = told("Fields that are needed.")
    optional: list[str] = told("Fields that may be given.")


@strawberry.type(description="A department nobody of which, nor above it, can be reached by any message.")
class UnreachableDepartment:
    """A department that cannot be woken."""

    id: strawberry.ID = told("Id.")
    name: str = told("Name.")


@strawberry.type(description="A saved address.")
class SavedEndpoint:
    """Payload of saveEndpoint."""

    id: strawberry.ID = told("Its id.")
    secret: str | None = told("A new webhook's secret, if none was given: it is shown this once.")


@strawberry.input(description="An address's field, by the names of the channel's fields.")
class FieldInput:
    """A field."""

    name: str = told("Name: url, secret, phone, email, p256dh, auth, account, host ...")
    value: str = told("Value.")


@strawberry.input(description="An address: new, or over the known one of this id.")
class SaveEndpointInput:
    """Input of saveEndpoint."""

    id: strawberry.ID | None = told("A known address; leave out for a new one.", default=None)
    kind: str = told("Key of the channel.")
    label: str = told("Label, without contact data.")
    department_id: strawberry.ID | None = told("Owner, a department.", default=None)
    user_id: strawberry.ID | None = told("Owner, a person.", default=None)
    address: list[FieldInput] | None = told("The address; leave out to keep the known one.", default=None)
    event_kinds: list[str] | None = told("Webhooks: which kinds of event; leave out for all.", default=None)
    language: str = told("zh or en.", default="zh")
    ord: int = told("Order of trying.", default=0)
    active: bool = told("Whether it is used.", default=True)


@strawberry.input(description="A browser's push subscription, as the browser gives it.")
class SubscribePushInput:
    """Input of subscribePush."""

    url: str = told("endpoint")
    p256dh: str = told("keys.p256dh")
    auth: str = told("keys.auth")
    label: str = told("What the person calls this browser.", default="")


@strawberry.type
class EndpointsQuery:
    """Reads of addresses."""

    @strawberry.field(description="Addresses, by owner. Needs delivery.manage.")
    async def endpoints(self, info: Info, department_id: strawberry.ID | None = None, kind: str | None = None) -> list[Endpoint]:
        """List addresses."""
        scope_for(await info.context.actor(), "delivery.manage")
        where: list[str] = ["true"]
        values: dict[str, object] = {}
        if department_id is not None:
            where.append("{0}.department_id = %(department)s")
            values["department"] = uuid_of(department_id, "departmentId")
        if kind is not None:
            where.append("{0}.kind = %(kind)s")
            values["kind"] = known(kind, KINDS, "kind")
        return await read.rows(info, where=where, values=values, order="{0}.department_id, {0}.user_id, {0}.kind, {0}.ord, {0}.id")

    @strawberry.field(description="What text messages and e-mail go through. Needs delivery.manage.")
    async def gateways(self, info: Info) -> list[Gateway]:
        """List gateways."""
        scope_for(await info.context.actor(), "delivery.manage")
        return await read.rows(info, order="{0}.kind")

    @strawberry.field(description="The channels there are, and the fields of their addresses and gateways. Needs delivery.manage.")
    async def delivery_channels(self, info: Info) -> list[ChannelFacts]:
        """List channels."""
        scope_for(await info.context.actor(), "delivery.manage")
        own = [_facts(row.kind, row, row.fields, row.optional) for row in CHANNELS]
        return own + [_facts(f"gateway.{kind}", BY_KIND[kind], *fields) for kind, fields in GATEWAY_FIELDS.items()]

    @strawberry.field(description="Active departments that no message can reach, nor anybody above them. Needs delivery.manage.")
    async def unreachable_departments(self, info: Info) -> list[UnreachableDepartment]:
        """List departments that cannot be woken."""
        scope_for(await info.context.actor(), "delivery.manage")
        async with info.context.pool.connection() as conn:
            found = await ladder.unreachable(conn)
        return [UnreachableDepartment(id=strawberry.ID(str(department_id)), name=name) for department_id, name in found]

    @strawberry.field(description="The key a browser subscribes to push messages with (applicationServerKey). For signed-in staff.")
    async def vapid_key(self, info: Info) -> str:
        """Give the key of push messages."""
        await info.context.signed_in()
        return webpush.public_key(auth.signing_key(info.context.state.settings))


@strawberry.type
class EndpointsMutation:
    """Changes of addresses."""

    @strawberry.mutation(description="Save an address, new or known. Needs delivery.manage.")
    async def save_endpoint(self, info: Info, input: SaveEndpointInput) -> SavedEndpoint:  # noqa: A002
        """Save an address."""
        context = info.context
        actor = await context.actor()
        scope_for(actor, "delivery.manage")
        address = _fields(input.address)
        made = None
        if input.kind == "webhook" and address is not None and not address.get("secret"):
            made = address["secret"] = endpoints.new_secret()
        given = NewEndpoint(
            kind=known(input.kind, KINDS, "kind"), label=input.label, address=address, event_kinds=input.event_kinds,
            department_id=uuid_of(input.department_id, "departmentId") if input.department_id else None,
            user_id=uuid_of(input.user_id, "userId") if input.user_id else None,
            language=input.language, ord=input.ord, active=input.active,
        )  # fmt: skip
        known_id = uuid_of(input.id, "id") if input.id else None
        async with transaction(context.pool) as conn:
            saved = await endpoints.save(
                conn, given, secret=auth.signing_key(context.state.settings), at=context.now(), endpoint_id=known_id,
                by=actor.user_id if actor else None,
            )  # fmt: skip
        return SavedEndpoint(id=strawberry.ID(str(saved)), secret=made)

    @strawberry.mutation(description="Send a test message to an address; look at the message for what became of it. Needs delivery.manage.")
    async def test_endpoint(self, info: Info, id: strawberry.ID) -> Delivery:  # noqa: A002
        """Try an address."""
        context = info.context
        scope_for(await context.actor(), "delivery.manage")
        async with transaction(context.pool) as conn:
            delivery_id = await endpoints.test(conn, uuid_of(id, "id"), at=context.now())
            return await read.by_id(info, delivery_id, conn=conn, authorised=True)

    @strawberry.mutation(description="Delete an address; what waits for it goes to the next in line. Needs delivery.manage.")
    async def remove_endpoint(self, info: Info, id: strawberry.ID) -> bool:  # noqa: A002
        """Remove an address."""
        context = info.context
        actor = await context.actor()
        scope_for(actor, "delivery.manage")
        async with transaction(context.pool) as conn:
            await endpoints.remove(conn, uuid_of(id, "id"), by=actor.user_id if actor else None, at=context.now())
        return True

    @strawberry.mutation(description="Set up what text messages (sms) or e-mail (email) go through. Needs delivery.manage.")
    async def save_gateway(self, info: Info, kind: str, settings: list[FieldInput], active: bool = True) -> bool:
        """Save a gateway."""
        context = info.context
        scope_for(await context.actor(), "delivery.manage")
        secret = auth.signing_key(context.state.settings)
        async with transaction(context.pool) as conn:
            await endpoints.save_gateway(conn, kind, _fields(settings) or {}, active=active, secret=secret, at=context.now())
        return True

    @strawberry.mutation(description="Have push messages sent to this browser, for the person signed in. For signed-in staff.")
    async def subscribe_push(self, info: Info, input: SubscribePushInput) -> bool:  # noqa: A002
        """Subscribe a browser."""
        context = info.context
        actor = await context.signed_in()
        secret = auth.signing_key(context.state.settings)
        address = {"url": input.url, "p256dh": input.p256dh, "auth": input.auth}
        async with transaction(context.pool) as conn:
            await endpoints.subscribe(conn, actor.user_id, address, label=input.label, secret=secret, at=context.now())
        return True

    @strawberry.mutation(description="Send no more push messages to this browser; false when it had none. For signed-in staff.")
    async def unsubscribe_push(self, info: Info, url: str) -> bool:
        """Unsubscribe a browser."""
        context = info.context
        actor = await context.signed_in()
        secret = auth.signing_key(context.state.settings)
        async with transaction(context.pool) as conn:
            return await endpoints.unsubscribe(conn, actor.user_id, url, secret=secret, at=context.now())


def _fields(given: list[FieldInput] | None) -> dict[str, str] | None:
    return None if given is None else {one.name: one.value for one in given}


def _facts(kind: str, row: Channel, fields: tuple[str, ...], optional: tuple[str, ...]) -> ChannelFacts:
    return ChannelFacts(kind=kind, name=Words(zh=row.zh, en=row.en), fields=list(fields), optional=list(optional))
