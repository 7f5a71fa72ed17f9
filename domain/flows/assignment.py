"""From a position and a matter to an owner, a department and the receipt that explains both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.areas.jurisdictions import Candidate, Jurisdictions, Owner, owned_path
from domain.cases.open import NewCase
from domain.cases.rules import CHECK_LIMIT
from domain.dispatch.selectors import Selector
from domain.errors import Invalid
from domain.flows.city import City
from domain.routing.choose import Choice, choose
from domain.routing.receipts import NewReceipt
from domain.routing.table import Matter
from geo import datum
from geo.lonlat import Datum, GeoError, LonLat, Position


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who owns a position, who acts on the matter there, and everything a receipt needs to explain it."""

    position: Position
    matter: Matter | None
    owners: Mapping[str, Owner | None]
    owned_ids: Sequence[UUID]
    area_ids: Sequence[UUID]
    candidates: Sequence[Candidate]
    choice: Choice
    reasons: Sequence[Mapping[str, Any]]
    home: Owner | None


def read_position(*, lon: float, lat: float, datum_name: str, accuracy_m: float | None, where: str) -> Position:
    """Check a position as it came through a door and bring it to WGS 84; raises Invalid saying what is wrong."""
    try:
        declared = datum.parse_datum(datum_name, where)
        return datum.position(lon=lon, lat=lat, datum=declared, accuracy_m=accuracy_m, where=where)
    except GeoError as error:
        raise Invalid(error.message_en, error.message_zh, field=where, code=error.code) from None


def as_stored(lonlat: LonLat) -> Position:
    """Make a position of one that is stored: exact, WGS 84."""
    return Position(lonlat=lonlat, accuracy_m=None, datum_declared=Datum.WGS84, raw_lon=lonlat.lon, raw_lat=lonlat.lat)


def assign(city: City, position: Position, matter: Matter | None) -> Assignment:
    """Find the owner in every layer and the department; pure, so that a preview and the real thing cannot differ."""
    areas = city.areas
    owners = areas.owners_at(position.lonlat)
    owned_ids, area_ids = owned_path(owners), areas.seen_from(position.lonlat, owners)
    home = owners[areas.home.code]
    candidates = areas.home.candidates(position.lonlat, position.accuracy_m)
    named = Selector(matter.kind, matter.major, matter.minor) if matter else None
    choice = choose(city.routing, matter, owned_ids, city.grids.barred(named, area_ids))
    reasons = [*_place_reasons(areas, position, home, candidates), *choice.reasons]
    return Assignment(position, matter, owners, owned_ids, area_ids, candidates, choice, reasons, home)


def receipt_of(areas: Jurisdictions, assigned: Assignment, *, subject_kind: str, subject_id: UUID) -> NewReceipt:
    """Make the receipt of an assignment."""
    return NewReceipt(
        subject_kind=subject_kind,
        subject_id=subject_id,
        lonlat=assigned.position.lonlat,
        accuracy_m=assigned.position.accuracy_m,
        matter_id=assigned.matter.id if assigned.matter else None,
        choice=assigned.choice,
        home_version_id=assigned.home.version_id if assigned.home else None,
        owners=owners_json(areas, assigned.owners),
        candidates=candidates_json(assigned.candidates),
        why=assigned.reasons,
    )


def case_of(
    assigned: Assignment, *, origin: str, title: str, receipt_id: UUID, checked_first: bool = False, wants_rating: bool = False
) -> NewCase:
    """Make the case an assignment opens; until the matter is known its limit is that of a first check."""
    condition = assigned.matter.condition if assigned.matter else None
    limit = (condition.amount, condition.unit) if condition else CHECK_LIMIT
    department = assigned.choice.department
    return NewCase(
        origin=origin,
        title=title,
        matter_id=assigned.matter.id if assigned.matter else None,
        condition_id=condition.id if condition else None,
        limit=limit,
        lonlat=assigned.position.lonlat,
        home_area_id=assigned.home.area_id if assigned.home else None,
        home_version_id=assigned.home.version_id if assigned.home else None,
        area_ids=assigned.area_ids,
        department_id=department.id if department else None,
        receipt_id=receipt_id,
        checked_first=checked_first,
        wants_rating=wants_rating,
    )


def owners_json(areas: Jurisdictions, owners: Mapping[str, Owner | None]) -> list[dict[str, Any]]:
    """Give one entry per layer; a layer that does not own the point has no area."""
    found: list[dict[str, Any]] = []
    for layer in areas.layers:
        owner = owners[layer.code]
        entry: dict[str, Any] = {"layer": layer.code, "layer_name": layer.name, "layer_version": layer.version}
        if owner:
            entry |= {"area_id": str(owner.area_id), "version_id": str(owner.version_id), "code": owner.code, "name": owner.name}
        found.append(entry)
    return found


def candidates_json(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Give the areas near the point with distance in metres and share of the accuracy disc (0-1)."""
    return [
        {
            "area_id": str(candidate.owner.area_id),
            "version_id": str(candidate.owner.version_id),
            "code": candidate.owner.code,
            "name": candidate.owner.name,
            "distance_m": round(candidate.distance_m, 2),
            "share": round(candidate.share, 4),
        }
        for candidate in candidates
    ]


def _place_reasons(
    areas: Jurisdictions, position: Position, home: Owner | None, candidates: Sequence[Candidate]
) -> list[dict[str, Any]]:
    layer = areas.home
    words = {"layer_zh": layer.name, "layer_en": layer.name_en}
    reasons: list[dict[str, Any]] = []
    if position.datum_declared in ("GCJ02", "BD09"):
        reasons.append({"code": "datum", "datum": str(position.datum_declared)})
    if home is None:
        return [*reasons, {"code": "unowned", **words}]
    reasons.append({"code": "inside", "name": home.name, "area": home.code, **words})
    others = [candidate for candidate in candidates if candidate.owner.area_id != home.area_id]
    if others:
        own = next((c.share for c in candidates if c.owner.area_id == home.area_id), 1.0)
        reasons.append({"code": "near_border", "distance_m": round(others[0].distance_m, 2), "share": round(own, 4)})
    return reasons
