"""Who is who: departments, the signed-in person, and the session."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api import auth, read
from api.context import Info
from api.entity import column, derived, entity, many, one, told
from api.graph.words import Words
from domain.errors import Unauthenticated
from domain.people.roles import BY_NAME
from domain.people.sign_in import SessionTokens


def role_words(role: str) -> dict[str, str]:
    """Name a role in two languages."""
    return {"zh": BY_NAME[role].name_zh, "en": BY_NAME[role].name_en}


def permissions_of(roles: list[str]) -> list[str]:
    """List what these roles may do, sorted."""
    return sorted({permission for role in roles for permission in BY_NAME[role].permissions})


@entity("departments", "A body that owns duties: a government department, a town, or an external organisation.")
class Department:
    """A department."""

    id: strawberry.ID = column("{0}.id", "Id.")
    code: str = column("{0}.code", "Short code, unique.")
    name: str = column("{0}.name", "Name.")
    name_en: str | None = column("{0}.name_en", "English name.")
    kind: str = column("{0}.kind", "`government`, or `external` for a property company and its like.")


@entity("user_roles", "A role held over an area subtree, for a department, or over the whole city.")
class MyRole:
    """A granted role."""

    role: str = column("{0}.role", "The role's key.")
    name: Words = derived("{0}.role", role_words, "The role's name.")
    area_name: str | None = column(
        "(select v.name from area_versions v where v.area_id = {0}.area_id and v.valid_from <= %(at)s order by v.valid_from desc limit 1)",
        "Root of the area subtree in which it holds; null where it does not depend on an area.",
    )
    department_name: str | None = column(
        "(select d.name from departments d where d.id = {0}.department_id)",
        "Department for which it holds; null where it does not depend on one.",
    )


@entity("users", "The signed-in person.")
class Me:
    """The caller."""

    id: strawberry.ID = column("{0}.id", "Id.")
    username: str = column("{0}.username", "Name used to sign in.")
    display_name: str = column("{0}.display_name", "Name shown to others.")
    department: Department | None = one("{0}.id = {1}.department_id", "The person's department.")
    roles: list[MyRole] = many("{0}.user_id = {1}.id", "What was granted.", order="{0}.role, {0}.id")
    permissions: list[str] = derived(
        "array(select r.role from user_roles r where r.user_id = {0}.id)", permissions_of, "What the roles allow, wherever they hold."
    )
    home_bbox: list[float] | None = column(
        "(select array[st_xmin(b), st_ymin(b), st_xmax(b), st_ymax(b)] from (select st_extent(v.geom) as b"
        " from area_versions v where v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s)"
        " and v.area_id in (select r.area_id from user_roles r where r.user_id = {0}.id)) s where b is not null)",
        "West, south, east, north of the areas the roles name; null when they name none.",
    )


@strawberry.type(description="Tokens of a session. Keep them in memory; they are never set as cookies.")
class Session:
    """A session's tokens and whose they are."""

    access_token: str = told("Send it as `Authorization: Bearer ...`; short-lived.")
    refresh_token: str = told("Good for one refreshSession; each refresh gives the next.")
    expires_at: datetime = told("End of the access token.")
    user_id: strawberry.Private[object]

    @strawberry.field(description="The signed-in person.")
    async def me(self, info: Info) -> Me:
        """Read the person the session is for."""
        return await read.by_id(info, self.user_id)


def session_of(tokens: SessionTokens) -> Session:
    """Give a session its GraphQL shape."""
    return Session(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
        user_id=tokens.user_id,
    )


@strawberry.type
class PeopleQuery:
    """Reads about people."""

    @strawberry.field(description="The signed-in person; null for the public.")
    async def me(self, info: Info) -> Me | None:
        """Read the caller."""
        actor = await info.context.actor()
        return None if actor is None else await read.by_id(info, actor.user_id)

    @strawberry.field(description="Active departments, by name. For signed-in staff.")
    async def departments(self, info: Info) -> list[Department]:
        """List departments."""
        await info.context.signed_in()
        return await read.rows(info, where="{0}.active", order="{0}.kind desc, {0}.code, {0}.id")


@strawberry.type
class PeopleMutation:
    """Sessions."""

    @strawberry.mutation(description="Start a session. Limited by name and by address.")
    async def sign_in(self, info: Info, username: str, password: str) -> Session:
        """Sign in."""
        context = info.context
        return session_of(await auth.sign_in(context.state, username, password, address=context.address, at=context.now()))

    @strawberry.mutation(description="Exchange a refresh token for the next pair; a token used twice ends its session.")
    async def refresh_session(self, info: Info, refresh_token: str) -> Session:
        """Refresh."""
        context = info.context
        return session_of(await auth.refresh(context.state, refresh_token, address=context.address, at=context.now()))

    @strawberry.mutation(description="End the session the refresh token belongs to; false when there was none.")
    async def sign_out(self, info: Info, refresh_token: str) -> bool:
        """Sign out."""
        try:
            return await auth.sign_out(info.context.state, refresh_token, at=info.context.now())
        except Unauthenticated:
            return False
