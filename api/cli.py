"""The command line, a door like the others: finds the command that was asked for and imports nothing else.

Trouble outside the product is told in one line with its remedy and exit code 1; a traceback means a fault of ours.
"""

import ast
import importlib
import os
import sys
from pathlib import Path

import typer
from typer.core import TyperGroup

from runtime.trouble import SetupTrouble

FOLDER = Path(__file__).parent / "commands"


class Commands(TyperGroup):
    """A group whose commands are the modules in `api/commands`, imported one at a time."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """Return the names of all commands, sorted."""
        return sorted(command_modules())

    def get_command(self, ctx: typer.Context, cmd_name: str) -> typer.core.TyperCommand | None:  # type: ignore[override]
        """Import the module of one command; for the overview of all of them only its docstring is read."""
        path = command_modules().get(cmd_name)
        if path is None:
            return None
        if ctx.resilient_parsing or _asks_for_overview():
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            return typer.core.TyperCommand(cmd_name, help=docstring.split("\n")[0])
        module = importlib.import_module(f"api.commands.{path.stem}")
        module.app._add_completion = False
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command  # type: ignore[return-value]


app = typer.Typer(
    cls=Commands,
    name="gridwarden",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Grid governance and railway line protection for a city.",
)


@app.callback()
def main() -> None:
    """Grid governance and railway line protection for a city."""


def run() -> None:
    """Run the command line; turn trouble outside the product into one line and exit code 1."""
    try:
        app(prog_name="./gridwarden")
    except SetupTrouble as trouble:
        sys.exit(f"gridwarden: {trouble}")
    except OSError as error:
        if error.errno not in (13, 28, 30):  # permission, disk full, read-only
            raise
        sys.exit(f"gridwarden: {error.filename or 'A file'}: {error.strerror}. Make room or give another --home DIR.")


def command_modules() -> dict[str, Path]:
    """Return the modules of the commands by the names they are called with."""
    return {path.stem.rstrip("_").replace("_", "-"): path for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}


def _asks_for_overview() -> bool:
    return len(sys.argv) < 2 or sys.argv[1].startswith("-")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    run()
