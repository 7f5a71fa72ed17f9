"""The `areas` command of `import`: a file becomes a layer, after everything in it was checked."""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from api.city import Home, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.areas.changes import AreaRecord
    from domain.areas.imports import LayerChoice
    from domain.areas.publish import Published
    from domain.base import Conn
    from geo.coverage import Findings
    from geo.files import AreaRow, BadRow
    from geo.lonlat import Datum

SHOWN = 50


class Promise(StrEnum):
    """What a layer promises about its areas."""

    PARTITION = "partition"
    DISJOINT = "disjoint"
    FREE = "free"


def areas(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON, GeoPackage, Shapefile or KML.")],
    layer: Annotated[str, typer.Option(help="Where the areas go: admin, grid, unit_grid, special_grid, rail_section.")],
    datum: Annotated[str, typer.Option(help="What the coordinates really are: WGS84, CGCS2000, GCJ02 or BD09.")],
    code: Annotated[str, typer.Option(help="The column of the code.")] = "code",
    name: Annotated[str, typer.Option(help="The column of the name.")] = "name",
    parent: Annotated[str | None, typer.Option(help="The column of the parent's code.")] = None,
    level: Annotated[str | None, typer.Option(help="The level of these areas; needed for admin: county, town, village ...")] = None,
    promise: Annotated[Promise | None, typer.Option(help="What the layer promises; its own promise when left out.")] = None,
    file_layer: Annotated[str | None, typer.Option(help="The layer inside the file, where it has several.")] = None,
    crs: Annotated[str | None, typer.Option(help="The coordinate reference system of a file that names none, such as EPSG:4547.")] = None,
    valid_from: Annotated[datetime | None, typer.Option(help="When the areas come into force (UTC); now when left out.")] = None,
    source: Annotated[str | None, typer.Option(help="Where the file is from, with its licence; shown on the map.")] = None,
    approximate: Annotated[bool, typer.Option("--approximate", help="Not surveyed: shown as approximate.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Mend invalid shapes instead of refusing them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and say what would change; write nothing.")] = False,
    home: Home = None,
) -> None:
    """Make a file's areas the whole of a layer, or of one level of it: all of them or none; the same file twice changes nothing.

    Lists every invalid shape, overlap, gap and uncovered part with place and size, and names a suspected GCJ-02 shift.
    """
    from domain.areas.changes import Record
    from domain.errors import DomainError
    from geo.datum import parse_datum
    from geo.files import read_areas
    from geo.lonlat import GeoError

    console = Console(stderr=True, highlight=False)
    since = valid_from.replace(tzinfo=UTC) if valid_from else None
    try:
        declared = parse_datum(datum)
        batches = read_areas(file, code=code, name=name, parent=parent, datum=declared, crs=crs, layer=file_layer, repair=repair)
        rows: list[AreaRow] = []
        bad: list[BadRow] = []
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"Reading {file.name}", total=None)
            for batch in batches:
                rows += batch.rows
                bad += batch.bad
                progress.update(task, completed=batch.done, total=batch.total)
        if bad or not rows:
            raise typer.Exit(_refuse_rows(console, bad))
        records = [Record(level or layer, r.code, r.name, r.geometry, None, r.parent, approximate, None, source or file.name) for r in rows]
        with opened(home) as settings:
            asyncio.run(_bring_in(settings.database_url, layer, level, promise, records, declared, since, dry_run, console))
    except (DomainError, GeoError) as error:
        console.print(f"gridwarden: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _refuse_rows(console: Console, bad: "list[BadRow]") -> int:
    for one in bad[:SHOWN]:
        spot = f" at {one.error.place[0]:.6f}, {one.error.place[1]:.6f}" if one.error.place else ""
        console.print(
            f"row {one.row} ({one.code or 'no code'}){spot}: {one.error.message_en} {one.error.message_zh}", markup=False, soft_wrap=True
        )
    if len(bad) > SHOWN:
        console.print(f"... and {len(bad) - SHOWN} more")
    way_out = "mend them, or try --repair" if any(one.error.place for one in bad) else "mend them"
    console.print(f"gridwarden: {len(bad) or 'no good'} rows cannot be taken and nothing was imported; {way_out}", soft_wrap=True)
    return 1


async def _bring_in(
    database_url: str,
    layer: str,
    level: str | None,
    promise: str | None,
    records: "Sequence[AreaRecord]",
    declared: "Datum",
    since: datetime | None,
    dry_run: bool,
    console: Console,
) -> None:
    import psycopg

    from domain.areas import imports, publish
    from domain.areas.changes import Record

    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        choice = await imports.choose_layer(conn, layer, level, promise)
        placed = [Record(choice.level, r.code, r.name, r.geometry, None, r.parent_code, r.approximate, r.basis, r.source) for r in records]
        at = since or datetime.now(UTC)
        await _warn_of_shift(conn, placed, declared, at, console)
        with console.status("Checking borders"):
            findings = await imports.check(conn, choice, placed, at=at)
        _show(console, findings)
        if not findings.kept:
            console.print(f"gridwarden: the layer would break its promise ({choice.promise}); nothing was imported")
            raise typer.Exit(1)
        with console.status("Covering with cells"):
            covers = await publish.prepare(conn, layer, placed, level=choice.level)
        with console.status("Publishing"):
            # Reading and checking took their time, and reports were assigned by the old areas meanwhile. With the lock none
            # is any more, so the new ones begin no earlier than the last of those.
            await publish.lock_layer(conn, layer, shared=False)
            at = since or datetime.now(UTC)
            done = await publish.publish(conn, layer, placed, at=at, level=choice.level, covers=covers)
        await (conn.rollback() if dry_run else conn.commit())
        await _report(conn, choice, done, at, dry_run)


async def _report(conn: "Conn", choice: "LayerChoice", done: "Published", at: datetime, dry_run: bool) -> None:
    from domain.areas.set_owners import open_cases_elsewhere

    verb = "would be" if dry_run else "were"
    typer.echo(f"{done.written} areas {verb} written, {done.retired} retired, {done.unchanged} unchanged")
    if not dry_run:
        typer.echo(f"layer {choice.layer} is at version {done.version}")
    if not dry_run and at <= datetime.now(UTC):
        moved = await open_cases_elsewhere(conn, choice.layer, at=at)
        if moved:
            typer.echo(f"{moved} open cases now lie in another {choice.level} than the one they were assigned to; they keep their owner")


async def _warn_of_shift(conn: "Conn", records: "Sequence[AreaRecord]", declared: "Datum", at: datetime, console: Console) -> None:
    from domain.areas import imports
    from geo.datum_check import suspect_gcj02

    known = await imports.city_shapes(conn, at=at)
    suspicion = suspect_gcj02([record.geometry for record in records], known, declared) if known else None
    if suspicion:
        console.print(f"warning: {suspicion.message_en} {suspicion.message_zh}", markup=False, soft_wrap=True)


def _show(console: Console, findings: "Findings") -> None:
    for one in findings.found[:SHOWN]:
        console.print(
            f"{one.severity}: {one.kind} of {one.area_m2:,.3f} m2 at {one.place.lon:.6f}, {one.place.lat:.6f} ({', '.join(one.codes)})",
            markup=False,
            soft_wrap=True,
        )
    hidden = len(findings.found) - SHOWN + findings.left_out
    if hidden > 0:
        console.print(f"... and {hidden} more")
