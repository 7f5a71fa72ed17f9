"""Write the GraphQL schema that clients depend on to frontend_schema/schema.graphql."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.settings import CHECKOUT

FILE = CHECKOUT / "frontend_schema" / "schema.graphql"

app = typer.Typer()


@app.command()
def schema(output: Annotated[Path, typer.Option("--output", "-o", help="Where to; `-` is the terminal.")] = FILE) -> None:
    """Write the GraphQL schema that clients depend on."""
    from api.schema import sdl

    if str(output) == "-":
        typer.echo(sdl(), nl=False)
    else:
        output.write_text(sdl(), encoding="utf-8")
