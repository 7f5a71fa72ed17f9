"""The live feed through real sockets: who sees what, what was missed first, nothing twice, and nobody holds up anybody."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from api import live_hub, read
from domain.events import Event, record
from domain.people import sign_in
from domain.people.scope import Grant
from runtime.database import transaction
from tests.api.city import SIDE, SOUTH, WEST
from tests.api.live import Served, connected, everywhere, happen, served, watching


@pytest.fixture
async def place(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Served]:
    async with served(tmp_path, database_url, redis_url) as running:
        yield running


async def test_a_case_appears_on_an_open_screen_with_what_a_query_would_say(place: Served) -> None:
    who = await place.doors.person("anna", everywhere())
    selected = "id number origin state stateName { zh en } title lon lat position openedAt dueAt overdue revision"
    selected += " homeArea { code name } department { code } receipt { ruleCode } reports { id } transitions { verb }"
    selected += " allowedVerbs { verb name { zh } needsDepartment }"
    query = f"subscription {{ live {{ __typename k: kind eventKind position caseId it: case {{ {selected} }} }} }}"
    async with connected(place, who) as client:
        await client.watch(query=query)
        assert (await client.update())["k"] == "CAUGHT_UP"
        case_id = await place.case("2026-1", "G00", department="WATER")
        update = await client.case_update()
    asked = await place.query(f'{{ case(id: "{case_id}") {{ {selected} }} }}', who)
    assert update == {
        "__typename": "LiveUpdate", "k": "UPSERT", "eventKind": "case.opened", "position": await place.head(),
        "caseId": str(case_id), "it": asked["case"],
    }  # fmt: skip


async def test_each_sees_his_own_and_a_transferred_case_leaves(place: Served) -> None:
    west = await place.doors.person("west", Grant("dispatcher", place.areas["A"], None))
    water = await place.doors.person("water", Grant("clerk", None, place.departments["WATER"]))
    roads = await place.doors.person("roads", Grant("clerk", None, place.departments["ROADS"]))
    async with watching(place, west) as a, watching(place, water) as b, watching(place, roads) as c:
        mine = str(await place.case("2026-1", "G00", department="WATER"))
        first = await b.update()
        await place.transfer((await _id(place, "2026-1")), "ROADS")
        theirs = str(await place.case("2026-2", "G30", department="ROADS"))
        last = str(await place.case("2026-3", "G01", department="WATER"))
        seen_west = [await a.update() for _ in range(3)]
        seen_water = [first, *[await b.update() for _ in range(2)]]
        seen_roads = [await c.update() for _ in range(2)]
    assert [(u["kind"], u["caseId"]) for u in seen_west] == [("UPSERT", mine), ("UPSERT", mine), ("UPSERT", last)]
    assert [(u["kind"], u["caseId"]) for u in seen_water] == [("UPSERT", mine), ("LEAVE", mine), ("UPSERT", last)]
    assert [(u["kind"], u["caseId"]) for u in seen_roads] == [("UPSERT", mine), ("UPSERT", theirs)]
    assert [u["case"] and u["case"]["number"] for u in seen_water] == ["2026-1", None, "2026-3"]
    assert [u["eventKind"] for u in seen_roads] == ["case.transfer", "case.opened"]


async def test_area_and_viewport_show_only_what_lies_in_them(place: Served) -> None:
    who = await place.doors.person("anna", everywhere())
    box = [WEST, SOUTH, WEST + SIDE, SOUTH + SIDE]
    async with (
        watching(place, who, area=str(place.areas["B"])) as east,
        watching(place, who, bbox=box) as corner,
        watching(place, who, area=str(place.areas["B"]), bbox=box) as nowhere,
    ):
        for number, grid in (("1", "G20"), ("2", "G00"), ("3", "G31"), ("4", "G11")):
            await place.case(number, grid)
        async with transaction(place.doors.pool) as conn:  # public news: everybody hears it, so it ends the test
            await record(
                conn, [Event(kind="area.layer_changed", subject_kind="area_layer", subject_id=place.areas["C"], at=datetime.now(UTC))]
            )
        assert [u["case"] and u["case"]["number"] for u in await _until_layer(east)] == ["1", "3", None]
        assert [u["case"] and u["case"]["number"] for u in await _until_layer(corner)] == ["2", None]
        assert [u["case"] for u in await _until_layer(nowhere)] == [None]


async def test_what_was_missed_comes_first_in_order_without_gap_or_repeat_while_more_happens(place: Served) -> None:
    who = await place.doors.person("anna", everywhere())
    case_id = await place.case("2026-1", "G00")
    chance = random.Random(7)
    start = await place.head()

    async def commit(count: int) -> None:
        for _ in range(count):
            async with transaction(place.doors.pool) as conn:
                await happen(conn, "case.accept", case_id)
                await asyncio.sleep(chance.choice((0, 0.003)))

    async def follow(after: int, until: int) -> list[int]:
        async with connected(place, who) as client:
            await client.watch(after=after)
            positions: list[int] = []
            notes = 0
            while not positions or positions[-1] < until:
                update = await client.update(20)
                if update["kind"] == "CAUGHT_UP":
                    notes += 1
                else:
                    positions.append(update["position"])
            assert notes <= 1
            return positions

    await commit(40)
    assert await place.head() == start + 40
    total = start + 40 + 4 * 60
    committing = [asyncio.create_task(commit(60)) for _ in range(4)]
    watchers = []
    for _ in range(12):
        after = chance.randint(start, start + 40)
        watchers.append((after, asyncio.create_task(follow(after, total))))
        await asyncio.sleep(chance.random() * 0.05)
    await asyncio.gather(*committing)
    for after, watcher in watchers:
        assert await watcher == list(range(after + 1, total + 1))


async def test_who_was_away_too_long_or_knows_a_future_that_never_was_reads_again(place: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    who = await place.doors.person("anna", everywhere())
    monkeypatch.setattr(live_hub, "HISTORY_MOST", 5)
    for number in range(8):
        await place.case(str(number), "G00")
    head = await place.head()
    await _hub_at(place, head)
    for after, kinds in ((head - 5, ["UPSERT"] * 5), (head - 6, ["RESYNC"]), (head + 1000, ["RESYNC"])):
        async with connected(place, who) as client:
            await client.watch(after=after)
            assert [u["kind"] for u in await client.caught_up()] == kinds
            await place.case(f"after {after}", "G00")
            assert (await client.update())["case"]["number"] == f"after {after}"
            head = await place.head()
        await _hub_at(place, head)


async def test_a_subscriber_that_does_not_read_gets_resync_and_goes_on_and_nobody_waits_for_him(
    place: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "WAITING_MOST", 100)
    who = await place.doors.person("anna", everywhere())
    case_id = await place.case("2026-1", "G00")
    long_words = " ".join(f"a{n}: allowedVerbs {{ verb name {{ zh en }} needsDepartment needsReason }}" for n in range(30))
    async with watching(place, who) as quick, connected(place, who, receive_buffer_bytes=65536) as slow:
        await slow.watch(query=f"subscription {{ live {{ position kind case {{ {long_words} }} }} }}")
        assert (await slow.update())["kind"] == "CAUGHT_UP"
        slow.socket.transport.pause_reading()
        for _ in range(25):
            async with transaction(place.doors.pool) as conn:
                for _ in range(50):
                    await happen(conn, "case.accept", case_id)
            for _ in range(50):
                await quick.update(5)
        slow.socket.transport.resume_reading()
        updates = [await slow.update()]
        while updates[-1]["kind"] != "RESYNC":
            updates.append(await slow.update())
        last = await place.case("2026-2", "G00")
        while updates[-1]["position"] < await place.head():
            updates.append(await slow.update())
        assert updates[-1]["kind"] == "UPSERT"
        positions = [update["position"] for update in updates]
        assert positions == sorted(set(positions))
        while (await quick.update())["caseId"] != str(last):
            pass


async def test_a_dropped_socket_and_a_completed_subscription_leave_nothing_behind(place: Served) -> None:
    who = await place.doors.person("anna", everywhere())
    async with watching(place, who) as staying, watching(place, who) as leaving:
        await staying.watch("2")
        assert (await staying.update())["kind"] == "CAUGHT_UP"
        assert len(place.hub) == 3
        leaving.socket.transport.abort()
        await _subscribers(place, 2)
        await staying.send(type="complete", id="2")
        await _subscribers(place, 1)
    await _subscribers(place, 0)


async def test_a_case_is_read_once_for_all_viewers_of_a_class(place: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    who = await place.doors.person("anna", everywhere())
    same_rights = await place.doors.person("boris", everywhere())
    other = await place.doors.person("west", Grant("dispatcher", place.areas["A"], None))
    reads: list[int] = []
    by_ids = read.by_ids

    async def counted(context: Any, plan: Any, ids: Any, actor: Any, **more: Any) -> Any:
        reads.append(len(ids))
        return await by_ids(context, plan, ids, actor, **more)

    monkeypatch.setattr(read, "by_ids", counted)
    async with AsyncExitStack() as open_:
        clients = [await open_.enter_async_context(watching(place, person)) for person in [who, same_rights, other] for _ in range(5)]
        await place.case("2026-1", "G00")
        assert {(await client.case_update())["case"]["number"] for client in clients} == {"2026-1"}
    assert reads == [1, 1]


async def test_an_ended_session_closes_its_sockets_and_changed_rights_start_anew(place: Served) -> None:
    who = await place.doors.person("anna", everywhere())
    async with watching(place, who) as client:
        async with transaction(place.doors.pool) as conn:
            await conn.execute("update user_roles set area_id = %s", (place.areas["A"],))
        assert (await client.update(5))["kind"] == "RESYNC"
        assert (await client.update())["kind"] == "CAUGHT_UP"
        await place.case("1", "G30")
        await place.case("2", "G00")
        assert (await client.case_update())["case"]["number"] == "2"
        async with transaction(place.doors.pool) as conn:
            await conn.execute("delete from user_roles")
        refused = await client.receive()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "forbidden")
        async with transaction(place.doors.pool) as conn:
            row = await (await conn.execute("select id from users where username = 'anna'")).fetchone()
            assert row is not None
            await sign_in.end_all(conn, row[0], at=datetime.now(UTC))
        assert await client.closed(5) == 4403
    await _subscribers(place, 0)


async def test_without_redis_the_feed_goes_on_by_polling(tmp_path: Path, database_url: str) -> None:
    async with served(tmp_path, database_url, "unix:///nowhere/redis.sock") as place:
        who = await _person_without_redis(place)
        async with watching(place, who) as client:
            for number in range(3):
                await place.case(str(number), "G00")
                assert (await client.case_update(3))["case"]["number"] == str(number)


async def test_an_open_screen_catches_up_by_itself_after_the_database_was_away(place: Served, server_url: str, database_url: str) -> None:
    who = await place.doors.person("anna", everywhere())
    name = conninfo_to_dict(database_url)["dbname"]
    closed = SQL("alter database {} allow_connections {}")
    async with watching(place, who) as client, await psycopg.AsyncConnection.connect(server_url, autocommit=True) as server:
        for number in range(3):
            await place.case(str(number), "G00")
            await server.execute(closed.format(Identifier(str(name)), SQL("false")))
            await server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            await server.execute("select pg_sleep(0.7)")  # the outage
            await server.execute(closed.format(Identifier(str(name)), SQL("true")))
            assert (await client.case_update(15))["case"]["number"] == str(number)


async def _person_without_redis(place: Served) -> dict[str, str]:
    await place.doors.user("anna", everywhere())
    text = 'mutation { signIn(username: "anna", password: "a long enough password") { accessToken } }'
    found = await place.query(text, {})
    return {"Authorization": f"Bearer {found['signIn']['accessToken']}"}


async def _id(place: Served, number: str) -> Any:
    async with place.doors.pool.connection() as conn:
        row = await (await conn.execute("select id from cases where number = %s", (number,))).fetchone()
    assert row is not None
    return row[0]


async def _until_layer(client: Any) -> list[dict[str, Any]]:
    updates = [await client.update()]
    while updates[-1]["eventKind"] != "area.layer_changed":
        updates.append(await client.update())
    return updates


async def _hub_at(place: Served, position: int) -> None:
    async with asyncio.timeout(5):
        while (place.hub.position or 0) < position:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def _subscribers(place: Served, count: int) -> None:
    async with asyncio.timeout(5):
        while len(place.hub) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
