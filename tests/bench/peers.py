"""The peers of the point index, in an environment of their own: geopandas sjoin, SedonaDB and timezonefinder.

`Peers` drives a worker process of that environment: one JSON line asks, one answers with the time taken; arrays travel
as .npy files. So peers and product can take turns in one run without sharing a dependency. `python -m tests.bench.peers`
installs the environment from requirements-bench.lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-bench.lock"
HOME = ROOT / ".run" / "bench-venv"


def python(home: Path = HOME) -> Path:
    """Return the interpreter that has the peers, installing them when the lock is another than last time."""
    found, stamp = home / "bin" / "python", home / "lock.sha256"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", LOCK], check=True)
        stamp.write_text(wanted)
    return found


class Peers:
    """A worker process that answers one question at a time; use as a context manager."""

    def __init__(self) -> None:
        self._worker = subprocess.Popen(
            [python(), "-m", "tests.bench.peers", "worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.close()
        self._worker.stdout.close()
        self._worker.wait(timeout=60)

    def ask(self, what: str, **values: str) -> dict[str, Any]:
        """Return the worker's answer: always `wall_s` and `cpu_s`."""
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        print(json.dumps({"what": what, **values}), file=self._worker.stdin, flush=True)
        line = self._worker.stdout.readline()
        if not line:
            raise RuntimeError(f"the peers' process ended while asked for {what}; its error stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def save(polygons: NDArray[np.object_], path: Path) -> None:
    """Write polygons as WKB: all bytes in one array, and where each begins."""
    parts = shapely.to_wkb(polygons)
    np.savez(path, data=np.frombuffer(b"".join(parts), np.uint8), ends=np.cumsum([len(part) for part in parts]))


def load(path: Path) -> NDArray[np.object_]:
    """Read what `save` wrote."""
    with np.load(path) as stored:
        data, ends = stored["data"].tobytes(), stored["ends"].tolist()
    return shapely.from_wkb(np.array([data[a:b] for a, b in zip([0, *ends], ends, strict=False)], dtype=object))


class _Layer:
    """Polygons as each peer likes them best, made once, outside the timing."""

    def __init__(self, path: Path) -> None:
        import geopandas
        import sedonadb

        polygons = load(path)
        self.count = len(polygons)
        self.frame = geopandas.GeoDataFrame({"polygon": np.arange(self.count)}, geometry=polygons, crs=4326)
        self.frame.sindex  # noqa: B018  built lazily; not the join's fault
        self.sedona = sedonadb.connect()
        self.sedona.sql("SET datafusion.execution.target_partitions = 1").execute()
        self.sedona.create_data_frame(self.frame).to_memtable().to_view("polygons", overwrite=True)

    def lowest(self, points: int, point: Any, polygon: Any) -> NDArray[np.int32]:
        owners = np.full(points, self.count, np.int32)
        np.minimum.at(owners, point, polygon)
        owners[owners == self.count] = -1
        return owners


def _sjoin(layer: _Layer, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
    import geopandas

    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat, crs=4326))
    pairs = geopandas.sjoin(points, layer.frame, predicate="intersects")
    return layer.lowest(len(lon), pairs.index.to_numpy(), pairs["polygon"].to_numpy(np.int32))


def _sedona(layer: _Layer, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
    import pyarrow  # type: ignore[import-not-found]

    table = pyarrow.table({"point": np.arange(len(lon), dtype=np.int32), "lon": lon, "lat": lat})
    layer.sedona.create_data_frame(table).to_view("points", overwrite=True)
    pairs = layer.sedona.sql(
        "SELECT point, polygon FROM (SELECT point, ST_SetSRID(ST_Point(lon, lat), 4326) AS geometry FROM points) AS p"
        " JOIN polygons ON ST_Intersects(polygons.geometry, p.geometry)"
    ).to_arrow_table()
    return layer.lowest(len(lon), pairs["point"].to_numpy(), pairs["polygon"].to_numpy().astype(np.int32))


def _zones(finder: Any, path: Path) -> list[str]:
    """Write the zones' polygons, one multipolygon a zone, and return their names."""
    names: list[str] = list(finder.timezone_names)
    zones = [
        shapely.MultiPolygon([(rings[0], rings[1:]) for rings in finder.get_geometry(tz_name=name, coords_as_pairs=True)]) for name in names
    ]
    save(np.array(zones, dtype=object), path)
    return names


def _timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def _answer(asked: dict[str, str], state: dict[str, Any]) -> dict[str, Any]:
    what = asked["what"]
    if what == "layer":
        state["layer"], taken = _timed(lambda: _Layer(Path(asked["polygons"])))
        return taken
    if what == "zones":
        from timezonefinder import TimezoneFinder

        state["finder"] = TimezoneFinder(in_memory=True)
        names, taken = _timed(lambda: _zones(state["finder"], Path(asked["polygons"])))
        return {**taken, "names": names, "numba": TimezoneFinder.using_numba(), "compiled": TimezoneFinder.using_clang_pip()}
    with np.load(asked["points"]) as points:
        lon, lat = points["lon"], points["lat"]
    if what in ("sjoin", "sedonadb"):
        join = _sjoin if what == "sjoin" else _sedona
        owners, taken = _timed(lambda: join(state["layer"], lon, lat))
    elif what == "timezone_at":
        one = state["finder"].timezone_at
        pairs = list(zip(lon.tolist(), lat.tolist(), strict=True))
        zones, taken = _timed(lambda: [one(lng=x, lat=y) for x, y in pairs])
        position = {name: k for k, name in enumerate(state["finder"].timezone_names)}
        owners = np.array([-1 if zone is None else position[zone] for zone in zones], np.int32)
    else:
        owners, taken = _timed(lambda: state["finder"].timezone_ids_at(lngs=lon, lats=lat))
    if "owners" in asked:
        np.save(asked["owners"], owners)
    return taken


def _serve() -> None:
    """Answer until the input ends; whatever the libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    state: dict[str, Any] = {}
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), state)), file=answers, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        _serve()
    else:
        print(python())
