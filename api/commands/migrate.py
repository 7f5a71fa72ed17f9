"""Bring the database of a city to the newest version of the schema."""

import typer

from api.city import Home, say
from runtime import migrate as migrations
from runtime import settings, stores

app = typer.Typer()


@app.command()
def migrate(home: Home = None) -> None:
    """Bring the database of a city to the newest version of the schema."""
    city = settings.from_environment(home=home)
    with stores.ensure_stores(city, say=say):
        changed = migrations.upgrade(city.database_url)
    typer.echo("The schema was brought up to date." if changed else "The schema is up to date.")
