"""GeoJSON and checked shapes: what comes in is valid or refused with the reason and the spot, never quietly mended.

Geometry is shapely, WGS 84, longitude first, two-dimensional (a height is dropped). `repair` exists for the imports
that declare it; nothing else calls it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from geo.lonlat import GeoError, LonLat, disc_ring, metres_per_degree

MAX_VERTICES = 100_000
MAX_PARTS = 10_000
DECIMALS = 7
Area = shapely.Polygon | shapely.MultiPolygon
Line = shapely.LineString | shapely.MultiLineString
_DEPTH = {"Point": 0, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_REASON = re.compile(r"^(?P<why>[^\[]+)\[(?P<x>\S+) (?P<y>\S+)\]")
_REASONS = {
    "Self-intersection": ("self_intersection", "the border crosses itself", "边界自相交"),
    "Ring Self-intersection": ("self_intersection", "a ring touches or crosses itself", "边界环自相交或自接触"),
    "Hole lies outside shell": ("hole_outside", "a hole lies outside the outer ring", "内环落在外环之外"),
    "Nested shells": ("nested", "one part lies inside another", "一个部分落在另一个部分之内"),
    "Nested holes": ("nested", "one hole lies inside another", "一个内环落在另一个内环之内"),
    "Duplicate Rings": ("duplicate_ring", "a ring occurs twice", "边界环重复"),
    "Interior is disconnected": ("disconnected", "holes cut the inside into pieces", "内环把内部切成几块"),
    "Too few points in geometry component": ("too_few_points", "a ring has too few points", "边界点太少"),
}


class ShapeError(GeoError):
    """A shape that cannot be accepted; codes `shape.*`, `place` is the spot where one is known."""


def parse_polygon(obj: Any, *, max_vertices: int = MAX_VERTICES, where: str = "geometry") -> Area:
    """Return the valid polygon or multipolygon of a GeoJSON geometry or feature, rings ordered by RFC 7946.

    Either ring order is read. Raises ShapeError for another type, an unclosed or repeated point, a non-finite or
    out-of-range number, a crossing (with its place), or more vertices than allowed.
    """
    geometry = _parse(obj, ("Polygon", "MultiPolygon"), max_vertices, where)
    return check_area(geometry, max_vertices=max_vertices, where=where)


def parse_line(obj: Any, *, max_vertices: int = MAX_VERTICES, where: str = "geometry") -> Line:
    """Return the line of a GeoJSON geometry or feature; it may cross itself, as tracks do."""
    geometry = _parse(obj, ("LineString", "MultiLineString"), max_vertices, where)
    return cast(Line, geometry)


def parse_point(obj: Any, *, where: str = "geometry") -> LonLat:
    """Return the position of a GeoJSON point or point feature."""
    geometry = cast(shapely.Point, _parse(obj, ("Point",), 1, where))
    return LonLat(lon=geometry.x, lat=geometry.y)


def check_area(geometry: Any, *, max_vertices: int = MAX_VERTICES, where: str = "geometry") -> Area:
    """Return a shapely area, two-dimensional and with RFC 7946 ring order, when fit to be stored, or say why not.

    Points repeated in a row pass here (they are legal and common in files); `parse_polygon` refuses them.
    """
    if not isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        kind = getattr(geometry, "geom_type", type(geometry).__name__)
        raise _error("wrong_type", f"expected a polygon, got {kind}.", f"应为多边形，实为 {kind}。", where)
    if geometry.is_empty:
        raise _error("empty", "the shape is empty.", "图形为空。", where)
    count = int(shapely.get_num_coordinates(geometry))
    _limit(count, max_vertices, where)
    _check_numbers(shapely.get_coordinates(geometry), where)
    if not shapely.is_valid(geometry):
        raise _invalid(geometry, where)
    return oriented(shapely.force_2d(geometry))


def oriented(geometry: Area) -> Area:
    """Return the area with outer rings counter-clockwise and holes clockwise (RFC 7946)."""
    if isinstance(geometry, shapely.Polygon):
        return orient(geometry)
    return shapely.MultiPolygon([orient(part) for part in geometry.geoms])


def to_geojson(geometry: BaseGeometry, *, decimals: int = DECIMALS) -> dict[str, Any]:
    """Return the GeoJSON geometry of a shape, RFC 7946 ring order, rounded to `decimals` of a degree (7 is 1 cm)."""
    if isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        geometry = oriented(geometry)
    rounded = shapely.transform(geometry, lambda xy: np.round(xy, decimals))
    mapping: dict[str, Any] = shapely.geometry.mapping(rounded)
    return {"type": mapping["type"], "coordinates": _as_lists(mapping["coordinates"])}


def repair(geometry: Any, *, where: str = "geometry") -> Area:
    """Return a valid area made from an invalid one: only for imports whose user declared that shapes may be mended.

    Crossing rings are split into parts, repeated points and zero-width spikes dropped. Raises `shape.empty` when no
    area is left.
    """
    made = shapely.make_valid(shapely.force_2d(shapely.remove_repeated_points(geometry)), method="structure")
    parts = [p for p in shapely.get_parts(shapely.get_parts(made)) if p.geom_type == "Polygon" and p.area > 0]
    if not parts:
        raise _error("empty", "no area is left after repair.", "修复后没有剩余面积。", where)
    return oriented(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))


def simplify_m(geometry: Any, tolerance_m: float) -> Any:
    """Return a shape with fewer points, off by at most a distance in metres; valid stays valid.

    Single shapes only: neighbours simplified one by one come apart, use `simplify_coverage_m` for those.
    """
    scale = _local_scale(shapely.total_bounds(geometry))
    flat = shapely.transform(geometry, lambda xy: xy * scale)
    return shapely.transform(shapely.simplify(flat, tolerance_m), lambda xy: xy / scale)


def simplify_coverage_m(geometries: Sequence[Area], tolerance_m: float) -> list[Area]:
    """Return the shapes of a clean partition simplified together, so that shared borders stay shared."""
    if not geometries:
        return []
    scale = _local_scale(shapely.total_bounds(geometries))
    flat = shapely.transform(np.asarray(geometries, dtype=object), lambda xy: xy * scale)
    thin = shapely.coverage_simplify(flat, tolerance_m)
    return list(shapely.transform(thin, lambda xy: xy / scale))


def disc(center: LonLat, radius_m: float) -> shapely.Polygon:
    """Return the accuracy disc around a position as a 32-cornered polygon with the circle's area."""
    return shapely.Polygon(disc_ring(center, radius_m))


