"""From a few words to the likeliest matters: the citizen need not know the classes of the catalogue.

A linear model over what a text holds: the words of ``data/matter_words.csv`` (what one sees and what is wrong with it) and the
single characters and pairs of ``data/matter_examples.csv``. A feature counts for a matter by how often it stands there and by
how few other matters share it; nothing is random and nothing is asked of a network. The words are kept by kind and name, so a
catalogue with other codes has them too, and a matter a city adds is found by its own name.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Generic, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.routing.table import RoutingTable

DATA: Final = Path(__file__).parent / "data"
MAX_TEXT: Final = 2000
MOST: Final = 3
MOST_WORDS: Final = 5
PLACES: Final = ("urban", "rural", "rail")
LONGEST_WORD: Final = 8

# Chosen by cross-validation on the examples alone; the labelled reports of the tests had no part in it.
_THING, _SIGN, _NAME, _EXAMPLE = 4.0, 2.5, 1.5, 0.3
_PIECE = 0.3
_WHOLE_WORD = 2.0
_RARITY = 1.5
_SHARPNESS = 1.5
_LIKELIER = 1.15
_WORD_MARK = "#"

Key = tuple[str, str]
Floats = NDArray[np.float64]


Named = TypeVar("Named")


@dataclass(frozen=True, slots=True)
class Suggestion(Generic[Named]):
    """A matter, how sure the words make it (0-1, all matters sum to one), and the words that spoke for it, strongest first."""

    matter_id: Named
    score: float
    words: tuple[str, ...]


def suggest(table: RoutingTable, text: str, *, places: Collection[str] = (), most: int = MOST) -> list[Suggestion[UUID]]:
    """Give the likeliest enabled matters for a text, best first; none when no word of it says anything.

    ``places`` says what the position is known to lie in or near: ``urban``, ``rural``, ``rail``. Alerts are for devices and
    are never suggested. Raises Invalid for an empty text or one of more than 2000 characters.
    """
    if not text.strip() or len(text) > MAX_TEXT or "\x00" in text:
        raise Invalid(f"say in 1 to {MAX_TEXT} characters what is wrong", f"请用 1 至 {MAX_TEXT} 个字说明情况", field="text")
    offered = sorted((m for m in table.matters.values() if m.enabled and m.kind != "alert"), key=lambda m: (m.kind, m.major, m.minor, m.id))
    if not offered:
        return []
    return model_of(tuple((m.kind, m.name) for m in offered)).suggest([m.id for m in offered], text, places, most)


@lru_cache(maxsize=4)
def model_of(keys: tuple[Key, ...]) -> Model:
    """Give the model of a catalogue's matters, made once."""
    return Model(keys)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What is written down about one matter."""

    things: tuple[str, ...]
    signs: tuple[str, ...]
    likelier: tuple[str, ...]


class Model:
    """Weights of features for the matters of one catalogue: ``weights[feature, matter]``, all at least 0."""

    def __init__(self, keys: Sequence[Key], *, without: Collection[str] = ()) -> None:
        """Make the model of these matters; ``without`` leaves examples out, to be judged by them."""
        spoken = _words()
        self.known = frozenset(
            word for said in spoken.values() for word in (*said.things, *said.signs)
        ) | {_plain(name).replace(" ", "") for _, name in keys}  # fmt: skip
        counts = [self._counted(key, spoken.get(key), without) for key in keys]
        self.index: dict[str, int] = {}
        for count in counts:
            for feature in count:
                self.index.setdefault(feature, len(self.index))
        self.weights = _weights(counts, self.index)
        self.likelier = {
            place: np.array([_LIKELIER if key in spoken and place in spoken[key].likelier else 1.0 for key in keys]) for place in PLACES
        }

    def _counted(self, key: Key, spoken: _Spoken | None, without: Collection[str]) -> dict[str, float]:
        """Weigh the features written down for one matter: the strongest source of a word, plus every example."""
        count: dict[str, float] = {}
        own_name = _plain(key[1]).replace(" ", "")
        sources = [((own_name,), _THING), (spoken.things, _THING) if spoken else ((), 0.0), (spoken.signs, _SIGN) if spoken else ((), 0.0)]
        for words, weight in sources:
            for word in words:
                count[_WORD_MARK + word] = max(count.get(_WORD_MARK + word, 0.0), weight)
                for piece in _pieces(word):
                    count[piece] = max(count.get(piece, 0.0), weight * _PIECE)
        for piece in _pieces(key[1]):
            count[piece] = max(count.get(piece, 0.0), _NAME)
        for text in _examples().get(key, ()):
            if text not in without:
                for feature in self.features(text):
                    count[feature] = count.get(feature, 0.0) + _EXAMPLE
        return count

    def features(self, text: str) -> set[str]:
        """List what a text holds: its characters and pairs, and the known words in it."""
        found: set[str] = set()
        for part in _plain(text).split():
            for length in range(1, LONGEST_WORD + 1):
                slices = {part[i : i + length] for i in range(len(part) - length + 1)}
                found.update(_WORD_MARK + word for word in slices & self.known)
        return found | _pieces(text)

    def scores(self, text: str, places: Iterable[str] = ()) -> Floats:
        """Give one number for each matter; all 0 when nothing in the text is known."""
        return self._summed(self._found(text), places)

    def _found(self, text: str) -> list[str]:
        return sorted(feature for feature in self.features(text) if feature in self.index)

    def _summed(self, found: Sequence[str], places: Iterable[str]) -> Floats:
        summed: Floats = self.weights[[self.index[feature] for feature in found]].sum(axis=0)
        for place in places:
            if place in self.likelier:
                summed = summed * self.likelier[place]
        return summed

    def suggest(self, ids: Sequence[Named], text: str, places: Iterable[str], most: int) -> list[Suggestion[Named]]:
        """Give the best matters, named by ``ids`` in the model's order."""
        found = self._found(text)
        scores = self._summed(found, places)
        if not scores.any():
            return []
        shares = np.exp((scores - scores.max()) * _SHARPNESS)
        shares /= shares.sum()
        best = np.argsort(-scores, kind="stable")[:most]
        return [Suggestion(ids[i], round(float(shares[i]), 4), self._why(found, int(i))) for i in best if scores[i] > 0]

    def _why(self, found: Sequence[str], matter: int) -> tuple[str, ...]:
        """Name the words that spoke for a matter, none inside another; mere pairs of characters only when no known word did."""
        weights = self.weights[[self.index[feature] for feature in found], matter]
        weighed = [
            (feature.startswith(_WORD_MARK), weight, feature.removeprefix(_WORD_MARK))
            for feature, weight in zip(found, weights, strict=True)
            if weight > 0
        ]
        chosen: list[str] = []
        any_known = any(known for known, _, _ in weighed)
        for _, _, word in sorted((one for one in weighed if one[0] or not any_known), key=lambda one: (-one[1], one[2])):
            if not any(word in other or other in word for other in chosen):
                chosen.append(word)
            if len(chosen) == MOST_WORDS:
                break
        return tuple(chosen)


