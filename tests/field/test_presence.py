"""Verdicts about visits: accuracy is respected, and doubt is never held against anybody."""

from hypothesis import given
from hypothesis import strategies as st

from domain.field.presence import NEAR_M, WORST_ACCURACY_M, judge, verdict_of
from geo.lonlat import Datum, LonLat, Position, moved

SPOT = LonLat(lon=114.917, lat=27.818)
METRES = st.floats(0, 5000)
ACCURACY = st.floats(0.1, 5000)


def at(distance: float, bearing: float, accuracy_m: float | None) -> Position:
    point = moved(SPOT, bearing=bearing, distance=distance)
    return Position(lonlat=point, accuracy_m=accuracy_m, datum_declared=Datum.WGS84, raw_lon=point.lon, raw_lat=point.lat)


@given(METRES, st.floats(0, 359), ACCURACY)
def test_outside_is_said_only_where_no_point_of_the_disc_is_near(distance: float, bearing: float, accuracy_m: float) -> None:
    found = judge(SPOT, at(distance, bearing, accuracy_m))
    nearest = distance - accuracy_m
    if abs(nearest - NEAR_M) < 0.5:  # the rounding of metres in degrees
        return
    assert (found.verdict == "outside") is (nearest > NEAR_M)
    assert (found.verdict == "inside") is (nearest < NEAR_M and accuracy_m <= WORST_ACCURACY_M)


@given(METRES, METRES, METRES)
def test_coming_closer_never_turns_inside_into_outside(near: float, far: float, accuracy_m: float) -> None:
    near, far = min(near, far), max(near, far)
    order = ["inside", "uncertain", "outside"]
    assert order.index(verdict_of(near, accuracy_m)) <= order.index(verdict_of(far, accuracy_m))


def test_a_phone_without_a_position_or_without_an_accuracy_is_uncertain() -> None:
    assert judge(SPOT, None).verdict == "uncertain"
    found = judge(SPOT, at(10, 90, None))
    assert (found.verdict, found.accuracy_m) == ("uncertain", None)
    assert found.distance_m is not None
    assert abs(found.distance_m - 10) < 0.5
