"""Metres around one place: a local transverse Mercator plane, and true areas.

For measuring and constructing near one city (within about 2 degrees of the centre lengths are true to 1 : 1 600, and to
1 : 100 000 within 25 km); storage stays lon/lat.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from shapely.geometry.base import BaseGeometry

_GEOD = Geod(ellps="WGS84")


class LocalMetric:
    """A metric plane centred on a meridian and latitude; x east and y north in metres, WGS 84 underneath."""

    def __init__(self, *, lon: float, lat: float) -> None:
        self._to, self._back = _transformers(round(lon, 3), round(lat, 3))

    @classmethod
    def around(cls, geometries: Any) -> "LocalMetric":
        """Return the plane centred on the box of one or many lon/lat geometries."""
        west, south, east, north = shapely.total_bounds(geometries)
        return cls(lon=float(west + east) / 2, lat=float(south + north) / 2)

    def to_plane(self, geometries: Any) -> Any:
        """Return a geometry or an array of geometries in metres."""
        return shapely.transform(geometries, lambda xy: np.column_stack(self._to.transform(xy[:, 0], xy[:, 1])))

    def to_lonlat(self, geometries: Any) -> Any:
        """Return a geometry or an array of geometries of the plane in lon/lat."""
        return shapely.transform(geometries, lambda xy: np.column_stack(self._back.transform(xy[:, 0], xy[:, 1])))

    def points(self, lon: Any, lat: Any) -> NDArray[np.float64]:
        """Return (n, 2) metres of arrays of positions."""
        return np.column_stack(self._to.transform(np.asarray(lon, float), np.asarray(lat, float)))

    def lonlats(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 2) lon/lat of metres in the plane."""
        return np.column_stack(self._back.transform(xy[:, 0], xy[:, 1]))


def area_m2(geometry: BaseGeometry) -> float:
    """Return the area on the WGS 84 ellipsoid in square metres, edges taken as geodesics."""
    return abs(float(_GEOD.geometry_area_perimeter(geometry)[0]))


@lru_cache(maxsize=64)
def _transformers(lon: float, lat: float) -> tuple[Transformer, Transformer]:
    plane = f"+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +no_defs"
    geographic = "+proj=longlat +ellps=WGS84 +no_defs"
    return (
        Transformer.from_crs(geographic, plane, always_xy=True),
        Transformer.from_crs(plane, geographic, always_xy=True),
    )
