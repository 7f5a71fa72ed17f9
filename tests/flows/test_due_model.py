"""Random lives of cases under a clock that jumps: whatever is due by the ledger is told at the next look, once, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.base import new_id
from domain.cases.ledger import Entry
from domain.errors import DomainError
from domain.flows.due import fire
from domain.people.scope import Actor
from tests.cases import oracles
from tests.cases.oracles import Sums
from tests.flows.conftest import AT, SmallCity

CASES, MOMENTS = 12, 60
# Hours more after the deadline until town, district and city are told, as the table of rungs has them.
URGENT, WORK = (1, 4, 12), (2, 6, 14)
Steps = tuple[tuple[str, str, dict[str, Any]], ...]
WITH_UNIT: Steps = (
    ("clerk", "finish", {}), ("supervisor", "suspend", {"reason": "等待"}), ("supervisor", "extend", {}),
    ("clerk", "ask_extension", {"amount": 3, "unit": "work_hour", "reason": "工期"}),
)  # fmt: skip
STEPS: dict[str, Steps] = {
    "filed": (("dispatcher", "dispatch", {}),),
    "dispatched": (("clerk", "accept", {}),),
    "accepted": WITH_UNIT,
    "handling": WITH_UNIT,
    "suspended": (("supervisor", "resume", {}),),
    "handled": (("supervisor", "rework", {"reason": "未清"}), ("supervisor", "verify", {})),
    "closed": (("supervisor", "reopen", {"reason": "复发"}),),
}
Key = tuple[UUID, str, int, datetime]


@cache
def oracle() -> Sums:
    return Sums(oracles.shanghai())


def due_levels(entries: Sequence[Entry], at: datetime) -> list[tuple[str, int, datetime]]:
    """What a ledger says has been missed by an instant: phase, level, when it was due."""
    phase, last = entries[-1].phase, max(entry.at for entry in entries)
    found = []
    for level in range(4):
        unit = [entry.unit or "" for entry in entries if entry.phase == phase and entry.unit][-1]
        hours = (URGENT if unit.startswith("urgent") else WORK)[level - 1] if level else 0
        more = [Entry(last, "extend", phase, hours, "urgent_hour" if unit.startswith("urgent") else "work_hour")] if hours else []
        due = oracle().due([*entries, *more])
        if due is not None and due <= at:
            found.append((phase, level, due))
    return found


async def ledgers(city: SmallCity) -> dict[UUID, list[Entry]]:
    rows = await city.rows(
        "select k.case_id, k.at, k.kind, k.phase, k.amount, k.unit from case_clock k join cases c on c.id = k.case_id"
        " where c.phase is not null and c.due_at is not null order by k.case_id, k.seq"
    )
    found: dict[UUID, list[Entry]] = {}
    for case_id, *entry in rows:
        found.setdefault(case_id, []).append(Entry(*entry))
    return found


async def told(city: SmallCity) -> list[Key]:
    return [tuple(row) for row in await city.rows("select case_id, phase, level, due_at from case_escalations")]


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_due_by_the_ledger_is_told_once_and_nothing_else(city: SmallCity, seed: int) -> None:
    random, at = Random(seed), AT
    await city.conn.execute("delete from duties")  # nobody to pass a case on to: the accept timers only take it back
    matters = [city.matters["rubbish"], city.matters["cover"]]
    opened = await city.submit(*(city.report(source="staff", matter_id=random.choice(matters)) for _ in range(CASES)))
    people = await _people(city)
    known: set[Key] = set()
    for _ in range(MOMENTS):
        at += timedelta(seconds=random.choice((-90_000, 60, 600, 1_800, 7_200, 20_000, 70_000)))
        for _ in range(random.randrange(8)):
            await _step(city, people, random, random.choice(opened).case_id, at)
        expected = {
            (case_id, *one) for case_id, entries in (await ledgers(city)).items() for one in due_levels(entries, at)
        }
        while await fire(city.conn, city.holder, at=at, limit=random.choice((1, 3, 200))):
            pass
        found = await told(city)
        assert len(found) == len(set(found)), "told twice"
        assert set(found) - known == expected - known
        known |= expected
    events = await city.rows("select kind, count(*) from events where kind in ('case.overdue', 'case.escalated') group by kind")
    assert dict(events).get("case.overdue", 0) == sum(1 for one in known if one[2] == 0)
    assert dict(events).get("case.escalated", 0) == sum(1 for one in known if one[2] > 0)
    assert len(known) > CASES
    assert {level for _, _, level, _ in known} == {0, 1, 2, 3}
    taken = {verb for (verb,) in await city.rows("select distinct verb from case_transitions")}
    assert {"accept", "suspend", "resume", "extend", "finish", "rework", "verify", "reopen", "recall", "dispatch"} <= taken


async def _people(city: SmallCity) -> dict[str, Actor]:
    """Who takes the steps; nobody grants what they asked for themselves."""
    chief = new_id()
    await city.conn.execute(
        "insert into users (id, username, display_name, password_hash, created_at) values (%s, 'chief', '班长', '-', %s)", (chief, AT)
    )
    return {
        "clerk": city.actor("clerk", department="west"), "dispatcher": city.actor("dispatcher"),
        "supervisor": replace(city.actor("supervisor"), user_id=chief, username="chief"),
    }  # fmt: skip


async def _step(city: SmallCity, people: dict[str, Actor], random: Random, case_id: UUID, at: datetime) -> None:
    state = await city.one("select state from cases where id = %s", case_id)
    role, verb, given = random.choice(STEPS[state])
    if verb == "dispatch":
        given = {"department_id": city.departments["west"]}
    try:
        async with city.conn.transaction():
            await city.walk(people[role], case_id, verb, at=at, **given)
    except DomainError:
        return  # the rules allow it at another time
