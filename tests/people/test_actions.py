"""What is done to accounts leaves an event, and only the right people may do it."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from domain.base import Conn
from domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from domain.people import actions, passwords, sign_in
from domain.people.actions import CONSOLE, NewUser
from domain.people.scope import Actor, Grant

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
NEW = NewUser(username="li", display_name="李", password="a long password")


async def _kinds(conn: Conn, user_id: UUID) -> list[tuple[str, UUID | None]]:
    cursor = await conn.execute("select kind, actor_id from events where subject_id = %s order by seq", (user_id,))
    return await cursor.fetchall()


async def test_every_change_of_an_account_leaves_an_event(conn: Conn) -> None:
    user_id = await actions.create_user(conn, CONSOLE, NEW, at=AT)
    clerk = Grant("clerk", None, None)
    await actions.grant_role(conn, CONSOLE, user_id, clerk, at=AT)
    await actions.grant_role(conn, CONSOLE, user_id, clerk, at=AT)
    await actions.take_role(conn, CONSOLE, user_id, clerk, at=AT)
    await actions.set_password(conn, CONSOLE, user_id, "another password", at=AT)
    await actions.deactivate(conn, CONSOLE, user_id, at=AT)
    kinds = ["user.created", "user.role_granted", "user.role_taken", "user.password_set", "user.deactivated"]
    assert await _kinds(conn, user_id) == [(kind, None) for kind in kinds]


async def test_a_granted_role_counts_and_a_taken_one_does_not(conn: Conn) -> None:
    user_id = await actions.create_user(conn, CONSOLE, NEW, at=AT)
    leader = Grant("leader", None, None)
    await actions.grant_role(conn, CONSOLE, user_id, leader, at=AT)
    assert (await sign_in.load_actor(conn, user_id)).grants == (leader,)
    await actions.take_role(conn, CONSOLE, user_id, leader, at=AT)
    assert (await sign_in.load_actor(conn, user_id)).grants == ()
    with pytest.raises(NotFound):
        await actions.take_role(conn, CONSOLE, user_id, leader, at=AT)


async def test_a_new_password_ends_every_session_and_the_old_one_fails(conn: Conn) -> None:
    user_id = await actions.create_user(conn, CONSOLE, NEW, at=AT)
    session = await sign_in.sign_in(conn, "li", NEW.password, at=AT, secret=b"k" * 32)
    await actions.set_password(conn, CONSOLE, user_id, "another password", at=AT)
    assert isinstance(await sign_in.refresh(conn, session.refresh_token, at=AT, secret=b"k" * 32), Unauthenticated)
    with pytest.raises(Unauthenticated):
        await sign_in.sign_in(conn, "li", NEW.password, at=AT, secret=b"k" * 32)
    await sign_in.sign_in(conn, "li", "another password", at=AT, secret=b"k" * 32)


@pytest.mark.parametrize(
    ("grants", "error"),
    [
        ((), Forbidden),
        ((Grant("dispatcher", None, None),), Forbidden),
        ((Grant("system_admin", uuid4(), None),), Forbidden),
        ((Grant("system_admin", None, uuid4()),), Forbidden),
    ],
)
async def test_accounts_are_managed_only_with_the_permission_over_the_whole_city(
    conn: Conn, grants: tuple[Grant, ...], error: type[Exception]
) -> None:
    actor = Actor(uuid4(), "someone", "someone", None, grants)
    user_id = await actions.create_user(conn, CONSOLE, NEW, at=AT)
    before = await _kinds(conn, user_id)
    other = NewUser(username="wang", display_name="王", password="a long password")
    for attempt in (
        actions.create_user(conn, actor, other, at=AT),
        actions.grant_role(conn, actor, user_id, Grant("system_admin", None, None), at=AT),
        actions.set_password(conn, actor, user_id, "another password", at=AT),
        actions.deactivate(conn, actor, user_id, at=AT),
    ):
        with pytest.raises(error):
            await attempt
    assert await _kinds(conn, user_id) == before


@pytest.mark.parametrize(
    ("username", "display_name", "password", "field"),
    [
        ("X", "x", "a long password", "username"),
        ("a b", "x", "a long password", "username"),
        ("a" * 65, "x", "a long password", "username"),
        ("ok\n", "x", "a long password", "username"),
        ("fine", " ", "a long password", "displayName"),
        ("fine", "x" * 101, "a long password", "displayName"),
        ("fine", "x", "short", "password"),
        ("fine", "x", "p" * 129, "password"),
    ],
)
async def test_a_bad_account_is_refused_with_the_field_named(
    conn: Conn, username: str, display_name: str, password: str, field: str
) -> None:
    new = NewUser(username=username, display_name=display_name, password=password)
    with pytest.raises(Invalid) as caught:
        await actions.create_user(conn, CONSOLE, new, at=AT)
    assert caught.value.field == field


async def test_a_user_name_is_given_once(conn: Conn) -> None:
    await actions.create_user(conn, CONSOLE, NEW, at=AT)
    with pytest.raises(Conflict):
        await actions.create_user(conn, CONSOLE, NEW, at=AT)


async def test_a_role_for_an_unknown_area_or_an_unknown_role_is_refused(conn: Conn) -> None:
    user_id = await actions.create_user(conn, CONSOLE, NEW, at=AT)
    with pytest.raises(Invalid):
        await actions.grant_role(conn, CONSOLE, user_id, Grant("emperor", None, None), at=AT)
    with pytest.raises(Invalid):
        await actions.grant_role(conn, CONSOLE, user_id, Grant("clerk", uuid4(), None), at=AT)


async def test_a_password_typed_in_composed_or_decomposed_characters_is_the_same() -> None:
    encoded = await passwords.hash_password("caf\u00e9 au lait")
    assert await passwords.verify(encoded, "cafe\u0301 au lait")
    assert not await passwords.verify(encoded, "cafe au lait")
    assert not await passwords.verify(None, "cafe au lait")
