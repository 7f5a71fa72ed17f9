"""The command line, a door like the others: finds the command that was asked for and imports nothing else.

Trouble outside the product is told in one line with its remedy and exit code 1; a traceback means a fault of ours.
"""

import ast
import errno
import importlib
import os
import signal
import sys
from pathlib import Path

import typer
from typer.core import TyperGroup

from runtime.trouble import SetupTrouble

MENDABLE = (
    ("domain.errors", "DomainError", ""),
    ("geo.lonlat", "GeoError", ""),
    ("psycopg.errors", "DiskFull", ". Make room on the disk of the home."),
    ("psycopg", "OperationalError", ". See ./gridwarden status, and the logs in the home."),
)
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
    """Run the command line; turn what the person at the keyboard can mend into one line and exit code 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # leaves `with` blocks, so stores are stopped
    try:
        app(prog_name="./gridwarden")
    except Exception as error:
        if (told := _one_line(error)) is None:
            raise
        sys.exit(f"gridwarden: {told}")


def _one_line(error: Exception) -> str | None:
    """Return what to say about an error that is not a fault of the product, else None."""
    if isinstance(error, SetupTrouble):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.ENOSPC, errno.EROFS):
        return f"{error.filename or 'A file'}: {error.strerror}. Make room or give another --home DIR."
    for module, name, more in MENDABLE:
        # An error of a module that was never imported cannot have been raised, so nothing is imported here.
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return f"{str(error).splitlines()[0]}{more}"
    return None


def command_modules() -> dict[str, Path]:
    """Return the modules of the commands by the names they are called with."""
    return {path.stem.rstrip("_").replace("_", "-"): path for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}


def _asks_for_overview() -> bool:
    return len(sys.argv) < 2 or sys.argv[1].startswith("-")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    run()
