"""Bring areas, places and reports of a city in from files."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from api.city import Home, opened
from api.commands._import_areas import areas
from api.commands._import_reports import reports

if TYPE_CHECKING:
    from domain.places.actions import Loaded, PlaceRecord

app = typer.Typer(help=__doc__, no_args_is_help=True)
app.command()(areas)
app.command()(reports)


@app.callback()
def group() -> None:
    """Bring areas, places and reports of a city in from files."""


@app.command()
def places(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, GeoJSON, GeoPackage, Shapefile, KML, OSM PBF.")],
    datum: Annotated[str, typer.Option(help="What the coordinates are: WGS84, CGCS2000, GCJ02 or BD09.")],
    name: Annotated[str, typer.Option(help="The column of the name.")] = "name",
    kind: Annotated[str, typer.Option(help="The column of the kind, or one word for all: village, road, address ...")] = "place",
    lon: Annotated[str | None, typer.Option(help="The column of the longitude (CSV).")] = None,
    lat: Annotated[str | None, typer.Option(help="The column of the latitude (CSV).")] = None,
    precision_m: Annotated[float, typer.Option("--precision", min=1, max=100_000, help="How far off positions may be, in metres.")] = 50.0,
    source: Annotated[str | None, typer.Option(help="What an import replaces and credits; the file's name when left out.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows even where others are refused.")] = False,
    home: Home = None,
) -> None:
    """Import a gazetteer or an address list; importing a source again replaces it."""
    from domain.errors import DomainError
    from domain.places import gazetteer
    from geo.datum import parse_datum
    from geo.lonlat import GeoError

    console = Console(stderr=True, highlight=False)
    try:
        declared = parse_datum(datum)
        columns = gazetteer.Columns(name=name, kind=kind, lon=lon, lat=lat)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"Reading {file.name}", total=None)
            found = gazetteer.Gathered()
            for found, done, total in gazetteer.read(file, columns, datum=declared):  # noqa: B007  # the last one stays
                progress.update(task, completed=done, total=total or None)
    except (DomainError, GeoError) as error:
        raise typer.Exit(_told(console, str(error))) from error
    for line in found.told:
        console.print(line, markup=False)
    if found.refused > len(found.told):
        console.print(f"... and {found.refused - len(found.told)} more")
    if found.refused and not skip_bad:
        raise typer.Exit(_told(console, f"{found.refused} rows were refused and nothing was imported; mend them or add --skip-bad"))
    imported = _import(home, found.records(precision_m=precision_m), source or file.name)
    typer.echo(f"{imported.places} places from {found.rows} rows, replacing {imported.replaced}; {found.refused} rows refused")


def _told(console: Console, message: str) -> int:
    console.print(f"gridwarden: {message}", markup=False, soft_wrap=True)
    return 1


def _import(home: Path | None, records: "Iterator[PlaceRecord]", source: str) -> "Loaded":
    import psycopg

    from domain.places import actions

    async def load(database_url: str) -> "Loaded":
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            return await actions.load(conn, records, source=source, at=datetime.now(UTC))

    with opened(home) as settings:
        return asyncio.run(load(settings.database_url))
