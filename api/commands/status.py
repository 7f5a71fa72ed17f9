"""Show what runs in a home, for people or as JSON; exit code 0 when the city answers, 3 when it does not."""

import json
from dataclasses import replace
from typing import Annotated, TypedDict

import typer

from api.city import Home
from runtime import process, settings, supervisor
from runtime.settings import Settings

app = typer.Typer()


@app.command()
def status(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Wait up to so many seconds until it answers.")] = 0.0,
) -> None:
    """Show what runs in a home, for people or as JSON; exit code 0 when the city answers, 3 when it does not."""
    city = settings.from_environment(home=home)
    if wait_s:
        process.wait_until(lambda: _look(city)["ready"], wait_s, pause_s=0.1)
    seen = _look(city)
    if as_json:
        typer.echo(json.dumps(seen))
    else:
        typer.echo(f"{'ready' if seen['ready'] else 'not ready'}  {seen['url'] or 'no city is running'}  home {city.home}")
        for name, pid in seen["processes"].items():
            typer.echo(f"  {name:<12} {pid}")
    raise typer.Exit(0 if seen["ready"] else 3)


class Seen(TypedDict):
    """What `--json` prints."""

    home: str
    url: str | None
    ready: bool
    processes: dict[str, int]


def _look(city: Settings) -> Seen:
    """Look which processes live and whether the city answers."""
    processes = {}
    for record in sorted(city.run_dir.glob("*.json")) if city.run_dir.exists() else ():
        found = process.find(record.stem, run_dir=city.run_dir)
        if found is not None:
            processes[found.name] = found.pid
    address = supervisor.address(city) if "supervisor" in processes else None
    running = replace(city, **address) if address else None
    return {
        "home": str(city.home),
        "url": running.base_url if running else None,
        "ready": running is not None and supervisor.is_ready(running),
        "processes": processes,
    }
