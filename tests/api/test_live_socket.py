"""graphql-transport-ws as its protocol has it: close codes, refusals, limits; every socket ends by somebody's will."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets

from api import auth, limits, ws
from domain.people import tokens
from tests.api.live import Client, Served, connected, everywhere, served, watching


@pytest.fixture
async def place(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Served]:
    async with served(tmp_path, database_url, redis_url, relaying=False) as running:
        yield running


async def _refusal(client: Client, id_: str, query: str, **payload: object) -> str:
    """Subscribe and give the code of the error that comes back."""
    await client.send(type="subscribe", id=id_, payload={"query": query, **payload})
    answer = await client.receive()
    assert (answer["type"], answer["id"]) == ("error", id_)
    code: str = answer["payload"][0]["extensions"]["code"]
    return code


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": "subscription { live { kind } }"}}], 4401),
        ([{"type": "ping"}], 4400),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer nonsense"}}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Basic eDp5"}}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": 7}}], 4400),
        ([{"type": "connection_init", "payload": "x"}], 4400),
    ],
)
async def test_a_bad_introduction_closes_the_socket_with_its_code(place: Served, messages: list[dict[str, Any]], code: int) -> None:
    async with connected(place, None) as client:
        for message in messages:
            await client.send(**message)
        assert await client.closed() == code


async def test_broken_messages_close_an_introduced_socket_with_their_code(place: Served) -> None:
    who = await place.doors.person("anna", everywhere())
    query = {"query": "subscription { live { kind } }"}
    for raw, code in (
        ("{", 4400),
        ("[]", 4400),
        ("7", 4400),
        ('{"type": 7}', 4400),
        ('{"type": "start"}', 4400),
        ('{"type": "subscribe", "payload": {"query": "{ me { id } }"}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ me { id } }"}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": 1}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": []}}', 4400),
        (b"\x00\x01", 4400),
        ('{"type": "ping", "payload": "' + "x" * ws.MAX_MESSAGE + '"}', 4400),
        ('{"type": "connection_init"}', 4429),
    ):
        async with connected(place, who) as client:
            await client.socket.send(raw)
            assert await client.closed() == code, raw
    async with connected(place, who) as client:
        await client.send(type="subscribe", id="1", payload=query)
        await client.send(type="subscribe", id="1", payload=query)
        assert await client.closed() == 4409


async def test_another_protocol_is_not_spoken(place: Served) -> None:
    for protocols in ([websockets.Subprotocol("graphql-ws")], None):
        async with websockets.connect(place.url, subprotocols=protocols) as opened:
            assert await Client(opened).closed() == 4406


async def test_who_does_not_introduce_himself_or_never_answers_is_let_go(place: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    who = await place.doors.person("anna", everywhere())
    monkeypatch.setattr(ws, "INIT_WITHIN_S", 0.05)
    async with connected(place, None) as client:
        assert await client.closed() == 4408
    monkeypatch.setattr(ws, "INIT_WITHIN_S", 10.0)
    monkeypatch.setattr(ws, "IDLE_MOST_S", 0.2)
    async with connected(place, who) as client:
        assert await client.closed() == 1001


async def test_the_server_pings_and_whoever_answers_stays(place: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    who = await place.doors.person("anna", everywhere())
    monkeypatch.setattr(ws, "PING_EVERY_S", 0.02)
    monkeypatch.setattr(ws, "LOOK_EVERY_S", 0.02)
    async with connected(place, who) as client:
        for _ in range(5):
            assert await client.socket.recv() == '{"type":"ping"}'
            await client.send(type="pong")
        monkeypatch.setattr(ws, "PING_EVERY_S", 1000)
        await client.send(type="ping", payload={"n": 1})
        assert (await client.receive())["type"] == "pong"


async def test_one_socket_too_many_is_asked_to_come_again(place: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    who = await place.doors.person("anna", everywhere())
    async with connected(place, who):
        monkeypatch.setattr(ws, "MAX_SOCKETS", 1)
        async with connected(place, None) as second:
            assert await second.closed() == 1013


async def test_an_expired_token_ends_its_socket(place: Served) -> None:
    await place.doors.user("anna", everywhere())
    at = datetime.now(UTC) - tokens.ACCESS_LIFE + timedelta(seconds=3)
    session = await auth.sign_in(place.doors.state, "anna", "a long enough password", address="test", at=at)
    async with watching(place, {"Authorization": f"Bearer {session.access_token}"}) as client:
        assert await client.closed() == 4403


async def test_refused_operations_answer_with_an_error_and_leave_the_socket_open(place: Served) -> None:
    who = await place.doors.person("anna", everywhere("system_admin"))
    async with connected(place, who) as client:
        assert await _refusal(client, "1", "{ me { id } }") == "invalid"
        assert await _refusal(client, "2", "subscription {") == "invalid"
        assert await _refusal(client, "3", "subscription { live { nothing } }") == "invalid"
        assert await _refusal(client, "4", "subscription { live { kind } }") == "forbidden"
        assert await _refusal(client, "5", "subscription($b: [Float!]) { live(bbox: $b) { kind } }", variables={"b": "x"}) == "invalid"
        assert await _refusal(client, "6", "subscription A { live { kind } }", operationName="B") == "invalid"
        deep = "subscription { live { " + " ".join(f"a{n}: kind" for n in range(limits.MAX_ALIASES + 1)) + " } }"
        assert await _refusal(client, "7", deep) == "too_many"
    seeing = await place.doors.person("boris", everywhere())
    async with connected(place, seeing) as client:
        assert await _refusal(client, "1", 'subscription { live(areaId: "x") { kind } }') == "invalid"
        assert await _refusal(client, "2", "subscription { live(bbox: [1, 2]) { kind } }") == "invalid"
        assert (await _refusal(client, "3", "subscription { live(bbox: [3, 2, 1, 4]) { kind } }")).startswith("position")
        for number in range(limits.MAX_SUBSCRIPTIONS):
            await client.watch(f"s{number}")
            assert (await client.update())["kind"] == "CAUGHT_UP"
        assert await _refusal(client, "more", "subscription { live { kind } }") == "too_many"
        await client.send(type="complete", id="s0")
        await client.watch("again")
        assert (await client.update())["kind"] == "CAUGHT_UP"
