"""Add a member of staff, set a password, grant or take a role, close an account; add a department."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import psycopg
import typer

from api.city import Home, opened, say
from domain.base import Conn
from domain.errors import NotFound
from domain.flows import department_retired
from domain.flows.city import CityHolder
from domain.people import actions, departments, passwords
from domain.people.actions import CONSOLE, NewUser
from domain.people.roles import ROLES
from domain.people.scope import Grant
from domain.routing import duties

BATCH = 100

app = typer.Typer(help=__doc__, no_args_is_help=True)

Username = Annotated[str, typer.Argument(metavar="USERNAME")]
RoleName = Annotated[str, typer.Option("--role", help=f"One of {', '.join(role.name for role in ROLES)}.")]
AreaCode = Annotated[str, typer.Option("--area", metavar="CODE", help="The area in whose subtree the role holds.")]
DepartmentCode = Annotated[str, typer.Option("--department", metavar="CODE", help="The department it holds for.")]
Ask = Annotated[bool, typer.Option("--ask", help="Ask for the password instead of making a random one.")]


@app.command()
def add(
    username: Username,
    name: Annotated[str, typer.Option(help="The name that is shown.")],
    role: RoleName = "",
    area: AreaCode = "",
    department: DepartmentCode = "",
    ask: Ask = False,
    home: Home = None,
) -> None:
    """Add a member of staff; without --area and --department the role holds for the whole city."""
    password = _password(ask)

    async def change(conn: Conn) -> None:
        grant = await _grant(conn, role, area, department) if role else None
        department_id = await _department(conn, department) if department else None
        new = NewUser(
            username=username,
            display_name=name,
            password=password,
            department_id=department_id,
            grants=(grant,) if grant else (),
        )
        await actions.create_user(conn, CONSOLE, new, at=datetime.now(UTC))

    _change(home, change)
    say(f"{username} was added.")
    _show(password, ask)


@app.command()
def password(username: Username, ask: Ask = False, home: Home = None) -> None:
    """Set a new password and end every session of the user."""
    new = _password(ask)

    async def change(conn: Conn) -> None:
        user_id = await actions.user_id_of(conn, username)
        await actions.set_password(conn, CONSOLE, user_id, new, at=datetime.now(UTC))

    _change(home, change)
    say(f"The password of {username} was set; sessions were ended.")
    _show(new, ask)


@app.command()
def grant(
    username: Username,
    role: RoleName,
    area: AreaCode = "",
    department: DepartmentCode = "",
    take: Annotated[bool, typer.Option("--take", help="Take the role away instead.")] = False,
    home: Home = None,
) -> None:
    """Grant a role, over an area subtree, for a department, or for the whole city."""

    async def change(conn: Conn) -> None:
        user_id = await actions.user_id_of(conn, username)
        given = await _grant(conn, role, area, department)
        action = actions.take_role if take else actions.grant_role
        await action(conn, CONSOLE, user_id, given, at=datetime.now(UTC))

    _change(home, change)
    say(f"{username} {'lost' if take else 'has'} the role {role}.")


@app.command()
def close(username: Username, home: Home = None) -> None:
    """Close an account and end its sessions; what it did keeps its name."""

    async def change(conn: Conn) -> None:
        user_id = await actions.user_id_of(conn, username)
        await actions.deactivate(conn, CONSOLE, user_id, at=datetime.now(UTC))

    _change(home, change)
    say(f"The account {username} was closed.")


@app.command()
def department(
    code: Annotated[str, typer.Argument(metavar="CODE")],
    name: Annotated[str, typer.Option(help="The name that is shown.")],
    name_en: Annotated[str | None, typer.Option("--name-en", help="Its name in English.")] = None,
    area: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="It answers for the ground of this area; may be given often.")
    ] = None,
    parent: Annotated[str | None, typer.Option(metavar="CODE", help="The department above: what is late or unread goes up to it.")] = None,
    external: Annotated[bool, typer.Option("--external", help="A company or another body that is no public authority.")] = False,
    grids: Annotated[bool, typer.Option("--grids", help="Its people are grid workers: only admitted matters may be sent to it.")] = False,
    home: Home = None,
) -> None:
    """Make or rename a department; what happens in its areas is dispatched to it where nobody more particular answers."""

    async def change(conn: Conn) -> None:
        at = datetime.now(UTC)
        saved = await departments.save(conn, code=code, name=name, name_en=name_en, external=external, serves_grids=grids, at=at)
        if parent:
            await departments.put_under(conn, saved, parent)
        for one in area or ():
            await duties.hold_territory(conn, saved, await _area(conn, one), at=at)

    _change(home, change)
    say(f"The department {code} was saved.")


@app.command()
def retire_department(
    code: Annotated[str, typer.Argument(metavar="CODE")],
    home: Home = None,
) -> None:
    """Close a department: its duties end and what it has in hand goes back to the dispatchers' queue."""

    async def run(url: str) -> int:
        async with await psycopg.AsyncConnection.connect(url) as conn:
            await department_retired.retire(conn, code, at=datetime.now(UTC))
            await conn.commit()
            holder, taken = CityHolder(), 0
            while True:
                at = datetime.now(UTC)
                batch = await department_retired.take_back(conn, city=await holder.current(conn, at=at), at=at, limit=BATCH)
                await conn.commit()
                taken += batch
                if batch < BATCH:
                    return taken
                say(f"{taken} cases are back in the queue ...")

    with opened(home) as settings:
        taken = asyncio.run(run(settings.database_url))
    say(f"The department {code} was closed; {taken} open cases went back to the queue.")


def _change(home: Home, change: Callable[[Conn], Awaitable[None]]) -> None:
    async def run(url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url) as conn:
            await change(conn)

    with opened(home) as settings:
        asyncio.run(run(settings.database_url))


async def _grant(conn: Conn, role: str, area: str, department: str) -> Grant:
    area_id = await _area(conn, area) if area else None
    return Grant(role, area_id, await _department(conn, department) if department and not area else None)


async def _area(conn: Conn, code: str) -> UUID:
    query = "select area_id from area_versions where code = %s and valid_to is null order by (layer = 'admin') desc limit 1"
    return await _one(conn, query, code, f"there is no area {code}", f"没有区域 {code}")


async def _department(conn: Conn, code: str) -> UUID:
    query = "select id from departments where code = %s"
    return await _one(conn, query, code, f"there is no department {code}", f"没有部门 {code}")


async def _one(conn: Conn, query: str, code: str, message: str, message_zh: str) -> UUID:
    row = await (await conn.execute(query, (code,))).fetchone()
    if row is None:
        raise NotFound(message, message_zh, field="code")
    found: UUID = row[0]
    return found


def _password(ask: bool) -> str:
    if not ask:
        return passwords.random_password()
    return passwords.accepted(str(typer.prompt("Password", hide_input=True, confirmation_prompt=True)))


def _show(password: str, asked: bool) -> None:
    """Print a random password, alone on stdout, so that it can be piped to where it belongs."""
    if not asked:
        say("Its password, shown once:")
        typer.echo(password)
