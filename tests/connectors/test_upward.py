"""Handing cases up: sent over real sockets to a server of our own, followed there, and robust against servers that misbehave."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import uvicorn

from domain.base import new_id
from domain.connectors import targets
from domain.connectors.targets import Target
from domain.deliveries import sealing
from domain.errors import Conflict, NotFound
from domain.flows import upward
from domain.people.scope import Actor, Grant
from runtime import tasks
from runtime import upward as jobs
from runtime.adapters.guard import Guard
from runtime.adapters.http import Outgoing
from runtime.clock import ManualClock
from runtime.database import transaction
from runtime.open311_client import Later
from runtime.upward import Upward
from runtime.worker import keep_doing
from tests.connectors.conftest import Connected

pytestmark = pytest.mark.anyio

LOOPBACK = ("127.0.0.0/8",)
DESK = Actor(UUID(int=0), "desk", "调度员", None, (Grant("dispatcher", None, None),))


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serve an application on a socket of its own and give its address."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        task = asyncio.create_task(server.serve(sockets=[own]))
        try:
            yield f"http://127.0.0.1:{own.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def answering(say: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """Listen as a server that says whatever it likes."""
    under_way: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await say(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            under_way.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await tasks.end(*under_way)


class Above:
    """The application with a platform above it, and the jobs that speak to it."""

    def __init__(self, connected: Connected, database_url: str) -> None:
        self.connected, self.database_url = connected, database_url
        self.clock = ManualClock(datetime.now(UTC))
        secret = connected.graph.doors.state.settings.signing_key()
        out = Outgoing(guard=Guard(LOOPBACK), secret=secret, within_s=1.0)
        self.work = Upward(connected.graph.doors.pool, out, self.clock, first_wait_s=0)

    async def platform(self, base_url: str, *, key: str | None = None, format_: str = "json", codes: dict[str, str] | None = None) -> None:
        known = await self.connected.rows("select id from connector_targets where code = 'above'")
        target_id = known[0][0] if known else new_id()
        assert isinstance(target_id, UUID)
        sealed = sealing.seal(self.work.out.secret, upward.seal_name(target_id), {"key": key}) if key else None
        made = Target(
            id=target_id, code="above", name="上级平台", base_url=f"{base_url}/open311/v2", format=format_, sealed_key=sealed,
            service_codes=codes or {},
        )  # fmt: skip
        async with transaction(self.work.pool) as conn:
            await targets.save(conn, made, at=self.clock.now())

    async def hand_up(self) -> UUID:
        """Open a case, queue it, and give the id of its hand-over."""
        case_id = UUID((await self.connected.graph.report())["caseId"])
        async with self.work.pool.connection() as conn:
            await conn.execute("update users set id = %s where username = 'staff'", (DESK.user_id,))
        async with transaction(self.work.pool) as conn:
            await upward.hand_up(conn, DESK, case_id, "above", at=self.clock.now())
        ((upward_id,),) = await self.connected.rows("select id from upward_reports where case_id = %s", case_id)
        assert isinstance(upward_id, UUID)
        return upward_id

    async def state(self, upward_id: UUID) -> tuple[object, ...]:
        query = "select state, external_id, external_status, last_error from upward_reports where id = %s"
        (row,) = await self.connected.rows(query, upward_id)
        return row

    async def do_jobs(self) -> None:
        """Do what is queued, retries included."""
        left = "select 1 from jobs.procrastinate_jobs where status in ('todo', 'doing')"
        async with asyncio.timeout(30):
            while await self.connected.rows(left):
                await jobs.run(self.database_url, self.work, until_empty=True)


@pytest.fixture
def above(connected: Connected, database_url: str) -> Above:
    return Above(connected, database_url)


@pytest.mark.parametrize("format_", ["json", "xml"])
async def test_a_case_handed_up_is_sent_by_the_queue_and_its_state_heard(above: Above, format_: str) -> None:
    connected = above.connected
    async with listening(connected.graph.doors.app) as url:
        await above.platform(url, key=await connected.client("open311", "citizen"), format_=format_)
        upward_id = await above.hand_up()
        await above.do_jobs()
        state, number, _, error = await above.state(upward_id)
        assert (state, number is not None, error) == ("sent", True, None)
        received = "select c.title, r.description from cases c join reports r on r.case_id = c.id where c.number = %s"
        ((title, words),) = await connected.rows(received, number)
        assert title == "暴露生活垃圾"
        assert "路边垃圾" in str(words)
        assert await connected.rows("select count(*) from contacts") == [(0,)]
        assert await above.work.ask_all() == 1
        assert (await above.state(upward_id))[2] == "open"
        assert await above.work.ask_all() == 0  # asked a moment ago
        closed = "update cases set state = 'closed', closed_at = now(), updated_at = now() where number = %s returning 1"
        await connected.rows(closed, number)
        above.clock.advance(timedelta(minutes=11))
        assert await above.work.ask_all() == 1
        assert (await above.state(upward_id))[2] == "closed"
        above.clock.advance(timedelta(days=1))
        assert await above.work.ask_all() == 0  # what is closed is not asked for again
    assert await connected.rows("select count(*) from jobs.procrastinate_jobs") == [(0,)]


async def test_a_dispatcher_hands_a_case_up_and_sees_what_became_of_it(above: Above) -> None:
    connected = above.connected
    desk = await connected.graph.staff("desk", "dispatcher")
    async with listening(connected.graph.doors.app) as url:
        await above.platform(url, key=await connected.client("open311", "citizen"))
        listed = await connected.graph.ask("{ platforms { code name } }", None, desk)
        assert listed["platforms"] == [{"code": "above", "name": "上级平台"}]
        case_id = (await connected.graph.report())["caseId"]
        mutation = "mutation($case: ID!) { handUpCase(caseId: $case, platform: \"above\") { state platformName } }"
        queued = await connected.graph.ask(mutation, {"case": case_id}, desk)
        assert queued["handUpCase"] == [{"state": "queued", "platformName": "上级平台"}]
        await above.do_jobs()
        await above.work.ask_all()
    query = "query($case: ID!) { case(id: $case) { upward { state externalId externalStatus } } }"
    ((number,),) = await connected.rows("select external_id from upward_reports")
    told = (await connected.graph.ask(query, {"case": case_id}, desk))["case"]["upward"]
    assert told == [{"state": "sent", "externalId": number, "externalStatus": "open"}]


async def test_nothing_is_queued_when_the_decision_is_rolled_back(above: Above) -> None:
    await above.platform("http://127.0.0.1:9")
    await above.hand_up()
    case_id = UUID((await above.connected.graph.report())["caseId"])
    async with above.work.pool.connection() as conn, conn.transaction(force_rollback=True):
        await upward.hand_up(conn, DESK, case_id, "above", at=above.clock.now())
    assert await above.connected.rows("select count(*) from jobs.procrastinate_jobs") == [(1,)]


async def test_a_case_is_handed_up_once_and_only_by_those_who_may(above: Above) -> None:
    await above.platform("http://127.0.0.1:9")
    upward_id = await above.hand_up()
    ((case_id,),) = await above.connected.rows("select case_id from upward_reports where id = %s", upward_id)
    east = Actor(new_id(), "east", "东镇", None, (Grant("dispatcher", above.connected.graph.city.areas["360502102"], None),))
    for actor, code, error in ((DESK, "above", Conflict), (DESK, "nowhere", NotFound), (east, "above", NotFound)):
        with pytest.raises(error):
            async with transaction(above.work.pool) as conn:
                await upward.hand_up(conn, actor, case_id, code, at=above.clock.now())  # type: ignore[arg-type]


async def test_a_refusal_is_kept_with_its_reason_and_the_case_may_be_sent_again(above: Above) -> None:
    async with listening(above.connected.graph.doors.app) as url:
        await above.platform(url, key="a wrong key")
        upward_id = await above.hand_up()
        await above.work.push(upward_id)
        state, _, _, error = await above.state(upward_id)
        assert state == "refused"
        assert "403" in str(error)
        assert "a wrong key" not in str(error)
        await above.platform(url, key=await above.connected.client("open311", "citizen"))
        ((case_id,),) = await above.connected.rows("delete from jobs.procrastinate_jobs returning (select case_id from upward_reports)")
        async with transaction(above.work.pool) as conn:
            await upward.hand_up(conn, DESK, case_id, "above", at=above.clock.now())  # type: ignore[arg-type]
        await above.do_jobs()
        assert (await above.state(upward_id))[0] == "sent"


async def _hang(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


def _reply(status: str, body: bytes = b"", *headers: str) -> Callable[..., Awaitable[None]]:
    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return say


@pytest.mark.parametrize(
    ("say", "state", "word"),
    [
        (_hang, "queued", "no answer within"),
        (_reply("503 Service Unavailable"), "queued", "503"),
        (_reply("302 Found", b"", "location: http://169.254.169.254/latest/meta-data"), "refused", "redirects"),
        (_reply("200 OK", b"<html>hello</html>"), "refused", "JSON"),
        (_reply("200 OK", b"[]"), "refused", "empty"),
        (_reply("200 OK", b'[{"status": "open"}]'), "refused", "neither"),
        (_reply("400 Bad Request", '[{"code": 400, "description": "重复提交"}]'.encode()), "refused", "重复提交"),
        (_reply("200 OK", b"[" + b" " * (3 << 20) + b"]"), "refused", "longer"),
    ],
)
async def test_a_server_that_misbehaves_leaves_a_visible_reason(above: Above, say: Any, state: str, word: str) -> None:
    async with answering(say) as url:
        await above.platform(url)
        upward_id = await above.hand_up()
        try:
            await above.work.push(upward_id)
        except Later:
            assert state == "queued"
        found = await above.state(upward_id)
        assert found[0] == state
        assert word in str(found[3])


async def test_an_entity_bomb_in_xml_is_refused_unread(above: Above) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><service_requests>&a;</service_requests>'
    async with answering(_reply("200 OK", bomb)) as url:
        await above.platform(url, format_="xml")
        upward_id = await above.hand_up()
        await above.work.push(upward_id)
        assert "entities" in str((await above.state(upward_id))[3])


async def test_a_platform_inside_a_network_nobody_named_is_not_connected_to(above: Above) -> None:
    heard = asyncio.Event()

    async def say(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        heard.set()

    async with answering(say) as url:
        await above.platform(url)
        upward_id = await above.hand_up()
        work = replace(above.work, out=replace(above.work.out, guard=Guard()))
        await work.push(upward_id)
        assert (await above.state(upward_id))[0] == "refused"
        assert "private network" in str((await above.state(upward_id))[3])
        assert not heard.is_set()


async def test_a_server_that_comes_back_is_tried_until_it_takes_the_case(above: Above) -> None:
    asked = 0

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        answer = _reply("503 Busy") if asked < 3 else _reply("200 OK", b'[{"service_request_id": 4711}]')
        await answer(reader, writer)

    async with answering(say) as url:
        await above.platform(url)
        upward_id = await above.hand_up()
        await above.do_jobs()
        assert ((await above.state(upward_id))[:2], asked) == (("sent", "4711"), 3)


async def test_the_job_of_a_killed_worker_is_given_back(above: Above, database_url: str) -> None:
    await above.platform("http://127.0.0.1:9")
    await above.hand_up()
    await above.connected.rows(
        "with w as (insert into jobs.procrastinate_workers (last_heartbeat) values (now() - interval '1 hour') returning id)"
        " update jobs.procrastinate_jobs set status = 'doing', worker_id = w.id from w returning 1"
    )
    async with above.work.app(database_url).open_async() as app:
        assert await jobs.rescue(app) == 1
        assert await jobs.rescue(app) == 0
    assert await above.connected.rows("select status::text from jobs.procrastinate_jobs") == [("todo",)]


async def test_jobs_go_on_after_the_database_has_dropped_every_connection(above: Above) -> None:
    asked = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await _reply("200 OK", b'[{"service_request_id": "A1"}]')(reader, writer)

    async def run() -> None:
        await jobs.run(above.database_url, above.work)

    async with answering(say) as url:
        await above.platform(url)
        worker = asyncio.create_task(keep_doing("hand-ups", run, every_s=0.1))
        try:
            async with asyncio.timeout(30):
                while not await above.connected.rows("select 1 from jobs.procrastinate_workers"):
                    await asyncio.wait([worker], timeout=0.05)
            async with await psycopg.AsyncConnection.connect(above.database_url, autocommit=True) as conn:
                others = "datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
                await conn.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}")
            await above.hand_up()
            async with asyncio.timeout(30):
                await asked.wait()
        finally:
            await tasks.end(worker)


async def test_the_queue_s_tables_are_those_the_installed_library_expects() -> None:
    from importlib.resources import files

    from runtime.settings import CHECKOUT

    shipped = files("procrastinate").joinpath("sql/schema.sql").read_text()
    ours = (CHECKOUT / "migrations/sql/20261122_2_connectors.sql").read_text().replace("%%", "%")
    assert shipped[shipped.index("-- Enums") :].strip() in ours
