"""``import reports``: a list of reports or of hotline calls, row by row."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from api.city import Home, opened


def reports(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="XLSX or CSV; the first row names the columns.")],
    source: Annotated[str, typer.Option(help="What they come in as: hotline, police110 or staff.")] = "hotline",
    datum: Annotated[str, typer.Option(help="What the coordinates are: WGS84, CGCS2000, GCJ02 or BD09.")] = "WGS84",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and keep nothing.")] = False,
    home: Home = None,
) -> None:
    """Import reports: 描述 and 地址 or 经度+纬度 are needed; 编号, 事项, 时间, 联系人 and 电话 are read where they stand.

    Rows are taken in one by one; a list imported again, also after it broke off, adds only what is new.
    """
    from domain.base import new_id
    from domain.flows.city import CityHolder
    from domain.flows.report_import import Options
    from geo.datum import parse_datum
    from runtime import report_import, sheets
    from runtime.clock import SystemClock
    from runtime.database import open_pool

    console = Console(stderr=True, highlight=False)
    data = file.read_bytes()
    rows = sheets.read(file.name, data)
    options = Options(source=source, datum=str(parse_datum(datum)))
    job = report_import.Job(id=new_id(), file_name=file.name, data=data, rows=rows, options=options, dry_run=dry_run)

    async def run(database_url: str, secret: bytes) -> dict[str, Any]:
        pool = await open_pool(database_url, size=2)
        try:
            with Progress(console=console, transient=True) as progress:
                task = progress.add_task(f"Importing {file.name}", total=len(rows))
                return await report_import.run(
                    pool, CityHolder(), job, clock=SystemClock(), secret=secret, told=lambda done: progress.update(task, completed=done)
                )
        finally:
            await pool.close()

    with opened(home) as settings:
        told = asyncio.run(run(settings.database_url, settings.signing_key()))
    for problem in told["problems"]:
        console.print(f"row {problem['row']}, {problem['column']}: {problem['message']}", markup=False, soft_wrap=True)
    kept = " (dry run: nothing was kept)" if dry_run else ""
    counts = f"{told['accepted']} accepted, {told['repeated']} known already, {told['refused']} refused"
    typer.echo(f"{counts} of {told['rows_total']} rows{kept}")
    if told["refused"]:
        raise typer.Exit(1)
