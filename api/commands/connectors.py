"""Add the systems that may use our doors (Open311, hand-overs) and the platforms that cases are handed up to."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from api.city import Home, opened, say
from domain.base import Conn, new_id
from domain.connectors import clients, targets
from domain.connectors.tables import CLIENT_SOURCES, DOORS, FORMATS
from domain.connectors.targets import Target
from domain.deliveries import sealing
from domain.errors import NotFound
from domain.flows import upward
from runtime.settings import Settings

app = typer.Typer(help=__doc__, no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="Short name of the system.")]


@app.callback()
def group() -> None:
    """Add the systems that may use our doors (Open311, hand-overs) and the platforms that cases are handed up to."""


@app.command()
def add(
    code: Code,
    name: Annotated[str, typer.Option(help="The name that is shown.")],
    door: Annotated[str, typer.Option(help=f"What its key opens: {' or '.join(DOORS)}.")],
    source: Annotated[str, typer.Option(help=f"What its reports come in as: {', '.join(CLIENT_SOURCES)}.")] = "citizen",
    home: Home = None,
) -> None:
    """Add a system and print its key, which is shown this once."""

    async def change(conn: Conn, _: Settings) -> str:
        return (await clients.add(conn, code=code, name=name, door=door, source=source, at=datetime.now(UTC)))[1]

    typer.echo(_change(home, change))
    say(f"{code} was added; this is its key, keep it now.")


@app.command()
def renew(code: Code, home: Home = None) -> None:
    """Give a system a new key; the old one stops at once."""

    async def change(conn: Conn, _: Settings) -> str:
        return await clients.renew_key(conn, await _client(conn, code))

    typer.echo(_change(home, change))
    say(f"{code} has a new key; this is it.")


@app.command()
def off(code: Code, home: Home = None) -> None:
    """Switch a system off: its key opens nothing any more."""
    _switch(home, code, active=False)


@app.command()
def on(code: Code, home: Home = None) -> None:
    """Switch a system on again."""
    _switch(home, code, active=True)


@app.command(name="list")
def list_(home: Home = None) -> None:
    """List the systems and the platforms."""

    async def read(conn: Conn, _: Settings) -> list[tuple[Any, ...]]:
        return await (await conn.execute(
            "select code, name, door, source, case when active then 'on' else 'off' end from connector_clients union all"
            " select code, name, 'target', base_url, case when active then 'on' else 'off' end from connector_targets order by 3, 1"
        )).fetchall()  # fmt: skip

    for row in _change(home, read):
        typer.echo("\t".join(row))


@app.command()
def target(
    code: Code,
    name: Annotated[str, typer.Option(help="The name that is shown.")],
    url: Annotated[str, typer.Option(help="Address of its GeoReport v2 endpoint, without /requests.")],
    format_: Annotated[str, typer.Option("--format", help=f"What it answers in: {' or '.join(FORMATS)}.")] = "json",
    jurisdiction: Annotated[str, typer.Option(help="Its jurisdiction_id, where it asks for one.")] = "",
    key_file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="File with the api_key it gave us.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="Service codes; * stands for every other.")] = None,
    home: Home = None,
) -> None:
    """Add a platform above, or change the one of this code; without --key-file its key stays."""
    key = key_file.read_text(encoding="utf-8").strip() if key_file else None
    codes = dict(pair.partition("=")[::2] for pair in map_ or ())

    async def change(conn: Conn, settings: Settings) -> None:
        known = await (await conn.execute("select id from connector_targets where code = %s", (code,))).fetchone()
        target_id = known[0] if known else new_id()
        sealed = sealing.seal(settings.signing_key(), upward.seal_name(target_id), {"key": key}) if key else None
        made = Target(
            id=target_id, code=code, name=name, base_url=url.rstrip("/"), format=format_, jurisdiction_id=jurisdiction or None,
            sealed_key=sealed, service_codes=codes,
        )  # fmt: skip
        await targets.save(conn, made, at=datetime.now(UTC))

    _change(home, change)
    say(f"{code} is kept.")


def _switch(home: Path | None, code: str, *, active: bool) -> None:
    async def change(conn: Conn, _: Settings) -> None:
        await clients.set_active(conn, await _client(conn, code), active=active)

    _change(home, change)
    say(f"{code} is {'on' if active else 'off'}.")


async def _client(conn: Conn, code: str) -> UUID:
    row = await (await conn.execute("select id from connector_clients where code = %s", (code,))).fetchone()
    if row is None:
        raise NotFound(f"there is no system {code!r}", f"没有对接系统 {code!r}", field="code")
    found: UUID = row[0]
    return found


def _change(home: Path | None, change: Callable[[Conn, Settings], Awaitable[Any]]) -> Any:
    async def run(settings: Settings) -> Any:
        async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
            return await change(conn, settings)

    with opened(home) as settings:
        return asyncio.run(run(settings))
