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
_EXPIRES: Final = ("accept", "finish", "verify", "close_late")
# The ways a case goes after it was dispatched, with their shares. A word after a colon is what the step was given.
_PUBLIC_WAYS: Final = (
    (0.31, ("accept", "finish", "verify", "rate:satisfied", "close")),
    (0.05, ("accept", "finish", "verify", "rate:fair", "close")),
    (0.40, _EXPIRES),
    (0.08, ("accept", "start", "finish", "verify", "rate:satisfied", "close")),
    (0.03, ("accept", "finish", "verify", "rate:dissatisfied", "close_late")),
    (0.02, ("accept", "finish", "verify", "rate:dissatisfied", "rework", "finish", "verify", "close_late")),
    (0.03, ("accept", "start", "finish", "rework", "finish", "verify", "rate:fair", "close")),
    (0.025, ("return", "dispatch", *_EXPIRES)),
    (0.005, ("return", "dispatch", "return", "dispatch", *_EXPIRES)),
    (0.02, ("accept", "ask_suspension", "suspend", "resume", "start", *_EXPIRES[1:])),
    (0.02, ("accept", "ask_extension", "extend", *_EXPIRES[1:])),
    (0.01, (*_EXPIRES, "reopen", "dispatch", "accept", "finish", "verify", "rate:satisfied", "close")),
)
_STAFF_WAYS: Final = (
    (0.80, ("accept", "finish", "verify", "close")),
    (0.12, ("accept", "start", "finish", "verify", "close")),
    (0.025, ("return", "dispatch", "accept", "finish", "verify", "close")),
    (0.025, ("accept", "finish", "rework", "finish", "verify", "close")),
    (0.015, ("accept", "ask_suspension", "suspend", "resume", "finish", "verify", "close")),
    (0.015, ("accept", "ask_extension", "extend", "finish", "verify", "close")),
)
_UNOWNED_WAYS: Final = ((0.5, ("reject",)), (0.5, ()))
_REFUTED_SHARE: Final = 0.02
_NEVER_DONE_SHARE: Final = 0.01
_RATED_WITHIN_S: Final = 7 * 86_400
# A unit that has not accepted by then is passed over: nobody in this story waits that long.
_ACCEPTED_WITHIN_S: Final = {True: 1_500.0, False: 6_000.0}
_CHECKED_WITHIN_S: Final = 80_000.0
_VERIFIED_WITHIN_S: Final = 6_600.0


@dataclass(frozen=True, slots=True)
class Lives:
    """Every step taken, in order of cases and then of time; ``case`` counts the cases from 0.

    ``told`` is what a rating said, ``system`` whether the product took the step by itself.
    """

    case: Ints
    verb: NDArray[np.str_]
    before: NDArray[np.str_]
    after: NDArray[np.str_]
    told: NDArray[np.str_]
    system: NDArray[np.bool_]
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


@dataclass(frozen=True, slots=True)
class Beginnings:
    """How each case begins: when it came in, whether it is checked first and asked about at the end, whether anybody owns it."""

    opened: Instants
    checked_first: NDArray[np.bool_]
    wants_rating: NDArray[np.bool_]
    owned: NDArray[np.bool_]
    urgent: NDArray[np.bool_]


def filed(begun: Beginnings, rng: np.random.Generator) -> Instants:
    """Draw when each case is filed: at once, or when somebody has been on the spot."""
    count = len(begun.opened)
    waited = np.minimum(rng.lognormal(np.log(1_500.0), 1.0, count) + 60.0, _CHECKED_WITHIN_S).astype(np.int64)
    return begun.opened + np.where(begun.checked_first, waited, 0) * _SECOND


def lives(begun: Beginnings, filed_at: Instants, due: Instants, at: datetime, rng: np.random.Generator) -> Lives:
    """Tell every case's steps after it came in, up to ``at``; what would come later has not happened."""
    limit_s = (due - filed_at) / _SECOND
    steps = [_of_way(begun, filed_at, limit_s, members, way, rng) for way, members in _assigned_ways(begun, rng) if way]
    columns = {name: np.concatenate([getattr(one, name) for one in steps]) for name in Lives.__slots__}
    happened = np.flatnonzero(columns["at"] <= np.datetime64(at.replace(tzinfo=None), "s"))
    order = happened[np.lexsort((columns["at"][happened], columns["case"][happened]))]
    return Lives(**{name: column[order] for name, column in columns.items()})


def _assigned_ways(begun: Beginnings, rng: np.random.Generator) -> list[tuple[tuple[str, ...], Ints]]:
    found = []
    refuted = begun.checked_first & (rng.random(len(begun.opened)) < _REFUTED_SHARE)
    found.append((("refute",), np.flatnonzero(refuted)))
    for checked in (True, False):
        for owned, wants, ways in (
            (True, True, _PUBLIC_WAYS), (True, False, _STAFF_WAYS), (False, True, _UNOWNED_WAYS), (False, False, _UNOWNED_WAYS),
        ):  # fmt: skip
            those = (begun.checked_first == checked) & (begun.owned == owned) & (begun.wants_rating == wants) & ~refuted
            members = np.flatnonzero(those)
            first = (("confirm", "dispatch") if owned else ("confirm",)) if checked else ()
            drawn = rng.choice(len(ways), len(members), p=[share for share, _ in ways])
            found += [((*first, *way), members[drawn == number]) for number, (_, way) in enumerate(ways)]
    return [(way, members) for way, members in found if len(members)]


