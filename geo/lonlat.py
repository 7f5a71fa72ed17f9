"""Positions on the earth: one order (longitude first), one datum (WGS 84), checked when made.

Everything inside the product that says *where* is built from the types of this file. Coordinates are keyword-only, so
axes cannot be swapped by accident, and a value that exists is finite and in range. This file knows no projection, no
polygon and no business word.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from pyproj import Geod

EQUATORIAL_RADIUS_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
_ECC2 = FLATTENING * (2 - FLATTENING)
_SECOND_ECC2 = _ECC2 / (1 - _ECC2)
_GEOD = Geod(ellps="WGS84")
# Above these the mid-latitude series loses the millimetre; the geodesic solver takes over.
_SERIES_MAX_DEG = 0.2
_SERIES_MAX_LAT = 70.0
MAX_ACCURACY_M = 100_000.0


class GeoError(ValueError):
    """Bad spatial input: a stable code, what is wrong in two languages, and where.

    `where` points into the input ("features[3].geometry", "row 17"); `place` is the spot on the earth when one is
    known, as (lon, lat) that may itself be out of range.
    """

    def __init__(
        self,
        code: str,
        message_en: str,
        message_zh: str,
        where: str = "",
        *,
        place: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(f"{where}: {message_en}" if where else message_en)
        self.code = code
        self.message_en = message_en
        self.message_zh = message_zh
        self.where = where
        self.place = place


class PositionError(GeoError):
    """A coordinate pair that is no position; codes `position.*`."""


class Datum(StrEnum):
    """The coordinate systems a position may arrive in; only WGS84 is ever stored.

    CGCS2000 differs from WGS 84 by decimetres, which is ignored. GCJ02 and BD09 are the shifted systems of Chinese
    maps.
    """

    WGS84 = "WGS84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


@dataclass(frozen=True, slots=True, kw_only=True)
class LonLat:
    """A checked WGS 84 position in degrees: lon in [-180, 180], lat in [-90, 90].

    >>> LonLat(lon=114.917, lat=27.818)
    LonLat(lon=114.917, lat=27.818)
    """

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180.0 <= self.lon <= 180.0 and -90.0 <= self.lat <= 90.0):
            raise _refusal(self.lon, self.lat)


@dataclass(frozen=True, slots=True, kw_only=True)
class BBox:
    """A lon/lat rectangle in degrees that does not cross the antimeridian; edges belong to it."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        LonLat(lon=self.west, lat=self.south)
        LonLat(lon=self.east, lat=self.north)
        if self.west > self.east or self.south > self.north:
            raise PositionError(
                "position.bbox_inverted",
                f"The box {self.west}, {self.south}, {self.east}, {self.north} has west > east or south > north.",
                "矩形范围的西边大于东边，或南边大于北边。",
            )

    def contains(self, *, lon: float, lat: float) -> bool:
        """Tell whether the point lies in the box or on its edge."""
        return self.west <= lon <= self.east and self.south <= lat <= self.north

    def grown(self, degrees: float) -> "BBox":
        """Return the box enlarged on every side, cut at the limits of the globe."""
        return BBox(
            west=max(-180.0, self.west - degrees),
            south=max(-90.0, self.south - degrees),
            east=min(180.0, self.east + degrees),
            north=min(90.0, self.north + degrees),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A position as it came through the door: WGS 84 plus what the sender declared.

    `accuracy_m` is the radius of the accuracy disc (0 < r <= 100 km), None when unknown. `raw_lon`/`raw_lat` are the
    sender's own numbers in `datum_declared`. Made by `geo.datum.position`.
    """

    lonlat: LonLat
    accuracy_m: float | None
    datum_declared: Datum
    raw_lon: float
    raw_lat: float

    def __post_init__(self) -> None:
        radius = self.accuracy_m
        if radius is not None and not 0.0 < radius <= MAX_ACCURACY_M:
            raise PositionError(
                "position.bad_accuracy",
                f"accuracy {radius} m is not in (0, {MAX_ACCURACY_M:.0f}]; leave it out when unknown.",
                f"定位精度 {radius} 米不在 (0, {MAX_ACCURACY_M:.0f}] 之内，未知时请留空。",
            )


def checked(*, lon: float, lat: float, expected: BBox | None = None, where: str = "") -> LonLat:
    """Return the position, or say what is wrong with it and where.

    With `expected` (the city's box) a pair that lies outside, and inside when swapped, is refused as
    `position.axes_swapped`; a pair merely outside is accepted, since a report may come from the neighbour.
    """
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise _refusal(lon, lat, where)
    if expected is not None and not expected.contains(lon=lon, lat=lat) and expected.contains(lon=lat, lat=lon):
        raise _swapped(lon, lat, where)
    return LonLat(lon=lon, lat=lat)


def distance_m(a: LonLat, b: LonLat) -> float:
    """Return the geodesic distance on the WGS 84 ellipsoid in metres (within 1 mm)."""
    if _near(a, b):
        east, north, _ = _mid_latitude(a, b)
        return math.hypot(east, north)
    return float(_GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2])


def bearing_deg(a: LonLat, b: LonLat) -> float:
    """Return the initial geodesic bearing from `a` to `b`, degrees clockwise from north in [0, 360)."""
    if _near(a, b):
        east, north, turn = _mid_latitude(a, b)
        azimuth = math.degrees(math.atan2(east, north) - turn / 2)
    else:
        azimuth = float(_GEOD.inv(a.lon, a.lat, b.lon, b.lat)[0])
    azimuth %= 360.0
    return 0.0 if azimuth == 360.0 else azimuth


def moved(origin: LonLat, *, bearing: float, distance: float) -> LonLat:
    """Return the position reached from `origin` along a bearing (degrees) after a distance (metres)."""
    lon, lat, _ = _GEOD.fwd(origin.lon, origin.lat, bearing, distance)
    return LonLat(lon=float(lon), lat=float(lat))


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return the length in metres of one degree (east, north) at a latitude, for short local measures."""
    phi = math.radians(lat)
    w2 = 1 - _ECC2 * math.sin(phi) ** 2
    prime_vertical = EQUATORIAL_RADIUS_M / math.sqrt(w2)
    meridian = prime_vertical * (1 - _ECC2) / w2
    return math.radians(prime_vertical * math.cos(phi)), math.radians(meridian)


def disc_ring(center: LonLat, radius_m: float, *, corners: int = 32) -> list[tuple[float, float]]:
    """Return the accuracy disc as a closed counter-clockwise (lon, lat) ring with the disc's own area.

    The polygon's corners lie slightly outside the circle so that both areas agree: shares of the disc stay unbiased.
    Meant for radii up to 100 km away from the poles.
    """
    east_m, north_m = metres_per_degree(center.lat)
    step = 2 * math.pi / corners
    reach = radius_m * math.sqrt(step / math.sin(step))
    ring = [(center.lon + reach * math.cos(i * step) / east_m, center.lat + reach * math.sin(i * step) / north_m) for i in range(corners)]
    return [*ring, ring[0]]


def _near(a: LonLat, b: LonLat) -> bool:
    return abs(a.lon - b.lon) < _SERIES_MAX_DEG and abs(a.lat - b.lat) < _SERIES_MAX_DEG and abs(a.lat + b.lat) < 2 * _SERIES_MAX_LAT


def _mid_latitude(a: LonLat, b: LonLat) -> tuple[float, float, float]:
    """Gauss's mid-latitude inverse: east and north parts in metres at the middle, and the turn of the azimuth (rad)."""
    phi = math.radians((a.lat + b.lat) / 2)
    dphi, dlam = math.radians(b.lat - a.lat), math.radians(b.lon - a.lon)
    sin, cos = math.sin(phi), math.cos(phi)
    eta2 = _SECOND_ECC2 * cos * cos
    v2, t2 = 1 + eta2, (sin / cos) ** 2
    radius = EQUATORIAL_RADIUS_M / math.sqrt(1 - _ECC2 * sin * sin)
    dphi2, dlam2 = dphi * dphi / (24 * v2 * v2), dlam * dlam / 24
    east = dlam * radius * cos * (1 - dlam2 * sin * sin + dphi2 * (1 + eta2 - 9 * eta2 * t2))
    north = dphi * radius / v2 * (1 - dlam2 * cos * cos * (2 + 3 * t2 + 2 * eta2) + dphi2 * 3 * eta2 * (t2 - 1))
    turn = dlam * sin * (1 + dphi2 * (3 + 8 * eta2 + 5 * eta2 * eta2) + dlam2 * 2 * cos * cos * v2)
    return east, north, turn


def _refusal(lon: float, lat: float, where: str = "") -> PositionError:
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return PositionError(
            "position.not_finite",
            f"lon {lon}, lat {lat} is not a pair of finite numbers.",
            f"经度 {lon}、纬度 {lat} 不是有效数字。",
            where,
        )
    if abs(lat) > 90.0 and abs(lat) <= 180.0 and abs(lon) <= 90.0:
        return _swapped(lon, lat, where)
    return PositionError(
        "position.out_of_range",
        f"lon {lon}, lat {lat} is outside -180..180, -90..90.",
        f"经度 {lon}、纬度 {lat} 超出范围（经度 ±180，纬度 ±90）。",
        where,
        place=(lon, lat),
    )


def _swapped(lon: float, lat: float, where: str = "") -> PositionError:
    return PositionError(
        "position.axes_swapped",
        f"lon {lon}, lat {lat} look swapped; longitude comes first.",
        f"经度 {lon}、纬度 {lat} 似乎颠倒了，应先写经度。",
        where,
        place=(lon, lat),
    )
