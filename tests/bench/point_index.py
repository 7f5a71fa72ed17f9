"""The point index against its peers: batches of raw lon/lat to owner ids, one thread, and one point at a time.

Every round uses points nobody has seen yet, and the product and its peers take turns within it. The peers make their
point objects inside the timing, their polygons and indexes outside it. Answers are compared before anything is said.
"""

from __future__ import annotations

import json
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
Ints = NDArray[np.int32]
Speeds = dict[str, dict[str, float]]
Compare = Callable[[PointIndex, str, Floats, Floats, Ints, Ints], None]
BATCH = 1_000_000
SETS = {2_700: 65, 100_000: 23}  # grids: vertices each
GROWTH = (1_000, 10_000, 100_000)
BOUNDARIES = ROOT / "demo" / "data" / "xinyu_boundaries.geojson"


def run(say: Say, *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Measure everything; `quick` takes the small set, small batches, no growth and no timezones."""
    city = _city()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gwb-", dir="/tmp") as folder, Peers() as peers:
        for count in list(SETS)[: 1 if quick else None]:
            polygons = grids(city, count=count, vertices=SETS[count])
            found[str(count)] = _layer(say, peers, polygons, city, rounds, BATCH // 10 if quick else BATCH, Path(folder))
        if not quick:
            found["timezones"] = _timezones(say, peers, rounds, BATCH, Path(folder))
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
    speeds = _rounds(peers, ("sjoin", "sedonadb"), index, lon, lat, batch, _equal, folder)
    single_us, built = _single(index, lon, lat), _memory(stored)
    vertices = int(shapely.get_num_coordinates(polygons).sum())
    say(f"{len(polygons):,} grids, {vertices:,} vertices, {batch:,} points a batch")
    _say_ratios(say, speeds)
    say(
        f"  one point {single_us['p50']:.1f} us (p99 {single_us['p99']:.1f}); built in {built['build_s']:.2f} s"
        f" ({built['build_cpu_s']:.2f} s of processor); index {built['index_mb']:.1f} MB, process grew by {built['grown_mb']:.0f} MB"
        f" (at most {built['peak_mb']:.0f} MB while building)"
    )
    return {"grids": len(polygons), "vertices": vertices, "points_per_s": speeds, "single_us": single_us, **built}


def _equal(_index: PointIndex, name: str, _lon: Floats, _lat: Floats, ours: Ints, theirs: Ints) -> None:
    if differ := int((ours != theirs).sum()):
        raise AssertionError(f"{differ} of {len(ours)} answers differ from {name}'s")


def _say_ratios(say: Say, speeds: Speeds) -> None:
    ours = speeds["product"]
    say(f"  product {ours['wall'] / 1e6:.1f} million points/s ({ours['cpu'] / 1e6:.1f} by processor time)")
    for name in list(speeds)[1:]:
        wall, cpu = speeds[name]["wall"], speeds[name]["cpu"]
        say(f"  x {ours['wall'] / wall:.0f} {name} ({wall / 1e6:.2f} million/s); by processor time x {ours['cpu'] / cpu:.0f}")


def _rounds(
    peers: Peers, names: tuple[str, ...], index: PointIndex, lon: Floats, lat: Floats, batch: int, compare: Compare, folder: Path
) -> Speeds:
    """Take turns on one batch after the other; the first only warms up. Every answer is compared; medians in points/s."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ("product", *names)}
    for begin in range(0, len(lon), batch):
        x, y = lon[begin : begin + batch].copy(), lat[begin : begin + batch].copy()
        np.savez(folder / "points.npz", lon=x, lat=y)
        wall, cpu = time.perf_counter(), time.process_time()
        owners = index.locate_many(x, y)
        taken["product"].append((time.perf_counter() - wall, time.process_time() - cpu))
        for name in names:
            answer = peers.ask(name, points=str(folder / "points.npz"), owners=str(folder / "owners.npy"))
            compare(index, name, x, y, owners, np.load(folder / "owners.npy"))
            taken[name].append((answer["wall_s"], answer["cpu_s"]))
    return {
        name: {"wall": batch / median(wall for wall, _ in times[1:]), "cpu": batch / median(cpu for _, cpu in times[1:])}
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
    asked = [sys.executable, "-m", "tests.bench.point_index", "--memory", str(stored)]
    figures: dict[str, float] = json.loads(subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return figures


def _build_and_weigh(stored: Path) -> None:
    polygons = load(stored)
    index = _built(np.array([shapely.box(0, 0, 1, 1)]))
    index.shares(0.5, 0.5, 10.0)
    before = _resident()
    began, cpu = time.perf_counter(), time.process_time()
    index = _built(polygons)
    figures = {
        "build_s": time.perf_counter() - began,
        "build_cpu_s": time.process_time() - cpu,
        "index_mb": index.nbytes / 1e6,
        "grown_mb": (_resident() - before) / 1e6,
        "peak_mb": (_resident("VmHWM") - before) / 1e6,
    }
    print(json.dumps(figures))


def _resident(field: str = "VmRSS") -> int:
    """Return this process's memory in bytes, now (VmRSS) or at most so far (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _timezones(say: Say, peers: Peers, rounds: int, batch: int, folder: Path) -> dict[str, Any]:
    """Index timezonefinder's own polygons and ask both for points all over the globe."""
    stored = folder / "zones.npz"
    asked = peers.ask("zones", polygons=str(stored))
    names: list[str] = asked["names"]
    zones = load(stored)
    began, cpu = time.perf_counter(), time.process_time()
    index = PointIndex.build(codes=names, polygons=zones)
    build_s, build_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    vertices = int(shapely.get_num_coordinates(zones).sum())
    say(
        f"timezonefinder's {len(names)} zones, {vertices:,} vertices, {batch:,} points a batch; built in {build_s:.0f} s"
        f" ({build_cpu_s:.0f} s of processor); the finder runs {'with' if asked['numba'] else 'without'} numba"
    )
    rng, count = np.random.default_rng(9), batch * (rounds + 1)
    # The finder cuts coordinates to 1e-7 degrees; the middle of such a step is one place to both.
    lon = np.asarray(rng.integers(-1_800_000_000, 1_800_000_000, count) + 0.5, np.float64) / 1e7
    lat = np.asarray(np.floor(np.degrees(np.arcsin(rng.uniform(-1, 1, count))) * 1e7) + 0.5, np.float64) / 1e7
    overlaps = _Overlaps(names)
    speeds = _rounds(peers, ("timezone_at", "timezone_ids_at"), index, lon, lat, batch, overlaps, folder)
    _say_ratios(say, speeds)
    say(f"  {overlaps.count} of {2 * count:,} answers are another zone of those that truly overlap there, all others are equal")
    return {"zones": len(names), "vertices": vertices, "build_s": build_s, "overlaps": overlaps.count, "points_per_s": speeds}


class _Overlaps:
    """Compares with the finder: answers may differ only where the finder's zone covers the point as well as ours."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self.count = 0

    def __call__(self, index: PointIndex, name: str, lon: Floats, lat: Floats, ours: Ints, theirs: Ints) -> None:
        position = {code: k for k, code in enumerate(index.codes)}
        theirs = np.array([position[self._names[zone]] if zone >= 0 else -1 for zone in theirs.tolist()], np.int32)
        for k in np.flatnonzero(ours != theirs).tolist():
            covering = index.candidates(lon[k], lat[k])
            if len(covering) < 2 or theirs[k] not in covering:
                raise AssertionError(f"at {lon[k]}, {lat[k]}: {name} says {theirs[k]}, these cover it: {covering}")
            self.count += 1


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
