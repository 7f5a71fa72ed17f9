import geocoordinates_ffi as oracle
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import datum
from geo.datum import Datum
from geo.lonlat import BBox, LonLat, PositionError, distance_m

china_lons = st.floats(106.0, 117.5)
china_lats = st.floats(24.0, 40.0)
everywhere_in_china = st.tuples(st.floats(73.5, 135.0), st.floats(18.2, 53.5))


@pytest.mark.parametrize(
    ("wgs", "gcj", "bd"),
    [
        ((114.917, 27.818), (114.921846, 27.814542), (114.928362, 27.820395)),
        ((117.069, 28.260), (117.074273, 28.256865), (117.080839, 28.262608)),
    ],
)
def test_the_published_vectors_hold_in_both_directions(wgs: tuple[float, float], gcj: tuple[float, float], bd: tuple[float, float]) -> None:
    assert datum.wgs84_to_gcj02(*wgs) == pytest.approx(gcj, abs=5.1e-7)
    assert datum.wgs84_to_bd09(*wgs) == pytest.approx(bd, abs=5.1e-7)
    assert datum.gcj02_to_wgs84(*gcj) == pytest.approx(wgs, abs=1e-6)
    assert datum.bd09_to_wgs84(*bd) == pytest.approx(wgs, abs=1e-6)


def test_beijing_has_its_published_shift() -> None:
    assert datum.wgs84_to_gcj02(116.3, 39.9) == pytest.approx((116.306073, 39.901260), abs=5.1e-7)


@given(lon=china_lons, lat=china_lats)
def test_forward_shift_agrees_with_an_independent_library(lon: float, lat: float) -> None:
    gcj = oracle.wgs84_to_gcj02(oracle.Wgs84(lat=lat, lon=lon))
    assert datum.wgs84_to_gcj02(lon, lat) == pytest.approx((gcj.lon, gcj.lat), abs=1e-10)
    bd = oracle.wgs84_to_bd09(oracle.Wgs84(lat=lat, lon=lon))
    assert datum.wgs84_to_bd09(lon, lat) == pytest.approx((bd.lon, bd.lat), abs=1e-10)


@given(point=everywhere_in_china)
def test_the_inverse_returns_to_the_start_within_a_billionth_of_a_degree(point: tuple[float, float]) -> None:
    lon, lat = point
    if not datum.in_shift_area(lon, lat):
        assert datum.wgs84_to_gcj02(lon, lat) == (lon, lat)
        return
    assert datum.gcj02_to_wgs84(*datum.wgs84_to_gcj02(lon, lat)) == pytest.approx((lon, lat), abs=1e-9)
    assert datum.bd09_to_wgs84(*datum.wgs84_to_bd09(lon, lat)) == pytest.approx((lon, lat), abs=1e-9)


@given(point=st.tuples(st.floats(-180, 180), st.floats(-90, 90)), declared=st.sampled_from(Datum))
def test_one_by_one_and_many_at_once_give_the_same(point: tuple[float, float], declared: Datum) -> None:
    lon, lat = point
    x, y = datum.to_wgs84_many(np.array([lon, 114.9]), np.array([lat, 27.8]), declared)
    assert (x[0], y[0]) == pytest.approx(datum.to_wgs84(lon, lat, declared), abs=1e-11)
    gx, gy = datum.wgs84_to_gcj02_many(np.array([lon, 114.9]), np.array([lat, 27.8]))
    assert (gx[0], gy[0]) == pytest.approx(datum.wgs84_to_gcj02(lon, lat), abs=1e-11)


def test_many_at_once_leaves_its_input_and_missing_values_alone() -> None:
    lon, lat = np.array([np.nan, 114.921846]), np.array([27.8, 27.814542])
    x, _ = datum.to_wgs84_many(lon, lat, Datum.GCJ02)
    assert np.isnan(x[0])
    assert x[1] == pytest.approx(114.917, abs=1e-6)
    assert lon[1] == 114.921846


@pytest.mark.parametrize(
    ("lon", "lat", "place"),
    [(121.56, 25.03, "Taipei"), (126.98, 37.57, "Seoul"), (106.91, 47.92, "Ulan Bator"), (105.85, 21.03, "Hanoi")],
)
def test_abroad_and_in_taiwan_nothing_is_shifted(lon: float, lat: float, place: str) -> None:
    for declared in Datum:
        assert datum.to_wgs84(lon, lat, declared) == (lon, lat), place
    assert datum.wgs84_to_bd09(lon, lat) == (lon, lat)


@pytest.mark.parametrize(("lon", "lat"), [(121.47, 31.23), (114.17, 22.3), (113.54, 22.19), (87.6, 43.8), (110.3, 20.0)])
def test_the_mainland_hong_kong_macau_and_hainan_are_shifted(lon: float, lat: float) -> None:
    assert 15 < distance_m(LonLat(lon=lon, lat=lat), LonLat(lon=x_of(lon, lat)[0], lat=x_of(lon, lat)[1])) < 720


def x_of(lon: float, lat: float) -> tuple[float, float]:
    return datum.wgs84_to_gcj02(lon, lat)


def test_the_quick_box_lies_wholly_inside_the_shift_area() -> None:
    box = datum._SURE
    assert shapely.covers(datum._shift_area(), shapely.box(box.west, box.south, box.east, box.north))
    around = datum._NEAR
    assert shapely.covers(shapely.box(around.west, around.south, around.east, around.north), shapely.buffer(datum._shift_area(), 0.02))


def test_in_xinyu_the_shift_is_about_six_hundred_metres() -> None:
    here = LonLat(lon=114.917, lat=27.818)
    lon, lat = datum.wgs84_to_gcj02(here.lon, here.lat)
    assert 590 < distance_m(here, LonLat(lon=lon, lat=lat)) < 630


def test_a_position_remembers_what_was_sent() -> None:
    sent = datum.position(lon=114.921846, lat=27.814542, datum=Datum.GCJ02, accuracy_m=12.0)
    assert (sent.raw_lon, sent.raw_lat, sent.datum_declared) == (114.921846, 27.814542, Datum.GCJ02)
    assert sent.lonlat.lon == pytest.approx(114.917, abs=1e-6)
    assert sent.accuracy_m == 12.0


def test_a_swapped_position_is_refused_before_any_shift() -> None:
    with pytest.raises(PositionError) as caught:
        datum.position(lon=27.8, lat=114.9, datum=Datum.GCJ02, expected=BBox(west=114, south=27, east=116, north=29))
    assert caught.value.code == "position.axes_swapped"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("wgs84", "WGS84"), ("GCJ-02", "GCJ02"), ("bd09ll", "BD09"), ("EPSG:4490", "CGCS2000"), ("WGS 84", "WGS84")],
)
def test_a_datum_is_read_in_its_usual_spellings(text: str, wanted: str) -> None:
    assert datum.parse_datum(text) == Datum(wanted)


def test_an_unknown_datum_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PositionError, match="WGS84, CGCS2000, GCJ02, BD09") as caught:
        datum.parse_datum("NAD27")
    assert caught.value.code == "position.unknown_datum"


def test_a_polygon_is_shifted_vertex_by_vertex() -> None:
    wgs = shapely.box(114.9, 27.8, 114.95, 27.85)
    gcj = shapely.transform(wgs, lambda xy: np.column_stack(datum.wgs84_to_gcj02_many(xy[:, 0], xy[:, 1])))
    assert shapely.equals_exact(datum.transform_geometry(gcj, Datum.GCJ02), wgs, 1e-9)
    assert datum.transform_geometry(wgs, Datum.CGCS2000) is wgs
