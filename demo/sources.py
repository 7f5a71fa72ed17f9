"""Read the files of `demo/data`; what each is and under which licence stands in its README."""

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pyproj import Transformer
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

DATA = Path(__file__).parent / "data"
# The CGCS2000 3-degree zone of 新余; for data of this accuracy CGCS2000 is WGS 84.
METRIC_CRS = "EPSG:4547"


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the demo data."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def features(name: str) -> Iterator[tuple[dict[str, Any], BaseGeometry]]:
    """Yield properties (with the feature's `id`) and geometry of each feature of a GeoJSON file of the demo data."""
    for feature in json.loads((DATA / name).read_text("utf-8"))["features"]:
        yield {**feature["properties"], "id": feature.get("id")}, shape(feature["geometry"])


@cache
def to_plane() -> Transformer:
    """Return the transformer from lon/lat to the demo city's metric plane (x east, y north)."""
    return Transformer.from_crs("EPSG:4490", METRIC_CRS, always_xy=True)
