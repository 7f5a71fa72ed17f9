"""Stop the city that runs in a home: API, worker and, when nobody else uses them, the stores."""

import typer

from api.city import Home
from runtime import process, settings, stores, supervisor
from runtime.trouble import SetupTrouble

app = typer.Typer()


@app.command()
def down(home: Home = None) -> None:
    """Stop the city that runs in a home: API, worker and, when nobody else uses them, the stores."""
    city = settings.from_environment(home=home)
    if not city.run_dir.exists():
        typer.echo(f"There is no city in {city.home}.")
        return
    running = process.find("supervisor", run_dir=city.run_dir)
    if running is not None:
        running.stop()
    with supervisor.city_lock(city) as lock:
        if lock is None:
            raise SetupTrouble(f"The city in {city.home} is just being started.", "Wait for it, then stop it.")
        supervisor.end_orphans(city)
        with stores.starting(city), (city.run_dir / "users.lock").open("a") as using:
            left = not stores.nobody_else(using)
            if not left:
                stores.stop_stores(city)
    stopped = "Stopped." if running else "It was not running."
    typer.echo(f"{stopped} Another command still uses the stores; they stop with it." if left else stopped)
