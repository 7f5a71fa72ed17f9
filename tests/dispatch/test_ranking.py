"""The ranking of units: a pure function; who must not get a case is not in it, and every point has its reason."""

from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.dispatch import ranking
from domain.dispatch.ranking import Unit, rank

CAPACITIES = st.sampled_from(("owner", "territory"))


def unit(code: str, **facts: Any) -> Unit:
    values: dict[str, Any] = {"duties": (("territory", 3, 0),)}
    return Unit(id=UUID(int=sum(map(ord, code))), code=code, name=code, **(values | facts))


def codes(*units: Unit, first: str = "territory") -> list[str]:
    return [one.unit.code for one in rank(units, first=first)]


UNITS = st.builds(
    Unit,
    id=st.uuids(), code=st.text("abc", min_size=1, max_size=3), name=st.just("x"), kind=st.sampled_from(("government", "external")),
    active=st.booleans(), serves_grids=st.booleans(), complained_of=st.booleans(), has_it=st.booleans(), had_it=st.booleans(),
    duties=st.lists(st.tuples(CAPACITIES, st.integers(1, 6), st.integers(0, 3)), max_size=3).map(tuple), keeps_roster=st.booleans(),
    on_duty=st.integers(0, 50), on_call=st.integers(0, 50), open_cases=st.integers(0, 5000), overdue_cases=st.integers(0, 5000),
    skills=st.integers(0, 5), fitting=st.integers(0, 5), admission=st.sampled_from(("open", "admitted", "refused")),
    task_class=st.just("类"),
)  # fmt: skip


@given(st.lists(UNITS, max_size=6), CAPACITIES)
def test_nobody_who_must_not_get_the_case_is_ever_listed_and_the_reasons_add_up(units: list[Unit], first: str) -> None:
    ranked = rank(units, first=first)
    for one in ranked:
        assert one.unit.active
        assert not one.unit.complained_of
        assert not one.unit.has_it
        assert not (one.unit.serves_grids and one.unit.admission == "refused")
        assert one.unit.kind == "government" or ranking.named_for_it(one.unit)
        assert one.score == sum(point.points for point in one.why)
        assert all(all(ranking.explain(point)) for point in one.why)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


@given(st.lists(UNITS, max_size=4, unique_by=lambda one: one.code))
def test_the_order_of_the_question_does_not_change_the_answer(units: list[Unit]) -> None:
    answers = {tuple(codes(*order)) for order in permutations(units)}
    assert len(answers) == 1


def test_the_capacity_the_rule_asks_first_goes_first() -> None:
    owner, territory = unit("o", duties=(("owner", 2, 0),)), unit("t", duties=(("territory", 2, 0),))
    assert codes(owner, territory, first="owner") == ["o", "t"]
    assert codes(owner, territory, first="territory") == ["t", "o"]


def test_the_narrower_area_and_the_narrower_matter_win() -> None:
    assert codes(unit("city", duties=(("territory", 1, 0),)), unit("town", duties=(("territory", 3, 0),))) == ["town", "city"]
    assert codes(unit("any"), unit("named", duties=(("territory", 3, 2),))) == ["named", "any"]


def test_a_unit_on_duty_goes_before_one_on_call_and_both_before_one_at_home() -> None:
    here, away, nobody = unit("c", on_duty=2, keeps_roster=True), unit("b", on_call=2, keeps_roster=True), unit("a", keeps_roster=True)
    assert codes(nobody, away, here) == ["c", "b", "a"]


def test_load_counts_by_the_heads_on_duty() -> None:
    few, many = unit("few", on_duty=2, open_cases=60), unit("many", on_duty=20, open_cases=60)
    assert codes(few, many) == ["many", "few"]
    assert codes(unit("late", open_cases=10, overdue_cases=9), unit("z", open_cases=10)) == ["z", "late"]


def test_who_has_the_skill_goes_first_and_who_says_nothing_is_not_held_to_it() -> None:
    assert codes(unit("a", skills=3), unit("b"), unit("c", skills=3, fitting=1)) == ["c", "b", "a"]


def test_an_outside_body_gets_what_names_it_and_nothing_for_being_there() -> None:
    there = unit("wuye", kind="external")
    assert codes(there) == []
    assert codes(replace(there, duties=(("owner", 1, 2),))) == ["wuye"]
    assert codes(replace(there, duties=(("owner", 1, 2),), complained_of=True)) == []


def test_grids_are_listed_for_admitted_matters_only() -> None:
    grid = unit("grid", serves_grids=True)
    assert codes(grid) == ["grid"]
    assert codes(replace(grid, admission="refused")) == []
    (one,) = rank([replace(grid, admission="admitted", task_class="环境卫生")], first="territory")
    words = [ranking.explain(point) for point in one.why if point.code == "admitted"]
    assert words == [("已准入网格：环境卫生（+5）", "admitted to grids: 环境卫生 (+5)")]


def test_nothing_the_ranking_knows_or_says_is_about_a_person() -> None:
    fields = set(Unit.__dataclass_fields__)
    assert not {name for name in fields if "user" in name or "worker" in name or "person" in name}
