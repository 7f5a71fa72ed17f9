"""From words to ranked positions: what the search box and the hotline desk ask.

Coordinates as typed, names and codes of areas (present and former) and the gazetteer answer together. A name answers a text in one
of five ways, best first: it is the text, begins with it, or contains it; the text contains the name (「健康路一处窨井盖」 contains
健康路); or the two merely share pairs of characters. Confidence is a candidate's share among all that answered, under a ceiling
for the way it did: two villages of one name get half each, because nobody can know which was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from domain.base import Conn
from domain.errors import Invalid
from domain.places import answers, typed
from domain.places.fold import fold
from geo.lonlat import Datum

MAX_TEXT: Final = 200
MAX_FIRST: Final = 50
_SHIFTED_DECIMALS, _SHIFTED_PRECISION_M = 4, 10.0

# Names the positions people type, so that equal ones get equal ids.
_COORDINATES: Final = UUID("0a4c3b0e-5f4e-5c39-9a53-6f1f5d0f6d11")
_CEILING: Final = {"exact": 0.99, "code": 0.99, "former": 0.9, "prefix": 0.9, "inside": 0.75, "within": 0.8, "fuzzy": 0.4}
_WEIGHT: Final = {"exact": 1.0, "code": 1.0, "former": 0.8, "prefix": 0.02, "inside": 0.005, "within": 0.02, "fuzzy": 0.001}
_RANK: Final = {way: rank for rank, way in enumerate(answers.WAYS)}
# In a sentence the finest name is the place; a county's name is only its frame.
_FINENESS: Final = {"province": 0.05, "city": 0.1, "county": 0.3, "town": 0.6, "village": 1.0, "grid": 1.0}
# Duty areas laid around a place carry its name; the place itself comes first.
_AROUND: Final = {"unit_grid": 0.1, "special_grid": 0.1, "rail_section": 0.1}

# Parts of an area that answers too are listed after it and take little from its confidence: grid 3 of a village is the village.
_PART: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCandidate:
    """A place the text may mean, in WGS 84.

    ``precision_m`` is how far the real place may be from ``lonlat``; ``bbox`` is west, south, east, north.
    """

    id: UUID
    kind: str
    name: str
    detail: str
    lonlat: tuple[float, float]
    precision_m: float
    confidence: float
    area_id: UUID | None = None
    bbox: tuple[float, float, float, float] | None = None


async def search(conn: Conn, text: str, *, first: int, at: datetime) -> list[PlaceCandidate]:
    """Find the places a text may mean, best first; none when it says nothing.

    Raises Invalid when the text is longer than MAX_TEXT characters or ``first`` is not in 1..MAX_FIRST.
    """
    if len(text) > MAX_TEXT:
        raise Invalid(f"search for at most {MAX_TEXT} characters", f"搜索内容不能超过 {MAX_TEXT} 个字符", field="text")
    if not 1 <= first <= MAX_FIRST:
        raise Invalid(f"ask for 1 to {MAX_FIRST} places", f"请求的地点数应在 1 到 {MAX_FIRST} 之间", field="first")
    if (pair := typed.parse(text)) is not None:
        return [_typed(pair)]
    asked = fold(text)
    return _ranked(asked, _once(await answers.read(conn, asked, at=at)))[:first] if asked else []


def _once(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep one answer of each place; an area and the gazetteer's point with its code are one, and the area knows its extent."""
    kept: dict[object, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["area_id"] is None, _RANK[row["way"]], -row["said"])):
        place = kept.setdefault(("code", row["code"]) if row["code"] and row["kind"] != "grid" else row["id"], row)
        if _RANK[row["way"]] < _RANK[place["way"]]:
            place.update({name: row[name] for name in ("way", "said", "length")})
    return list(kept.values())


def _ranked(asked: str, rows: Sequence[dict[str, Any]]) -> list[PlaceCandidate]:
    named = {row["area_id"] for row in rows if row["way"] == "within" and row["area_id"] is not None}
    by_area = {row["area_id"]: row for row in rows if row["area_id"] is not None}
    weights = [_weight(asked, row, named) * (_PART if _is_part(row, by_area) else 1.0) for row in rows]
    total = sum(weights)
    order = sorted(zip(weights, rows, strict=True), key=lambda pair: (-pair[0], len(pair[1]["name"]), str(pair[1]["code"]), pair[1]["id"]))
    return [_candidate(row, asked, weight / total) for weight, row in order]


def _is_part(row: dict[str, Any], by_area: dict[UUID, dict[str, Any]]) -> bool:
    """Tell whether an area around it was meant: the one the text names, or the one its own name goes on from."""
    around = [by_area[area_id] for area_id in row["path"] if area_id in by_area and area_id != row["area_id"]]
    return any(area["way"] in ("exact", "code") or row["name"].startswith(area["name"]) for area in around)


def _weight(asked: str, row: dict[str, Any], named: set[UUID]) -> float:
    """Weigh one answer against the others; a place inside an area that the text names too is the more likely one."""
    weight, said, length = _WEIGHT[row["way"]] * _AROUND.get(row["kind"], 1.0), int(row["said"]), max(int(row["length"]), 1)
    if row["way"] == "within":
        around = len(named.intersection(row["path"]) - {row["area_id"]})
        return weight * (said / len(asked)) ** 2 * _FINENESS.get(row["kind"], 1.2) * (1.0 + 3.0 * around)
    if row["way"] == "fuzzy":
        return weight * (said / max(len(asked), length)) ** 4
    return weight * min(len(asked) / length, 1.0) if row["way"] in ("prefix", "inside") else weight


def _candidate(row: dict[str, Any], asked: str, share: float) -> PlaceCandidate:
    ceiling = _CEILING[row["way"]]
    if row["way"] == "within":  # the less of a sentence a name explains, the less is known
        ceiling *= 0.6 + 0.4 * row["said"] / len(asked)
    elif row["way"] == "fuzzy":
        ceiling *= row["said"] / max(len(asked) - 1, 1)
    code = f"原 {row['matched']} {row['matched_code']}" if row["way"] == "former" else row["code"] if row["area_id"] else None
    return PlaceCandidate(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        detail=" · ".join(part for part in (row["frame"], code) if part),
        lonlat=(row["lon"], row["lat"]),
        precision_m=round(max(float(row["precision_m"]), 1.0), 1),
        confidence=round(ceiling * share, 3),
        area_id=row["area_id"],
        bbox=tuple(row["bbox"]) if row["bbox"] else None,
    )


def _typed(pair: typed.Typed) -> PlaceCandidate:
    # Good enough for a pin and no better: the search is not a door through which shifted coordinates are converted.
    shifted = pair.datum in (Datum.GCJ02, Datum.BD09)
    lon, lat = (round(value, _SHIFTED_DECIMALS if shifted else 6) for value in (pair.lonlat.lon, pair.lonlat.lat))
    notes = (str(pair.datum or "WGS84 ?"), "纬度在前" if pair.turned else "")
    return PlaceCandidate(
        id=uuid5(_COORDINATES, f"{lon},{lat}"),
        kind="coordinates",
        name=f"{lon:.4f}, {lat:.4f}" if shifted else f"{lon:.6f}, {lat:.6f}",
        detail=" · ".join(note for note in notes if note),
        lonlat=(lon, lat),
        precision_m=max(pair.precision_m, _SHIFTED_PRECISION_M) if shifted else pair.precision_m,
        confidence=1.0 if pair.datum else 0.85 if pair.turned else 0.9,
    )
