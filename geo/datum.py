"""The one place where WGS 84, CGCS2000, GCJ-02 and BD-09 meet; everything behind the door is WGS 84.

GCJ-02 shifts a position by about 600 m in Jiangxi, enough to give a report to the wrong grid. The formulas are the
de-facto public ones; vendors' own services may differ by about a metre, so nothing here is of survey accuracy. Outside
mainland China, Hong Kong and Macau a position is unchanged; within 700 m of the edge of that area
(`geo/data/shift_area.json`, not a boundary) the two directions may disagree.

The inverse exists for intake and import only. No API, page or command hands out converted positions: a public de-shift
service is a legal risk, and vendors offer none for that reason. `wgs84_to_gcj02` serves overlays on GCJ-02 base maps.
"""

import json
import math
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo import lonlat
from geo.lonlat import BBox, Datum, LonLat, Position, PositionError

__all__ = ["Datum", "bd09_to_wgs84", "gcj02_to_wgs84", "in_shift_area", "parse_datum", "position", "to_wgs84"]
__all__ += ["to_wgs84_many", "transform_geometry", "wgs84_to_bd09", "wgs84_to_gcj02", "wgs84_to_gcj02_many"]

Floats = NDArray[np.float64]

_A = 6_378_245.0
_EE = 0.00669342162296594323
_BD_TURN = math.pi * 3000.0 / 180.0
# A refinement shrinks the error about 150 times; six reach the last bit, the rest is for safety.
_ROUNDS = 10
_CLOSE_DEG = 1e-12
# Wholly inside the shift area (a test proves it): most calls need no polygon.
_SURE = BBox(west=106.0, south=24.0, east=117.5, north=40.0)
# The shift area with room for the shift itself; beyond it the formulas may not converge and do not apply.
_NEAR = BBox(west=73.0, south=17.5, east=135.6, north=54.0)


def parse_datum(text: str, where: str = "datum") -> Datum:
    """Return the datum of a declared name, case and punctuation ignored ("gcj-02", "WGS 84", "bd09ll")."""
    key = "".join(c for c in text.upper() if c.isalnum()).removesuffix("LL")
    known = {"EPSG4326": "WGS84", "CRS84": "WGS84", "EPSG4490": "CGCS2000", "GCJ2": "GCJ02", "BD9": "BD09"}
    try:
        return Datum(known.get(key, key))
    except ValueError:
        raise PositionError(
            "position.unknown_datum",
            f"unknown datum {text!r}; use one of {', '.join(Datum)}.",
            f"未知坐标系 {text!r}，可用：{'、'.join(Datum)}。",
            where,
        ) from None


def position(
    *,
    lon: float,
    lat: float,
    datum: Datum = Datum.WGS84,
    accuracy_m: float | None = None,
    expected: BBox | None = None,
    where: str = "",
) -> Position:
    """Return a checked position in WGS 84 that remembers what was sent.

    `expected` is the city's box; a pair outside it that falls inside when swapped is refused.

    >>> position(lon=114.921846, lat=27.814542, datum=Datum.GCJ02).lonlat.lon.__round__(5)
    114.917
    """
    lonlat.checked(lon=lon, lat=lat, expected=expected, where=where)
    true_lon, true_lat = to_wgs84(lon, lat, datum)
    return Position(
        lonlat=LonLat(lon=true_lon, lat=true_lat),
        accuracy_m=accuracy_m,
        datum_declared=datum,
        raw_lon=lon,
        raw_lat=lat,
    )


def to_wgs84(lon: float, lat: float, datum: Datum) -> tuple[float, float]:
    """Return WGS 84 (lon, lat) of a position declared in a datum; the caller has checked the range."""
    if datum is Datum.GCJ02:
        return gcj02_to_wgs84(lon, lat)
    if datum is Datum.BD09:
        return bd09_to_wgs84(lon, lat)
    return lon, lat


def to_wgs84_many(lon: Floats, lat: Floats, datum: Datum) -> tuple[Floats, Floats]:
    """Return WGS 84 arrays of positions declared in one datum; NaN stays NaN."""
    if datum in (Datum.WGS84, Datum.CGCS2000):
        return lon, lat
    near = _within(_NEAR, lon, lat)
    x, y = lon[near], lat[near]
    if datum is Datum.BD09:
        x, y = _inverse_many(_bd09, x, y)
    x, y = _inverse_many(_gcj02, x, y)
    return _placed(lon, lat, near, x, y, in_shift_area_many(x, y))


def wgs84_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    """Return the GCJ-02 (lon, lat) of a WGS 84 position, unchanged outside the shift area."""
    return _gcj02(lon, lat, math) if in_shift_area(lon, lat) else (lon, lat)