def _of_way(begun: Beginnings, filed_at: Instants, limit_s: Floats, members: Ints, way: tuple[str, ...], rng: np.random.Generator) -> Lives:
    """Spread a way's steps over time: each some while after the one before, the first finish inside the limit as a rule."""
    count, words = len(members), [word.partition(":") for word in way]
    verbs = [verb for verb, _, _ in words]
    gaps = _Gaps(limit_s[members], begun.urgent[members], (filed_at[members] - begun.opened[members]) / _SECOND, rng)
    moments_s = np.zeros((count, len(way)))
    passed = np.zeros(count)
    for i, verb in enumerate(verbs):
        passed = passed + gaps.before(verb, verbs[:i], passed)
        moments_s[:, i] = passed
    done = verbs.index("finish") if "finish" in verbs else len(verbs)
    moments_s[rng.random(count) < _NEVER_DONE_SHARE, done:] = np.inf
    finite = np.isfinite(moments_s)
    moments = begun.opened[members][:, None] + np.where(finite, moments_s, 0).astype(np.int64) * _SECOND
    keep, states = finite.ravel(), _states(way, verbs)
    system = [(verb == "dispatch" and verbs[i - 1] == "confirm") or _closes_itself(way, i) for i, verb in enumerate(verbs)]
    names = [verb.removesuffix("_late") for verb in verbs]
    columns = (names, [b for b, _ in states], [a for _, a in states], [told for _, _, told in words], system)
    done_by, before, after, told, by_itself = (np.tile(np.array(column), count)[keep] for column in columns)
    return Lives(np.repeat(members, len(way))[keep], done_by, before, after, told, by_itself, moments.ravel()[keep])


def _closes_itself(way: tuple[str, ...], index: int) -> bool:
    """Tell whether the product closes here: nobody is asked, the reporter is content, or the time for rating has passed."""
    return way[index].startswith("close") and way[index - 1] != "rate:dissatisfied"


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Draws how many seconds pass before a step."""

    limit_s: Floats
    urgent: NDArray[np.bool_]
    check_s: Floats
    rng: np.random.Generator

    def before(self, verb: str, earlier: list[str], passed: Floats) -> Floats:
        """Draw the seconds between a step and the one before it."""
        count, draw = len(self.limit_s), self.rng
        soon = np.minimum(draw.lognormal(np.log(600.0), 0.9, count), 0.2 * self.limit_s) + 30.0
        if verb in ("confirm", "refute"):
            return self.check_s
        if verb == "accept":
            return np.minimum(soon, np.where(self.urgent, _ACCEPTED_WITHIN_S[True], _ACCEPTED_WITHIN_S[False]))
        if verb == "finish" and "finish" not in earlier and not {"suspend", "extend"} & set(earlier):
            wanted = self.check_s + self.limit_s * draw.lognormal(np.log(0.32), 0.6, count)
            return np.maximum(wanted - passed, 120.0)
        if verb == "rate":
            return np.minimum(draw.lognormal(np.log(14_400.0), 1.2, count) + 30.0, _RATED_WITHIN_S - 600.0)
        if verb == "verify":
            return np.minimum(draw.lognormal(np.log(1_500.0), 0.6, count) + 60.0, _VERIFIED_WITHIN_S)
        if verb == "close_late" and earlier[-1] == "verify":
            return np.full(count, float(_RATED_WITHIN_S))
        least, most = _BETWEEN_S.get(verb, (0.0, 0.0))
        if verb == "dispatch" and earlier[-1] == "confirm":
            least = most = 0.0
        of_limit = _OF_LIMIT.get(verb, 0.0) * self.limit_s * draw.uniform(0.4, 1.0, count)
        spread: Floats = draw.uniform(least, most, count) + of_limit
        return spread


# What is drawn evenly: seconds from least to most, and up to a share of the limit more.
_BETWEEN_S: Final = {
    "dispatch": (60.0, 1_800.0), "return": (120.0, 1_400.0), "start": (60.0, 900.0), "rework": (600.0, 14_400.0),
    "reject": (3_600.0, 72_000.0), "close_late": (3_600.0, 86_400.0), "finish": (600.0, 3_600.0), "ask_suspension": (300.0, 3_600.0),
    "suspend": (600.0, 7_200.0), "resume": (86_400.0, 518_400.0), "ask_extension": (60.0, 600.0), "extend": (300.0, 2_400.0),
    "reopen": (3_600.0, 500_000.0),
}  # fmt: skip
_OF_LIMIT: Final = {"finish": 0.3, "ask_extension": 0.2}


def _states(way: tuple[str, ...], verbs: list[str]) -> list[tuple[str, str]]:
    """Walk a way through the life-cycle's table: the states before and after each step."""
    found = []
    state = "checking" if verbs[0] in ("confirm", "refute") else "filed" if verbs[0] == "reject" else "dispatched"
    back_to: str | None = None
    for verb in verbs:
        row = BY_VERB[verb.removesuffix("_late")]
        if state not in row.before:
            raise ValueError(f"the story's way {way} breaks the life-cycle at {verb}")
        after = row.after_from(state, back_to)
        back_to = state if verb == "suspend" else back_to
        found.append((state, after))
        state = after
    return found
