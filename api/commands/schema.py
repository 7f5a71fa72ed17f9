"""Write what is read off the code: the GraphQL schema clients depend on, and the page on the life-cycle."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.settings import CHECKOUT

FILE = CHECKOUT / "frontend_schema" / "schema.graphql"
LIFECYCLE = CHECKOUT / "docs" / "lifecycle.md"

app = typer.Typer()


@app.command()
def schema(output: Annotated[Path, typer.Option("--output", "-o", help="Where to; `-` is the terminal.")] = FILE) -> None:
    """Write the GraphQL schema that clients depend on, and docs/lifecycle.md."""
    from api.schema import sdl
    from domain.flows.lifecycle_page import document

    if str(output) == "-":
        typer.echo(sdl(), nl=False)
    else:
        output.write_text(sdl(), encoding="utf-8")
        LIFECYCLE.write_text(document(), encoding="utf-8")
