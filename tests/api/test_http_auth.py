"""Identity at the doors: tokens, the second within which a change counts, limits with and without Redis."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from api import auth
from domain.errors import TooMany, Unauthenticated
from domain.people import actions
from domain.people.actions import CONSOLE
from domain.people.scope import Grant
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit
from tests.api.doors import PASSWORD, Doors, open_doors

pytestmark = pytest.mark.anyio


@pytest.fixture
async def doors(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    async with open_doors([], home=tmp_path, database_url=database_url, redis_url=redis_url) as opened:
        yield opened


def _now() -> datetime:
    return datetime.now(UTC)


async def test_only_a_missing_token_is_anonymous(doors: Doors) -> None:
    assert await auth.actor_from_token(doors.state, None, at=_now()) is None
    for token in ("", "nonsense", "a.b.c"):
        with pytest.raises(Unauthenticated):
            await auth.actor_from_token(doors.state, token, at=_now())


async def test_a_token_stands_for_its_user_until_it_expires(doors: Doors) -> None:
    user_id = await doors.user("zhang", Grant("leader", None, None))
    session = await auth.sign_in(doors.state, "zhang", PASSWORD, address="a", at=_now())
    actor = await auth.actor_from_token(doors.state, session.access_token, at=_now())
    assert actor is not None
    assert actor.user_id == user_id
    with pytest.raises(Unauthenticated, match="expired"):
        await auth.actor_from_token(doors.state, session.access_token, at=_now() + timedelta(minutes=15))


async def _refused_within(doors: Doors, token: str, seconds: float) -> bool:
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        try:
            await auth.actor_from_token(doors.state, token, at=_now())
        except Unauthenticated:
            return True
    return False


async def test_signing_out_and_closing_an_account_end_access_tokens_within_a_second(doors: Doors) -> None:
    user_id = await doors.user("zhang")
    session = await auth.sign_in(doors.state, "zhang", PASSWORD, address="a", at=_now())
    other = await auth.sign_in(doors.state, "zhang", PASSWORD, address="a", at=_now())
    for token in (session.access_token, other.access_token):
        assert await auth.actor_from_token(doors.state, token, at=_now())
    await auth.sign_out(doors.state, session.refresh_token, at=_now())
    assert await _refused_within(doors, session.access_token, 1.5)
    assert await auth.actor_from_token(doors.state, other.access_token, at=_now())
    async with transaction(doors.pool) as conn:
        await actions.deactivate(conn, CONSOLE, user_id, at=_now())
    assert await _refused_within(doors, other.access_token, 1.5)


async def test_a_replayed_refresh_token_ends_the_session_although_the_call_fails(doors: Doors) -> None:
    await doors.user("zhang")
    first = await auth.sign_in(doors.state, "zhang", PASSWORD, address="a", at=_now())
    second = await auth.refresh(doors.state, first.refresh_token, address="a", at=_now())
    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(Unauthenticated):
            await auth.refresh(doors.state, token, address="a", at=_now())
    assert await _refused_within(doors, second.access_token, 1.5)


@pytest.mark.parametrize("redis_away", [False, True])
async def test_guessing_a_password_is_stopped_and_others_still_get_in(doors: Doors, redis_away: bool) -> None:
    if redis_away:
        doors.state.redis = Redis(unix_socket_path="/nowhere/redis.sock")
    name = f"zhang-{uuid4().hex[:8]}"
    await doors.user(name)
    for _ in range(auth.FAILED_SIGN_INS.count):
        with pytest.raises(Unauthenticated):
            await auth.sign_in(doors.state, name, "wrong password", address="1.2.3.4", at=_now())
    with pytest.raises(TooMany, match="failed sign-ins"):
        await auth.sign_in(doors.state, name, PASSWORD, address="1.2.3.4", at=_now())
    await auth.sign_in(doors.state, name, PASSWORD, address="5.6.7.8", at=_now())


async def test_signing_in_forgives_earlier_failures(doors: Doors) -> None:
    await doors.user("zhang")
    for _ in range(3):
        for _ in range(auth.FAILED_SIGN_INS.count - 1):
            with pytest.raises(Unauthenticated):
                await auth.sign_in(doors.state, "zhang", "wrong password", address="9.9.9.9", at=_now())
        await auth.sign_in(doors.state, "zhang", PASSWORD, address="9.9.9.9", at=_now())


async def test_a_limit_is_shared_through_redis_and_names_itself(redis_url: str) -> None:
    limit = Limit("test", 5, 60, "测试", "tests from this address")
    one, two = Redis.from_url(redis_url), Redis.from_url(redis_url)
    async with one, two:
        for turn in range(5):
            await ratelimit.spend((one, two)[turn % 2], limit, "x")
        with pytest.raises(TooMany, match=r"tests from this address: at most 5 in 60 s; try again in \d+ s"):
            await ratelimit.spend(two, limit, "x")
        await ratelimit.spend(two, limit, "y")
        keys: list[Any] = await one.keys("gridwarden:limit:test:*")
        assert len(keys) == 2
        assert all([0 < await one.pttl(key) <= 62_000 for key in keys])


async def test_a_list_spends_as_many_as_it_holds() -> None:
    limit = Limit(f"test-{uuid4()}", 10, 60, "测试", "tests")
    await ratelimit.spend(None, limit, "x", amount=10)
    with pytest.raises(TooMany):
        await ratelimit.spend(None, limit, "x")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "local"),
    ],
)
def test_senders_are_told_apart_by_address_and_by_network(host: str, expected: str) -> None:
    scope = {"type": "http", "client": (host, 1), "headers": []}
    assert auth.client_address(HTTPConnection(scope)) == expected


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "token"])
def test_another_kind_of_credentials_is_refused_and_not_taken_for_the_public(header: str) -> None:
    with pytest.raises(Unauthenticated):
        auth.bearer({"authorization": header})


def test_the_bearer_token_is_read_from_its_header() -> None:
    assert auth.bearer({}) is None
    assert auth.bearer({"authorization": "bearer abc"}) == "abc"
