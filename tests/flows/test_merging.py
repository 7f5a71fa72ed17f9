"""Merging, parting and splitting on a real PostGIS: nothing is lost, everybody is answered, nobody deadlocks."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.cases.rules import Part
from domain.errors import Conflict, DomainError, Invalid, NotFound
from domain.flows import due, reporters
from domain.people.scope import Actor
from tests.flows.conftest import AT, SmallCity, fill

TEXT = "菜市场后门垃圾堆了三天没有人来清"
AGAIN = "菜市场后门的垃圾堆了三天了,没人来清!"
SPAN = timedelta(minutes=1)

# What anybody can see of a case; only when and how often it was changed may differ after a merge that was undone, and that
# a unit which had not accepted it yet is given the whole time for that again.
_SEEN = """
select to_jsonb(c) - 'revision' - 'updated_at',
       (select jsonb_agg(to_jsonb(t) order by chain) from case_timers t where t.case_id = c.id and t.chain <> 'accept'),
       (select jsonb_agg(to_jsonb(p) order by id) from case_parts p where p.case_id = c.id),
       (select jsonb_agg(to_jsonb(r) order by id) from case_requests r where r.case_id = c.id),
       (select jsonb_agg(to_jsonb(r) order by id) from reports r where r.case_id = c.id)
