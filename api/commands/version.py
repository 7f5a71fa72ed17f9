"""Show the version of the product."""

import tomllib

import typer

from runtime.settings import CHECKOUT

app = typer.Typer()


@app.command()
def version() -> None:
    """Show the version of the product."""
    typer.echo(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"])