def wgs84_to_gcj02_many(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the GCJ-02 arrays of WGS 84 positions, unchanged outside the shift area."""
    near = in_shift_area_many(lon, lat)
    x, y = _gcj02(lon[near], lat[near], np)
    return _placed(lon, lat, near, x, y, np.ones(x.shape, bool))


def wgs84_to_bd09(lon: float, lat: float) -> tuple[float, float]:
    """Return the BD-09 (lon, lat) of a WGS 84 position, unchanged outside the shift area."""
    return _bd09(*_gcj02(lon, lat, math), math) if in_shift_area(lon, lat) else (lon, lat)


def gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Return the WGS 84 (lon, lat) whose GCJ-02 position is the given one, within 1e-9 degree."""
    if not _NEAR.contains(lon=lon, lat=lat):
        return lon, lat
    x, y = _inverse(_gcj02, lon, lat)
    return (x, y) if in_shift_area(x, y) else (lon, lat)


def bd09_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Return the WGS 84 (lon, lat) whose BD-09 position is the given one, within 1e-9 degree."""
    if not _NEAR.contains(lon=lon, lat=lat):
        return lon, lat
    x, y = _inverse(_gcj02, *_inverse(_bd09, lon, lat))
    return (x, y) if in_shift_area(x, y) else (lon, lat)


def transform_geometry(geometry: Any, datum: Datum) -> Any:
    """Return a shapely geometry (or array of them) declared in a datum with every vertex in WGS 84."""
    if datum in (Datum.WGS84, Datum.CGCS2000):
        return geometry

    def vertices(xy: Floats) -> Floats:
        return np.column_stack(to_wgs84_many(xy[:, 0], xy[:, 1], datum))

    return shapely.transform(geometry, vertices)


def in_shift_area(lon: float, lat: float) -> bool:
    """Tell whether Chinese maps shift this WGS 84 position (mainland, Hong Kong, Macau; not Taiwan, not abroad)."""
    return _SURE.contains(lon=lon, lat=lat) or bool(shapely.contains_xy(_shift_area(), lon, lat))


def in_shift_area_many(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Tell for each WGS 84 position whether Chinese maps shift it; NaN is outside."""
    inside = _within(_SURE, lon, lat)
    rest = ~inside
    if rest.any():
        inside[rest] = shapely.contains_xy(_shift_area(), lon[rest], lat[rest])
    return inside


def _within(box: BBox, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (lon >= box.west) & (lon <= box.east) & (lat >= box.south) & (lat <= box.north)
    return inside


def _placed(lon: Floats, lat: Floats, at: NDArray[np.bool_], x: Floats, y: Floats, keep: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The given arrays with new values where `at` holds and, among those, `keep`."""
    out_lon, out_lat = lon.copy(), lat.copy()
    out_lon[at], out_lat[at] = np.where(keep, x, lon[at]), np.where(keep, y, lat[at])
    return out_lon, out_lat


@cache
def _shift_area() -> shapely.MultiPolygon:
    data = json.loads((Path(__file__).parent / "data" / "shift_area.json").read_text("utf-8"))
    area = shapely.MultiPolygon([shapely.Polygon(ring) for ring in data["rings"]])
    shapely.prepare(area)
    return area


def _gcj02(lon: Any, lat: Any, m: ModuleType) -> tuple[Any, Any]:
    """The forward shift; `m` is math for one position and numpy for arrays, so that there is one formula."""
    x, y, pi, sin = lon - 105.0, lat - 35.0, math.pi, m.sin
    s = (20.0 * sin(6.0 * pi * x) + 20.0 * sin(2.0 * pi * x)) * 2.0 / 3.0
    root = m.sqrt(abs(x))
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + s
    d_lat = d_lat + (20.0 * sin(pi * y) + 40.0 * sin(pi * y / 3.0)) * 2.0 / 3.0
    d_lat = d_lat + (160.0 * sin(pi * y / 12.0) + 320.0 * sin(pi * y / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + s
    d_lon = d_lon + (20.0 * sin(pi * x) + 40.0 * sin(pi * x / 3.0)) * 2.0 / 3.0
    d_lon = d_lon + (150.0 * sin(pi * x / 12.0) + 300.0 * sin(pi * x / 30.0)) * 2.0 / 3.0
    r = lat * (pi / 180.0)
    w2 = 1.0 - _EE * sin(r) ** 2
    q = m.sqrt(w2)
    return (
        lon + d_lon * 180.0 / (_A / q * m.cos(r) * pi),
        lat + d_lat * 180.0 / (_A * (1.0 - _EE) / (w2 * q) * pi),
    )


def _bd09(lon: Any, lat: Any, m: ModuleType) -> tuple[Any, Any]:
    """BD-09 of a GCJ-02 position."""
    z = m.hypot(lon, lat) + 2e-5 * m.sin(lat * _BD_TURN)
    t = m.atan2(lat, lon) + 3e-6 * m.cos(lon * _BD_TURN)
    return z * m.cos(t) + 0.0065, z * m.sin(t) + 0.006


def _inverse(forward: Any, lon: float, lat: float) -> tuple[float, float]:
    x, y = lon, lat
    for _ in range(_ROUNDS):
        fx, fy = forward(x, y, math)
        x, y = x + lon - fx, y + lat - fy
        if abs(lon - fx) < _CLOSE_DEG and abs(lat - fy) < _CLOSE_DEG:
            break
    return x, y


def _inverse_many(forward: Any, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon, lat
    for _ in range(_ROUNDS):
        fx, fy = forward(x, y, np)
        off = max(np.max(np.abs(lon - fx), initial=0.0), np.max(np.abs(lat - fy), initial=0.0))
        x, y = x + (lon - fx), y + (lat - fy)
        if off < _CLOSE_DEG:
            break
    return x, y
