"""What the demo city hands over to be loaded: plain records of areas."""

from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class AreaRecord:
    """One area to load: layer, level, code, names, parent's code, WGS 84 geometry, and how far it may be believed."""

    layer: str
    level: str
    code: str
    name: str
    name_en: str | None
    parent_code: str | None
    geometry: BaseGeometry
    approximate: bool
    basis: str
    source: str


@dataclass(frozen=True, slots=True)
class DemoAreas:
    """All areas of the demo city, parents before children, with the recipe and seed they were made by."""

    recipe: str
    seed: int
    records: list[AreaRecord]

    def layer(self, layer: str, level: str | None = None) -> list[AreaRecord]:
        """Return the records of a layer, in order; of one level when given."""
        return [r for r in self.records if r.layer == layer and level in (None, r.level)]
