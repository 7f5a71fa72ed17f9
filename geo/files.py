"""Vector files in and out: GeoJSON, GeoPackage, Shapefile, KML, OpenStreetMap PBF, through pyogrio (GDAL).

Reading streams in batches and answers for every feature: a record, or why it is none, with its row number. The datum is
declared by the caller, since files labelled WGS 84 are often GCJ-02; the file's own CRS is read and undone first. Nothing
is mended unless `repair` is asked for. Writing gives WGS 84 only.
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from geo import datum as datums
from geo import file_content, shapes
from geo.file_content import FileError, file_error, unreadable
from geo.lonlat import Datum, GeoError, LonLat
from geo.shapes import Area, ShapeError

__all__ = ["AreaRow", "BadRow", "Batch", "FileError", "FileInfo", "PlaceRow", "info", "read_areas", "read_places", "write"]

BATCH = 20_000
MAX_FEATURES = 2_000_000
WRITERS = {
    ".geojson": ("GeoJSON", {"RFC7946": "YES", "COORDINATE_PRECISION": "7"}),
    ".json": ("GeoJSON", {"RFC7946": "YES", "COORDINATE_PRECISION": "7"}),
    ".gpkg": ("GPKG", {}),
    ".shp": ("ESRI Shapefile", {"ENCODING": "UTF-8"}),
    ".kml": ("LIBKML", {}),
}
# OpenStreetMap layers that hold named things, and the tags that say what kind of thing it is, most telling first.
_OSM_LAYERS = ("points", "multipolygons", "lines")
_OSM_KINDS = ("place", "railway", "amenity", "highway", "natural", "leisure", "shop", "building", "landuse", "waterway")
_LONLAT_DATUMS = {4326: Datum.WGS84, 4490: Datum.CGCS2000, 4979: Datum.WGS84, 4480: Datum.CGCS2000}
Arrays = NDArray[Any]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What a file says about itself: chosen layer, all layers, columns, number of features, CRS name (or None)."""

    layer: str
    layers: tuple[str, ...]
    columns: tuple[str, ...]
    features: int
    crs: str | None


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area of a file: 1-based row, code, name, parent's code (None when absent), valid WGS 84 shape."""

    row: int
    code: str
    name: str
    parent: str | None
    geometry: Area


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One named place of a file: 1-based row, name, kind ("" when unknown) and a point of it."""

    row: int
    name: str
    kind: str
    lonlat: LonLat


@dataclass(frozen=True, slots=True)
class BadRow:
    """A feature that was refused: its 1-based row, its code as far as known, and the reason with its spot."""

    row: int
    code: str
    error: GeoError


@dataclass(frozen=True, slots=True)
class Batch(Generic[R]):
    """Some consecutive features: the good, the bad, and how far the file has been read."""

    rows: list[R]
    bad: list[BadRow]
    done: int
    total: int


def info(path: Path, layer: str | None = None) -> FileInfo:
    """Return what a file holds; the layer must be named when there are several."""
    file_content.check(path)
    try:
        layers = tuple(str(name) for name, _ in pyogrio.list_layers(path))
        if layer is None and len(layers) != 1:
            raise file_error("layer_needed", f"choose one of the layers {', '.join(layers)}.", f"请选择图层：{layers}。", path)
        found = pyogrio.read_info(path, layer=layer, force_feature_count=True)
    except (DataSourceError, DataLayerError) as error:
        raise unreadable(path, error) from error
    count = int(found["features"])
    if count > MAX_FEATURES:
        raise file_error("too_many_features", f"{count} features, at most {MAX_FEATURES}.", f"要素 {count} 个，过多。", path)
    columns = tuple(str(name) for name in found["fields"])
    return FileInfo(str(found["layer_name"]), layers, columns, count, found["crs"])


def read_areas(
    path: Path,
    *,
    code: str,
    name: str,
    parent: str | None = None,
    datum: Datum = Datum.WGS84,
    crs: str | None = None,
    layer: str | None = None,
    repair: bool = False,
    batch: int = BATCH,
) -> Iterator[Batch[AreaRow]]:
    """Yield a file's areas in batches; `code`, `name` and `parent` are column names.

    `datum` is what the coordinates really are (once the file's CRS is undone); `crs` speaks for a file that has none.
    Rows without code or shape, with a code seen before, or with an invalid shape come back as bad.
    """
    about = info(path, layer)
    code, name = _column(about, code, path), _column(about, name, path)
    parent = _column(about, parent, path) if parent else None
    columns = list(dict.fromkeys([code, name] + ([parent] if parent else [])))
    to_wgs84 = _door(about.crs or crs, datum, path)
    seen: set[str] = set()
    for start in range(0, max(about.features, 1), batch):
        wkb, fields = _read(path, about.layer, columns, start, batch)
        rows: list[AreaRow] = []
        bad: list[BadRow] = []
        for i, geometry in enumerate(_geometries(wkb)):
            row = start + i + 1
            own = _text(fields[code][i])
            try:
                _check_code(own, seen, row)
                area = _area(geometry, wkb[i], to_wgs84, repair, f"row {row}")
            except GeoError as error:
                bad.append(BadRow(row, own, error))
                continue
            seen.add(own)
            up = _text(fields[parent][i]) if parent else ""
            rows.append(AreaRow(row, own, _text(fields[name][i]), up or None, area))
        yield Batch(rows, bad, min(start + batch, about.features), about.features)


def read_places(
    path: Path,
    *,
    name: str = "name",
    kind: str | None = None,
    datum: Datum = Datum.WGS84,
    crs: str | None = None,
    layer: str | None = None,
    batch: int = BATCH,
) -> Iterator[Batch[PlaceRow]]:
    """Yield a file's named places in batches: points as they are, areas and lines by a point on them.

    An OpenStreetMap file (.pbf, .osm) is read layer by layer, its kind from the usual tags; nameless things are left out.
    """
    file_content.check(path)
    if path.suffix.lower() in (".pbf", ".osm"):
        yield from _osm_places(path)
        return
    about = info(path, layer)
    name, kind = _column(about, name, path), _column(about, kind, path) if kind else None
    columns = list(dict.fromkeys([name] + ([kind] if kind else [])))
    to_wgs84 = _door(about.crs or crs, datum, path)
    for start in range(0, max(about.features, 1), batch):
        wkb, fields = _read(path, about.layer, columns, start, batch)
        kinds = [_text(value) for value in fields[kind]] if kind else [""] * len(wkb)
        rows, bad = _places(wkb, [_text(value) for value in fields[name]], kinds, to_wgs84, start)
        yield Batch(rows, bad, min(start + batch, about.features), about.features)


def write(path: Path, geometries: Sequence[BaseGeometry], columns: Mapping[str, Sequence[Any]], *, layer: str) -> None:
    """Write WGS 84 shapes with columns (text or numbers, None allowed); the format follows the file's ending.

    The file appears whole or not at all. Shapefile column names are cut to ten characters by the format.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise file_error("unknown_format", f"write to one of {', '.join(WRITERS)}.", f"可写格式：{', '.join(WRITERS)}。", path)
    driver, options = WRITERS[suffix]
    kinds = {shape.geom_type for shape in geometries}
    if kinds <= {"Polygon", "MultiPolygon"}:
        geometries = [shapes.oriented(shape) for shape in geometries]  # type: ignore[arg-type]
    kind = kinds.pop() if len(kinds) == 1 else "MultiPolygon" if kinds == {"Polygon", "MultiPolygon"} else "Unknown"
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        target = Path(folder) / path.name
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Normalized/laundered field name", RuntimeWarning)  # said above: the format cuts names
            pyogrio.raw.write(
                target,
                geometry=np.asarray(shapely.to_wkb(np.asarray(geometries, dtype=object)), dtype=object),
                field_data=[np.array(list(values), dtype=_kind_of(values)) for values in columns.values()],
                fields=list(columns),
                geometry_type=kind,
                crs="EPSG:4326",
                driver=driver,
                layer=layer,
                promote_to_multi=kind == "MultiPolygon",
                layer_options=options,
            )
        for made in Path(folder).iterdir():
            shutil.move(made, path.parent / made.name)


def _column(about: FileInfo, wanted: str, path: Path) -> str:
    """The column of that name; another case will do (KML says Name, Shapefiles often CODE)."""
    if wanted in about.columns:
        return wanted
    alike = [column for column in about.columns if column.lower() == wanted.lower()]
    if len(alike) == 1:
        return alike[0]
    have = ", ".join(about.columns) or "none"
    raise file_error("no_such_column", f"no column {wanted!r}; there are: {have}.", f"没有列 {wanted!r}。", path)


def _check_code(code: str, seen: set[str], row: int) -> None:
    if not code:
        raise FileError("file.no_code", "the code is empty.", "编码为空。", f"row {row}")
    if code in seen:
        raise FileError("file.duplicate_code", f"code {code} occurs before.", f"编码 {code} 重复。", f"row {row}")


def _read(path: Path, layer: str, columns: list[str], start: int, batch: int) -> tuple[Arrays, dict[str, Arrays]]:
    return _gdal(path, layer, columns=columns, skip_features=start, max_features=batch)


def _gdal(path: Path, layer: str, **options: Any) -> tuple[Arrays, dict[str, Arrays]]:
    """Shapes as WKB and cells by column name."""
    try:
        # GDAL warns of shapes it dislikes; each one is judged and listed by us.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            meta, _, wkb, fields = pyogrio.raw.read(path, layer=layer, force_2d=True, **options)
    except (DataSourceError, DataLayerError, FieldError) as error:
        raise unreadable(path, error) from error
    return wkb, dict(zip((str(name) for name in meta["fields"]), fields, strict=True))


def _geometries(wkb: Arrays) -> Arrays:
    return np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)


