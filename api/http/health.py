"""``GET /healthz``: whether this process can do its work, for supervisors, load balancers and people.

``{"status", "database", "redis", "index"}``; ``index`` gives the version of each area layer held in memory. 503 when the
database does not answer. Without Redis the city still takes reports in, only live pages wait, so that is ``degraded``.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import psycopg
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.http.problems import answer

PATIENCE_S: Final = 1.0


async def health(request: Request) -> Response:
    """Ask both stores and say what answered."""
    state = request.app.state
    database, redis = await asyncio.gather(_database(state), _redis(state))
    status = "ok" if database and redis else "degraded" if database else "down"
    words = {True: "ok", False: "away"}
    content = {"status": status, "database": words[database], "redis": words[redis], "index": _index(state)}
    return answer(200 if database else 503, content)


async def _database(state: State) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S), state.pool.connection(timeout=PATIENCE_S) as conn:
            await conn.execute("select 1")
    except (psycopg.Error, PoolTimeout, TimeoutError, OSError):
        return False
    return True


async def _redis(state: State) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return bool(await state.redis.ping())
    except (RedisError, TimeoutError, OSError, AttributeError):
        return False


def _index(state: State) -> dict[str, int]:
    city: Any = getattr(state.jurisdictions, "latest", None)
    return {layer.code: layer.version for layer in city.areas.layers} if city else {}


ROUTES: list[Route] = [Route("/healthz", health)]
