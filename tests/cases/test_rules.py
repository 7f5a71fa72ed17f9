"""The rules of a case, tried with commands nobody would think of."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.cases import rules
from domain.cases.lifecycle import BY_VERB, REPORTER, STATES, SYSTEM, TRANSITIONS
from domain.cases.rules import By, Facts, Part, StepInput
from domain.errors import Conflict, Forbidden, Invalid
from tests.cases.life import DEPARTMENTS, START, USERS, run

WEST, EAST, SOUTH = DEPARTMENTS[:3]
CLERK = By(user_id=USERS[0], departments=frozenset({WEST}))
CHIEF = By(user_id=USERS[1])


def test_random_commands_never_leave_the_table_nor_move_a_closed_clock() -> None:
    tally = run(60_000, seed=2)
    assert tally.states == set(STATES)
    assert tally.verbs == set(BY_VERB)
    assert min(tally.taken, tally.refused, tally.ended) > 1000


def test_a_verb_out_of_its_states_is_a_conflict_whoever_asks() -> None:
    for row in TRANSITIONS:
        for state in set(STATES) - set(row.before):
            for kind in ("staff", REPORTER, SYSTEM):
                with pytest.raises((Conflict, Forbidden)):
                    rules.decide(Facts(state=state), row.verb, StepInput(), By(kind=kind), at=START)


def test_a_case_is_not_returned_for_ever() -> None:
    facts = Facts(state="dispatched", department_id=WEST, phase="handle", bounces=rules.MAX_BOUNCES)
    with pytest.raises(Conflict, match="returned 2 times"):
        rules.decide(facts, "return", StepInput(reason="不归我管"), CLERK, at=START)
    assert rules.decide(facts, "recall", StepInput(reason="裁定"), CHIEF, at=START).after == "filed"


def test_nobody_decides_their_own_request_nor_verifies_their_own_units_work() -> None:
    asked = Facts(
        state="handling", department_id=WEST, phase="handle", pending_request="extension", asked_by=USERS[0], requested=(2, "work_day")
    )
    with pytest.raises(Forbidden, match="somebody else"):
        rules.decide(asked, "extend", StepInput(), By(user_id=USERS[0]), at=START)
    granted = rules.decide(asked, "extend", StepInput(), CHIEF, at=START)
    assert [(op.kind, op.amount, op.unit) for op in granted.clock] == [("extend", 2, "work_day")]
    with pytest.raises(Forbidden, match="own unit"):
        rules.decide(Facts(state="handled", department_id=WEST, phase="verify"), "verify", StepInput(), CLERK, at=START)


def test_a_complaint_is_never_sent_to_whom_it_is_about() -> None:
    facts = Facts(state="filed", about_department_id=WEST, proposed_department_id=WEST, phase="handle")
    with pytest.raises(Invalid, match="about"):
        rules.decide(facts, "dispatch", StepInput(department_id=WEST), CHIEF, at=START)
    checking = Facts(state="checking", proposed_department_id=WEST, phase="check")
    assert rules.decide(checking, "file", StepInput(about_department_id=WEST), CHIEF, at=START).follow == []
    handling = replace(facts, state="handling", department_id=EAST)
    with pytest.raises(Invalid, match="about"):
        rules.decide(handling, "whistle", StepInput(parts=(Part(WEST, "看看"),)), CHIEF, at=START)


def test_joint_action_ends_only_when_every_part_is_done() -> None:
    facts = Facts(state="handling", department_id=WEST, phase="handle", parts={EAST: True, SOUTH: False})
    with pytest.raises(Conflict, match="1 parts"):
        rules.decide(facts, "finish", StepInput(), CLERK, at=START)
    helper = By(departments=frozenset({SOUTH}), reaches_unit=False)
    with pytest.raises(Forbidden, match="lead unit"):
        rules.decide(facts, "finish", StepInput(), helper, at=START)
    assert rules.decide(facts, "part_done", StepInput(reason="清运完毕"), helper, at=START).after == "handling"
    assert rules.decide(replace(facts, parts={EAST: True, SOUTH: True}), "finish", StepInput(), CLERK, at=START).after == "handled"


def test_naming_the_matter_late_wins_nobody_time() -> None:
    facts = Facts(state="filed", phase="handle", filed_at=START, limit=(2, "urgent_hour"))
    (op,) = rules.decide(facts, "classify", StepInput(matter_id=USERS[0]), CHIEF, at=START + timedelta(hours=5)).clock
    assert (op.at, op.kind, op.amount) == (START, "start", 2)


def test_a_dissatisfied_reporter_is_answered_before_the_case_is_closed() -> None:
    verified = Facts(state="verified", department_id=WEST, wants_rating=True, rate_until=START + rules.RATING_WINDOW)
    with pytest.raises(Invalid, match="may still rate"):
        rules.decide(verified, "close", StepInput(), CHIEF, at=START)
    unhappy = rules.decide(verified, "rate", StepInput(satisfaction="dissatisfied"), By(kind=REPORTER), at=START)
    assert (unhappy.after, unhappy.follow) == ("rated", [])
    happy = rules.decide(verified, "rate", StepInput(satisfaction="fair"), By(kind=REPORTER), at=START)
    assert [verb for verb, _ in happy.follow] == ["close"]
    rated = replace(verified, state="rated", satisfaction="dissatisfied")
    with pytest.raises(Invalid, match="not satisfied"):
        rules.decide(rated, "close", StepInput(), CHIEF, at=START)
    assert rules.decide(rated, "close", StepInput(reason="已回访"), CHIEF, at=START).after == "closed"


def test_the_reporter_may_reopen_for_a_week() -> None:
    facts = Facts(state="closed", department_id=WEST, closed_at=START)
    late = START + rules.REOPEN_WINDOW + timedelta(seconds=1)
    with pytest.raises(Conflict, match="7 days"):
        rules.decide(facts, "reopen", StepInput(reason="又堆上了"), By(kind=REPORTER), at=late)
    assert rules.decide(facts, "reopen", StepInput(reason="又堆上了"), By(kind=REPORTER), at=START).changes["reopens"] == 1
    assert rules.decide(facts, "reopen", StepInput(reason="复查"), CHIEF, at=late).after == "filed"
