"""Signing in and staying signed in, on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import psycopg
import pytest

from domain.base import Conn
from domain.errors import Unauthenticated
from domain.people import actions, sign_in, tokens
from domain.people.actions import CONSOLE, NewUser
from domain.people.scope import Grant
from domain.people.sign_in import SessionTokens

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
SECRET = b"s" * 32
PASSWORD = "correct horse battery"


async def _user(conn: Conn, username: str = "zhang", *grants: Grant) -> UUID:
    new = NewUser(username=username, display_name="张", password=PASSWORD, grants=grants)
    return await actions.create_user(conn, CONSOLE, new, at=AT)


async def _session(conn: Conn, username: str = "zhang") -> SessionTokens:
    return await sign_in.sign_in(conn, username, PASSWORD, at=AT, secret=SECRET)


async def _refreshed(conn: Conn, token: str, at: datetime = AT) -> SessionTokens:
    session = await sign_in.refresh(conn, token, at=at, secret=SECRET)
    assert isinstance(session, SessionTokens)
    return session


async def test_a_session_opens_with_the_right_password_and_names_its_user(conn: Conn) -> None:
    user_id = await _user(conn, "zhang", Grant("dispatcher", None, None))
    session = await _session(conn)
    claims = tokens.read(session.access_token, at=AT, secret=SECRET)
    actor = await sign_in.load_session(conn, claims.user_id, claims.family_id)
    assert (claims.user_id, session.user_id, actor.user_id) == (user_id, user_id, user_id)
    assert session.expires_at == claims.expires_at == AT + timedelta(minutes=15)
    assert actor.grants == (Grant("dispatcher", None, None),)
    assert actor.may("case.dispatch")
    assert not actor.may("user.manage")


@pytest.mark.parametrize(
    ("name", "password"), [("zhang", "wrong password"), ("nobody", PASSWORD), ("z\0", PASSWORD), ("zhang", PASSWORD * 50)]
)
async def test_a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words(conn: Conn, name: str, password: str) -> None:
    await _user(conn)
    with pytest.raises(Unauthenticated, match="the name or the password is wrong"):
        await sign_in.sign_in(conn, name, password, at=AT, secret=SECRET)


async def test_a_closed_account_cannot_sign_in_and_its_sessions_end(conn: Conn) -> None:
    user_id = await _user(conn)
    session = await _session(conn)
    await actions.deactivate(conn, CONSOLE, user_id, at=AT)
    with pytest.raises(Unauthenticated):
        await _session(conn)
    assert isinstance(await sign_in.refresh(conn, session.refresh_token, at=AT, secret=SECRET), Unauthenticated)
    with pytest.raises(Unauthenticated):
        await sign_in.load_actor(conn, user_id)


async def test_a_refresh_token_is_replaced_at_each_use(conn: Conn) -> None:
    await _user(conn)
    first = await _session(conn)
    second = await _refreshed(conn, first.refresh_token)
    third = await _refreshed(conn, second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3


async def test_replaying_a_spent_refresh_token_ends_the_whole_session(conn: Conn) -> None:
    await _user(conn)
    first = await _session(conn)
    second = await _refreshed(conn, first.refresh_token)
    other = await _session(conn)
    assert isinstance(await sign_in.refresh(conn, first.refresh_token, at=AT, secret=SECRET), Unauthenticated)
    assert isinstance(await sign_in.refresh(conn, second.refresh_token, at=AT, secret=SECRET), Unauthenticated)
    claims = tokens.read(second.access_token, at=AT, secret=SECRET)
    with pytest.raises(Unauthenticated):
        await sign_in.load_session(conn, claims.user_id, claims.family_id)
    await _refreshed(conn, other.refresh_token)


async def test_of_two_uses_of_one_token_at_once_one_wins_and_the_session_ends(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await _user(conn)
        first = await _session(conn)

    async def use() -> SessionTokens | Unauthenticated:
        async with await psycopg.AsyncConnection.connect(database_url) as own:
            return await sign_in.refresh(own, first.refresh_token, at=AT, secret=SECRET)

    results = await asyncio.gather(use(), use())
    won = [result for result in results if isinstance(result, SessionTokens)]
    assert len(won) == 1
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        assert isinstance(await sign_in.refresh(conn, won[0].refresh_token, at=AT, secret=SECRET), Unauthenticated)


async def test_signing_out_while_refreshing_leaves_no_token_alive(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await _user(conn)
        first = await _session(conn)
        second = await _refreshed(conn, first.refresh_token)

    async def use() -> SessionTokens | Unauthenticated:
        async with await psycopg.AsyncConnection.connect(database_url) as own:
            return await sign_in.refresh(own, second.refresh_token, at=AT, secret=SECRET)

    async def leave() -> bool:
        async with await psycopg.AsyncConnection.connect(database_url) as own:
            return await sign_in.sign_out(own, first.refresh_token, at=AT)

    await asyncio.gather(use(), leave())
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        cursor = await conn.execute("select count(*) from refresh_tokens where spent_at is null and revoked_at is null")
        assert await cursor.fetchone() == (0,)


async def test_a_session_ends_thirty_days_after_the_sign_in_however_often_it_is_refreshed(conn: Conn) -> None:
    await _user(conn)
    session = await _session(conn)
    session = await _refreshed(conn, session.refresh_token, AT + timedelta(days=29))
    late = await sign_in.refresh(conn, session.refresh_token, at=AT + timedelta(days=30), secret=SECRET)
    assert isinstance(late, Unauthenticated)


async def test_signing_out_ends_this_session_and_no_other(conn: Conn) -> None:
    await _user(conn)
    here, there = await _session(conn), await _session(conn)
    assert await sign_in.sign_out(conn, here.refresh_token, at=AT) is True
    assert await sign_in.sign_out(conn, here.refresh_token, at=AT) is False
    assert await sign_in.sign_out(conn, "no such token", at=AT) is False
    assert isinstance(await sign_in.refresh(conn, here.refresh_token, at=AT, secret=SECRET), Unauthenticated)
    await _refreshed(conn, there.refresh_token)


async def test_no_token_and_no_password_is_stored_as_it_is(conn: Conn) -> None:
    await _user(conn)
    session = await _session(conn)
    cursor = await conn.execute("select u.password_hash, t.token_hash from users u join refresh_tokens t on t.user_id = u.id")
    row = await cursor.fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$")
    assert row[1] == tokens.hash_token(session.refresh_token) != session.refresh_token.encode()


async def test_tokens_of_sessions_over_by_time_are_forgotten(conn: Conn) -> None:
    await _user(conn)
    await _session(conn)
    assert await sign_in.forget_expired(conn, at=AT + timedelta(days=29)) == 0
    assert await sign_in.forget_expired(conn, at=AT + timedelta(days=31)) == 1


def _forged(**changes: object) -> str:
    claims = {"sub": str(uuid4()), "fam": str(uuid4()), "iat": int(AT.timestamp()), "exp": int(AT.timestamp()) + 900}
    return jwt.encode({**claims, **changes}, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c", "é" * 10, "x" * 5000,
        _forged(sub="1"), _forged(fam=7), _forged(exp="soon"), _forged(exp=10**30),
        _forged().rsplit(".", 1)[0] + ".",
        jwt.encode({"sub": str(uuid4()), "fam": str(uuid4()), "iat": 0, "exp": 10**10}, "o" * 32, algorithm="HS256"),
        jwt.encode({"sub": str(uuid4()), "fam": str(uuid4()), "iat": 0, "exp": 10**10}, "", algorithm="none"),
        jwt.encode({"sub": str(uuid4()), "iat": 0, "exp": 10**10}, SECRET, algorithm="HS256"),
    ],
)  # fmt: skip
def test_a_forged_or_broken_access_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.read(token, at=AT, secret=SECRET)


def test_an_access_token_is_good_for_fifteen_minutes_and_not_a_second_longer() -> None:
    token, _ = tokens.sign(uuid4(), uuid4(), at=AT, secret=SECRET)
    tokens.read(token, at=AT + timedelta(minutes=14, seconds=59), secret=SECRET)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.read(token, at=AT + timedelta(minutes=15), secret=SECRET)
