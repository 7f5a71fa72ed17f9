"""Live in the demo city through its real doors, or check that everything it acknowledged is there exactly once."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.city import Home, opened
from runtime import settings as city_settings
from runtime import supervisor
from runtime.trouble import SetupTrouble

if TYPE_CHECKING:
    from rich.table import Table

    from demo.simulate import Counts, Plan

app = typer.Typer()


@app.command()
def simulate(
    home: Home = None,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Reports a second, on average.")] = 5.0,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long; until Ctrl-C when left out.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the city; that of the one running in the home when left out.")] = None,
    journal: Annotated[Path | None, typer.Option(help="Append everything acknowledged to this file, synced.")] = None,
    verify: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Hold a journal against the database.")] = None,
) -> None:
    """Live in the demo city through its real doors, or check that everything it acknowledged is there exactly once."""
    if verify is not None:
        _verify(home, verify)
        return
    from demo.simulate import Counts, Plan

    settings = city_settings.from_environment(home=home)
    if not settings.demo_accounts_file.exists():
        raise SetupTrouble(f"There is no demo city in {settings.home}.", "Start one with ./gridwarden up, or name its --home DIR.")
    plan = Plan(url=url or _address(settings), home=settings.home, rate=rate, seconds=seconds, journal=journal)
    counts = Counts()
    try:
        asyncio.run(_live(plan, counts))
    finally:
        typer.echo(_line(counts))


def _verify(home: Path | None, path: Path) -> None:
    import psycopg

    from demo import journal

    async def hold(database_url: str) -> journal.Verdict:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            return await journal.verify(conn, path)

    with opened(home) as settings:
        verdict = asyncio.run(hold(settings.database_url))
    for line in verdict.broken[:50]:
        typer.echo(line, err=True)
    told = f"{verdict.reports} reports, {verdict.detections} detections and {verdict.steps} steps were acknowledged"
    typer.echo(f"{told}: {f'{len(verdict.broken)} are NOT as promised' if verdict.broken else 'each is there exactly once'}")
    raise typer.Exit(1 if verdict.broken else 0)


def _address(settings: city_settings.Settings) -> str:
    running = supervisor.address(settings)
    if not running:
        raise SetupTrouble(f"No city is running in {settings.home}.", "Start it with ./gridwarden up, or name its --url.")
    return replace(settings, **running).base_url


async def _live(plan: "Plan", counts: "Counts") -> None:
    from rich.console import Console
    from rich.live import Live

    from demo import simulate as life

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console = Console(stderr=True, highlight=False)
    living = asyncio.create_task(life.run(plan, counts, stop=stop))
    with Live(console=console, auto_refresh=False, transient=True) as shown:
        while not living.done():
            await asyncio.wait({living}, timeout=0.5 if console.is_terminal else 5.0)
            if console.is_terminal:
                shown.update(_table(plan, counts), refresh=True)
            elif not living.done():
                print(_line(counts), file=sys.stderr)
    await living


def _table(plan: "Plan", counts: "Counts") -> "Table":
    from rich.table import Table

    table = Table(title=f"Living in {plan.url}", title_justify="left", box=None, padding=(0, 2), show_header=False)
    for name, value in (
        ("reports acknowledged", f"{counts.reports}   ({counts.a_second():.1f} a second, {plan.rate:g} wanted)"),
        ("detections, steps, photos", f"{counts.detections}, {counts.steps}, {counts.photos}"),
        ("answered within", f"{counts.percentile_ms(0.5):.0f} ms (half), {counts.percentile_ms(0.99):.0f} ms (99 of 100)"),
        ("waiting for an answer", f"{counts.in_flight}"),
        ("sent again", f"{counts.retries}"),
        ("refused", f"{counts.refused}  {counts.last_refusal}"),
    ):
        table.add_row(name, value)
    return table


def _line(counts: "Counts") -> str:
    parts = [
        f"{counts.reports} reports acknowledged ({counts.a_second():.1f}/s)",
        f"{counts.detections} detections",
        f"{counts.steps} steps",
        f"p50 {counts.percentile_ms(0.5):.0f} ms, p99 {counts.percentile_ms(0.99):.0f} ms",
        f"{counts.retries} sent again",
        f"{counts.refused} refused{': ' + counts.last_refusal if counts.refused else ''}",
    ]
    return ", ".join(parts)
