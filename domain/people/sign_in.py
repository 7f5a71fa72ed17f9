"""Signing in, staying signed in, signing out.

One sign-in is a *family* of refresh tokens. Each may be used once and gives the next; using a spent one means that two
people hold it, so the whole family ends. Everything that touches a user's tokens locks the user's row first, so that
ending a session and refreshing it at the same instant cannot leave a token alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.base import Conn, new_id
from domain.errors import Unauthenticated
from domain.people import passwords, tokens
from domain.people.scope import Actor, Grant

LONGEST_USERNAME = 64

ACTOR = """
    select u.id, u.username, u.display_name, u.department_id,
           (select coalesce(jsonb_agg(jsonb_build_array(r.role, r.area_id, r.department_id) order by r.id), '[]')
            from user_roles r where r.user_id = u.id)
    from users u where u.id = %(user)s and u.active
"""
ACTOR_OF_FAMILY = (
    ACTOR
    + """ and exists (select from refresh_tokens t where t.family_id = %(family)s and t.user_id = u.id)
    and not exists (select from refresh_tokens t where t.family_id = %(family)s and t.revoked_at is not null)"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTokens:
    """What a client gets; ``expires_at`` is the end of the access token."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    user_id: UUID


async def sign_in(conn: Conn, username: str, password: str, *, at: datetime, secret: bytes) -> SessionTokens:
    """Start a session; raises Unauthenticated, the same for an unknown name, a wrong password and a closed account."""
    name = username.strip()[: LONGEST_USERNAME + 1].replace("\0", "")
    cursor = await conn.execute("select id, password_hash from users where username = %s and active", (name,))
    row = await cursor.fetchone()
    if not await passwords.verify(row[1] if row else None, password) or row is None:
        raise _wrong()
    # The password may have been changed, or the account closed, while the hash was being checked.
    locked = "select from users where id = %s and password_hash = %s and active for no key update"
    if await (await conn.execute(locked, row)).fetchone() is None:
        raise _wrong()
    return await _issue(conn, row[0], new_id(), until=at + tokens.SESSION_LIFE, at=at, secret=secret)


async def refresh(conn: Conn, refresh_token: str, *, at: datetime, secret: bytes) -> SessionTokens | Unauthenticated:
    """Spend a refresh token for the next pair.

    A refusal is returned, not raised: re-use of a spent token ends its family, and that has to be committed.
    """
    found = await _find(conn, refresh_token)
    if found is None:
        return _over()
    token_id, family_id, user_id, expires_at, spent_at, revoked_at, active = found
    if spent_at is not None and revoked_at is None:
        await end_family(conn, family_id, at=at)
    if spent_at is not None or revoked_at is not None or at >= expires_at or not active:
        return _over()
    await conn.execute("update refresh_tokens set spent_at = %s where id = %s", (at, token_id))
    return await _issue(conn, user_id, family_id, until=expires_at, at=at, secret=secret)


async def sign_out(conn: Conn, refresh_token: str, *, at: datetime) -> bool:
    """End the session a refresh token belongs to; returns whether there was one."""
    found = await _find(conn, refresh_token)
    if found is None:
        return False
    await end_family(conn, found[1], at=at)
    return found[5] is None


async def end_family(conn: Conn, family_id: UUID, *, at: datetime) -> None:
    """End one session; its access tokens stop within a second. The caller holds the lock of the user's row."""
    await conn.execute("update refresh_tokens set revoked_at = %s where family_id = %s and revoked_at is null", (at, family_id))


async def end_all(conn: Conn, user_id: UUID, *, at: datetime) -> None:
    """End every session of a user. The caller holds the lock of the user's row."""
    await conn.execute("update refresh_tokens set revoked_at = %s where user_id = %s and revoked_at is null", (at, user_id))


async def load_actor(conn: Conn, user_id: UUID) -> Actor:
    """Read who the user is and what is granted to him now; raises Unauthenticated for a missing or closed account."""
    return await _actor(conn, ACTOR, {"user": user_id})


async def load_session(conn: Conn, user_id: UUID, family_id: UUID) -> Actor:
    """Read the actor of a running session; raises Unauthenticated when the session was ended."""
    return await _actor(conn, ACTOR_OF_FAMILY, {"user": user_id, "family": family_id})


async def forget_expired(conn: Conn, *, at: datetime) -> int:
    """Delete the tokens of sessions that ended by time; returns how many."""
    return (await conn.execute("delete from refresh_tokens where expires_at < %s", (at - tokens.ACCESS_LIFE,))).rowcount


async def _actor(conn: Conn, statement: str, parameters: dict[str, UUID]) -> Actor:
    row = await (await conn.execute(statement, parameters)).fetchone()
    if row is None:
        raise _over()
    grants = tuple(Grant(role, _uuid(area), _uuid(department)) for role, area, department in row[4])
    return Actor(row[0], row[1], row[2], row[3], grants)


async def _find(conn: Conn, refresh_token: str) -> tuple[UUID, UUID, UUID, datetime, object, object, bool] | None:
    """Find a token and lock its user; the token is read again under the lock."""
    if len(refresh_token) > tokens.LONGEST:
        return None
    digest = tokens.hash_token(refresh_token)
    owner = "select user_id from refresh_tokens where token_hash = %s"
    await conn.execute(f"select from users where id = ({owner}) for no key update", (digest,))
    cursor = await conn.execute(
        "select t.id, t.family_id, t.user_id, t.expires_at, t.spent_at, t.revoked_at, u.active"
        " from refresh_tokens t join users u on u.id = t.user_id where t.token_hash = %s",
        (digest,),
    )
    row: tuple[UUID, UUID, UUID, datetime, object, object, bool] | None = await cursor.fetchone()
    return row


async def _issue(conn: Conn, user_id: UUID, family_id: UUID, *, until: datetime, at: datetime, secret: bytes) -> SessionTokens:
    token = tokens.random_token()
    await conn.execute(
        "insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at) values (%s, %s, %s, %s, %s, %s)",
        (new_id(), family_id, user_id, tokens.hash_token(token), at, until),
    )
    access, expires_at = tokens.sign(user_id, family_id, at=at, secret=secret)
    return SessionTokens(access_token=access, refresh_token=token, expires_at=expires_at, user_id=user_id)


def _over() -> Unauthenticated:
    return Unauthenticated("the session has ended; sign in again", "会话已结束，请重新登录")


def _wrong() -> Unauthenticated:
    return Unauthenticated("the name or the password is wrong", "用户名或密码错误", field="password")


def _uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
