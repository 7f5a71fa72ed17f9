"""Write areas or cases of a city to a file others can read."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.city import Home, opened
from api.commands._export_cases import cases

app = typer.Typer(help=__doc__, no_args_is_help=True)
app.command()(cases)
COLUMNS = ("code", "name", "name_en", "level", "parent", "valid_from", "valid_to", "approximate", "basis", "source", "area_m2")
_AREAS = """
select v.code, v.name, v.name_en, v.level, p.code, v.valid_from::text, v.valid_to::text, v.approximate::text, v.basis, v.source,
       v.area_m2, st_asbinary(v.geom)
from area_versions v left join lateral (
    select code from area_versions w
    where w.area_id = v.parent_id and w.valid_from <= %(at)s and (w.valid_to is null or w.valid_to > %(at)s)
) p on true
where v.layer = %(layer)s and (%(level)s::text is null or v.level = %(level)s)
  and v.valid_from <= %(at)s and (v.valid_to is null or v.valid_to > %(at)s)
order by v.level, v.code collate "C"
"""
_THERE = """
select distinct layer || '/' || level as one from area_versions
where valid_from <= %(at)s and (valid_to is null or valid_to > %(at)s) order by one
"""


@app.callback()
def group() -> None:
    """Write areas or cases of a city to a file others can read."""


@app.command()
def areas(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="What to write; the ending says the format: .geojson, .gpkg, .shp, .kml.")],
    layer: Annotated[str, typer.Option(help="Which layer: admin, grid, unit_grid, special_grid, rail_section.")],
    level: Annotated[str | None, typer.Option(help="Only this level of it.")] = None,
    as_of: Annotated[datetime | None, typer.Option(help="The boundaries of this instant (UTC); today's when left out.")] = None,
    home: Home = None,
) -> None:
    """Write a layer's areas in force, WGS 84, with code, name, parent, validity and source."""
    import shapely

    from geo.files import write
    from geo.lonlat import GeoError

    at = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    with opened(home) as settings:
        rows = asyncio.run(_read(settings.database_url, layer, level, at))
        there = "" if rows else asyncio.run(_there(settings.database_url, at))
    if not rows:
        message = f"gridwarden: no areas of layer {layer!r}{f' at level {level!r}' if level else ''} are in force then; there are: {there}"
        Console(stderr=True).print(message, markup=False, soft_wrap=True)
        raise typer.Exit(1)
    columns = {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}
    try:
        write(file, [shapely.from_wkb(bytes(row[-1])) for row in rows], columns, layer=layer)
    except GeoError as error:
        Console(stderr=True).print(f"gridwarden: {error}", markup=False)
        raise typer.Exit(1) from error
    typer.echo(f"{len(rows)} areas written to {file}")


async def _read(database_url: str, layer: str, level: str | None, at: datetime) -> list[tuple[Any, ...]]:
    import psycopg

    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        return await (await conn.execute(_AREAS, {"layer": layer, "level": level, "at": at})).fetchall()


async def _there(database_url: str, at: datetime) -> str:
    """The layers and levels that have areas in force, for somebody who asked for one that has none."""
    import psycopg

    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        found = await (await conn.execute(_THERE, {"at": at})).fetchall()
    return ", ".join(str(one) for (one,) in found) or "none at all"
