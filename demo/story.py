"""What a plausible month looks like: when reports come in, what they are about, and how far each case has got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo.bulk import Floats, Instants
from domain.cases.lifecycle import BY_VERB
from domain.routing.table import Matter

Ints = NDArray[np.int64]

# Share of a day's reports in each hour, local time: people report after breakfast, after lunch and on the way home.
_HOURS: Final = np.array([1, 0.6, 0.4, 0.4, 0.6, 1.5, 3, 6, 9, 9, 8, 6, 4, 4.5, 6.5, 7, 7, 6.5, 6, 5, 4, 3, 2, 1.5])
_WEEKDAYS: Final = np.array([1.12, 1.08, 1.05, 1.04, 1.06, 0.85, 0.8])
_LOCAL: Final = np.timedelta64(8, "h")
_SECOND: Final = np.timedelta64(1, "s")
# What cities of this kind hear of most; everything else shares the rest.
_FREQUENT: Final = {
    ("event", "04", "05"): 60, ("event", "04", "10"): 70, ("event", "04", "01"): 45, ("event", "01", "10"): 80,
    ("event", "01", "36"): 50, ("event", "01", "12"): 30, ("event", "01", "13"): 35, ("event", "02", "01"): 55,
    ("event", "01", "92"): 35, ("event", "01", "17"): 20, ("event", "03", "04"): 20, ("event", "05", "06"): 8,
    ("event", "01", "28"): 25, ("component", "01", "37"): 30, ("component", "01", "23"): 12, ("component", "01", "02"): 12,
    ("component", "03", "05"): 25, ("component", "02", "84"): 20, ("component", "04", "02"): 15,
}  # fmt: skip
# The ways a case goes, with their shares; a case on the first is done in three steps.
_WAYS: Final = (
    (0.955, ("accept", "finish", "close")),
    (0.02, ("accept", "finish", "rework", "finish", "close")),
    (0.025, ("return", "dispatch", "accept", "finish", "close")),
)
_UNOWNED: Final = ((0.5, ("reject",)), (0.5, ()))
_NEVER_DONE_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Lives:
    """Every step taken, in order of cases and then of time; ``case`` counts the cases from 0."""

    case: Ints
    verb: NDArray[np.str_]
    before: NDArray[np.str_]
    after: NDArray[np.str_]
    at: Instants


def instants(at: datetime, days: int, per_day: int, rng: np.random.Generator) -> Instants:
    """Draw the instants of ``days * per_day`` reports in the days that end at ``at``, sorted, to the second."""
    end = np.datetime64(at.replace(tzinfo=None), "s")
    wanted = days * per_day
    hour = end - np.arange(1, days * 24 + 1) * np.timedelta64(1, "h")
    local = hour + _LOCAL
    weekday = (local.astype("datetime64[D]").astype(np.int64) + 3) % 7
    weight = _HOURS[(local.astype("datetime64[h]").astype(np.int64)) % 24] * _WEEKDAYS[weekday]
    drawn = hour[rng.choice(len(hour), wanted, p=weight / weight.sum())] + rng.integers(0, 3600, wanted) * _SECOND
    return np.sort(drawn)


def matter_weights(matters: Sequence[Matter], rng: np.random.Generator) -> Floats:
    """Return the share of each matter among the reports."""
    rest = rng.pareto(1.5, len(matters)) + 0.3
    named = [_FREQUENT.get((matter.kind, matter.major, matter.minor), 0) for matter in matters]
    weight: Floats = np.minimum(rest, 6.0) + np.array(named)
    share: Floats = weight / weight.sum()
    return share


def lives(opened: Instants, due: Instants, unowned: NDArray[np.bool_], at: datetime, rng: np.random.Generator) -> Lives:
    """Tell every case's steps after it was filed, up to ``at``; what would come later has not happened."""
    limit_s = (due - opened) / _SECOND
    steps = [_of_way(opened, limit_s, members, way, rng) for way, members in _assigned_ways(unowned, rng) if way]
    case = np.concatenate([one.case for one in steps])
    verb, before, after = (np.concatenate([getattr(one, name) for one in steps]) for name in ("verb", "before", "after"))
    instant = np.concatenate([one.at for one in steps])
    happened = instant <= np.datetime64(at.replace(tzinfo=None), "s")
    order = np.flatnonzero(happened)
    order = order[np.lexsort((instant[order], case[order]))]
    return Lives(case[order], verb[order], before[order], after[order], instant[order])


def _assigned_ways(unowned: NDArray[np.bool_], rng: np.random.Generator) -> list[tuple[tuple[str, ...], Ints]]:
    found = []
    for members, ways in ((np.flatnonzero(~unowned), _WAYS), (np.flatnonzero(unowned), _UNOWNED)):
        drawn = rng.choice(len(ways), len(members), p=[share for share, _ in ways])
        found += [(way, members[drawn == number]) for number, (_, way) in enumerate(ways)]
    return found


def _of_way(opened: Instants, limit_s: Floats, members: Ints, way: tuple[str, ...], rng: np.random.Generator) -> Lives:
    """Spread a way's steps over each case's limit: soon accepted, finished well inside it as a rule, closed soon after."""
    count, limit = len(members), limit_s[members]
    accept = np.minimum(rng.lognormal(np.log(600.0), 0.9, count), 0.2 * limit) + 30.0
    finish = np.maximum(limit * rng.lognormal(np.log(0.32), 0.5, count), accept + 120.0)
    close = finish + limit * rng.uniform(0.03, 0.2, count) + 60.0
    lost = rng.random(count)
    finish[lost < _NEVER_DONE_SHARE] = close[lost < _NEVER_DONE_SHARE] = np.inf
    marks = {"accept": accept, "finish": finish, "close": close, "reject": accept * 4, "return": accept * 0.5, "dispatch": accept * 0.8}
    gap = np.where(np.isfinite(close), close, 0.0) - np.where(np.isfinite(finish), finish, 0.0)
    marks["rework"] = finish + gap * 0.4
    after_s = np.column_stack([marks[verb] for verb in way])
    if "rework" in way:
        after_s[:, 3] = finish + gap * 0.8
    finite = np.isfinite(after_s)
    moments = opened[members][:, None] + np.where(finite, after_s, 0).astype(np.int64) * _SECOND
    keep = finite.ravel()
    names = [_states(way, index) for index in range(len(way))]
    verb, before, after = (np.tile(np.array(column), count)[keep] for column in zip(*names, strict=True))
    return Lives(np.repeat(members, len(way))[keep], verb, before, after, moments.ravel()[keep])


def _states(way: tuple[str, ...], index: int) -> tuple[str, str, str]:
    before = "filed" if way[0] == "reject" else "dispatched"
    for verb in way[:index]:
        before = BY_VERB[verb].after
    if before not in BY_VERB[way[index]].before:
        raise ValueError(f"the story's way {way} breaks the life-cycle at {way[index]}")
    return way[index], before, BY_VERB[way[index]].after