def _area(geometry: Any, wkb: Any, to_wgs84: "_Door", repair: bool, where: str) -> Area:
    if geometry is None and wkb is not None:
        raise ShapeError("shape.unreadable", "the shape is damaged (an unclosed ring?).", "图形损坏（未闭合？）。", where)
    if geometry is None:
        raise ShapeError("shape.empty", "there is no shape.", "没有图形。", where)
    placed = to_wgs84(geometry, where)
    if repair and placed.geom_type in ("Polygon", "MultiPolygon") and not placed.is_valid:
        placed = shapes.repair(placed, where=where)
    return shapes.check_area(placed, where=where)


def _places(wkb: Arrays, names: Sequence[str], kinds: Sequence[str], to_wgs84: "_Door", start: int) -> tuple[list[PlaceRow], list[BadRow]]:
    rows: list[PlaceRow] = []
    bad: list[BadRow] = []
    for i, geometry in enumerate(_geometries(wkb)):
        row = start + i + 1
        try:
            if not names[i]:
                raise FileError("file.no_name", "the name is empty.", "名称为空。", f"row {row}")
            if geometry is None or geometry.is_empty:
                raise ShapeError("shape.empty", "there is no shape.", "没有图形。", f"row {row}")
            spot = shapely.point_on_surface(to_wgs84(geometry, f"row {row}"))
            rows.append(PlaceRow(row, names[i], kinds[i], LonLat(lon=spot.x, lat=spot.y)))
        except GeoError as error:
            bad.append(BadRow(row, names[i], error))
    return rows, bad


