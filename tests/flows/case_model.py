"""Random steps by random people on real rows, held against the rules' own model after each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from domain.cases import rules
from domain.cases.ledger import Entry
from domain.cases.lifecycle import BY_VERB, ENDED_STATES, REPORTER, SYSTEM
from domain.cases.rules import By, Facts
from domain.errors import DomainError
from domain.flows import case_steps
from domain.people.scope import Actor, Grant
from tests.cases.life import Life, Tally, random_step
from tests.flows.conftest import AT, SmallCity

COMPARED = (
    "state", "department_id", "proposed_department_id", "about_department_id", "phase", "due_at", "filed_at", "accepted_at", "closed_at",
    "late_at", "rate_until", "bounces", "reworks", "reopens", "extensions", "pending_request", "wants_rating", "satisfaction", "back_to",
)  # fmt: skip
_ROW = f"select {', '.join(COMPARED)} from cases where id = %s"
_WHOLE = """
select to_jsonb(c), (select count(*) from case_clock k where k.case_id = c.id),
       (select count(*) from case_transitions t where t.case_id = c.id),
       (select jsonb_agg(to_jsonb(t) order by chain) from case_timers t where t.case_id = c.id), (select count(*) from events),
       (select jsonb_agg(to_jsonb(p) order by id) from case_parts p where p.case_id = c.id),
       (select jsonb_agg(to_jsonb(r) order by id) from case_requests r where r.case_id = c.id)
from cases c where c.id = %s
"""
_TICKS = "select at, kind, phase, amount, unit from case_clock where case_id = %s order by seq"


def people(city: SmallCity) -> list[Actor]:
    """People of every role, over the city, a town or for a department."""
    west, town = city.departments["west"], city.areas["360502101"]
    roles = ("dispatcher", "supervisor", "clerk", "grid_worker", "leader", "rail_office")
    grants: list[tuple[Grant, ...]] = [(Grant(role, None, None),) for role in roles]
    grants += [(Grant("clerk", None, unit),) for unit in city.departments.values()]
    grants += [(Grant("grid_worker", town, None),), (Grant("supervisor", None, west),)]
    grants.append((Grant("dispatcher", city.areas["360502102"], None),))
    grants.append(tuple(Grant(role, None, None) for role in ("dispatcher", "supervisor", "clerk")))
    return [Actor(city.users["staff"], "staff", "工作人员", None, one) for one in grants]


async def run(city: SmallCity, commands: int, seed: int) -> Tally:
    """Try so many random steps and check each against the model; raises AssertionError for a broken promise."""
    random, tally, everyone = Random(seed), Tally(), people(city)
    units = list(city.departments.values())
    case_id, life, at = await _open(city, random, AT)
    while (tried := tally.taken + tally.refused) < commands:
        if tried % 25 == 24:
            case_id, life, at = await _open(city, random, AT)
        at += timedelta(seconds=random.randint(0, 90_000))
        verb, given = random_step(random, life.facts.state, units, [city.matters["rubbish"], city.matters["cover"]])
        if verb in ("merge", "split"):
            continue  # a story of two cases: tests/flows/test_merging.py
        given = replace(given, target_id=None, command_id=uuid4())
        by, actor = _somebody(random, verb, everyone)
        before = await city.one(_WHOLE, case_id)
        here = await city.holder.current(city.conn, at=at)
        try:
            async with city.conn.transaction():
                if actor is not None:
                    await case_steps.step(city.conn, actor, case_id, verb, given, city=here, at=at)
                elif by == REPORTER:
                    await case_steps.step_as_reporter(city.conn, case_id, verb, given, city=here, at=at)
                else:
                    await case_steps.step_as_system(city.conn, case_id, verb, given, city=here, at=at)
        except DomainError:
            assert await city.one(_WHOLE, case_id) == before
            tally.refused += 1
            continue
        tally.taken += 1
        tally.verbs.add(verb)
        await _agrees(city, case_id, life, verb, given, actor, by, at)
        tally.states.add(life.facts.state)
        tally.ended += life.facts.state in ENDED_STATES
    return tally


def _somebody(random: Random, verb: str, everyone: list[Actor]) -> tuple[str, Actor | None]:
    row = BY_VERB[verb]
    ways = [word for word in (row.permission, *row.also) if word in (REPORTER, SYSTEM)]
    if ways and random.random() < 0.6:
        return random.choice(ways), None
    able = [actor for actor in everyone if any(actor.may(word) for word in (row.permission, *row.also) if "." in word)]
    return "staff", random.choice(able if able and random.random() < 0.7 else everyone)


async def _open(city: SmallCity, random: Random, at: datetime) -> tuple[UUID, Life, datetime]:
    source = random.choice(["citizen", "staff", "police110"])
    (done,) = await city.submit(city.report(source=source, matter_id=random.choice([None, city.matters["rubbish"]])), at=at)
    facts = dict(zip(COMPARED, await city.one(_ROW, done.case_id), strict=True))
    entries = [Entry(*row) for row in await city.rows(_TICKS, done.case_id)]
    return done.case_id, Life(Facts(**facts), entries), at


async def _agrees(
    city: SmallCity, case_id: UUID, life: Life, verb: str, given: rules.StepInput, actor: Actor | None, by: str, at: datetime
) -> None:
    """The model takes the same step and must arrive where the database is."""
    row = BY_VERB[verb]
    if actor is not None:
        assert any(actor.may(word) for word in (row.permission, *row.also) if "." in word)
    stored = dict(zip(COMPARED, await city.one(_ROW, case_id), strict=True))
    limit = (4, "work_hour")
    if given.matter_id is not None and verb in ("classify", "file", "confirm"):
        limit = (2, "urgent_hour") if given.matter_id == city.matters["cover"] else (4, "work_hour")
        life.facts = replace(life.facts, proposed_department_id=stored["proposed_department_id"], limit=limit)
    elif verb in ("file", "confirm", "reopen"):
        life.facts = replace(life.facts, limit=await _limit(city, case_id))
    who = By(kind=by)
    if actor is not None:
        who = By(user_id=actor.user_id, departments=actor.departments())
    if life.facts.pending_request and who.user_id == life.facts.asked_by and verb in ("extend", "suspend", "refuse_request"):
        raise AssertionError("nobody decides their own request")
    life.take(verb, given, who, at)
    assert {name: getattr(life.facts, name) for name in COMPARED} == stored, verb
    assert [Entry(*one) for one in await city.rows(_TICKS, case_id)] == life.entries


async def _limit(city: SmallCity, case_id: UUID) -> tuple[int, str]:
    found = await city.one(
        "select f.limit_amount, f.limit_unit from cases c join filing_conditions f on f.id = c.condition_id where c.id = %s union all"
        " select %s, %s from cases where id = %s and condition_id is null",
        case_id, *rules.CHECK_LIMIT, case_id,
    )  # fmt: skip
    return (found[0], found[1])
