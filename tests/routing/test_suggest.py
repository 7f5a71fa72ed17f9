"""Matter suggestion: the measured promise, what is never suggested, and what every answer looks like."""

import csv
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.routing.suggest import DATA, MAX_TEXT, MOST_WORDS, Model, Suggestion, suggest
from domain.routing.table import Matter, RoutingTable
from tests.bench.suggest import labelled, ranks


def catalogue(*, extra: tuple[Matter, ...] = ()) -> RoutingTable:
    with (DATA / "matters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    matters = [
        Matter(UUID(int=i), row["kind"], row["major"], row["minor"], row["name"], row["enabled"] == "true", None)
        for i, row in enumerate(rows, 1)
    ]
    return RoutingTable(1, None, {matter.id: matter for matter in (*matters, *extra)}, {}, {}, {}, {})


TABLE = catalogue()


def names(found: list[Suggestion[UUID]], table: RoutingTable = TABLE) -> list[str]:
    return [table.matters[one.matter_id].name for one in found]


def test_the_right_matter_is_among_three_for_ninety_of_a_hundred_labelled_reports() -> None:
    data = labelled("reports")
    assert len(data.reports) >= 600
    assert {right for right, _ in data.reports} == set(range(len(data.keys)))
    found = ranks(Model(data.keys).scores, data.reports)
    assert (found < 3).mean() >= 0.95  # the goal is 0.90; 0.977 is what has been measured
    assert (found < 1).mean() >= 0.85


def test_people_who_never_name_the_thing_are_understood_less_but_not_worse_than_measured() -> None:
    data = labelled("oblique")
    assert (ranks(Model(data.keys).scores, data.reports) < 3).mean() >= 0.60


def test_no_labelled_report_is_among_the_examples() -> None:
    with (DATA / "matter_examples.csv").open(encoding="utf-8", newline="") as file:
        examples = {row["text"] for row in csv.DictReader(file)}
    reports = {text for name in ("reports", "oblique") for _, text in labelled(name).reports}
    assert not reports & examples


def test_words_and_examples_name_matters_of_the_shipped_catalogue_and_leave_none_out() -> None:
    enabled = {(matter.kind, matter.name) for matter in TABLE.matters.values() if matter.enabled}
    for name in ("matter_words.csv", "matter_examples.csv"):
        with (DATA / name).open(encoding="utf-8", newline="") as file:
            assert {(row["kind"], row["name"]) for row in csv.DictReader(file)} == enabled


@pytest.mark.parametrize(
    ("text", "kind"),
    [("自来水的井盖没了", "上水井盖"), ("污水的井盖没了", "污水井盖"), ("雨水的井盖没了", "雨水井盖"), ("燃气的井盖没了", "燃气井盖")],
)
def test_the_kind_of_a_manhole_decides_between_the_covers(text: str, kind: str) -> None:
    assert names(suggest(TABLE, text))[0] == kind


def test_a_manhole_without_a_kind_gives_three_kinds_of_cover() -> None:
    assert all(name.endswith("井盖") for name in names(suggest(TABLE, "路上有个井盖不见了")))


def test_a_broken_drain_is_an_event_and_its_cover_a_component() -> None:
    (event, cover) = (suggest(TABLE, text)[0] for text in ("下水道堵了污水冒出来", "污水井的盖子破了"))
    assert TABLE.matters[event.matter_id].kind == "event"
    assert TABLE.matters[cover.matter_id].kind == "component"


def test_the_place_tips_the_balance_but_does_not_overrule_the_words() -> None:
    plain, rural = (suggest(TABLE, "没批就起屋", places=places, most=20) for places in ((), ("rural",)))
    share = {one.matter_id: one.score for one in plain}
    rural_house = next(matter.id for matter in TABLE.matters.values() if matter.name == "违法农村自建房")
    assert next(one.score for one in rural if one.matter_id == rural_house) > share[rural_house]
    assert names(suggest(TABLE, "路灯不亮", places=("rural", "rail")))[0] == "路灯"


def test_disabled_matters_and_alerts_are_never_suggested() -> None:
    alert = Matter(UUID(int=9999), "alert", "rail", "dog", "狗上道", True, None)
    found = suggest(catalogue(extra=(alert,)), "有人遛狗不牵绳,狗上道了,还在街上发传单推车卖东西", most=500)
    offered = {one.matter_id for one in found}
    assert alert.id not in offered
    assert all(TABLE.matters[matter_id].enabled for matter_id in offered)


def test_a_matter_a_city_adds_is_found_by_its_own_name() -> None:
    own = Matter(UUID(int=9998), "event", "06", "70", "无人机扰民", True, None)
    table = catalogue(extra=(own,))
    assert names(suggest(table, "天天有无人机在窗外飞"), table)[0] == "无人机扰民"


def test_the_words_that_spoke_for_a_matter_stand_in_the_text() -> None:
    text = "门口的路灯坏了,晚上一片漆黑"
    for one in suggest(TABLE, text):
        assert one.words
        assert all(word in text for word in one.words)
    assert "路灯" in suggest(TABLE, text)[0].words


def test_full_width_letters_and_case_say_the_same() -> None:
    assert suggest(TABLE, "ＫＴＶ太吵") == suggest(TABLE, "ktv太吵")


@pytest.mark.parametrize("text", ["hello", "1234567", "!!!", "😀"])
def test_a_text_that_says_nothing_gives_nothing(text: str) -> None:
    assert suggest(TABLE, text) == []


@pytest.mark.parametrize("text", ["", "  \n", "灯" * (MAX_TEXT + 1), "灯\x00"])
def test_an_empty_or_too_long_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        suggest(TABLE, text)
    assert refused.value.field == "text"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=MAX_TEXT), st.data())
def test_any_text_gets_at_most_three_matters_best_first_and_the_same_ones_again(text: str, data: st.DataObject) -> None:
    if not text.strip():
        return
    found = suggest(TABLE, text)
    assert found == suggest(TABLE, text)
    assert len(found) <= 3
    assert len({one.matter_id for one in found}) == len(found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(0 <= one.score <= 1 and len(one.words) <= MOST_WORDS for one in found)
