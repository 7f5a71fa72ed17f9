"""What a resolver knows of the call it serves: the process's state, who asks, from where, and the time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

import strawberry
from starlette.datastructures import State
from starlette.requests import HTTPConnection

from api import auth
from domain.errors import Unauthenticated
from domain.people.scope import Actor

if TYPE_CHECKING:
    from runtime.database import Pool


class Context:
    """One HTTP request, or one WebSocket with all its operations.

    The actor is asked for anew by every operation, so that an ended session ends on an open socket too.
    """

    __slots__ = ("_token", "connection", "connection_params", "state")

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection
        self.state: State = connection.app.state
        self.connection_params: dict[str, object] | None = None
        self._token: str | None = None

    @property
    def pool(self) -> Pool:
        """Connections to the database."""
        pool: Pool = self.state.pool
        return pool

    @property
    def address(self) -> str:
        """What counts as one sender for limits."""
        return auth.client_address(self.connection)

    def now(self) -> datetime:
        """The instant of this operation: aware, UTC."""
        return datetime.now(UTC)

    def changed(self) -> None:
        """Say that this call has committed something the live feed should hear of at once."""
        self.state.hub.poke()

    def use_token(self, token: str | None) -> None:
        """Take the token a WebSocket gave when it was opened."""
        self._token = token

    async def actor(self) -> Actor | None:
        """Tell who asks, None for the public; raises Unauthenticated for a bad, expired or revoked token."""
        token = self._token or auth.bearer(self.connection.headers)
        return await auth.actor_from_token(self.state, token, at=self.now())

    async def signed_in(self) -> Actor:
        """Tell who asks; raises Unauthenticated for the public."""
        actor = await self.actor()
        if actor is None:
            raise Unauthenticated("sign in first", "请先登录")
        return actor


Info: TypeAlias = strawberry.Info[Context, None]
