"""Coordinates as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.places import typed
from geo.lonlat import Datum


@pytest.mark.parametrize(
    "text",
    [
        "114.917, 27.818",
        "114.917 27.818",
        "(114.917,27.818)",
        "27.818N 114.917E",
        "N27.818 E114.917",
        "27.818°N, 114.917°E",
        "27°49'4.8\"N 114°55'1.2\"E",
        "北纬27°49′4.8″ 东经114°55′1.2″",
        "东经114度55分1.2秒,北纬27度49分4.8秒",
        "lat: 27.818, lon: 114.917",
        "经度114.917 纬度27.818",
        "geo:27.818,114.917;u=35",
        "27.818, 114.917",
        "１１４．９１７，２７．８１８",
        "WGS84 114.917 27.818",
        "114.917,27.818 (wgs-84)",
        "cgcs2000: 114.917, 27.818",
    ],
)
def test_one_position_is_read_from_every_way_of_writing_it(text: str) -> None:
    found = typed.parse(text)
    assert found is not None
    assert (round(found.lonlat.lon, 6), round(found.lonlat.lat, 6)) == (114.917, 27.818)


def test_a_named_datum_is_undone() -> None:
    found = typed.parse("GCJ02 114.921846, 27.814542")
    assert found is not None
    assert found.datum is Datum.GCJ02
    assert (round(found.lonlat.lon, 4), round(found.lonlat.lat, 4)) == (114.917, 27.818)
    other = typed.parse("BD09 114.92836, 27.82045")
    assert other is not None
    assert abs(other.lonlat.lon - 114.917) < 1e-3


def test_precision_follows_the_digits_given() -> None:
    rough, fine = typed.parse("114.9, 27.8"), typed.parse("114.91700, 27.81800")
    assert rough is not None
    assert fine is not None
    assert rough.precision_m > 5_000
    assert fine.precision_m == 1.0
    seconds = typed.parse("27°49'5\"N 114°55'1\"E")
    assert seconds is not None
    assert 15 < seconds.precision_m < 16


def test_latitude_first_is_noticed_without_marks_and_not_blamed_with_them() -> None:
    bare, marked = typed.parse("27.818, 114.917"), typed.parse("27.818N, 114.917E")
    assert bare is not None
    assert marked is not None
    assert (bare.turned, marked.turned) == (True, False)


def test_south_and_west_are_negative() -> None:
    found = typed.parse("33.5S 70.6W")
    assert found is not None
    assert (found.lonlat.lon, found.lonlat.lat) == (-70.6, -33.5)


NOT_POSITIONS = ["", "114.917", "360502", "360502 360521", "健康路 12 号", "200, 95", "N27 N28", "27°70'N 114°E", "1,2,3"]
NOT_POSITIONS += ["nan, nan", "1e2, 3", "114.917,", "新余 27"]


@pytest.mark.parametrize("text", NOT_POSITIONS)
def test_what_is_no_position_is_left_to_the_other_searches(text: str) -> None:
    assert typed.parse(text) is None


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    typed.parse(text)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_any_position_written_in_full_is_read_back(lon: float, lat: float) -> None:
    east, north = "E" if lon >= 0 else "W", "N" if lat >= 0 else "S"
    found = typed.parse(f"{abs(lat):.6f}{north} {abs(lon):.6f}{east}")
    assert found is not None
    assert found.lonlat.lon == pytest.approx(lon, abs=1e-6)
    assert found.lonlat.lat == pytest.approx(lat, abs=1e-6)
