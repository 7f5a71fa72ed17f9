"""The application of one API process: its stores, what it keeps in memory, and its doors."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute

from api import auth, live_hub, ws
from api.errors import STATEMENT_TIMEOUT_S
from api.graphql_door import Door
from api.group_commit import GroupCommit
from api.http import basemap, exports, handovers, health, imports, ingest, media, open311, static, tiles, uploads, workorders
from api.http.headers import SecurityHeaders
from domain.errors import DomainError
from domain.flows import report_intake
from domain.flows.city import CityHolder
from domain.flows.report_intake import Submitted
from domain.insights.reading import FigureMemory
from domain.reports.intake import ReportInput
from runtime import bus
from runtime.database import open_pool, transaction
from runtime.settings import Settings, from_environment

log = logging.getLogger("gridwarden.api")

DEVELOPMENT = "GRIDWARDEN_DEVELOPMENT"
POOL_SIZE = 16
WARM_AGAIN_S = 1.0


def create_app(settings: Settings | None = None) -> Starlette:
    """Build the application; nothing is opened before its lifespan begins."""
    known = settings or from_environment()
    app = Starlette(
        routes=_routes(),
        lifespan=_lifespan,
        middleware=[Middleware(SecurityHeaders, settings=known)],
    )
    app.state.settings = known
    return app


def _routes() -> list[BaseRoute]:
    door = Door(development=os.environ.get(DEVELOPMENT) == "1")
    return [
        Route("/graphql", door),
        WebSocketRoute("/graphql", ws.websocket_endpoint),
        *basemap.ROUTES,
        *exports.ROUTES,
        *handovers.ROUTES,
        *health.ROUTES,
        *imports.ROUTES,
        *ingest.ROUTES,
        *media.ROUTES,
        *open311.ROUTES,
        *tiles.ROUTES,
        *uploads.ROUTES,
        *workorders.ROUTES,
        *static.ROUTES,  # last: it answers what no other door has taken
    ]


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open what every request uses. The city's index is read in the background; an intake that comes first waits for it."""
    state, settings = app.state, app.state.settings
    async with AsyncExitStack() as opened:
        state.pool = await open_pool(_limited(settings.database_url), size=POOL_SIZE)
        opened.push_async_callback(state.pool.close)
        state.redis = bus.connect(settings.redis_url)
        opened.push_async_callback(state.redis.aclose)
        state.jurisdictions = CityHolder()
        state.figures = FigureMemory()
        state.reports = GroupCommit(partial(_submit, state), key=attrgetter("submission_id"), away=(PoolTimeout,))
        live = live_hub.running(state.pool, database_url=settings.database_url, redis_url=settings.redis_url)
        state.hub = await opened.enter_async_context(live)
        warming = asyncio.create_task(_warm(app))
        opened.callback(warming.cancel)
        yield


async def _submit(state: State, items: Sequence[ReportInput]) -> Sequence[Submitted | DomainError]:
    """Take reports in together, in one transaction."""
    key = auth.signing_key(state.settings)
    async with transaction(state.pool) as conn:
        return await report_intake.submit(conn, state.jurisdictions, items, at=datetime.now(UTC), secret=key)


async def _warm(app: Starlette) -> None:
    """Read the city before the first report needs it; a database that is away is asked again."""
    while True:
        try:
            async with app.state.pool.connection() as conn:
                await app.state.jurisdictions.warm(conn, at=datetime.now(UTC))
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("the city could not be read yet: %s", type(error).__name__)
            await asyncio.sleep(WARM_AGAIN_S)
        else:
            gc.collect()
            gc.freeze()  # the city stays: the collector need not walk through it again and again
            return


def _limited(url: str) -> str:
    """Bound every statement of this process, and have instants written in UTC."""
    return make_conninfo(url, options=f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c TimeZone=UTC")
