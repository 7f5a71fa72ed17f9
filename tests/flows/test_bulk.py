"""Jobs over many cases: each case its own step and result, done once whatever dies, and taken back where nobody moved it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.base import Conn, new_id
from domain.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from domain.flows import bulk
from domain.flows.bulk import NewBulk
from domain.people.scope import Actor, Grant
from tests.flows.conftest import AT, SmallCity, fill


async def opened(city: SmallCity, count: int, **given: Any) -> list[UUID]:
    return [done.case_id for done in await city.submit(*(city.report(**given) for _ in range(count)))]


async def dispatcher(city: SmallCity, *, area: str | None = None, role: str = "dispatcher") -> Actor:
    """Make a real account: the worker reads its rights when it takes a step."""
    user_id, area_id = new_id(), city.areas[area] if area else None
    await city.conn.execute(
        "insert into users (id, username, display_name, password_hash, created_at) values (%s, %s, '调度', '-', %s)",
        (user_id, f"u{user_id.hex}", AT),
    )
    await city.conn.execute(
        "insert into user_roles (id, user_id, role, area_id) values (%s, %s, %s, %s)", (new_id(), user_id, role, area_id)
    )
    return Actor(user_id, "desk", "调度", None, (Grant(role, area_id, None),))


async def work(city: SmallCity, conn: Conn | None = None) -> int:
    done = 0
    while await bulk.work_one(conn or city.conn, city.holder, at=AT):
        done += 1
    return done


async def start(city: SmallCity, actor: Actor, verb: str, cases: Sequence[UUID], **given: Any) -> UUID:
    job_id = uuid4()
    await bulk.start(city.conn, actor, NewBulk(id=job_id, verb=verb, case_ids=cases, **given), at=AT)
    return job_id


async def results(city: SmallCity, job_id: UUID) -> list[tuple[str, str | None]]:
    rows = await city.rows("select state, code from bulk_items where job_id = %s order by ord", job_id)
    return [(state, code) for state, code in rows]


async def states(city: SmallCity, cases: Sequence[UUID]) -> set[tuple[str, UUID | None]]:
    return set(await city.rows("select state, department_id from cases where id = any(%s)", list(cases)))


async def test_many_cases_are_transferred_each_by_its_own_step_and_taken_back(city: SmallCity) -> None:
    cases, desk = await opened(city, 30), await dispatcher(city)
    east, west = city.departments["east"], city.departments["west"]
    job = await start(city, desk, "transfer", cases, department_id=east, reason="防汛统一调度")
    assert await work(city) == 30
    assert await states(city, cases) == {("dispatched", east)}
    assert await results(city, job) == [("done", None)] * 30
    steps = await city.rows("select case_id, command_id from case_transitions where verb = 'transfer'")
    assert sorted(case for case, _ in steps) == sorted(cases)
    assert len({command for _, command in steps}) == 30

    await city.walk(city.actor("clerk"), cases[4], "accept")
    back = await bulk.undo(city.conn, desk, job, at=AT)
    assert await work(city) == 30
    assert await states(city, [case for case in cases if case != cases[4]]) == {("dispatched", west)}
    assert await states(city, [cases[4]]) == {("accepted", east)}
    found = dict(await city.rows("select case_id, coalesce(code, state) from bulk_items where job_id = %s", back))
    assert found[cases[4]] == "conflict"
    assert {found[case] for case in cases if case != cases[4]} == {"done"}
    assert await bulk.undo(city.conn, desk, job, at=AT) == back
    assert await work(city) == 0


@pytest.mark.parametrize(("verb", "given", "moved"), [
    ("recall", {"reason": "收回"}, "filed"),
    ("suspend", {"reason": "待雨停"}, "suspended"),
])  # fmt: skip
async def test_recalled_and_suspended_cases_go_back_to_where_they_were(
    city: SmallCity, verb: str, given: dict[str, Any], moved: str
) -> None:
    cases, desk = await opened(city, 3), await dispatcher(city, role="supervisor" if verb == "suspend" else "dispatcher")
    job = await start(city, desk, verb, cases, **given)
    await work(city)
    assert {state for state, _ in await states(city, cases)} == {moved}
    await bulk.undo(city.conn, desk, job, at=AT)
    await work(city)
    assert await states(city, cases) == {("dispatched", city.departments["west"])}


async def test_merged_and_classified_cases_are_parted_and_named_as_before(city: SmallCity) -> None:
    desk = await dispatcher(city)
    target, *others = await opened(city, 4)
    job = await start(city, desk, "merge", others, target_id=target)
    await work(city)
    assert {state for state, _ in await states(city, others)} == {"merged"}
    await bulk.undo(city.conn, desk, job, at=AT)
    await work(city)
    assert {state for state, _ in await states(city, others)} == {"dispatched"}

    waiting = await opened(city, 2, source="citizen")
    job = await start(city, desk, "classify", waiting, matter_id=city.matters["cover"])
    await work(city)
    back = await bulk.undo(city.conn, desk, job, at=AT)
    await work(city)
    assert await results(city, back) == [("done", None)] * 2
    assert set(await city.rows("select matter_id from cases where id = any(%s)", waiting)) == {(city.matters["rubbish"],)}


async def test_what_cannot_be_done_is_said_of_each_case_and_stops_no_other(city: SmallCity) -> None:
    cases, desk = await opened(city, 3), await dispatcher(city, area="360502101")
    (foreign,) = await opened(city, 1, lon=114.925, lat=27.805)
    await city.walk(city.actor("dispatcher"), cases[1], "recall", reason="收回")
    with pytest.raises(NotFound):
        await start(city, desk, "recall", [*cases, foreign], reason="收回")
    job = await start(city, desk, "recall", [*cases, cases[0]], reason="收回")  # named twice: it is one case
    await work(city)
    assert await results(city, job) == [("done", None), ("failed", "conflict"), ("done", None)]


async def test_rights_are_those_of_the_moment_of_the_step(city: SmallCity) -> None:
    cases, desk = await opened(city, 2), await dispatcher(city)
    job = await start(city, desk, "recall", cases, reason="收回")
    assert await bulk.work_one(city.conn, city.holder, at=AT)
    await city.conn.execute("update users set active = false where id = %s", (desk.user_id,))
    assert await bulk.work_one(city.conn, city.holder, at=AT)
    assert await results(city, job) == [("done", None), ("failed", "unauthenticated")]


async def test_the_same_job_again_is_the_same_job_and_a_foreign_one_is_refused(city: SmallCity) -> None:
    cases, desk, other = await opened(city, 2), await dispatcher(city), await dispatcher(city, area="360502101")
    job = NewBulk(id=uuid4(), verb="recall", case_ids=cases, reason="收回")
    await bulk.start(city.conn, desk, job, at=AT)
    await bulk.start(city.conn, desk, job, at=AT)
    assert await city.one("select count(*) from bulk_items") == 2
    with pytest.raises(Conflict):
        await bulk.start(city.conn, other, job, at=AT)
    with pytest.raises(NotFound):
        await bulk.undo(city.conn, other, job.id, at=AT)
    with pytest.raises(NotFound):
        await bulk.undo(city.conn, desk, uuid4(), at=AT)


async def test_undoing_a_job_that_runs_cancels_what_has_not_begun(city: SmallCity) -> None:
    cases, desk = await opened(city, 3), await dispatcher(city)
    job = await start(city, desk, "recall", cases, reason="收回")
    assert await bulk.work_one(city.conn, city.holder, at=AT)
    await bulk.undo(city.conn, desk, job, at=AT)
    assert await work(city) == 1
    assert await results(city, job) == [("done", None), ("failed", "cancelled"), ("failed", "cancelled")]
    assert {state for state, _ in await states(city, cases)} == {"dispatched"}


async def test_a_job_that_makes_no_sense_is_refused_at_once(city: SmallCity) -> None:
    cases, desk = await opened(city, 1), await dispatcher(city)
    for verb, given, error in (
        ("explain", {}, Invalid), ("nonsense", {}, Invalid), ("transfer", {"reason": "x"}, Invalid), ("recall", {}, Invalid),
        ("verify", {}, Forbidden), ("recall", {"reason": "x" * 1001}, Invalid),
    ):  # fmt: skip
        with pytest.raises(error):
            await start(city, desk, verb, cases, **given)
    with pytest.raises(Invalid):
        await start(city, desk, "recall", [], reason="x")
    with pytest.raises(TooMany):
        await start(city, desk, "recall", [uuid4() for _ in range(5001)], reason="x")
    job = await start(city, desk, "supervise", cases, reason="督办")
    await work(city)
    with pytest.raises(Conflict, match="cannot be taken back"):
        await bulk.undo(city.conn, desk, job, at=AT)


@asynccontextmanager
async def two_workers(database_url: str) -> AsyncIterator[tuple[SmallCity, Conn, Conn]]:
    async with (
        await psycopg.AsyncConnection.connect(database_url) as first,
        await psycopg.AsyncConnection.connect(database_url) as second,
    ):
        city = await fill(first)
        await first.commit()
        yield city, first, second


async def test_a_worker_that_dies_before_its_commit_has_done_nothing_and_another_does_it_once(database_url: str) -> None:
    async with two_workers(database_url) as (city, first, second):
        cases, desk = await opened(city, 4), await dispatcher(city)
        job = await start(city, desk, "recall", cases, reason="收回")
        await first.commit()
        assert await bulk.work_one(second, city.holder, at=AT)
        assert await bulk.work_one(first, city.holder, at=AT)  # another item: the first is taken
        assert await city.one("select count(*) from bulk_items where state = 'done'") == 1
        await first.commit()
        gone = second.info.backend_pid
        await second.close()  # killed before its commit; the server lets go of its locks a moment later
        async with asyncio.timeout(20):
            while await city.one("select exists (select from pg_stat_activity where pid = %s)", gone):
                await first.rollback()  # the view is read once a transaction
                await asyncio.sleep(0.01)
        assert await work(city) == 3
        await first.commit()
        assert await results(city, job) == [("done", None)] * 4
        assert await city.one("select count(*) from case_transitions where verb = 'recall'") == 4


async def test_a_small_job_does_not_wait_behind_a_large_one(city: SmallCity) -> None:
    large, small, desk = await opened(city, 20), await opened(city, 2), await dispatcher(city)
    await start(city, desk, "recall", large, reason="收回")
    job = await start(city, desk, "recall", small, reason="收回")
    for _ in range(4):
        await bulk.work_one(city.conn, city.holder, at=AT + timedelta(seconds=1))
    assert await results(city, job) == [("done", None)] * 2
