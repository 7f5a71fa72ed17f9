"""An application with some doors, a database, a Redis and people, for the tests of the doors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.routing import BaseRoute

from api import auth, live_hub
from domain.people import actions
from domain.people.actions import CONSOLE, NewUser
from domain.people.scope import Grant
from runtime.database import Pool, open_pool, transaction
from runtime.settings import Settings

PASSWORD = "a long enough password"


@dataclass(frozen=True, slots=True)
class Doors:
    """What a test of the doors needs at hand."""

    app: Starlette
    client: httpx.AsyncClient

    @property
    def state(self) -> State:
        return self.app.state

    @property
    def pool(self) -> Pool:
        pool: Pool = self.app.state.pool
        return pool

    async def person(self, username: str, *grants: Grant) -> dict[str, str]:
        """Make an account, sign it in and return the headers of its requests."""
        await self.user(username, *grants)
        session = await auth.sign_in(self.state, username, PASSWORD, address="test", at=datetime.now(UTC))
        return {"Authorization": f"Bearer {session.access_token}"}

    async def user(self, username: str, *grants: Grant) -> UUID:
        new = NewUser(username=username, display_name=username, password=PASSWORD, grants=grants)
        async with transaction(self.pool) as conn:
            return await actions.create_user(conn, CONSOLE, new, at=datetime.now(UTC))


@asynccontextmanager
async def open_doors(routes: Sequence[BaseRoute], *, home: Path, database_url: str, redis_url: str) -> AsyncIterator[Doors]:
    """Open an application with only these routes over real stores."""
    settings = Settings(home=home, given_database_url=database_url, given_redis_url=redis_url, web_dist=home / "dist")
    settings.media_dir.mkdir(parents=True, exist_ok=True)
    app = Starlette(routes=list(routes))
    app.state.settings = settings
    app.state.pool = await open_pool(database_url)
    app.state.redis = Redis.from_url(redis_url)
    app.state.jurisdictions = None
    try:
        async with (
            live_hub.running(app.state.pool, database_url=database_url, redis_url=redis_url) as app.state.hub,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://city") as client,
        ):
            yield Doors(app, client)
    finally:
        await app.state.pool.close()
        await app.state.redis.aclose()
