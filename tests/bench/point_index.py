"""The point index against its peers: batches of raw lon/lat to owner ids, one thread, and one point at a time.

Every round uses points nobody has seen yet, and the product and its peers take turns within it. The peers make their
point objects inside the timing, their polygons and indexes outside it. Answers are compared before anything is said.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.point_index import PointIndex
from tests.bench.grids import grids, points
from tests.bench.peers import ROOT, Peers, load, save

Say = Callable[[str], None]
Floats = NDArray[np.float64]
BATCH = 200_000
SETS = {2_700: 65, 100_000: 23}  # grids: vertices each
GROWTH = (1_000, 10_000, 100_000)
BOUNDARIES = ROOT / "demo" / "data" / "xinyu_boundaries.geojson"


def run(say: Say, *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Measure everything; `quick` takes the small set, small batches and no growth."""
    city = _city()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gwb-", dir="/tmp") as folder, Peers() as peers:
        for count in list(SETS)[: 1 if quick else None]:
            polygons = grids(city, count=count, vertices=SETS[count])
            found[str(count)] = _layer(say, peers, polygons, city, rounds, BATCH // 10 if quick else BATCH, Path(folder))
        found["timezones"] = _timezones(say, peers, rounds, BATCH // 10, Path(folder))
    if not quick:
        found["growth"] = _growth(say, city, rounds)
    return found


def _city() -> BaseGeometry:
    features = json.loads(BOUNDARIES.read_text(encoding="utf-8"))["features"]
    return next(shapely.geometry.shape(f["geometry"]) for f in features if f["properties"]["level"] == "city")


def _built(polygons: NDArray[np.object_]) -> PointIndex:
    return PointIndex.build(codes=[f"{k:08d}" for k in range(len(polygons))], polygons=polygons)


def _layer(
    say: Say, peers: Peers, polygons: NDArray[np.object_], city: BaseGeometry, rounds: int, batch: int, folder: Path
) -> dict[str, Any]:
    """Compare batches on one set of grids, then time single points and the build."""
    stored = folder / "polygons.npz"
    save(polygons, stored)
    peers.ask("layer", polygons=str(stored))
    index = _built(polygons)
    lon, lat = points(polygons, batch * (rounds + 1), outline=city)
    speeds = _rounds(peers, ("sjoin", "sedonadb"), index.locate_many, lon, lat, batch, folder)
    figures = {
        "grids": len(polygons),
        "vertices": int(shapely.get_num_coordinates(polygons).sum()),
        "points_per_s": speeds,
        "single_us": _single(index, lon, lat),
        **_memory(stored),
    }
    ours = speeds["product"]
    say(
        f"{len(polygons):,} grids, {figures['vertices']:,} vertices: {ours['wall'] / 1e6:.1f} million points/s;"
        f" x {ours['wall'] / speeds['sjoin']['wall']:.0f} sjoin ({speeds['sjoin']['wall'] / 1e6:.2f}),"
        f" x {ours['wall'] / speeds['sedonadb']['wall']:.0f} SedonaDB ({speeds['sedonadb']['wall'] / 1e6:.2f});"
        f" by processor time x {ours['cpu'] / speeds['sjoin']['cpu']:.0f} and x {ours['cpu'] / speeds['sedonadb']['cpu']:.0f}"
    )
    say(
        f"  one point {figures['single_us']['p50']:.1f} us (p99 {figures['single_us']['p99']:.1f});"
        f" built in {figures['build_s']:.2f} s; {figures['index_mb']:.1f} MB, process grew by {figures['grown_mb']:.0f} MB"
        f" (peak while building {figures['peak_mb']:.0f} MB)"
    )
    return figures


def _rounds(
    peers: Peers,
    names: tuple[str, ...],
    locate_many: Callable[[Floats, Floats], NDArray[np.int32]],
    lon: Floats,
    lat: Floats,
    batch: int,
    folder: Path,
) -> dict[str, dict[str, float]]:
    """Take turns on one batch after the other; the first warms up and is compared. Medians in points per second."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ("product", *names)}
    for begin in range(0, len(lon), batch):
        x, y = lon[begin : begin + batch].copy(), lat[begin : begin + batch].copy()
        np.savez(folder / "points.npz", lon=x, lat=y)
        wall, cpu = time.perf_counter(), time.process_time()
        owners = locate_many(x, y)
        took = time.perf_counter() - wall, time.process_time() - cpu
        for name in names:
            answer = peers.ask(name, points=str(folder / "points.npz"), owners=str(folder / "owners.npy"))
            differ = int((np.load(folder / "owners.npy") != owners).sum())
            if differ and name != "timezone_at":
                raise AssertionError(f"{differ} of {batch} answers differ from {name}'s")
            if begin:
                taken[name].append((answer["wall_s"], answer["cpu_s"]))
        if begin:
            taken["product"].append(took)
    return {
        name: {"wall": batch / median(wall for wall, _ in times), "cpu": batch / median(cpu for _, cpu in times)}
        for name, times in taken.items()
    }


def _single(index: PointIndex, lon: Floats, lat: Floats, count: int = 20_000) -> dict[str, float]:
    """Time single calls from Python in microseconds."""
    taken = []
    for x, y in zip(lon[:count].tolist(), lat[:count].tolist(), strict=True):
        began = time.perf_counter_ns()
        index.locate(x, y)
        taken.append((time.perf_counter_ns() - began) / 1e3)
    return {"p50": median(taken), "p99": quantiles(taken, n=100)[98]}


def _memory(stored: Path) -> dict[str, float]:
    """Build in a process of its own; return seconds, the index's size and how much the process grew."""
    asked = [sys.executable, "-m", "tests.bench.point_index", "--memory", stored]
    figures: dict[str, float] = json.loads(subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return figures


def _build_and_weigh(stored: Path) -> None:
    polygons = load(stored)
    index = _built(np.array([shapely.box(0, 0, 1, 1)]))
    index.shares(0.5, 0.5, 10.0)
    before = _resident()
    began = time.perf_counter()
    index = _built(polygons)
    build_s = time.perf_counter() - began
    figures = {
        "build_s": build_s,
        "index_mb": index.nbytes / 1e6,
        "grown_mb": (_resident() - before) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6 - before / 1e6,
    }
    print(json.dumps(figures))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _timezones(say: Say, peers: Peers, rounds: int, batch: int, folder: Path) -> dict[str, Any]:
    """Index timezonefinder's own polygons and ask both for points all over the globe."""
    stored = folder / "zones.npz"
    names = peers.ask("zones", polygons=str(stored))
    codes: list[str] = names["names"]
    zones = load(stored)
    began = time.perf_counter()
    index = PointIndex.build(codes=codes, polygons=zones)
    build_s = time.perf_counter() - began
    position = np.array([*(codes.index(code) for code in index.codes), -1], np.int32)
    rng = np.random.default_rng(9)
    count = batch * (rounds + 1)
    # The finder cuts coordinates to 1e-7 degrees; points on that raster's middle mean the same place to both.
    lon = (rng.integers(-1_800_000_000, 1_800_000_000, count) + 0.5) / 1e7
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    lat = (np.floor(lat * 1e7) + 0.5) / 1e7
    speeds = _rounds(peers, ("timezone_at", "timezone_ids_at"), lambda x, y: position[index.locate_many(x, y)], lon, lat, batch, folder)
    figures = {"zones": len(codes), "vertices": int(shapely.get_num_coordinates(zones).sum()), "build_s": build_s, "points_per_s": speeds}
    say(f"timezones: {figures}")
    return figures


def _growth(say: Say, city: BaseGeometry, rounds: int) -> dict[str, Any]:
    """Time the product alone on 1, 10 and 100 times as many grids and points."""
    found: dict[str, Any] = {}
    for count in GROWTH:
        index = _built(grids(city, count=count, vertices=23))
        for size in (10_000, 100_000, 1_000_000):
            lon, lat = points(np.array([city]), size * rounds, outline=city, seed=size)
            taken = []
            for k in range(rounds):
                x, y = lon[k * size : (k + 1) * size].copy(), lat[k * size : (k + 1) * size].copy()
                began = time.perf_counter()
                index.locate_many(x, y)
                taken.append(time.perf_counter() - began)
            found[f"{count} grids, {size} points"] = size / median(taken)
        say(f"growth: {count:>7,} grids: " + ", ".join(f"{found[key] / 1e6:.1f}" for key in list(found)[-3:]) + " million points/s")
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        _build_and_weigh(Path(sys.argv[2]))
    else:
        print(json.dumps(run(print, quick="--quick" in sys.argv), indent=1))
