import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geo.lonlat import (
    BBox,
    Datum,
    GeoError,
    LonLat,
    Position,
    PositionError,
    bearing_deg,
    checked,
    disc_ring,
    distance_m,
    metres_per_degree,
    moved,
)

GEOD = Geod(ellps="WGS84")
XINYU = BBox(west=114.4, south=27.5, east=115.5, north=28.3)
lons = st.floats(-180, 180)
lats = st.floats(-90, 90)


def code_of(lon: float, lat: float, expected: BBox | None = None) -> str:
    with pytest.raises(PositionError) as caught:
        checked(lon=lon, lat=lat, expected=expected, where="row 7")
    assert caught.value.where == "row 7"
    assert caught.value.message_en
    assert caught.value.message_zh
    return caught.value.code


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused_by_name(bad: float) -> None:
    assert code_of(bad, 27.8) == "position.not_finite"
    assert code_of(114.9, bad) == "position.not_finite"
    with pytest.raises(PositionError, match="finite"):
        LonLat(lon=bad, lat=27.8)


def test_latitude_first_is_recognised_where_the_numbers_prove_it() -> None:
    assert code_of(27.8, 114.9) == "position.axes_swapped"


def test_latitude_first_is_recognised_by_the_expected_box_where_the_numbers_do_not_prove_it() -> None:
    kenya = BBox(west=33.0, south=-5.0, east=42.0, north=5.0)
    assert code_of(-1.3, 36.8, kenya) == "position.axes_swapped"
    assert checked(lon=36.8, lat=-1.3, expected=kenya) == LonLat(lon=36.8, lat=-1.3)


def test_a_report_from_the_neighbour_city_is_accepted_although_outside_the_expected_box() -> None:
    assert checked(lon=116.9, lat=28.2, expected=XINYU) == LonLat(lon=116.9, lat=28.2)


@pytest.mark.parametrize(("lon", "lat"), [(180.1, 0), (-181, 5), (200, 100), (114.9, 90.01), (0, 181)])
def test_out_of_range_is_refused_with_its_place(lon: float, lat: float) -> None:
    with pytest.raises(GeoError) as caught:
        checked(lon=lon, lat=lat)
    assert caught.value.code == "position.out_of_range"
    assert caught.value.place == (lon, lat)


@given(lon=lons, lat=lats)
def test_every_pair_in_range_is_a_position(lon: float, lat: float) -> None:
    assert LonLat(lon=lon, lat=lat) == checked(lon=lon, lat=lat)


def test_the_limits_of_the_globe_are_positions() -> None:
    assert LonLat(lon=180.0, lat=-90.0).lat == -90.0


@pytest.mark.parametrize("radius", [0.0, -3.0, math.nan, math.inf, 100_001.0])
def test_an_accuracy_that_is_no_radius_is_refused(radius: float) -> None:
    here = LonLat(lon=114.9, lat=27.8)
    with pytest.raises(PositionError, match="accuracy") as caught:
        Position(lonlat=here, accuracy_m=radius, datum_declared=Datum.WGS84, raw_lon=114.9, raw_lat=27.8)
    assert caught.value.code == "position.bad_accuracy"


def test_a_box_upside_down_is_refused() -> None:
    with pytest.raises(PositionError, match="west > east"):
        BBox(west=2, south=0, east=1, north=1)


def test_a_grown_box_stops_at_the_limits_of_the_globe() -> None:
    grown = BBox(west=-179.5, south=0, east=179.9, north=89.8).grown(1)
    assert grown == BBox(west=-180, south=-1, east=180, north=90)


@given(lon=lons, lat=lats, dlon=st.floats(-0.4, 0.4), dlat=st.floats(-0.4, 0.4))
def test_distance_agrees_with_the_geodesic_solver_to_a_millimetre(lon: float, lat: float, dlon: float, dlat: float) -> None:
    a, b = LonLat(lon=lon, lat=lat), LonLat(lon=min(180, max(-180, lon + dlon)), lat=min(90, max(-90, lat + dlat)))
    assert distance_m(a, b) == pytest.approx(GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2], abs=1e-3)


@given(lon=st.floats(-179, 179), lat=st.floats(-69, 69), way=st.floats(0, 359.9), far=st.floats(10, 18_000))
def test_bearing_agrees_with_the_geodesic_solver(lon: float, lat: float, way: float, far: float) -> None:
    a = LonLat(lon=lon, lat=lat)
    b = moved(a, bearing=way, distance=far)
    off = (bearing_deg(a, b) - way + 180) % 360 - 180
    assert abs(math.radians(off)) * far < 2e-3
    assert 0 <= bearing_deg(a, b) < 360


def test_distance_works_across_the_globe() -> None:
    a, b = LonLat(lon=114.917, lat=27.818), LonLat(lon=-0.1, lat=51.5)
    assert distance_m(a, b) == pytest.approx(GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2])


@given(lat=st.floats(-80, 80))
def test_metres_per_degree_agree_with_short_geodesics(lat: float) -> None:
    east, north = metres_per_degree(lat)
    assert east == pytest.approx(GEOD.inv(10, lat, 10.0001, lat)[2] * 10_000, rel=1e-6)
    assert north == pytest.approx(GEOD.inv(10, lat - 5e-5, 10, lat + 5e-5)[2] * 10_000, rel=1e-6)


def test_the_accuracy_disc_has_the_area_of_the_circle() -> None:
    ring = disc_ring(LonLat(lon=114.9, lat=27.8), 50.0)
    area, _ = GEOD.polygon_area_perimeter([x for x, _ in ring], [y for _, y in ring])
    assert ring[0] == ring[-1]
    assert area == pytest.approx(math.pi * 2500, rel=1e-4)
