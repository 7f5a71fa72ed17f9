"""What every command of the command line shares: the `--home` option, the running stores, and how progress is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from runtime import settings as city_settings
from runtime import stores
from runtime.settings import Settings
from runtime.trouble import SetupTrouble

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="The folder of this city: database, photos, secrets, logs.",
        show_default="/var/lib/gridwarden as root, else ~/.local/share/gridwarden",
    ),
]


@contextmanager
def opened(home: Path | None) -> Iterator[Settings]:
    """Lend the settings of a city whose stores answer and whose schema is the newest one.

    Stores that were not running are started, and stopped at the end when nobody else uses them. Raises SetupTrouble, also
    for a folder without a city: a slip in its name must not be answered by an empty one.
    """
    from runtime import migrate

    settings = city_settings.from_environment(home=home)
    if settings.given_database_url is None and not (settings.home / "pg").exists():
        raise SetupTrouble(
            f"There is no city in {settings.home}.", f"Mend --home, or make one there with ./gridwarden up --home {settings.home}"
        )
    with stores.ensure_stores(settings, say=say):
        migrate.upgrade(settings.database_url)
        yield settings


def say(text: str) -> None:
    """Print a line about what is going on, to stderr so that it never mixes with a command's output."""
    typer.echo(text, err=True)