def _weights(counts: Sequence[dict[str, float]], index: dict[str, int]) -> Floats:
    """Turn counts into weights: log count x rarity (one minus the evenness of its spread), matters brought to like length."""
    weights: Floats = np.zeros((len(index), len(counts)))
    for column, count in enumerate(counts):
        for feature, value in count.items():
            weights[index[feature], column] = np.log1p(value)
    share = weights / weights.sum(axis=1, keepdims=True)
    evenness = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1) / np.log(max(2, len(counts)))
    whole = np.array([_WHOLE_WORD if feature.startswith(_WORD_MARK) else 1.0 for feature in index])
    weights *= ((1.0 - evenness).clip(0) ** _RARITY * whole)[:, None]
    length = np.sqrt((weights**2).sum(axis=0))
    weights /= np.sqrt(length / length.mean())
    return weights


def _plain(text: str) -> str:
    """Bring a text to one width and case, with a space where anything but letters and digits stood."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).lower())


def _pieces(text: str) -> set[str]:
    """List the characters and pairs of a text; single Latin letters and digits say nothing."""
    pieces = {part[i : i + length] for part in _plain(text).split() for length in (1, 2) for i in range(len(part) - length + 1)}
    return {piece for piece in pieces if len(piece) > 1 or not piece.isascii()}


@lru_cache(maxsize=1)
def _words() -> dict[Key, _Spoken]:
    with (DATA / "matter_words.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["kind"], row["name"]): _Spoken(tuple(row["things"].split()), tuple(row["signs"].split()), tuple(row["likelier"].split()))
            for row in csv.DictReader(file)
        }


@lru_cache(maxsize=1)
def _examples() -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    with (DATA / "matter_examples.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["kind"], row["name"]), []).append(row["text"])
    return found
