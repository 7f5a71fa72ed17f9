"""Where things are: areas in their versions, layers, the city itself, and the preview of who owns a point."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import strawberry

from api import basemaps, read
from api.context import Info
from api.entity import column, entity, many, told
from api.graph.people import Department
from api.graph.words import Datum, PageInfo, PositionInput
from api.scalars import BigInt, GeoJSON, uuid_of
from domain.areas import jurisdictions
from domain.flows import assignment
from runtime.database import transaction

BBOX = "array[st_xmin({0}.geom), st_ymin({0}.geom), st_xmax({0}.geom), st_ymax({0}.geom)]"
IN_FORCE = "{0}.valid_from <= %(as_of)s and ({0}.valid_to is null or {0}.valid_to > %(as_of)s)"
# The names of the areas around a version are those of its own time, not of today.
AROUND = """(select v.*, p.ord, p.inner_id from area_versions v join (
    select i.id as inner_id, o.area_id, o.ord, least(%(as_of)s, coalesce(i.valid_to - interval '1 microsecond', %(as_of)s)) as moment
    from area_versions i, unnest(i.path) with ordinality o(area_id, ord) where i.id = {1}.id
) p on v.area_id = p.area_id and v.valid_from <= p.moment and (v.valid_to is null or v.valid_to > p.moment))"""


@entity("area_versions", "An area named from another one.")
class AreaRef:
    """A reference to an area."""

    id: strawberry.ID = column("{0}.area_id", "Id of the area, the same over all its versions.")
    level: str = column("{0}.level", "Level, such as `county` or `grid`.")
    code: str = column("{0}.code", "National or local code.")
    name: str = column("{0}.name", "Name.")


@entity("area_versions", "An area as it was at one time: an identity with versions.")
class Area:
    """One version of an area."""

    id: strawberry.ID = column("{0}.area_id", "Id of the area, the same over all its versions.")
    version_id: strawberry.ID = column("{0}.id", "Id of this version.")
    layer: str = column("{0}.layer", "Code of the layer it belongs to.")
    level: str = column("{0}.level", "Level: province, city, county, town, village, grid, ...")
    code: str = column("{0}.code", "National or local code, unique in its layer at any time.")
    name: str = column("{0}.name", "Name.")
    name_en: str | None = column("{0}.name_en", "English name.")
    parent_id: strawberry.ID | None = column("{0}.parent_id", "Id of the area above it.")
    valid_from: datetime = column("{0}.valid_from", "Begin of this version.")
    valid_to: datetime | None = column("{0}.valid_to", "End of this version, exclusive; null while in force.")
    area_m2: float = column("{0}.area_m2", "Geodesic area in square metres.")
    approximate: bool = column("{0}.approximate", "True when the boundary is not a surveyed one; say so on screen.")
    basis: str | None = column("{0}.basis", "How the boundary was made.")
    source: str | None = column("{0}.source", "Where it is from, with licence.")
    geometry: GeoJSON = column("st_asgeojson({0}.geom, 7)", "Boundary as a MultiPolygon.")
    bbox: list[float] = column(BBOX, "West, south, east, north in degrees.")
    path: list[AreaRef] = many("{0}.inner_id = {1}.id", "Areas from the root down to this one.", order="{0}.ord", source=AROUND, limit=32)


@strawberry.type(description="One area and its place in the list.")
class AreaEdge:
    """An edge."""

    cursor: str = told("Give it as `after` to go on from here.")
    node: Area = told("The area.")


@strawberry.type(description="A page of areas, by level and code.")
class AreaConnection:
    """A page of areas."""

    edges: list[AreaEdge] = told("Areas with their cursors.")
    nodes: list[Area] = told("The areas alone.")
    page_info: PageInfo = told("Where this page stands.")


@entity("area_layers", "A layer of areas: the administrative tree, governance grids, unit grids, ...")
class AreaLayer:
    """A layer."""

    code: str = column("{0}.code", "Code.")
    name: str = column("{0}.name", "Name.")
    name_en: str = column("{0}.name_en", "English name.")
    promise: str = column("{0}.promise", "`partition`: no gap, no overlap; `disjoint`: no overlap; `free`: anything.")
    version: BigInt = column("{0}.version", "Raised by every change of the layer.")
    count: int = column(
        "(select count(*) from area_versions v where v.layer = {0}.code and v.valid_from <= %(at)s"
        " and (v.valid_to is null or v.valid_to > %(at)s))",
        "Areas in force.",
    )


@strawberry.type(description="A background map this installation was given.")
class Basemap:
    """A basemap."""

    id: strawberry.ID = told("Key, stable over restarts.")
    name: str = told("Name to show.")
    kind: str = told("`xyz`, `wmts` or `pmtiles`.")
    url: str = told("Address template, or path on this server.")
    datum: Datum = told("Datum of its tiles: overlays on a GCJ-02 map are shifted by the client.")
    attribution: str = told("Attribution to show.")
    max_zoom: int = told("Deepest zoom it has.")


@strawberry.type(description="The city this installation serves.")
class City:
    """The city."""

    name: str = told("Name.")
    name_en: str = told("English name.")
    bbox: list[float] = told("West, south, east, north in degrees.")
    center: list[float] = told("Longitude and latitude to open the map at.")
    attribution: list[str] = told("Sources of the data on the map, with licences.")
    basemaps: list[Basemap] = told("Background maps; may be empty.")
    demo: bool = told("True when the data is the demo city's.")

    @strawberry.field(description="Layers of areas in their order.")
    async def layers(self, info: Info) -> list[AreaLayer]:
        """List layers."""
        return await read.rows(info, order="{0}.ord, {0}.code")


@strawberry.type(description="Who owns a point in one layer; the area's fields are null where nobody does.")
class LayerOwner:
    """The owner in one layer."""

    layer: str = told("Code of the layer.")
    layer_name: str = told("Name of the layer.")
    area_id: strawberry.ID | None = told("Owning area.")
    code: str | None = told("Its code.")
    name: str | None = told("Its name.")


@strawberry.type(description="An area near the point.")
class Candidate:
    """An area that may be meant."""

    area_id: strawberry.ID = told("The area.")
    code: str = told("Its code.")
    name: str = told("Its name.")
    distance_m: float = told("Distance to it in metres; 0 inside.")
    share: float = told("Share (0-1) of the accuracy disc that lies in it.")


@strawberry.type(description="Preview: who would own a report from this point, and why that may be doubtful.")
class Located:
    """The answer to locate."""

    position: GeoJSON = told("The point in WGS 84.")
    owners: list[LayerOwner] = told("One entry per layer.")
    near_border: bool = told("True when a neighbour lies within the accuracy disc.")
    candidates: list[Candidate] = told("Areas of the home layer within the accuracy disc, nearest first.")
    department_id: strawberry.Private[UUID | None]

    @strawberry.field(description="The department that would act on an event there; null when nobody would.")
    async def department(self, info: Info) -> Department | None:
        """Read the department."""
        return None if self.department_id is None else await read.by_id(info, self.department_id)


@strawberry.type
class AreasQuery:
    """Reads about areas."""

    @strawberry.field(description="The city this installation serves.")
    async def city(self, info: Info) -> City:
        """Describe the city."""
        return await _city(info)

    @strawberry.field(description="Areas of a layer, by level and code.")
    async def areas(
        self,
        info: Info,
        layer: str,
        level: str | None = None,
        parent_id: strawberry.ID | None = None,
        text: str | None = None,
        first: int = 100,
        after: str | None = None,
        as_of: datetime | None = None,
    ) -> AreaConnection:
        """List areas."""
        conditions, values = ["{0}.layer = %(layer)s", IN_FORCE], {"layer": layer, "as_of": as_of or info.context.now()}
        if level is not None:
            conditions.append("{0}.level = %(level)s")
            values["level"] = level
        if parent_id is not None:
            conditions.append("{0}.parent_id = %(parent)s")
            values["parent"] = uuid_of(parent_id, "parentId")
        if text:
            conditions.append("({0}.name like %(like)s escape '!' or {0}.code like %(begin)s escape '!')")
            values |= {"like": f"%{read.plain(text)}%", "begin": f"{read.plain(text)}%"}
        return await read.page(info, BY_CODE, where=conditions, values=values, first=first, after=after)

    @strawberry.field(description="One area, as it is or as it was.")
    async def area(self, info: Info, id: strawberry.ID, as_of: datetime | None = None) -> Area | None:  # noqa: A002
        """Read an area."""
        values = {"id": uuid_of(id, "id"), "as_of": as_of or info.context.now()}
        return await read.first(info, where=["{0}.area_id = %(id)s", IN_FORCE], values=values)

    @strawberry.field(description="One area by its code; a former code finds the area that carried it.")
    async def area_by_code(self, info: Info, layer: str, code: str, as_of: datetime | None = None) -> Area | None:
        """Read an area by code."""
        values = {"layer": layer, "code": code, "as_of": as_of or info.context.now()}
        where = ["{0}.layer = %(layer)s", IN_FORCE, KNOWN_AS]
        return await read.first(info, where=where, values=values, order="{0}.code <> %(code)s, {0}.code, {0}.id")

    @strawberry.field(description="Who owns this point, and which department would act: a preview that stores nothing.")
    async def locate(self, info: Info, position: PositionInput) -> Located:
        """Locate a point."""
        return await _located(info, position)


BY_CODE = read.Order((("{0}.level", "text"), ("{0}.code", "text"), ("{0}.id", "uuid")))
KNOWN_AS = """({0}.code = %(code)s or exists (select from area_codes k where k.area_id = {0}.area_id and k.code = %(code)s)
    or exists (select from area_versions f where f.area_id = {0}.area_id and f.layer = {0}.layer and f.code = %(code)s))"""
_CITY = """
select v.name, coalesce(v.name_en, v.name), array[st_xmin(v.geom), st_ymin(v.geom), st_xmax(v.geom), st_ymax(v.geom)],
       (select array[st_x(p), st_y(p)] from st_transform(v.label_point, 4326) p)
