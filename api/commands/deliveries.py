"""Show how many messages wait, were sent or are dead; list the dead ones; send them again."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import psycopg
import typer

from api.city import Home, opened, say
from domain.base import Conn
from domain.deliveries import sending
from domain.errors import Invalid

MOST = 500
_COUNTS = "select channel, state, count(*), min(created_at) from deliveries group by 1, 2 order by 1, 2"
_DEAD = """
select id, channel, facts->>'number', event_kind, attempts, last_error from deliveries where state = 'dead' order by created_at, id limit %s
"""

app = typer.Typer(help=__doc__, invoke_without_command=True)


@app.callback()
def deliveries(
    dead: Annotated[bool, typer.Option("--dead", help="List the messages that were given up and nobody else could be told.")] = False,
    retry: Annotated[str, typer.Option("--retry", metavar="ID|all", help="Send a dead message again, or all of them.")] = "",
    home: Home = None,
) -> None:
    """Show how many messages wait, were sent or are dead; list the dead ones; send them again."""
    with opened(home) as settings:
        asyncio.run(_run(settings.database_url, dead, retry))


async def _run(url: str, dead: bool, retry: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as conn:
        if retry:
            await _retry(conn, retry)
        elif dead:
            for delivery_id, channel, number, kind, attempts, why in await (await conn.execute(_DEAD, (MOST,))).fetchall():
                typer.echo(f"{delivery_id}  {channel:8}  {number or '-':18}  {kind:16}  {attempts:2} attempts  {why or ''}")
        else:
            for channel, state, count, since in await (await conn.execute(_COUNTS)).fetchall():
                typer.echo(f"{channel:8}  {state:9}  {count:8}  since {since:%Y-%m-%d %H:%M}")


async def _retry(conn: Conn, which: str) -> None:
    dead = await (await conn.execute(_DEAD, (MOST,))).fetchall() if which == "all" else []
    wanted = [row[0] for row in dead] if which == "all" else [_id(which)]
    for delivery_id in wanted:
        await sending.retry(conn, delivery_id, by=None, at=datetime.now(UTC))
    say(f"{len(wanted)} to be sent again.")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"{text[:40]!r} is no id of a message; see --dead", "编号格式不正确", field="retry") from None
