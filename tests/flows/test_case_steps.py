"""Steps of a case: the table decides, scope decides, and a refused step changes nothing."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.cases.lifecycle import BY_VERB, STATES, VERBS
from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from domain.flows.case_steps import step
from domain.people.scope import Actor
from tests.flows.conftest import AT, SmallCity

CHIEF_ROLES = ("dispatcher", "clerk")


def everything(city: SmallCity) -> Actor:
    dispatcher, clerk = city.actor("dispatcher"), city.actor("clerk")
    return Actor(dispatcher.user_id, "chief", "总", None, dispatcher.grants + clerk.grants)


async def opened(city: SmallCity) -> UUID:
    (done,) = await city.submit(city.report())
    case_id: UUID = done.case_id
    return case_id


async def walk(city: SmallCity, actor: Actor | None, case_id: UUID, verb: str, **given: Any) -> None:
    values: dict[str, Any] = {"revision": None, "department_id": None, "reason": None}
    await step(city.conn, actor, case_id, verb, at=AT, **(values | given))


async def test_a_case_is_accepted_finished_and_closed_and_every_step_is_logged(city: SmallCity) -> None:
    case_id = await opened(city)
    for verb in ("accept", "finish", "close"):
        await walk(city, everything(city), case_id, verb)
    state, closed_at, revision = await city.one("select state, closed_at, revision from cases where id = %s", case_id)
    assert (state, closed_at, revision) == ("closed", AT, 4)
    log = await city.rows("select verb, from_state, to_state from case_transitions where case_id = %s order by id", case_id)
    assert log[-1] == ("close", "handled", "closed")
    kinds = await city.rows("select kind from events where subject_id = %s order by seq", case_id)
    assert [kind for (kind,) in kinds] == ["case.opened", "case.accept", "case.finish", "case.close"]


async def test_a_transferred_case_leaves_the_scope_of_the_department_before(city: SmallCity) -> None:
    case_id = await opened(city)
    await walk(city, everything(city), case_id, "transfer", department_id=city.departments["east"], reason="属东镇")
    left, now = await city.one("select left_department_ids, department_ids from events where kind = 'case.transfer'")
    assert (left, now) == ([city.departments["west"]], [city.departments["east"]])
    with pytest.raises(NotFound):
        await walk(city, city.actor("clerk", department="west"), case_id, "accept")
    await walk(city, city.actor("clerk", department="east"), case_id, "accept")


async def test_nobody_steps_outside_their_remit(city: SmallCity) -> None:
    case_id = await opened(city)
    with pytest.raises(Unauthenticated):
        await walk(city, None, case_id, "accept")
    with pytest.raises(Forbidden):
        await walk(city, city.actor("leader"), case_id, "accept")
    with pytest.raises(NotFound):
        await walk(city, city.actor("clerk", department="water"), case_id, "accept")
    eastern = city.actor("dispatcher", area="360502102")
    with pytest.raises(NotFound):
        await walk(city, eastern, case_id, "transfer", department_id=city.departments["east"], reason="x")


async def test_a_stale_revision_is_a_conflict(city: SmallCity) -> None:
    case_id = await opened(city)
    await walk(city, everything(city), case_id, "accept", revision=1)
    with pytest.raises(Conflict):
        await walk(city, everything(city), case_id, "finish", revision=1)


async def test_a_step_that_needs_a_reason_or_a_department_says_so(city: SmallCity) -> None:
    case_id = await opened(city)
    with pytest.raises(Invalid, match="reason"):
        await walk(city, everything(city), case_id, "return", reason="   ")
    with pytest.raises(Invalid, match="department"):
        await walk(city, everything(city), case_id, "transfer", reason="x")
    with pytest.raises(Invalid, match="already"):
        await walk(city, everything(city), case_id, "transfer", reason="x", department_id=city.departments["west"])
    with pytest.raises(Invalid, match="unknown verb"):
        await walk(city, everything(city), case_id, "explode")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(VERBS), min_size=1, max_size=8))
async def test_any_sequence_of_verbs_follows_the_table_and_an_illegal_one_changes_nothing(city: SmallCity, verbs: list[str]) -> None:
    case_id, state, department = await opened(city), "dispatched", city.departments["west"]
    for verb in verbs:
        row = BY_VERB[verb]
        other = next(d for name, d in city.departments.items() if name in ("west", "east") and d != department)
        before = await city.one("select to_jsonb(c) from cases c where id = %s", case_id)
        try:
            await walk(city, everything(city), case_id, verb, department_id=other, reason="因为")
        except DomainError:
            assert state not in row.before
            assert await city.one("select to_jsonb(c) from cases c where id = %s", case_id) == before
            continue
        assert state in row.before
        state = row.after
        after, department, closed = await city.one("select state, department_id, closed_at from cases where id = %s", case_id)
        assert after == state
        assert (department is None) == (state in ("filed", "rejected"))
        assert (closed is not None) == row.ends
    assert state in STATES
