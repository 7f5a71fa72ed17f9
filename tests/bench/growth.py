"""How reads grow with history: queue page, case view and a month's figures over 50 000, 500 000 and 5 million cases.

Everything goes through the application's own GraphQL door, over its own stores, in one process; only the network is missing.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import psycopg

from api import auth
from api.app import create_app
from runtime import figures
from runtime.settings import Settings
from runtime.stores import ensure_stores
from tests.bench.grow import Grower
from tests.bench.stores import demo_city

SIZES: Final = (50_000, 500_000, 5_000_000)
QUICK_SIZES: Final = (50_000, 200_000)
ASKED: Final = 200
QUEUE: Final = (
    "query($f: CaseFilter) { cases(filter: $f, order: DUE, first: 50) { nodes { id number state stateName { zh } title lon lat dueAt"
    " overdue late level revision openedAt department { id name } homeArea { id name } matter { name } allowedVerbs { verb } }"
    " pageInfo { hasNextPage endCursor } } }"
)
CASE: Final = (
    "query($id: ID!) { case(id: $id) { id number state title lon lat dueAt filedAt handledAt handleDueAt late department { name }"
    " homeArea { name } matter { name } receipt { at why { zh } owners } reports { id source description receivedAt }"
    " transitions { at verb fromState toState actorName reason department { name } } clock { seq at kind phase dueAt }"
    " messages { kind text at } allowedVerbs { verb } } }"
)
FIGURES: Final = "query($i: FiguresInput!) { figures(input: $i) { key name { zh } values { code value numerator denominator } } }"


def run(echo: Callable[[str], object], *, rounds: int, quick: bool) -> dict[str, Any]:
    """Grow a city and ask it at each size."""
    found: dict[str, Any] = {}
    with demo_city(days=12) as settings, psycopg.connect(settings.database_url, autocommit=True) as conn:
        grower = Grower(conn)
        for size in QUICK_SIZES if quick else SIZES:
            took = grower.grow(size)
            begun = time.perf_counter()
            cases = int(str(grower.one("select count(*) from cases")))
            disk = grower.one("select pg_size_pretty(pg_database_size(current_database()))")
            asked = asyncio.run(_ask(settings, echo, ASKED // 4 if quick else ASKED))
            packed_s = asked.pop("packing_s")
            made = " ".join(f"{name} {seconds:.0f}" for name, seconds in took.items())
            echo(f"{cases:>9,} cases, {disk}: made in {made}, packed in {packed_s:.0f} s, asked in {time.perf_counter() - begun:.0f} s")
            for name, (p50, p95, p99) in asked.items():
                echo(f"   {name:<34} p50 {p50:7.1f}   p95 {p95:7.1f}   p99 {p99:7.1f} ms")
            found[str(cases)] = {**took, "packing_s": packed_s, "disk": disk, "reads_ms": asked}
    return found


async def _ask(settings: Settings, echo: Callable[[str], object], count: int) -> dict[str, Any]:
    with ensure_stores(Settings(home=settings.home, given_database_url=settings.database_url)) as stores:
        app = create_app(Settings(home=settings.home, given_database_url=settings.database_url, given_redis_url=stores.redis_url))
        async with app.router.lifespan_context(app):
            begun = time.perf_counter()
            await figures.pack_all(app.state.pool)
            packing_s = time.perf_counter() - begun
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://city", timeout=60) as client:
                asker = _Asker(client, app, settings.home)
                return {"packing_s": packing_s, **await asker.everything(count)}


class _Asker:
    """Asks one thing after the other and keeps how long each took."""

    def __init__(self, client: httpx.AsyncClient, app: Any, home: Path) -> None:
        self.client, self.app, self.draw = client, app, random.Random(5)
        accounts = json.loads((home / "demo-accounts.json").read_text())
        self.passwords = {account["username"]: account["password"] for account in accounts}
        self.tokens: dict[str, str] = {}

    async def everything(self, count: int) -> dict[str, tuple[float, float, float]]:
        async with self.app.state.pool.connection() as conn:
            areas = dict(await (await conn.execute("select code, area_id from area_versions where level in ('county', 'town')")).fetchall())
            units = dict(await (await conn.execute("select code, id from departments")).fetchall())
            cases = [row[0] for row in await (await conn.execute(
                "select case_id from case_transitions tablesample system (0.2) limit 4000")).fetchall()]  # fmt: skip
            first, last = (await (await conn.execute("select min(opened_at)::date, max(opened_at)::date from cases")).fetchall())[0]
        county = str(areas["360502"])

        def month(**more: Any) -> Callable[[], dict[str, Any]]:
            def draw() -> dict[str, Any]:
                begin = first + timedelta(days=self.draw.randrange(max((last - first).days - 31, 1)))
                return {"i": {"from": begin.isoformat(), "to": (begin + timedelta(days=30)).isoformat(), **more}}

            return draw

        asked: dict[str, tuple[str, str, Callable[[], dict[str, Any]]]] = {
            "queue, whole city": ("dispatcher", QUEUE, lambda: {"f": {"open": True}}),
            "queue, a district's dispatcher": ("yushui", QUEUE, lambda: {"f": {"open": True}}),
            "queue, a department's clerk": ("chengguan", QUEUE, lambda: {"f": {"open": True}}),
            "queue, a town of the district": ("yushui", QUEUE, lambda: {"f": {"open": True, "areaId": str(areas["360502100"])}}),
            "queue, a small department": ("dispatcher", QUEUE, lambda: {"f": {"open": True, "departmentId": str(units["weijian"])}}),
            "case view": ("dispatcher", CASE, lambda: {"id": str(self.draw.choice(cases))}),
            "month, city": ("lingdao", FIGURES, month()),
            "month, by district": ("lingdao", FIGURES, month(groupBy="area")),
            "month, by town of a district": ("yushui", FIGURES, month(groupBy="area", areaId=county)),
            "month, by department": ("lingdao", FIGURES, month(groupBy="department")),
            "month, a clerk's own": ("chengguan", FIGURES, month()),
            "same month again, by department": ("lingdao", FIGURES, lambda: {"i": {
                "from": (last - timedelta(days=30)).isoformat(), "to": last.isoformat(), "groupBy": "department"}}),
        }  # fmt: skip
        return {name: await self.percentiles(count, *how) for name, how in asked.items()}

    async def percentiles(self, count: int, who: str, query: str, draw: Callable[[], dict[str, Any]]) -> tuple[float, float, float]:
        if who not in self.tokens:
            session = await auth.sign_in(self.app.state, who, self.passwords[who], address="bench", at=datetime.now(UTC))
            self.tokens[who] = session.access_token
        headers = {"authorization": f"Bearer {self.tokens[who]}", "content-type": "application/json"}
        took = []
        for number in range(count + 5):
            body = orjson.dumps({"query": query, "variables": draw()})
            begun = time.perf_counter()
            answer = await self.client.post("/graphql", content=body, headers=headers)
            if number >= 5:  # the first ones plan the document and open connections
                took.append(1000 * (time.perf_counter() - begun))
            if b'"errors"' in answer.content[:20] or answer.status_code != 200:
                raise RuntimeError(answer.text[:500])
        cuts = statistics.quantiles(took, n=100, method="inclusive")
        return cuts[49], cuts[94], cuts[98]
