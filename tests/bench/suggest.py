"""Matter suggestion on the labelled reports, beside two plain ways to do it, in the same run.

The labelled reports were written before the words and examples and have not been used to choose anything. The second list,
of people who describe a thing without naming it, was written after the model was finished. Peers: TF-IDF over one to three characters
with cosine and the share of common pairs (Dice), which see the catalogue's names and filing conditions; and the same TF-IDF given
all words and examples the product has.
"""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.routing.suggest import DATA, Key, Model

Say = Callable[[str], None]
Floats = NDArray[np.float64]
Scorer = Callable[[str], Floats]
LABELLED = Path(__file__).parents[1] / "routing" / "data"
LISTS = {"reports": "labelled_reports.csv", "oblique": "labelled_reports_oblique.csv"}


@dataclass(frozen=True)
class Labelled:
    """The catalogue in use and the reports with the place of their matter in it."""

    keys: tuple[Key, ...]
    reports: tuple[tuple[int, str], ...]


def labelled(name: str) -> Labelled:
    """Read a labelled list."""
    matters = [row for row in _rows(DATA / "matters.csv") if row["enabled"] == "true"]
    place = {(row["kind"], row["major"], row["minor"]): i for i, row in enumerate(matters)}
    reports = [(place[row["kind"], row["major"], row["minor"]], row["text"]) for row in _rows(LABELLED / LISTS[name])]
    return Labelled(tuple((row["kind"], row["name"]) for row in matters), tuple(reports))


def ranks(scorer: Scorer, reports: tuple[tuple[int, str], ...]) -> NDArray[np.int64]:
    """Give for each report how many matters stand before the right one; a tie counts against it."""
    found = []
    for right, text in reports:
        scores = scorer(text)
        found.append(int((scores >= scores[right]).sum()) - 1 if scores[right] > 0 else len(scores))
    return np.array(found)


def run(say: Say, *, rounds: int = 5, quick: bool = False) -> dict[str, Any]:
    """Measure all lists; ``quick`` measures the first only."""
    figures: dict[str, Any] = {}
    for name in list(LISTS)[: 1 if quick else None]:
        data = labelled(name)
        model = Model(data.keys)
        catalogue, everything = _documents(data.keys), _documents(data.keys, with_words=True)
        scorers: dict[str, Scorer] = {
            "gridwarden": model.scores, "tf-idf, same words": _tf_idf(everything), "tf-idf": _tf_idf(catalogue), "pairs": _pairs(catalogue),
        }  # fmt: skip
        say(f"{name}: {len(data.reports)} reports of {len({right for right, _ in data.reports})} matters out of {len(data.keys)}")
        for who, scorer in scorers.items():
            figures[f"{name}/{who}"] = figure = _figure(scorer, data, rounds)
            say(
                f"  {who:18} top-1 {figure['top1']:.3f}  top-3 {figure['top3']:.3f}  matters with every report in the top 3:"
                f" {figure['matters_whole']:.2f}  {figure['ms']:.2f} ms a report"
            )
    return figures


def _figure(scorer: Scorer, data: Labelled, rounds: int) -> dict[str, float]:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = ranks(scorer, data.reports)
        times.append((time.perf_counter() - began) / len(data.reports) * 1e3)
    missed = {right for (right, _), rank in zip(data.reports, found, strict=True) if rank >= 3}
    known = {right for right, _ in data.reports}
    return {
        "top1": float((found < 1).mean()), "top3": float((found < 3).mean()),
        "matters_whole": 1 - len(missed) / len(known), "ms": float(np.median(times)),
    }  # fmt: skip


def _documents(keys: tuple[Key, ...], *, with_words: bool = False) -> list[str]:
    """What the catalogue itself says of each matter, its name and its filing conditions; with everything else we wrote of it."""
    names = {(row["kind"], row["major"], row["minor"]): (row["kind"], row["name"]) for row in _rows(DATA / "matters.csv")}
    wordings: dict[Key, list[str]] = {}
    for row in _rows(DATA / "filing_conditions.csv"):
        wordings.setdefault(names[row["kind"], row["major"], row["minor"]], []).append(row["wording"])
    if with_words:
        for row in _rows(DATA / "matter_words.csv"):
            wordings.setdefault((row["kind"], row["name"]), []).extend((row["things"], row["signs"]))
        for row in _rows(DATA / "matter_examples.csv"):
            wordings.setdefault((row["kind"], row["name"]), []).append(row["text"])
    return [" ".join([key[1], *wordings.get(key, ())]) for key in keys]


def _grams(text: str, lengths: tuple[int, ...]) -> Counter[str]:
    return Counter(text[i : i + length] for length in lengths for i in range(len(text) - length + 1))


def _tf_idf(documents: list[str]) -> Scorer:
    counts = [_grams(document, (1, 2, 3)) for document in documents]
    index = {gram: i for i, gram in enumerate(sorted({gram for count in counts for gram in count}))}
    matrix = np.zeros((len(index), len(counts)))
    for column, count in enumerate(counts):
        for gram, times in count.items():
            matrix[index[gram], column] = 1 + np.log(times)
    idf = np.log((1 + len(counts)) / (1 + (matrix > 0).sum(axis=1))) + 1
    matrix *= idf[:, None]
    matrix /= np.linalg.norm(matrix, axis=0)

    def score(text: str) -> Floats:
        query = np.zeros(len(index))
        for gram, times in _grams(text, (1, 2, 3)).items():
            if gram in index:
                query[index[gram]] = (1 + np.log(times)) * idf[index[gram]]
        return query @ matrix

    return score


def _pairs(documents: list[str]) -> Scorer:
    known = [set(_grams(document, (2,))) for document in documents]

    def score(text: str) -> Floats:
        asked = set(_grams(text, (2,)))
        return np.array([2 * len(asked & pairs) / (len(asked) + len(pairs)) for pairs in known])

    return score


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