from cases c where c.id = %s
"""


def chief(city: SmallCity) -> Actor:
    grants = tuple(grant for role in ("dispatcher", "supervisor", "clerk") for grant in city.actor(role).grants)
    return Actor(city.users["staff"], "chief", "总", None, grants)


async def opened(city: SmallCity, **given: Any) -> UUID:
    (done,) = await city.submit(city.report(**given))
    case_id: UUID = done.case_id
    return case_id


async def seen(city: SmallCity, case_id: UUID) -> Any:
    return await city.one(_SEEN, case_id)


async def merge(city: SmallCity, case_id: UUID, into: UUID, **more: Any) -> None:
    await city.walk(chief(city), case_id, "merge", target_id=into, **more)


async def test_reporters_of_a_merged_case_are_answered_by_the_one_it_was_merged_into(city: SmallCity) -> None:
    (one,) = await city.submit(city.report(source="citizen", description="路边垃圾"))
    (other,) = await city.submit(city.report(source="citizen", description="路边垃圾"))
    assert one.case_id != other.case_id
    await merge(city, one.case_id, other.case_id)
    state, into, due_at = await city.one("select state, merged_into_id, due_at from cases where id = %s", one.case_id)
    assert (state, into, due_at) == ("merged", other.case_id, None)
    assert (await reporters.by_code(city.conn, one.tracking_code)).case_id == other.case_id
    await city.walk(chief(city), one.case_id, "unmerge")
    assert (await reporters.by_code(city.conn, one.tracking_code)).case_id == one.case_id


async def test_a_merge_is_linked_with_how_alike_the_two_are_and_told_to_both_sides(city: SmallCity) -> None:
    one, other = await opened(city, description=TEXT), await opened(city, description=AGAIN)
    await merge(city, one, other)
    kind, case_id, merged, score, features = await city.one("select kind, case_id, other_case_id, score, features from case_links")
    assert (kind, case_id, merged) == ("merged", other, one)
    assert score > 0.8
    assert features["same_matter"] is True
    told = await city.rows("select kind, subject_id from events where kind in ('case.merge', 'case.joined') order by seq")
    assert told == [("case.merge", one), ("case.joined", other)]
    await city.walk(chief(city), one, "unmerge")
    assert await city.one("select undone_at, undone_by from case_links") == (AT, city.users["staff"])
    assert await city.rows("select subject_id from events where kind = 'case.parted'") == [(other,)]


async def test_the_case_merged_into_asks_for_a_rating_while_a_member_of_the_public_waits_for_it(city: SmallCity) -> None:
    public, middle, staff = await opened(city, source="citizen", description="脏"), await opened(city), await opened(city)
    await merge(city, public, middle)
    await merge(city, middle, staff)
    assert await city.one("select wants_rating from cases where id = %s", staff)
    await city.walk(chief(city), public, "unmerge")
    assert not await city.one("select wants_rating from cases where id = %s", staff)
    assert not await city.one("select wants_rating from cases where id = %s", middle)
    await merge(city, public, staff)
    await city.walk(chief(city), middle, "unmerge")
    assert await city.one("select wants_rating from cases where id = %s", staff)
    await city.walk(chief(city), public, "unmerge")
    assert not await city.one("select wants_rating from cases where id = %s", staff)


async def test_a_case_is_merged_only_into_an_open_one_of_the_same_remit_and_never_into_itself(city: SmallCity) -> None:
    one, other, third = await opened(city), await opened(city), await opened(city)
    await merge(city, one, other)
    with pytest.raises(Conflict):
        await merge(city, third, one)
    with pytest.raises(Invalid):
        await merge(city, third, third)
    far = city.actor("dispatcher", area="360502102")
    with pytest.raises(NotFound):
        await city.walk(far, third, "merge", target_id=other)
    assert await city.one("select count(*) from case_links") == 1


STEPS = {
    "checking": (), "dispatched": (), "accepted": ("accept",), "handling": ("accept", "start"), "filed": ("recall",),
    "returned": ("return",), "supervised": ("supervise", "accept"), "reworked": ("accept", "start", "finish", "rework"),
    "whistled": ("accept", "whistle"), "asked": ("accept", "ask_extension"), "extended": ("accept", "ask_extension", "extend"),
    "resumed": ("accept", "suspend", "resume"),
}  # fmt: skip


async def led_to(city: SmallCity, path: str) -> UUID:
    case_id = await opened(city, source="citizen" if path == "checking" else "staff", description=path)
    other = Actor(UUID(int=7), "other", "另一人", None, chief(city).grants)
    for verb in STEPS[path]:
        more: dict[str, Any] = {"reason": "原因"}
        if verb == "whistle":
            more["parts"] = (Part(city.departments["water"], "协助清运"),)
        if verb == "ask_extension":
            more |= {"amount": 2, "unit": "work_hour"}
        if verb in ("extend", "suspend"):
            await city.conn.execute(
                "insert into users (id, username, display_name, password_hash, created_at) values (%s, 'o', 'o', '-', %s)"
                " on conflict do nothing",
                (other.user_id, AT),
            )
            await city.walk(other, case_id, verb, **more)
        else:
            await city.walk(chief(city), case_id, verb, **more)
    return case_id


@pytest.mark.parametrize("path", STEPS)
async def test_a_merge_that_is_undone_leaves_no_trace_on_the_case_or_its_target(city: SmallCity, path: str) -> None:
    case_id, into = await led_to(city, path), await opened(city, matter_id=city.matters["cover"])
    before, target = await seen(city, case_id), await seen(city, into)
    await merge(city, case_id, into, at=AT + SPAN)
    assert await city.rows("select 1 from case_timers where case_id = %s", case_id) == [], "a merged case wakes nobody"
    await city.walk(chief(city), case_id, "unmerge", at=AT + SPAN)
    assert await seen(city, case_id) == before
    assert await seen(city, into) == target


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(STEPS)), st.integers(0, 200), st.integers(0, 5000))
async def test_however_long_it_was_merged_the_unit_has_as_much_time_left_as_before(
    city: SmallCity, path: str, before: int, during: int
) -> None:
    async with city.conn.transaction(force_rollback=True):
        case_id, into = await led_to(city, path), await opened(city)
        minutes = timedelta(minutes=1)
        await merge(city, case_id, into, at=AT + before * minutes)
        await city.walk(chief(city), case_id, "unmerge", at=AT + (before + during) * minutes)
        after = await city.one("select state, department_id, phase from cases where id = %s", case_id)
        kinds = [kind for (kind,) in await city.rows("select kind from case_clock where case_id = %s order by seq", case_id)][-2:]
        assert kinds == ["pause", "resume"]
        paused, resumed = await city.rows("select at from case_clock where case_id = %s order by seq desc limit 2", case_id)
        assert paused[0] - resumed[0] == during * minutes
        assert after[2] is not None


async def fire_all(city: SmallCity, at: datetime) -> None:
    while await due.fire(city.conn, city.holder, at=at):
        pass


async def test_an_overdue_case_that_was_merged_and_parted_is_as_late_as_before_and_not_announced_twice(city: SmallCity) -> None:
    case_id, into = await opened(city), await opened(city)
    await city.walk(chief(city), case_id, "accept")
    late = AT + timedelta(hours=7)
    await fire_all(city, late)
    announced = "select count(*) from events where kind = 'case.overdue' and subject_id = %s"
    assert await city.one(announced, case_id) == 1
    before = await seen(city, case_id)
    assert before[0]["overdue_at"] is not None
    await merge(city, case_id, into, at=late)
    await city.walk(chief(city), case_id, "unmerge", at=late)
    await fire_all(city, late)
    assert await seen(city, case_id) == before
    assert await city.one(announced, case_id) == 1


async def test_folded_reports_are_split_off_into_a_case_of_their_own_whose_clock_runs_on(city: SmallCity) -> None:
    (one,) = await city.submit(city.report(source="citizen", description=TEXT))
    (two,) = await city.submit(city.report(source="citizen", description=AGAIN), at=AT + timedelta(hours=1))
    assert two.case_id == one.case_id
    later = AT + timedelta(hours=2)
    await city.walk(chief(city), one.case_id, "split", report_ids=(two.report_id,), at=later)
    (new,) = await city.rows("select id, state, due_at, wants_rating, opened_at from cases where split_from_id = %s", one.case_id)
    assert new[1:] == ("checking", AT + timedelta(hours=24), True, later)
    assert await city.one("select case_id from reports where id = %s", two.report_id) == new[0]
    assert (await reporters.by_code(city.conn, two.tracking_code)).case_id == new[0]
    links = await city.rows("select kind, case_id, other_case_id, undone_at from case_links order by at")
    assert links == [("folded", one.case_id, None, later), ("split", new[0], one.case_id, None)]
    assert await city.rows("select 1 from events where kind = 'case.opened' and subject_id = %s", new[0])


async def test_a_split_keeps_one_report_and_takes_only_the_cases_own(city: SmallCity) -> None:
    (one,) = await city.submit(city.report(source="citizen", description=TEXT))
    (other,) = await city.submit(city.report(source="citizen", description="脏"))
    for ids in ((one.report_id,), (other.report_id,)):
        with pytest.raises(Invalid):
            await city.walk(chief(city), one.case_id, "split", report_ids=ids)
    assert await city.one("select count(*) from cases") == 2


async def test_a_merge_racing_with_steps_and_with_its_mirror_image_loses_nothing(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        city = await fill(conn)
        pairs = [(await opened(city), await opened(city)) for _ in range(6)]
        await conn.commit()

        async def act(case_id: UUID, verb: str, **more: Any) -> bool:
            async with await psycopg.AsyncConnection.connect(database_url) as own:
                try:
                    await SmallCity(own, city.holder, city.areas, city.departments, city.matters, city.users).walk(
                        chief(city), case_id, verb, **more
                    )
                except DomainError:
                    await own.rollback()
                    return False
                await own.commit()
                return True

        for one, other in pairs:
            both, back, step = await asyncio.gather(
                act(one, "merge", target_id=other), act(other, "merge", target_id=one), act(one, "accept")
            )
            assert [both, back].count(True) == 1, "each into the other: exactly one wins"
            states = dict(await city.rows("select id, state from cases where id = any(%s)", [one, other]))
            await conn.commit()
            merged, stands = (one, other) if both else (other, one)
            assert states[merged] == "merged"
            assert states[stands] in ("dispatched", "accepted")
            (count,) = await city.rows("select count(*) from case_transitions where case_id = %s and verb = 'accept'", one)
            assert count[0] == int(step)
            await conn.commit()
        assert await city.one("select count(*) from case_links where kind = 'merged'") == len(pairs)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 4)), max_size=14))
async def test_after_any_merges_and_partings_the_way_up_ends_at_an_open_case_and_links_and_ratings_agree(
    city: SmallCity, commands: list[tuple[bool, int, int]]
) -> None:
    async with city.conn.transaction(force_rollback=True):
        done = [(await city.submit(city.report(source="citizen" if i < 2 else "staff", description=str(i))))[0] for i in range(5)]
        ids = [one.case_id for one in done]
        into: dict[int, int] = {}
        for merging, one, other in commands:
            verb, given = ("merge", {"target_id": ids[other]}) if merging else ("unmerge", {})
            possible = (one != other and not {one, other} & into.keys()) if merging else one in into
            try:
                async with city.conn.transaction():
                    await city.walk(chief(city), ids[one], verb, **given)
                assert possible
            except DomainError:
                assert not possible
                continue
            if merging:
                into[one] = other
            else:
                del into[one]
        found = dict(await city.rows("select id, merged_into_id from cases where merged_into_id is not null and state = 'merged'"))
        assert found == {ids[one]: ids[other] for one, other in into.items()}
        linked = dict(await city.rows("select other_case_id, case_id from case_links where kind = 'merged' and undone_at is null"))
        assert linked == found
        for i, one in enumerate(done):
            top = i
            while top in into:
                top = into[top]
            assert (await reporters.by_code(city.conn, one.tracking_code)).case_id == ids[top]
        waiting = {case_id for (case_id,) in await city.rows("select id from cases where state <> 'merged' and wants_rating")}
        tops = set()
        for i in (0, 1):
            while i in into:
                i = into[i]
            tops.add(ids[i])
        assert waiting == tops