def _parse(obj: Any, kinds: tuple[str, ...], max_vertices: int, where: str) -> BaseGeometry:
    if isinstance(obj, Mapping) and obj.get("type") == "Feature":
        obj = obj.get("geometry")
    if not isinstance(obj, Mapping) or obj.get("type") not in kinds:
        kind = str(obj.get("type"))[:40] if isinstance(obj, Mapping) else type(obj).__name__
        wanted = " or ".join(kinds)
        zh = f"应为 GeoJSON {wanted}，实为 {kind}。"
        raise _error("wrong_type", f"expected a GeoJSON {wanted}, got {kind}.", zh, where)
    coordinates = obj.get("coordinates")
    kind, path = obj["type"], f"{where}.coordinates"
    if kind != "Point" and not coordinates:
        raise _error("empty", "the shape has no coordinates.", "图形没有坐标。", path)
    if kind == "Point":
        return shapely.Point(_numbers([coordinates], path)[0])
    least = 4 if "Polygon" in kind else 2
    parts = _levels(coordinates, _DEPTH[kind], path)
    budget = max_vertices
    rings: list[NDArray[np.float64]] = []
    for part, at in parts:
        budget -= len(part)
        _limit(max_vertices - budget, max_vertices, where)
        rings.append(_ring(part, least, at))
    return _build(kind, coordinates, rings)


def _levels(coordinates: Any, depth: int, path: str) -> list[tuple[list[Any], str]]:
    """The point lists below a nested coordinate array, each with its path."""
    found = [(coordinates, path)]
    for _ in range(depth - 1):
        found = [(inner, f"{at}[{i}]") for outer, at in found for i, inner in enumerate(_list(outer, at))]
        if len(found) > MAX_PARTS:
            raise _error("too_many_parts", f"more than {MAX_PARTS} parts.", f"部分数超过 {MAX_PARTS}。", path)
    return [(_list(points, at), at) for points, at in found]


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise _error("bad_coordinates", "expected a non-empty array.", "此处应为非空数组。", path)
    return list(value)


