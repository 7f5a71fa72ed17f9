"""What is done to accounts: make one, grant and take roles, set a password, close it; each leaves an event.

Whoever acts must hold ``user.manage`` over the whole city. ``CONSOLE`` stands for somebody at the machine itself, who
could change the database anyway; its events name no actor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from domain import events
from domain.base import Conn, new_id
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.people import passwords, sign_in
from domain.people.roles import BY_NAME, ROLE_NAMES
from domain.people.scope import Actor, Grant, scope_for

CONSOLE: Final = Actor(UUID(int=0), "console", "console", None, (Grant("system_admin", None, None),))
USERNAME: Final = re.compile(rf"[a-z0-9][a-z0-9._-]{{1,{sign_in.LONGEST_USERNAME - 1}}}")
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account to be made; ``username`` is 2 to 64 lower-case letters, digits, dots, dashes, underscores."""

    username: str
    display_name: str
    password: str
    department_id: UUID | None = None
    grants: tuple[Grant, ...] = ()
    is_demo: bool = False


async def create_user(conn: Conn, actor: Actor, new: NewUser, *, at: datetime) -> UUID:
    """Make an account with its first roles and return its id.

    Raises Invalid for a bad name, password, role or unknown department or area, Conflict when the name is taken.
    """
    _require(actor)
    if not USERNAME.fullmatch(new.username):
        message = "a user name is 2 to 64 of a-z, 0-9, dot, dash, underscore"
        raise Invalid(message, "用户名为 2 至 64 位小写字母、数字及 . - _", field="username")
    if not 1 <= len(new.display_name.strip()) <= LONGEST_NAME:
        message = f"a name has 1 to {LONGEST_NAME} characters"
        raise Invalid(message, f"姓名长度为 1 至 {LONGEST_NAME} 个字符", field="displayName")
    user_id = new_id()
    encoded = await passwords.hash_password(new.password)
    values = (user_id, new.username, new.display_name.strip(), encoded, new.department_id, new.is_demo, at)
    try:
        await conn.execute(
            "insert into users (id, username, display_name, password_hash, department_id, is_demo, created_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            values,
        )
    except UniqueViolation as error:
        message = f"the user name {new.username} is taken"
        raise Conflict(message, f"用户名 {new.username} 已存在", field="username") from error
    except ForeignKeyViolation as error:
        raise Invalid("there is no such department", "部门不存在", field="departmentId") from error
    await _record(conn, actor, "user.created", user_id, at=at)
    for grant in new.grants:
        await grant_role(conn, actor, user_id, grant, at=at)
    return user_id


async def grant_role(conn: Conn, actor: Actor, user_id: UUID, grant: Grant, *, at: datetime) -> None:
    """Give a role over an area subtree, a department or the whole city; giving it twice changes nothing."""
    _require(actor)
    if grant.role not in BY_NAME:
        raise Invalid(f"there is no role {grant.role}; roles are {', '.join(ROLE_NAMES)}", "角色不存在", field="role")
    await _lock(conn, user_id)
    values = {"id": new_id(), **_of(user_id, grant)}
    try:
        done = await conn.execute(
            "insert into user_roles (id, user_id, role, area_id, department_id)"
            " select %(id)s, %(user)s, %(role)s, %(area)s::uuid, %(department)s::uuid where not exists"
            f" (select from user_roles where {_SAME_GRANT})",
            values,
        )
    except ForeignKeyViolation as error:
        raise Invalid("there is no such area or department", "区域或部门不存在", field="grant") from error
    if done.rowcount:
        await _record(conn, actor, "user.role_granted", user_id, at=at)


async def take_role(conn: Conn, actor: Actor, user_id: UUID, grant: Grant, *, at: datetime) -> None:
    """Take a role away; it stops counting within a second. Raises NotFound when the user does not hold it."""
    _require(actor)
    await _lock(conn, user_id)
    done = await conn.execute(f"delete from user_roles where {_SAME_GRANT}", _of(user_id, grant))
    if not done.rowcount:
        raise NotFound("the user does not hold this role there", "该用户没有此角色", field="role")
    await _record(conn, actor, "user.role_taken", user_id, at=at)


async def set_password(conn: Conn, actor: Actor, user_id: UUID, password: str, *, at: datetime) -> None:
    """Set a new password and end every session of the user; raises Invalid like ``passwords.accepted``."""
    _require(actor)
    encoded = await passwords.hash_password(password)
    await _lock(conn, user_id)
    await conn.execute("update users set password_hash = %s where id = %s", (encoded, user_id))
    await sign_in.end_all(conn, user_id, at=at)
    await _record(conn, actor, "user.password_set", user_id, at=at)


async def deactivate(conn: Conn, actor: Actor, user_id: UUID, *, at: datetime) -> None:
    """Close an account and end its sessions; what it did keeps its name."""
    _require(actor)
    await _lock(conn, user_id)
    await conn.execute("update users set active = false where id = %s", (user_id,))
    await sign_in.end_all(conn, user_id, at=at)
    await _record(conn, actor, "user.deactivated", user_id, at=at)


async def user_id_of(conn: Conn, username: str) -> UUID:
    """Find an account by name; raises NotFound."""
    row = await (await conn.execute("select id from users where username = %s", (username,))).fetchone()
    if row is None:
        raise NotFound(f"there is no user {username}", f"用户 {username} 不存在", field="username")
    found: UUID = row[0]
    return found


_SAME_GRANT: Final = (
    "user_id = %(user)s and role = %(role)s and area_id is not distinct from %(area)s::uuid"
    " and department_id is not distinct from %(department)s::uuid"
)


def _of(user_id: UUID, grant: Grant) -> dict[str, object]:
    return {"user": user_id, "role": grant.role, "area": grant.area_id, "department": grant.department_id}


def _require(actor: Actor) -> None:
    if not scope_for(actor, "user.manage").everything:
        raise Forbidden("accounts are managed for the whole city only", "账号管理权限须覆盖全市", field="user.manage")


async def _lock(conn: Conn, user_id: UUID) -> None:
    cursor = await conn.execute("select from users where id = %s for no key update", (user_id,))
    if await cursor.fetchone() is None:
        raise NotFound("there is no such user", "用户不存在", field="userId")


async def _record(conn: Conn, actor: Actor, kind: str, user_id: UUID, *, at: datetime) -> None:
    by = None if actor is CONSOLE else actor.user_id
    await events.record(conn, [events.Event(kind=kind, subject_kind="user", subject_id=user_id, at=at, actor_id=by)])