from area_versions v
where v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s) and v.layer = 'admin' and v.level = 'city'
order by v.area_m2 desc limit 1
"""
# The gazetteer may hold millions of places: its few sources are found by stepping through the index, not by reading it.
_SOURCES = """
with recursive gazetteer(source) as (
    select min(source) from places
    union all select (select min(p.source) from places p where p.source > g.source) from gazetteer g where g.source is not null
)
select array(select distinct source from area_versions where source is not null and valid_to is null
             union select distinct source from rail_lines
             union select source from gazetteer where source is not null order by 1 limit 50),
       exists (select from installation where key like 'demo%%')
"""


async def _city(info: Info) -> City:
    async with info.context.pool.connection() as conn:
        row = await (await conn.execute(_CITY, {"at": info.context.now()})).fetchone()
        facts = await (await conn.execute(_SOURCES)).fetchone()
    # An installation without areas yet still opens its map, on the country.
    name, name_en, bbox, center = row or ("", "", [73.5, 18.0, 135.1, 53.6], [104.2, 35.9])
    backgrounds = await asyncio.to_thread(basemaps.configured, info.context.state.settings)
    sources, demo = facts or ([], False)
    return City(
        name=name, name_en=name_en, bbox=bbox, center=center, attribution=sources, demo=demo,
        basemaps=[_basemap(found) for found in backgrounds],
    )  # fmt: skip


def _basemap(found: basemaps.Configured) -> Basemap:
    return Basemap(
        id=strawberry.ID(found.id), name=found.name, kind=found.kind, url=found.url, datum=Datum(found.datum),
        attribution=found.attribution, max_zoom=found.max_zoom,
    )  # fmt: skip


async def _located(info: Info, given: PositionInput) -> Located:
    position = assignment.read_position(
        lon=given.lon, lat=given.lat, datum_name=given.datum.value, accuracy_m=given.accuracy_m, where="position"
    )
    context = info.context
    async with transaction(context.pool) as conn:
        city = await context.state.jurisdictions.current(conn, at=context.now())
    assigned = assignment.assign(city, position, None)
    home_id = assigned.home.area_id if assigned.home else None
    department = assigned.choice.department
    return Located(
        position=GeoJSON({"type": "Point", "coordinates": [round(position.lonlat.lon, 7), round(position.lonlat.lat, 7)]}),
        owners=[_owner(city.areas, code, owner) for code, owner in assigned.owners.items()],
        near_border=any(candidate.owner.area_id != home_id for candidate in assigned.candidates),
        candidates=[_candidate(candidate) for candidate in assigned.candidates],
        department_id=department.id if department else None,
    )


def _owner(areas: jurisdictions.Jurisdictions, layer: str, owner: jurisdictions.Owner | None) -> LayerOwner:
    name = next(found.name for found in areas.layers if found.code == layer)
    if owner is None:
        return LayerOwner(layer=layer, layer_name=name, area_id=None, code=None, name=None)
    return LayerOwner(layer=layer, layer_name=name, area_id=strawberry.ID(str(owner.area_id)), code=owner.code, name=owner.name)


def _candidate(found: jurisdictions.Candidate) -> Candidate:
    return Candidate(
        area_id=strawberry.ID(str(found.owner.area_id)), code=found.owner.code, name=found.owner.name,
        distance_m=round(found.distance_m, 2), share=round(found.share, 4),
    )  # fmt: skip
