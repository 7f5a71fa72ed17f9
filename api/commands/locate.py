"""Append the owning area's code and name to every row of a table of points."""

import asyncio
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from api.city import Home, opened

if TYPE_CHECKING:
    from domain.areas.jurisdictions import Layer

app = typer.Typer()


@app.command()
def locate(
    points: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a header line.")],
    layer: Annotated[str, typer.Option(help="The layer whose areas own: grid, unit_grid, special_grid, rail_section ...")] = "grid",
    datum: Annotated[str, typer.Option(help="What the coordinates are: WGS84, CGCS2000, GCJ02 or BD09.")] = "WGS84",
    lon: Annotated[str | None, typer.Option(help="The column of the longitude; found by its usual names when left out.")] = None,
    lat: Annotated[str | None, typer.Option(help="The column of the latitude.")] = None,
    errors: Annotated[Path | None, typer.Option(help="Write bad rows here: row number, code, reason.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to write; standard output when left out.")] = None,
    as_of: Annotated[datetime | None, typer.Option(help="Use the boundaries of this instant (UTC).")] = None,
    home: Home = None,
) -> None:
    """Append the owning area's code and name to every row of a table of points.

    Every column is kept; `owner_code` and `owner_name` are empty where nothing owns the point or the row is bad. Bad rows are
    counted on stderr. The output file appears whole or not at all.
    """
    from domain.errors import DomainError
    from geo.lonlat import GeoError

    console = Console(stderr=True, highlight=False)
    at = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    try:
        owners = _layer(home, layer, at)
        rows, owned, bad = _run(points, owners, datum, lon, lat, errors, out, console)
    except (DomainError, GeoError) as error:
        console.print(f"gridwarden: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(f"{rows:,} rows: {owned:,} owned, {rows - owned - bad:,} unowned, {bad:,} bad", markup=False)


def _layer(home: Path | None, code: str, at: datetime) -> "Layer":
    import psycopg

    from domain.areas import jurisdictions

    async def load(database_url: str) -> "Layer":
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            return await jurisdictions.load_layer(conn, code, at=at)

    with opened(home) as settings:
        return asyncio.run(load(settings.database_url))


def _run(
    points: Path, layer: "Layer", datum: str, lon: str | None, lat: str | None, errors: Path | None, out: Path | None, console: Console
) -> tuple[int, int, int]:
    from geo.datum import parse_datum
    from geo.points_csv import read_points

    names = [(owner.code, owner.name) for owner in layer.owners]
    names.append(("", ""))
    rows = owned = bad = 0
    size = points.stat().st_size
    batches = read_points(points, lon=lon, lat=lat, datum=parse_datum(datum))
    with Progress(console=console, transient=True) as progress, _whole(out) as target, _whole(errors) as refused:
        task = progress.add_task(f"Locating {points.name}", total=None)
        writer, complaints = csv.writer(target, lineterminator="\n"), csv.writer(refused, lineterminator="\n")
        for batch in batches:
            if not rows:
                writer.writerow([*batch.header, "owner_code", "owner_name"])
                if errors:
                    complaints.writerow(["row", "code", "reason"])
            found = layer.index.locate_many(batch.lon, batch.lat).tolist()
            writer.writerows([[*row, *names[owner]] for row, owner in zip(batch.rows, found, strict=True)])
            if errors:
                complaints.writerows([[number, error.code, error.message_en] for number, error in batch.bad])
            rows = batch.done
            owned += sum(owner >= 0 for owner in found)
            bad += len(batch.bad)
            progress.update(task, description=f"Locating {points.name} ({size / 1e6:,.0f} MB): {rows:,} rows")
    return rows, owned, bad


@contextmanager
def _whole(path: Path | None) -> Iterator[IO[str]]:
    """Open a file that appears under its name only when everything was written; standard output when there is none."""
    if path is None:
        yield sys.stdout
        return
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
