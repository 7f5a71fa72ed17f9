"""The sender with a real database and real sockets: retries, rests, leases, dead letters, and nobody told twice."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.base import new_id
from domain.deliveries import endpoints, ladder, retries, sealing, sending
from domain.deliveries.channels import BY_KIND
from domain.deliveries.endpoints import NewEndpoint
from domain.deliveries.sending import LEASE
from domain.errors import Conflict
from runtime import deliver, tasks
from runtime.adapters.guard import Guard
from runtime.adapters.http import Outgoing
from runtime.clock import ManualClock
from runtime.database import Pool, open_pool, transaction
from runtime.settings import Settings
from tests.deliveries.conftest import SECRET, Reachable
from tests.flows.conftest import AT, fill
from tests.simulators import http, robots
from tests.simulators.http import HANG, Receiver, Reply

OUT = Outgoing(guard=Guard(["127.0.0.0/8"]), within_s=20.0, public_url="https://city.example.org", secret=SECRET)
IMPATIENT = dataclasses.replace(OUT, within_s=1.0)


@dataclass
class Post:
    """A city that commits, its pool, and a clock to move."""

    reachable: Reachable
    pool: Pool
    clock: ManualClock
    url: str

    async def send(self) -> int:
        return await deliver.deliver_once(self.pool, OUT, self.clock)

    async def hook(self, receiver: Receiver, name: str = "hook", **more: Any) -> UUID:
        return await self.reachable.endpoint("webhook", address={"url": receiver.url(f"/{name}")}, user=None, department=None, **more)

    async def group(self, robot: Receiver, department: str, kind: str = "wecom") -> UUID:
        path = f"/cgi-bin/webhook/send?key={robots.KEY}"
        if kind == "dingtalk":
            path = f"/robot/send?access_token={robots.TOKEN}"
        address = {"url": robot.url(path)} | ({"secret": robots.DING_SECRET} if kind == "dingtalk" else {})
        return await self.reachable.endpoint(kind, department=department, address=address)

    async def states(self) -> list[str]:
        return [row[3] for row in await self.reachable.told()]

    async def attempts(self) -> list[str]:
        return [row[0] for row in await self.reachable.city.rows("select outcome from delivery_attempts order by at, attempt, id")]

    async def until(self, query: str, wanted: object, within_s: float = 60) -> None:
        async with asyncio.timeout(within_s):
            while (found := await self.reachable.city.one(query)) != wanted:
                assert found is not None
                await asyncio.sleep(0.02)


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        async with conn.transaction():
            city = await fill(conn)
        pool = await open_pool(database_url)
        yield Post(Reachable(city), pool, ManualClock(AT), database_url)
        await pool.close()


@asynccontextmanager
async def senders(post: Post, count: int = 1, out: Outgoing = OUT) -> AsyncIterator[None]:
    pools = [await open_pool(post.url) for _ in range(count)]
    running = [asyncio.create_task(deliver.run(pool, out, post.clock)) for pool in pools]
    try:
        yield
    finally:
        await tasks.end(*running)
        for pool in pools:
            await pool.close()


async def test_five_hundreds_then_good_and_each_attempt_is_on_record(post: Post) -> None:
    async with http.running(Receiver()) as receiver:
        await post.hook(receiver)
        receiver.next(Reply(status=500), Reply(status=503))
        await post.reachable.happen("case.dispatch", await post.reachable.case(), "west")
        assert await post.send() == 1
        # Five seconds and twenty, a fifth more or less.
        for too_early_s, more_s in ((3.9, 2.2), (15.9, 8.2)):
            post.clock.advance(timedelta(seconds=too_early_s))
            assert await post.send() == 0, "not before its time"
            post.clock.advance(timedelta(seconds=more_s))
            assert await post.send() == 1
    assert await post.attempts() == ["later", "later", "accepted"]
    assert await post.states() == ["sent"]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


async def test_a_receiver_that_hangs_holds_up_nobody_else(post: Post) -> None:
    async with http.running(Receiver(lambda _: HANG)) as hanging, http.running(Receiver()) as other:
        await post.hook(hanging, "a")
        await post.hook(other, "b")
        case_id = await post.reachable.case()
        for _ in range(40):
            await post.reachable.happen("case.dispatch", case_id, "west")
        async with senders(post, out=IMPATIENT):
            await other.has(40, within_s=60)
            assert len(hanging.requests) <= BY_KIND["webhook"].at_once
            await post.until("select count(*) > 0 from deliveries where last_error like 'no answer within%%'", True)


async def test_two_workers_never_send_a_message_twice(post: Post) -> None:
    async with http.running(Receiver()) as receiver:
        for name in "abcdefgh":
            await post.hook(receiver, name)
        case_id = await post.reachable.case()
        for _ in range(40):
            await post.reachable.happen("case.dispatch", case_id, "west")
        async with senders(post, 2):
            await post.until("select count(*) from deliveries where state = 'sent'", 320)
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == len(set(ids)) == 320
    assert await post.reachable.city.one("select count(*) from delivery_attempts where outcome = 'accepted'") == 320


async def test_a_worker_killed_while_sending_leaves_a_message_that_is_sent_again_under_the_same_id(post: Post, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, given_database_url=post.url, given_redis_url="unix:///nowhere", deliveries_allow=("127.0.0.1",))
    async with http.running(Receiver()) as receiver:
        receiver.next(HANG)
        settings.prepare_home()
        secret = settings.signing_key()
        endpoint = new_id()
        address = {"url": receiver.url(), "secret": "0123456789abcdef"}
        await post.reachable.city.conn.execute(
            "insert into endpoints (id, kind, label, sealed, digest, hint, language, created_at)"
            " values (%s, 'webhook', 'x', %s, %s, '', 'zh', %s)",
            (endpoint, sealing.seal(secret, str(endpoint), address), b"1", AT),
        )
        post.clock.at = datetime.now(UTC)
        case_id = await post.reachable.case()
        await post.reachable.city.conn.execute("delete from case_timers")  # the worker would fire them, and tell of that too
        await post.reachable.happen("case.dispatch", case_id, "west", at=post.clock.at)
        environment = {**os.environ, **settings.to_environment()}
        worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "runtime.worker", env=environment)
        try:
            await receiver.has(1, within_s=90)
        finally:
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
        out = deliver.outgoing(settings)
        assert await deliver.deliver_once(post.pool, out, post.clock) == 0, "the lease still holds"
        post.clock.at = datetime.now(UTC) + LEASE
        assert await deliver.deliver_once(post.pool, out, post.clock) == 1
    first, again = receiver.requests
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert await post.attempts() == ["lost", "accepted"]
    assert await post.states() == ["sent"]


async def test_workers_killed_again_and_again_lose_nothing_and_repeat_only_what_they_held(post: Post, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, given_database_url=post.url, given_redis_url="unix:///nowhere", deliveries_allow=("127.0.0.1",))
    settings.prepare_home()
    out = deliver.outgoing(settings)
    async with http.running(Receiver()) as receiver:
        for name in "abcdefghij":
            given = NewEndpoint(kind="webhook", label=name, address={"url": receiver.url(f"/{name}")})
            await endpoints.save(post.reachable.city.conn, given, secret=out.secret, at=AT)
        case_id = await post.reachable.case()
        await post.reachable.city.conn.execute("delete from case_timers")
        post.clock.at = datetime.now(UTC)
        async with transaction(post.pool) as conn:
            reachable = Reachable(dataclasses.replace(post.reachable.city, conn=conn))
            for _ in range(60):
                await reachable.happen("case.dispatch", case_id, "west", at=post.clock.at)
        environment = {**os.environ, **settings.to_environment()}
        for life in (1, 2):
            worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "runtime.worker", env=environment)
            await receiver.has(life * 150, within_s=90)
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
        post.clock.at = datetime.now(UTC) + LEASE
        while await deliver.deliver_once(post.pool, out, post.clock):
            pass
    came = [request.headers["webhook-id"] for request in receiver.requests]
    lost = await post.reachable.city.rows("select distinct delivery_id::text from delivery_attempts where outcome = 'lost'")
    assert len(set(came)) == 600
    assert {one for one in came if came.count(one) > 1} <= {row[0] for row in lost}
    assert await post.reachable.city.one("select count(*) from deliveries where state <> 'sent'") == 0


async def test_whoever_lost_the_lease_has_nothing_more_to_say(post: Post) -> None:
    async with http.running(Receiver()) as receiver:
        await post.hook(receiver)
        await post.reachable.happen("case.dispatch", await post.reachable.case(), "west")
        async with transaction(post.pool) as conn:
            (slow,) = await sending.claim(conn, at=AT, limit=1)
        post.clock.advance(LEASE)
        assert await post.send() == 1
        async with transaction(post.pool) as conn:
            refused = sending.Outcome("refused", "too late")
            assert not await sending.finish(conn, slow, refused, at=post.clock.at, took=LEASE, chance=0.5)
    assert await post.states() == ["sent"]


async def test_a_robot_that_limits_us_is_left_alone_and_nothing_is_lost(post: Post) -> None:
    async with http.running(robots.wecom(per_minute=1)) as robot:
        await post.group(robot, "west")
        for count in (1, 1):
            for _ in range(count):
                await post.reachable.happen("case.dispatch", await post.reachable.case(), "west")
            assert await post.send() == 1
        assert sorted(await post.states()) == ["pending", "sent"]
        asked = len(robot.requests)
        post.clock.advance(timedelta(seconds=59))
        assert await post.send() == 0
        assert len(robot.requests) == asked
        robot.requests.clear()
        post.clock.advance(timedelta(seconds=1))
        assert await post.send() == 1
        assert await post.states() == ["sent", "sent"]
    spent = await post.reachable.city.one("select max(last_attempt - attempts) from deliveries")
    assert spent == retries.ATTEMPTS - 1, "being limited costs no attempt"


async def test_a_flood_of_cases_is_told_to_a_group_in_few_messages_and_every_case_is_in_them(post: Post) -> None:
    async with http.running(robots.wecom()) as robot:
        await post.group(robot, "west")
        cases = [await post.reachable.case() for _ in range(25)]
        for case_id in cases:
            await post.reachable.happen("case.dispatch", case_id, "west")
        while await post.send():
            pass
    assert len(robot.requests) == 3
    told = "".join(request.json["markdown"]["content"] for request in robot.requests)
    for number, case_id, delivery_id in await post.reachable.city.rows(
        "select c.number, c.id, d.id from cases c join deliveries d on d.case_id = c.id"
    ):
        assert number in told
        assert f"/?case={case_id}&d={delivery_id})" in told
    assert set(await post.states()) == {"sent"}


async def test_a_channel_that_fails_for_good_gives_way_to_the_next_at_once(post: Post) -> None:
    async with http.running(robots.wecom()) as robot, http.running(robots.dingtalk(now=lambda: AT.timestamp())) as ding:
        gone = await post.reachable.endpoint("wecom", department="west", address={"url": robot.url("/send?key=removed")})
        await post.group(ding, "west", "dingtalk")
        await post.reachable.happen("case.dispatch", await post.reachable.case(), "west")
        assert await post.send() == 1
        await deliver.climb_all_due(post.pool, post.clock)
        assert await post.send() == 1
        assert await post.states() == ["failed", "sent"]
    assert not await post.reachable.city.one("select active from endpoints where id = %s", gone), "a robot that was removed"


async def test_what_nobody_could_be_told_is_dead_and_can_be_sent_again_or_discarded(post: Post) -> None:
    async with http.running(Receiver(lambda _: Reply(status=500))) as receiver:
        await post.group(receiver, "west")
        await post.reachable.happen("case.dispatch", await post.reachable.case(), "west")
        for _ in range(retries.ATTEMPTS):
            assert await post.send() == 1
            post.clock.advance(timedelta(hours=3))
        await deliver.climb_all_due(post.pool, post.clock)
        assert await post.states() == ["dead"]
        delivery_id = await post.reachable.city.one("select id from deliveries")
        async with transaction(post.pool) as conn:
            await sending.retry(conn, delivery_id, by=None, at=post.clock.at)
            with pytest.raises(Conflict):
                await sending.retry(conn, delivery_id, by=None, at=post.clock.at)
        assert await post.send() == 1, "all attempts before it once more"
        async with transaction(post.pool) as conn:
            await sending.discard(conn, delivery_id, reason="called by phone", by=None, at=post.clock.at)
        assert await post.send() == 0
        assert await post.states() == ["discarded"]
    assert len(await post.attempts()) == retries.ATTEMPTS + 1


async def test_a_case_accepted_while_its_message_is_on_the_way_stays_read(post: Post) -> None:
    async with http.running(robots.wecom()) as robot:
        await post.group(robot, "west")
        case_id = await post.reachable.case()
        await post.reachable.happen("case.dispatch", case_id, "west")
        async with transaction(post.pool) as conn:
            (claimed,) = await sending.claim(conn, at=AT, limit=1)
        await post.reachable.happen("case.accept", case_id, "west")
        async with transaction(post.pool) as conn:
            await sending.finish(conn, claimed, sending.Outcome("accepted"), at=AT, took=LEASE, chance=0.5)
    assert await post.states() == ["read"]
    assert await ladder.climb_due(post.reachable.city.conn, at=AT + timedelta(days=1)) == 0


async def test_four_workers_climb_each_ladder_once(post: Post) -> None:
    await post.reachable.endpoint("wecom", department="west")
    await post.reachable.endpoint("email", department="west")
    case_id = await post.reachable.case()
    for _ in range(60):
        await post.reachable.happen("case.supervise", case_id, "west")

    async def work() -> int:
        total = 0
        while True:
            async with transaction(post.pool) as conn:
                taken = await ladder.climb_due(conn, at=AT + timedelta(hours=1), limit=7)
            total += taken
            if not taken:
                return total

    assert sum(await asyncio.gather(*(work() for _ in range(4)))) == 60
    assert await post.reachable.city.one("select count(*) filter (where rung = 1), count(*) from deliveries") == (60, 120)


async def test_a_reporter_is_told_by_the_number_they_left_and_by_none_once_it_is_erased(post: Post) -> None:
    async with http.running(robots.sms()) as gateway:
        settings = {"url": gateway.url(), **robots.SMS_ACCOUNT, "signature": "新余网格"}
        await endpoints.save_gateway(post.reachable.city.conn, "sms", settings, active=True, secret=SECRET, at=AT)
        case_id = await post.reachable.case(contact_name="李", contact_phone="13900001111")
        await post.reachable.happen("case.verify", case_id, "west")
        await post.reachable.happen("case.reject", case_id, "west")
        held = await post.reachable.city.one("select string_agg(to_jsonb(d)::text, '') from deliveries d")
        assert "1390000" not in held
        assert "李" not in held
        async with transaction(post.pool) as conn:
            (first, second) = await sending.claim(conn, at=AT, limit=2)
            await sending.finish(conn, second, sending.Outcome("later"), at=AT, took=LEASE, chance=0.5)
            await sending.finish(conn, first, sending.Outcome("later"), at=AT, took=LEASE, chance=0.5)
        await post.reachable.city.conn.execute("update deliveries set next_at = %s where template = 'reporter.done'", (AT,))
        assert await post.send() == 1
        assert gateway.requests[0].json["phone"] == "13900001111"
        assert "网格00" not in gateway.requests[0].json["msg"]
        await post.reachable.city.conn.execute("delete from contacts")
        post.clock.advance(timedelta(hours=1))
        assert await post.send() == 1
    assert len(gateway.requests) == 1
    assert sorted(await post.states()) == ["dead", "sent"]