def _ring(points: list[Any], least: int, path: str) -> NDArray[np.float64]:
    xy = _numbers(points, path)
    if least == 4 and tuple(xy[0]) != tuple(xy[-1]):
        raise _error("unclosed", "the ring's last point is not its first.", "边界首尾点不同，未闭合。", path, xy[-1])
    if len(xy) < least:
        raise _error("too_few_points", f"{len(xy)} points, {least} are needed.", f"只有 {len(xy)} 个点。", path)
    same = np.flatnonzero((xy[1:] == xy[:-1]).all(axis=1))
    if len(same):
        i = int(same[0]) + 1
        raise _error("repeated_point", "the point repeats the one before.", "与前一点重复。", f"{path}[{i}]", xy[i])
    return xy


def _numbers(points: list[Any], path: str) -> NDArray[np.float64]:
    for i, point in enumerate(points):
        good = isinstance(point, list | tuple) and 2 <= len(point) <= 4
        if not good or any(isinstance(v, bool) or not isinstance(v, int | float) for v in point):
            raise _error("bad_coordinates", "expected [lon, lat] numbers.", "此处应为 [经度, 纬度]。", f"{path}[{i}]")
    try:
        xy = np.array([point[:2] for point in points], dtype=np.float64)
    except OverflowError:
        raise _error("not_finite", "a number is too large for a coordinate.", "坐标数值过大。", path) from None
    _check_numbers(xy, path)
    return xy


def _check_numbers(xy: NDArray[np.float64], where: str) -> None:
    bad = np.flatnonzero(~((np.abs(xy[:, 0]) <= 180.0) & (np.abs(xy[:, 1]) <= 90.0)))
    if not len(bad):
        return
    lon, lat = float(xy[bad[0], 0]), float(xy[bad[0], 1])
    spot = f"{where}[{int(bad[0])}]"
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise _error("not_finite", f"lon {lon}, lat {lat} is not finite.", "坐标不是有效数字。", spot)
    hint, zh = ("; axes look swapped", ",经纬度似乎颠倒") if 90 < abs(lat) <= 180 and abs(lon) <= 90 else ("", "")
    en, zh = f"lon {lon}, lat {lat} is out of range{hint}.", f"经度 {lon}、纬度 {lat} 超出范围{zh}。"
    raise _error("axes_swapped" if hint else "out_of_range", en, zh, spot, (lon, lat))


def _build(kind: str, coordinates: Any, rings: list[NDArray[np.float64]]) -> BaseGeometry:
    if kind == "LineString":
        return shapely.LineString(rings[0])
    if kind == "MultiLineString":
        return shapely.MultiLineString(rings)
    if kind == "Polygon":
        return shapely.Polygon(rings[0], rings[1:])
    rest = iter(rings)
    parts = [[next(rest) for _ in part] for part in coordinates]
    return shapely.MultiPolygon([shapely.Polygon(part[0], part[1:]) for part in parts])


def _invalid(geometry: BaseGeometry, where: str) -> ShapeError:
    reason = shapely.is_valid_reason(geometry)
    match = _REASON.match(reason)
    why = match["why"].strip() if match else reason
    code, en, zh = _REASONS.get(why, ("invalid", why.lower(), f"图形无效({why})"))
    if match is None:
        return _error(code, f"{en}.", f"{zh}。", where)
    place = (float(match["x"]), float(match["y"]))
    spot = f"{place[0]:.7f}, {place[1]:.7f}"
    return _error(code, f"{en} at {spot}.", f"{zh}，位置 {spot}。", where, place)


def _limit(count: int, max_vertices: int, where: str) -> None:
    if count > max_vertices:
        raise _error(
            "too_many_vertices",
            f"more than {max_vertices} vertices; simplify the shape first.",
            f"顶点超过 {max_vertices} 个，请先简化。",
            where,
        )


def _error(code: str, en: str, zh: str, where: str, place: Sequence[float] | NDArray[np.float64] | None = None) -> ShapeError:
    spot = None if place is None else (float(place[0]), float(place[1]))
    return ShapeError(f"shape.{code}", en, zh, where, place=spot)


def _as_lists(value: Any) -> Any:
    return [_as_lists(v) for v in value] if isinstance(value, tuple | list) else float(value)


def _local_scale(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(metres_per_degree(float(bounds[1] + bounds[3]) / 2))
