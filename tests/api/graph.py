"""The whole application over real stores with the small city in it, for the tests of the GraphQL door."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from api.app import create_app
from domain.people.scope import Grant
from runtime.database import transaction
from runtime.settings import Settings
from tests.api.doors import Doors
from tests.flows.conftest import SOUTH, WEST, SmallCity, fill

SUBMIT = "mutation($input: SubmitReportInput!) { submitReport(input: $input) { reportId caseId number trackingCode repeated } }"


@dataclass
class Graph:
    """An application, its city, and a way to ask it."""

    doors: Doors
    city: SmallCity
    taker: dict[str, str] | None = None

    async def answer(self, query: str, variables: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        body = orjson.dumps({"query": query, "variables": variables or {}})
        given = {"content-type": "application/json", **(headers or {})}
        return await self.doors.client.post("/graphql", content=body, headers=given)

    async def ask(self, query: str, variables: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> Any:
        found = (await self.answer(query, variables, headers)).json()
        assert "errors" not in found, found
        return found["data"]

    async def refused(self, query: str, variables: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Ask what must be refused and give the extensions of the first error, its message included."""
        found = (await self.answer(query, variables, headers)).json()
        error: dict[str, Any] = found["errors"][0]
        return {"message": error["message"], **error["extensions"]}

    async def report(self, headers: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
        """Send a report from the middle of the south-west grid; of a member of staff, so filed at once, unless told otherwise."""
        if headers is None and "source" not in given:
            self.taker = self.taker or await self.staff("taker", "grid_worker")
            headers, given = self.taker, {"source": "staff", **given}
        found = await self.ask(SUBMIT, {"input": self.report_input(**given)}, headers)
        return dict(found["submitReport"])

    def report_input(self, **given: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "submissionId": str(uuid.uuid4()),
            "matterId": str(self.city.matters["rubbish"]),
            "description": "路边垃圾",
            "position": {"lon": WEST + 0.005, "lat": SOUTH + 0.005, "datum": "WGS84", "accuracyM": 8},
            "occurredAt": datetime.now(UTC).isoformat(),
        }
        return values | given

    def at(self, column: float, row: float) -> dict[str, Any]:
        """Give a position so many grids from the south-west corner."""
        return {"lon": WEST + column * 0.01, "lat": SOUTH + row * 0.01, "datum": "WGS84"}

    async def staff(self, name: str, role: str, *, area: str | None = None, department: str | None = None) -> dict[str, str]:
        """Make a member of staff and give the headers of his requests."""
        areas, departments = self.city.areas, self.city.departments
        grant = Grant(role, areas[area] if area else None, departments[department] if department else None)
        return await self.doors.person(f"test-{name}", grant)


@asynccontextmanager
async def opened(home: Path, database_url: str, redis_url: str) -> AsyncIterator[Graph]:
    """Run the application as it is served, without a network between."""
    settings = Settings(home=home, given_database_url=database_url, given_redis_url=redis_url, web_dist=home / "dist")
    settings.media_dir.mkdir(parents=True, exist_ok=True)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        async with transaction(app.state.pool) as conn:
            city = await fill(conn)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
            yield Graph(Doors(app, client), city)


def ago(**units: float) -> str:
    return (datetime.now(UTC) - timedelta(**units)).isoformat()
