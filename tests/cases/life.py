"""A case as the rules alone see it: facts and ledger in memory, moved by the same decisions the database is moved by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from domain.cases import calendar, ledger, rules
from domain.cases.ledger import Entry
from domain.cases.lifecycle import BY_VERB, ENDED_STATES, OPEN_STATES, STATES, VERBS, WITH_UNIT
from domain.cases.rules import By, Decision, Facts, Part, StepInput
from domain.errors import DomainError

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DEPARTMENTS = tuple(UUID(int=n) for n in range(1, 6))
USERS = tuple(UUID(int=n) for n in range(11, 15))
MATTER = UUID(int=21)
FACTS = {one.name for one in fields(Facts)}
UNITS = ("urgent_hour", "work_hour", "work_day", "urgent_day")


@dataclass
class Life:
    """One case, in memory."""

    facts: Facts
    entries: list[Entry] = field(default_factory=list)

    def take(self, verb: str, given: StepInput, by: By, at: datetime) -> Decision:
        """Take a step and the system's steps after it; a refusal leaves everything as it was."""
        decision = rules.decide(self.facts, verb, given, by, at=at)
        self._apply(decision, given, by)
        for then, what in decision.follow:
            self.take(then, what, By(kind="system"), at)
        return decision

    def _apply(self, decision: Decision, given: StepInput, by: By) -> None:
        changes = {name: value for name, value in decision.changes.items() if name in FACTS} | {"state": decision.after}
        verb = decision.row.verb
        parts = dict(self.facts.parts)
        if verb == "whistle":
            parts |= {part.department_id: False for part in given.parts}
        if verb == "part_done" and (own := rules.own_part(self.facts, by)):
            parts[own] = True
        if verb in ("ask_extension", "ask_suspension"):
            changes |= {"asked_by": by.user_id, "requested": (given.amount, given.unit) if given.amount else None}
        if verb == "explain":
            changes["unexplained"] = 0
        for op in decision.clock:
            self.entries.append(Entry(op.at, op.kind, op.phase, op.amount, op.unit))
        if decision.clock:
            reading = ledger.read(self.entries, calendar.shipped())
            paused = any(op.kind == "pause" for op in decision.clock)
            changes |= {"due_at": reading.due_at, "phase": reading.phase if reading.running or paused else None}
        self.facts = replace(self.facts, **changes, parts=parts)


def new_life(random: Random) -> Life:
    """Give a case as intake opens it: to be checked first, or with its unit already."""
    limit = (random.randint(1, 5), random.choice(UNITS))
    if random.random() < 0.5:
        proposed = random.choice([None, *DEPARTMENTS])
        life = Life(Facts(state="checking", phase="check", proposed_department_id=proposed, wants_rating=True, limit=limit))
        life.entries.append(Entry(START, "start", "check", *rules.CHECK_LIMIT))
    else:
        unit = random.choice(DEPARTMENTS)
        life = Life(Facts(state="dispatched", phase="handle", department_id=unit, proposed_department_id=unit, filed_at=START, limit=limit))
        life.entries.append(Entry(START, "start", "handle", *limit))
    reading = ledger.read(life.entries, calendar.shipped())
    life.facts = replace(life.facts, due_at=reading.due_at)
    return life


def random_step(
    random: Random, state: str, departments: Sequence[UUID] = DEPARTMENTS, matters: Sequence[UUID] = (MATTER,)
) -> tuple[str, StepInput]:
    """Give a command: mostly of a verb that may be possible, sometimes of any, with inputs as they come."""
    likely = [verb for verb, row in BY_VERB.items() if state in row.before]
    verb = random.choice(likely) if likely and random.random() < 0.8 else random.choice(VERBS)
    wanted = random.random() < 0.9
    given = StepInput(
        department_id=random.choice(departments) if wanted else None,
        reason="因为" if wanted else None,
        matter_id=random.choice(matters) if wanted else None,
        about_department_id=random.choice(departments) if random.random() < 0.05 else None,
        target_id=UUID(int=99) if wanted else None,
        amount=random.choice([0, 1, 3]) if wanted else None,
        unit=random.choice(UNITS),
        parts=tuple(Part(unit, "协办") for unit in random.sample(departments, random.randint(0, 2))),
        report_ids=(UUID(int=98),),
        satisfaction=random.choice([None, *rules.SATISFACTIONS, "?"]),
    )
    return verb, given


def random_command(random: Random, state: str) -> tuple[str, StepInput, By]:
    """Give a command by somebody at random."""
    verb, given = random_step(random, state)
    row = BY_VERB[verb]
    for_staff = any("." in word for word in (row.permission, *row.also))
    kinds = ["staff"] if for_staff and random.random() < 0.9 else ["staff", "reporter", "system"]
    unit = random.choice([None, *DEPARTMENTS])
    by = By(
        kind=random.choice(kinds) if row.permission not in ("reporter", "system") or random.random() < 0.1 else row.permission,
        user_id=random.choice(USERS),
        departments=frozenset({unit} - {None}) if unit else frozenset(),
        reaches_unit=random.random() < 0.8,
    )
    return verb, given, by


@dataclass
class Tally:
    """What a run of random commands met."""

    taken: int = 0
    refused: int = 0
    ended: int = 0
    verbs: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)


def run(commands: int, seed: int) -> Tally:
    """Try random commands on random cases and check every promise after each; raises AssertionError for a broken one."""
    random, tally = Random(seed), Tally()
    life, at, steps = new_life(random), START, 0
    for _ in range(commands):
        if steps >= 40:
            life, at, steps = new_life(random), START, 0
        steps += 1
        at += timedelta(seconds=random.randint(0, 90_000))
        verb, given, by = random_command(random, life.facts.state)
        if verb == "merge" and random.random() < 0.8:
            life.facts = replace(life.facts, target_state="dispatched")
        if verb == "explain" and random.random() < 0.5:
            life.facts = replace(life.facts, unexplained=1)
        before, entries = life.facts, list(life.entries)
        try:
            decision = life.take(verb, given, by, at)
        except DomainError:
            assert life.facts is before
            assert life.entries == entries
            tally.refused += 1
            continue
        tally.taken += 1
        tally.verbs.add(verb)
        tally.states.add(life.facts.state)
        tally.ended += life.facts.state in ENDED_STATES
        check(before, entries, decision, life)
    return tally


def check(before: Facts, entries: list[Entry], decision: Decision, life: Life) -> None:
    """Check what must hold after any step."""
    row, facts = decision.row, life.facts
    assert before.state in row.before
    assert decision.after == row.after_from(before.state, before.back_to)
    assert facts.state in STATES
    assert life.entries[: len(entries)] == entries, "the ledger is append-only"
    if facts.state in ("closed", "rejected", "withdrawn"):
        assert facts.due_at is None
        assert facts.phase is None
        assert facts.closed_at is not None
    if before.state in ENDED_STATES and facts.state in ENDED_STATES:
        assert life.entries == entries, "a closed clock does not move"
    if facts.state in OPEN_STATES:
        assert facts.closed_at is None
    if facts.state in (*WITH_UNIT, "handled"):
        assert facts.department_id is not None
        assert facts.department_id != facts.about_department_id, "never handled by whom it is about"
    if facts.state in ("checking", "filed"):
        assert facts.department_id is None
    if facts.state in (*WITH_UNIT, "filed", "checking", "handled"):
        assert facts.due_at is not None, f"{row.verb}: an open case's clock runs"
    if facts.state in ("suspended", "merged"):
        assert facts.due_at is None
    assert facts.bounces <= rules.MAX_BOUNCES
    assert (facts.pending_request is None) or facts.state in WITH_UNIT
