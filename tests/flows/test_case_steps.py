"""Steps of a case: the table decides, scope decides, and a refused step changes nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.cases.rules import Part
from domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from domain.flows import case_steps
from domain.flows.case_steps import StepInput
from domain.people.scope import Actor
from tests.flows import case_model
from tests.flows.conftest import AT, SmallCity


def everything(city: SmallCity) -> Actor:
    grants = tuple(grant for role in ("dispatcher", "supervisor", "clerk") for grant in city.actor(role).grants)
    return Actor(city.users["staff"], "chief", "总", None, grants)


async def opened(city: SmallCity, **given: Any) -> UUID:
    (done,) = await city.submit(city.report(**given))
    case_id: UUID = done.case_id
    return case_id


async def verbs(city: SmallCity, case_id: UUID) -> list[str]:
    return [verb for (verb,) in await city.rows("select verb from case_transitions where case_id = %s order by id", case_id)]


async def test_a_staff_case_is_accepted_finished_verified_and_closed_and_every_step_is_logged(city: SmallCity) -> None:
    case_id = await opened(city)
    for verb in ("accept", "start", "finish", "verify"):
        await city.walk(everything(city), case_id, verb)
    state, closed_at, revision = await city.one("select state, closed_at, revision from cases where id = %s", case_id)
    assert (state, closed_at, revision) == ("closed", AT, 6)
    assert await verbs(city, case_id) == ["file", "dispatch", "accept", "start", "finish", "verify", "close"]
    kinds = await city.rows("select kind from events where subject_id = %s order by seq", case_id)
    assert [kind for (kind,) in kinds] == ["case.opened", "case.accept", "case.start", "case.finish", "case.verify", "case.close"]
    assert await city.rows("select 1 from case_timers where case_id = %s", case_id) == []


async def test_a_citizens_report_is_checked_filed_dispatched_handled_verified_rated_and_closed(city: SmallCity) -> None:
    case_id = await opened(city, source="citizen")
    state, phase, department, proposed, due_at = await city.one(
        "select state, phase, department_id, proposed_department_id, due_at from cases where id = %s", case_id
    )
    assert (state, phase, department, proposed) == ("checking", "check", None, city.departments["west"])
    assert due_at == AT + timedelta(hours=24)
    worker = city.actor("grid_worker", area="360502101001000")
    await city.walk(worker, case_id, "confirm")
    assert await city.one("select state, department_id from cases where id = %s", case_id) == ("dispatched", city.departments["west"])
    clerk = city.actor("clerk", department="west")
    for verb in ("accept", "start", "finish"):
        await city.walk(clerk, case_id, verb)
    await city.walk(city.actor("supervisor"), case_id, "verify")
    here = await city.holder.current(city.conn, at=AT)
    done = await case_steps.step_as_reporter(city.conn, case_id, "rate", StepInput(satisfaction="satisfied"), city=here, at=AT)
    assert done.state == "closed"
    assert await verbs(city, case_id) == [
        "take_in", "confirm", "dispatch", "accept", "start", "finish", "verify", "rate", "close"
    ]  # fmt: skip
    phases = await city.rows("select kind, phase from case_clock where case_id = %s order by seq", case_id)
    assert phases == [
        ("start", "check"), ("stop", "check"), ("start", "handle"), ("stop", "handle"), ("start", "verify"), ("stop", "verify")
    ]  # fmt: skip


async def test_a_transferred_case_leaves_the_scope_of_the_department_before(city: SmallCity) -> None:
    case_id = await opened(city)
    await city.walk(everything(city), case_id, "transfer", department_id=city.departments["east"], reason="属东镇")
    left, now = await city.one("select left_department_ids, department_ids from events where kind = 'case.transfer'")
    assert (left, now) == ([city.departments["west"]], [city.departments["east"]])
    with pytest.raises(NotFound):
        await city.walk(city.actor("clerk", department="west"), case_id, "accept")
    await city.walk(city.actor("clerk", department="east"), case_id, "accept")


async def test_nobody_steps_outside_their_remit(city: SmallCity) -> None:
    case_id = await opened(city)
    with pytest.raises(Unauthenticated):
        await city.walk(None, case_id, "accept")
    with pytest.raises(Forbidden):
        await city.walk(city.actor("leader"), case_id, "accept")
    with pytest.raises(Forbidden, match="not for staff"):
        await city.walk(everything(city), case_id, "rate", satisfaction="satisfied")
    with pytest.raises(NotFound):
        await city.walk(city.actor("clerk", department="water"), case_id, "accept")
    eastern = city.actor("dispatcher", area="360502102")
    with pytest.raises(NotFound):
        await city.walk(eastern, case_id, "transfer", department_id=city.departments["east"], reason="x")


async def test_a_stale_revision_is_a_conflict(city: SmallCity) -> None:
    case_id = await opened(city)
    await city.walk(everything(city), case_id, "accept", revision=1)
    with pytest.raises(Conflict):
        await city.walk(everything(city), case_id, "finish", revision=1)


async def test_the_same_command_sent_again_is_the_same_step(city: SmallCity) -> None:
    case_id, command = await opened(city), uuid4()
    first = await city.walk(everything(city), case_id, "accept", revision=1, command_id=command)
    again = await city.walk(everything(city), case_id, "accept", revision=1, command_id=command, at=AT + timedelta(days=2))
    assert (first.repeated, again.repeated) == (False, True)
    assert again.revision == first.revision == 2
    with pytest.raises(Conflict, match="another step"):
        await city.walk(everything(city), case_id, "finish", command_id=command)


async def test_a_step_that_needs_a_reason_or_a_department_says_so(city: SmallCity) -> None:
    case_id = await opened(city)
    with pytest.raises(Invalid, match="say why"):
        await city.walk(everything(city), case_id, "return", reason="   ")
    with pytest.raises(Invalid, match="department"):
        await city.walk(everything(city), case_id, "transfer", reason="x")
    with pytest.raises(Invalid, match="already"):
        await city.walk(everything(city), case_id, "transfer", reason="x", department_id=city.departments["west"])
    with pytest.raises(Invalid, match="no such department"):
        await city.walk(everything(city), case_id, "transfer", reason="x", department_id=uuid4())
    with pytest.raises(Invalid, match="unknown verb"):
        await city.walk(everything(city), case_id, "explode")


async def test_parties_of_a_joint_action_see_the_case_and_do_their_part_alone(city: SmallCity) -> None:
    case_id, water = await opened(city), city.actor("clerk", department="water")
    with pytest.raises(NotFound):
        await city.walk(water, case_id, "report_in")
    await city.walk(everything(city), case_id, "whistle", parts=(Part(city.departments["water"], "关阀"),))
    await city.walk(city.actor("clerk", department="west"), case_id, "accept")
    with pytest.raises(Forbidden, match="lead unit"):
        await city.walk(water, case_id, "finish")
    with pytest.raises(Conflict, match="1 parts"):
        await city.walk(city.actor("clerk", department="west"), case_id, "finish")
    await city.walk(water, case_id, "report_in")
    await city.walk(water, case_id, "part_done", reason="已关阀")
    assert await city.one("select open_parts from cases where id = %s", case_id) == 0
    await city.walk(city.actor("clerk", department="west"), case_id, "finish")


async def test_whom_a_complaint_is_about_never_sees_it_whatever_else_they_see(city: SmallCity) -> None:
    case_id = await opened(city, source="citizen")
    await city.walk(city.actor("dispatcher"), case_id, "file", about_department_id=city.departments["west"])
    assert await city.one("select state, department_id from cases where id = %s", case_id) == ("filed", None)
    grants = city.actor("dispatcher").grants
    insider = Actor(city.users["staff"], "insider", "内部", city.departments["west"], grants)
    with pytest.raises(NotFound):
        await city.walk(insider, case_id, "dispatch", department_id=city.departments["east"])
    with pytest.raises(Invalid, match="about"):
        await city.walk(city.actor("dispatcher"), case_id, "dispatch", department_id=city.departments["west"])
    await city.walk(city.actor("dispatcher"), case_id, "dispatch", department_id=city.departments["east"])


async def test_a_suspended_clock_stands_and_an_extension_moves_the_deadline(city: SmallCity) -> None:
    case_id, clerk = await opened(city), city.actor("clerk", department="west")
    other = Actor(uuid4(), "other", "他", None, city.actor("supervisor").grants)
    await city.conn.execute(
        "insert into users (id, username, display_name, password_hash, created_at) values (%s, 'other', '他', '-', %s)", (other.user_id, AT)
    )
    due = await city.one("select due_at from cases where id = %s", case_id)
    await city.walk(clerk, case_id, "ask_extension", amount=4, unit="work_hour", reason="等配件")
    with pytest.raises(Forbidden, match="somebody else"):
        await city.walk(everything(city), case_id, "extend")
    await city.walk(other, case_id, "extend")
    later = await city.one("select due_at from cases where id = %s", case_id)
    assert later > due
    await city.walk(other, case_id, "suspend", reason="等审批")
    assert await city.one("select state, due_at, phase from cases where id = %s", case_id) == ("suspended", None, "handle")
    await city.walk(other, case_id, "resume", at=AT + timedelta(days=7))
    state, due_at = await city.one("select state, due_at from cases where id = %s", case_id)
    assert state == "dispatched"
    assert due_at == later + timedelta(days=7)
    assert await city.rows("select kind, decision from case_requests where case_id = %s", case_id) == [("extension", "granted")]


async def test_random_steps_by_random_people_go_where_the_rules_say(city: SmallCity) -> None:
    tally = await case_model.run(city, 600, seed=3)
    assert tally.taken > 100
    assert tally.refused > 100
