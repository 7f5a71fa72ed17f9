"""What makes two reports alike: every condition of a sure match on its own, and properties of the comparison."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reports.likeness import Trace, compare, is_telling, picture_bits, tell_the_same, words_share
from geo.lonlat import LonLat, moved

AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
HERE = LonLat(lon=114.93, lat=27.81)
RUBBISH = UUID(int=1)
TEXT = "菜市场后门垃圾堆了三天没有人来清"
PICTURE = 0x0F1E_2D3C_4B5A_6978
FIRST = Trace(matter_id=RUBBISH, lonlat=HERE, at=AT, accuracy_m=10, texts=(TEXT,), hashes=(PICTURE,))
AGAIN = replace(FIRST, texts=("菜市场后门的垃圾堆了三天了,没人来清!",), hashes=(), at=AT + timedelta(hours=2))


def test_the_same_thing_said_in_nearly_the_same_words_is_sure() -> None:
    found = compare(FIRST, AGAIN)
    assert found.sure
    assert found.score > 0.85


@pytest.mark.parametrize(
    "other",
    [
        replace(AGAIN, matter_id=UUID(int=2)),
        replace(AGAIN, matter_id=None),
        replace(AGAIN, lonlat=moved(HERE, bearing=90, distance=51)),
        replace(AGAIN, at=AT + timedelta(hours=25)),
        replace(AGAIN, accuracy_m=80),
        replace(AGAIN, texts=("路边有一大堆装修砖头挡住了人行道",)),
        replace(AGAIN, texts=("垃圾没人清",)),
    ],
    ids=["another matter", "no matter", "51 m away", "a day later", "position too vague", "other words", "too short to tell"],
)
def test_one_missing_condition_is_enough_not_to_be_sure(other: Trace) -> None:
    assert not compare(FIRST, other).sure


def test_the_same_picture_is_enough_whatever_is_said() -> None:
    found = compare(FIRST, replace(AGAIN, texts=("脏",), hashes=(PICTURE ^ 0b101,)))
    assert (found.sure, found.picture_bits) == (True, 2)


def test_two_houses_are_two_things_however_alike_the_words() -> None:
    assert not tell_the_same("12栋楼下的化粪池满出来了很臭", "15栋楼下的化粪池满出来了很臭")
    assert not tell_the_same("三单元门口的灯坏了好几天了", "二单元门口的灯坏了好几天了")
    assert tell_the_same("三单元门口的灯坏了好几天了", "3单元门口的灯坏了好几天了")


def test_pictures_without_structure_are_not_compared() -> None:
    assert not is_telling(0)
    assert not is_telling(-1)
    assert picture_bits([0], [0]) is None
    assert picture_bits([], [PICTURE]) is None


def test_a_signed_hash_is_compared_by_its_bits() -> None:
    negative = PICTURE - (1 << 63)
    assert picture_bits([negative], [PICTURE]) == 1


SOMEWHERE = st.builds(moved, st.just(HERE), bearing=st.floats(0, 359), distance=st.floats(0, 500))
TRACES = st.builds(
    Trace,
    matter_id=st.sampled_from([None, RUBBISH, UUID(int=2)]),
    lonlat=SOMEWHERE,
    at=st.integers(0, 14 * 24).map(lambda hours: AT + timedelta(hours=hours)),
    accuracy_m=st.sampled_from([None, 5.0, 500.0]),
    texts=st.lists(st.text("路灯坏了3号 ,楼下垃圾没人清", max_size=20), max_size=3),
    hashes=st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=3),
)


@settings(deadline=None)
@given(TRACES, TRACES)
def test_the_order_of_two_reports_makes_no_difference_and_the_score_is_a_share(one: Trace, other: Trace) -> None:
    found, turned = compare(one, other), compare(other, one)
    assert (found.sure, found.score) == (turned.sure, turned.score)
    assert (found.words_share, found.picture_bits) == (turned.words_share, turned.picture_bits)
    assert 0 <= found.score <= 1
    if found.sure:
        assert found.same_matter
        assert found.distance_m <= 50
        assert found.apart_s <= 24 * 3600


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_the_share_of_words_is_symmetric_and_one_for_the_same_words(one: str, other: str) -> None:
    assert words_share(one, other) == words_share(other, one)
    assert words_share(one, one) in (0.0, 1.0)