def _osm_places(path: Path) -> Iterator[Batch[PlaceRow]]:
    """OSM layers cannot be counted or skipped into: one batch for each layer."""
    for layer in _OSM_LAYERS:
        try:
            known = {str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]}
        except (DataSourceError, DataLayerError) as error:
            raise unreadable(path, error) from error
        kinds = [tag for tag in _OSM_KINDS if tag in known]
        wkb, table = _gdal(path, layer, columns=["name", *kinds, "other_tags"], where="name IS NOT NULL")
        names = [_text(value) for value in table["name"]]
        found = [_osm_kind(table, kinds, i) for i in range(len(names))]
        rows, bad = _places(wkb, names, found, _Door(None, Datum.WGS84), 0)
        yield Batch(rows, bad, len(names), len(names))


def _osm_kind(table: dict[str, Arrays], kinds: Sequence[str], i: int) -> str:
    for tag in kinds:
        value = _text(table[tag][i])
        if value:
            return f"{tag}={value}"
    other = _text(table["other_tags"][i])
    for tag in _OSM_KINDS:
        _, found, rest = other.partition(f'"{tag}"=>"')
        if found:
            return f"{tag}={rest.partition(chr(34))[0]}"
    return ""


class _Door:
    """Coordinates as they stand in the file -> WGS 84: the CRS undone, then the declared datum."""

    def __init__(self, transformer: Transformer | None, datum: Datum) -> None:
        self._transformer = transformer
        self._datum = datum

    def __call__(self, geometry: Any, where: str) -> Any:
        xy = shapely.get_coordinates(geometry)
        if not np.isfinite(xy).all():
            raise ShapeError("shape.not_finite", "a coordinate is not finite.", "坐标不是有效数字。", where)
        transformer = self._transformer
        if transformer is not None:
            geometry = shapely.transform(geometry, lambda c: np.column_stack(transformer.transform(c[:, 0], c[:, 1])))
        return datums.transform_geometry(geometry, self._datum)


def _door(crs: str | None, datum: Datum, path: Path) -> _Door:
    if crs is None:
        raise file_error("crs_unknown", "the file names no CRS; declare it.", "文件没有坐标参考，请声明。", path)
    try:
        known = CRS.from_user_input(crs)
    except CRSError as error:
        raise file_error("crs_unknown", f"unknown CRS {crs!r}.", f"未知坐标参考 {crs!r}。", path) from error
    if known.to_epsg() in _LONLAT_DATUMS or known.equals(CRS.from_epsg(4326), ignore_axis_order=True):
        return _Door(None, datum)
    if datum in (Datum.GCJ02, Datum.BD09) and not known.is_geographic and known.to_epsg() != 3857:
        raise file_error(
            "datum_conflict",
            f"{known.name} is a survey CRS; {datum} cannot hold there.",
            f"{known.name} 是测量坐标系，与 {datum} 矛盾。",
            path,
        )
    return _Door(Transformer.from_crs(known, CRS.from_epsg(4326), always_xy=True), datum)


def _text(value: Any) -> str:
    """A cell as text: 360502.0 is "360502", nothing is ""."""
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _kind_of(values: Sequence[Any]) -> type[Any]:
    if values and all(isinstance(v, bool) for v in values):
        return bool
    if values and all(isinstance(v, int) for v in values):
        return np.int64
    if values and all(isinstance(v, int | float) for v in values):
        return np.float64
    return object
