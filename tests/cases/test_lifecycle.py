"""The life-cycle is a table; these are the promises the table must keep."""

from domain.cases.lifecycle import BY_VERB, OPEN_STATES, STATES, TRANSITIONS, verbs_from
from domain.people.roles import PERMISSIONS


def test_every_row_leads_between_known_states_and_asks_for_a_known_permission() -> None:
    for row in TRANSITIONS:
        assert set(row.before) <= set(STATES)
        assert row.after in STATES
        assert row.permission in PERMISSIONS


def test_each_verb_stands_in_one_row() -> None:
    assert len(BY_VERB) == len(TRANSITIONS)


def test_every_state_can_be_reached_and_left() -> None:
    reached = {"filed"} | {row.after for row in TRANSITIONS}
    assert reached == set(STATES)
    assert all(verbs_from(state) for state in STATES)


def test_a_row_ends_the_case_exactly_when_it_leads_out_of_the_open_states() -> None:
    for row in TRANSITIONS:
        assert row.ends == (row.after not in OPEN_STATES)
