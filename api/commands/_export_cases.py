"""``export cases``: a list of cases for a spreadsheet."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.city import Home, opened


def cases(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="What to write; the ending says the format where --format does not.")],
    format_: Annotated[str, typer.Option("--format", help="csv or xlsx.")] = "",
    only: Annotated[list[str] | None, typer.Option("--filter", metavar="NAME=VALUE", help="As CaseFilter: open=true, areaId=...")] = None,
    bom: Annotated[bool, typer.Option(help="Begin a CSV with the mark by which Excel sees that it is UTF-8.")] = True,
    lang: Annotated[str, typer.Option(help="Language of the header and the states: zh or en.")] = "zh",
    home: Home = None,
) -> None:
    """Write cases with state, unit, dates and position (WGS 84); neither the reporter's words nor contact."""
    from api.graph.cases import conditions
    from api.http.exports import filter_of
    from runtime import case_list

    chosen = format_ or file.suffix.lstrip(".").lower()
    if chosen not in case_list.FORMATS:
        raise typer.BadParameter(f"write .csv or .xlsx, not {chosen!r}")
    where, values = conditions(filter_of(dict(part.partition("=")[::2] for part in only or ())))

    async def write(database_url: str) -> int:
        import psycopg

        options = "-c TimeZone=UTC"
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, options=options) as conn:
            with file.open("wb") as out:
                given = {"at": datetime.now(UTC), **values}
                return await case_list.write(conn, out, chosen, [one.format("c") for one in where], given, bom=bom, language=lang)

    with opened(home) as settings:
        count = asyncio.run(write(settings.database_url))
    typer.echo(f"{count} cases written to {file}")
