"""The life-cycle is a table; these are the promises the table must keep."""

from pathlib import Path

from domain.cases import rules
from domain.cases.lifecycle import BACK, BY_VERB, OPEN_STATES, REPORTER, SAME, STATES, SYSTEM, TRANSITIONS, verbs_from
from domain.flows import lifecycle_page
from domain.people.roles import PERMISSIONS, ROLES


def test_every_row_leads_between_known_states_and_asks_for_a_known_permission() -> None:
    for row in TRANSITIONS:
        assert set(row.before) <= set(STATES)
        assert row.after in (*STATES, SAME, BACK)
        assert {row.permission, *row.also} <= {*PERMISSIONS, REPORTER, SYSTEM}


def test_each_verb_stands_in_one_row() -> None:
    assert len(BY_VERB) == len(TRANSITIONS)


def test_every_state_can_be_reached_and_left() -> None:
    reached = {"checking"} | {row.after for row in TRANSITIONS} - {SAME, BACK}
    assert reached == set(STATES)
    assert all(verbs_from(state) for state in STATES)


def test_a_row_ends_the_case_exactly_when_it_leads_out_of_the_open_states() -> None:
    for row in TRANSITIONS:
        assert row.ends == (row.after not in (*OPEN_STATES, SAME, BACK))


def test_guards_and_changes_named_by_rows_exist_and_none_is_idle() -> None:
    assert {guard for row in TRANSITIONS for guard in row.guards} == set(rules.GUARDS)
    assert set(rules.CHANGES) <= set(BY_VERB)


def test_supervision_and_command_are_separate_permissions() -> None:
    command = {row.permission for row in TRANSITIONS if row.verb in ("dispatch", "transfer", "recall", "whistle")}
    supervision = {row.permission for row in TRANSITIONS if row.verb in ("verify", "rework", "close", "extend", "suspend")}
    handling = {row.permission for row in TRANSITIONS if row.verb in ("accept", "start", "finish")}
    assert command.isdisjoint(supervision)
    for role in ROLES:
        assert not (handling & role.permissions and supervision & role.permissions), f"{role.name} would verify its own work"


def test_the_page_on_the_life_cycle_is_the_tables() -> None:
    page = Path(__file__).parents[2] / "docs" / "lifecycle.md"
    assert page.read_text(encoding="utf-8") == lifecycle_page.document(), "run ./gridwarden schema"
