"""A small city whose cases are made up at random, every column that figures look at, and changed at random."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.base import new_id
from domain.cases.lifecycle import STATES
from domain.insights import keep
from domain.insights.reading import FigureMemory
from tests.flows.conftest import SmallCity, fill

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SPAN = timedelta(days=40)
ENDED = ("closed", "rejected", "withdrawn", "merged")
SOURCES = ("citizen", "hotline", "staff", "police110", "qr")

_INSERT = """
insert into cases (id, number, origin, state, title, matter_id, position, position_3857, cell, area_ids, home_area_id, department_id,
    about_department_id, party_ids, receipt_id, opened_at, filed_at, handled_at, verified_at, closed_at, first_reply_at, handle_due_at,
    late_at, bounces, reworks, reopens, extensions, level, supervised_at, satisfaction, wants_rating, updated_at)
values (%(id)s, %(number)s, %(origin)s, %(state)s, 't', %(matter_id)s, st_point(114.9, 27.8, 4326), st_point(0, 0, 3857), 1, %(area_ids)s,
    %(home_area_id)s, %(department_id)s, %(about_department_id)s, %(party_ids)s, %(receipt_id)s, %(opened_at)s, %(filed_at)s,
    %(handled_at)s, %(verified_at)s, %(closed_at)s, %(first_reply_at)s, %(handle_due_at)s, %(late_at)s, %(bounces)s, %(reworks)s,
    %(reopens)s, %(extensions)s, %(level)s, %(supervised_at)s, %(satisfaction)s, %(wants_rating)s, %(opened_at)s)
"""


@dataclass
class Made:
    """The city, its cases as they were last written, and a memory that lives through the whole test."""

    city: SmallCity
    conn: psycopg.AsyncConnection[Any]
    rng: random.Random
    receipt_id: UUID
    paths: list[list[UUID]]
    cases: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    memory: FigureMemory = field(default_factory=FigureMemory)

    def maybe(self, share: float, value: Any) -> Any:
        return value if self.rng.random() < share else None

    def facts(self, opened_at: datetime) -> dict[str, Any]:
        """Draw what figures look at; not every drawing is a possible life, and figures must not care."""
        rng = self.rng

        def later(hours: int) -> datetime:
            return opened_at + timedelta(seconds=rng.randrange(1, 3600 * hours))

        state = rng.choice(STATES)
        due = self.maybe(0.85, later(120))
        return {
            "state": state, "filed_at": self.maybe(0.8, later(8)), "handled_at": self.maybe(0.6, later(140)),
            "verified_at": self.maybe(0.4, later(150)), "closed_at": later(160) if state in ENDED else None,
            "first_reply_at": self.maybe(0.5, later(40)), "handle_due_at": due, "late_at": self.maybe(0.2, due),
            "bounces": rng.randrange(3), "reworks": rng.randrange(2), "reopens": rng.randrange(2), "extensions": rng.randrange(2),
            "level": rng.randrange(4), "supervised_at": self.maybe(0.1, later(50)), "wants_rating": rng.random() < 0.5,
            "satisfaction": self.maybe(0.4, rng.choice(("satisfied", "fair", "dissatisfied"))),
            "department_id": self.maybe(0.9, rng.choice(list(self.city.departments.values()))),
            "about_department_id": self.maybe(0.1, rng.choice(list(self.city.departments.values()))),
            "party_ids": rng.sample(list(self.city.departments.values()), 2) if rng.random() < 0.1 else [],
            "matter_id": self.maybe(0.9, rng.choice(list(self.city.matters.values()))),
        }  # fmt: skip

    async def open(self, count: int) -> None:
        """Open cases with their report and, now and then, an automatic first reply."""
        for _ in range(count):
            path = self.rng.choice(self.paths)
            opened_at = NOW - SPAN * self.rng.random()
            case = {
                "id": new_id(), "number": str(len(self.cases)), "origin": "report" if self.rng.random() < 0.9 else "alert",
                "receipt_id": self.receipt_id, "opened_at": opened_at, "area_ids": path, "home_area_id": path[-1] if path else None,
                **self.facts(opened_at),
            }  # fmt: skip
            source = self.rng.choice(SOURCES)
            auto = self.maybe(0.6, opened_at + timedelta(seconds=self.rng.randrange(120)))
            async with self.conn.transaction():
                await self.conn.execute(_INSERT, case)
                if case["origin"] == "report":
                    await self._report(case["id"], source, opened_at, auto)
            reported = case["origin"] == "report"
            case |= {"source": source if reported else "alert", "auto_reply_at": auto if reported else None}
            self.cases[case["id"]] = case

    async def _report(self, case_id: UUID, source: str, at: datetime, auto: datetime | None) -> None:
        for later, via in enumerate((source, self.rng.choice(SOURCES))):
            await self.conn.execute(
                "insert into reports (id, case_id, source, description, position, raw_lon, raw_lat, datum, occurred_at, received_at,"
                " tracking_hash) values (%s, %s, %s, '', st_point(114.9, 27.8, 4326), 114.9, 27.8, 'WGS84', %s, %s, %s)",
                (new_id(), case_id, via, at, at + timedelta(minutes=later), new_id().bytes),
            )
        if auto is not None:
            await self.conn.execute(
                "insert into case_messages (id, case_id, kind, text, at) values (%s, %s, 'auto_reply', 'x', %s)", (new_id(), case_id, auto)
            )

    async def change(self, count: int) -> None:
        """Change cases, several in one statement now and then."""
        for case_id in self.rng.sample(list(self.cases), count):
            case = self.cases[case_id]
            drawn = self.facts(case["opened_at"])
            names = self.rng.sample(sorted(drawn), self.rng.randrange(1, len(drawn)))
            drawn = {name: drawn[name] for name in names}
            sets = ", ".join(f"{name} = %({name})s" for name in drawn)
            await self.conn.execute(f"update cases set {sets} where id = %(id)s", {**drawn, "id": case_id})
            case |= drawn

    async def keep_up(self) -> int:
        async with self.conn.transaction():
            await self.conn.execute("set transaction isolation level repeatable read")
            return await keep.keep_up(self.conn)

    async def keep_up_wholly(self) -> None:
        while await self.keep_up():
            pass


@pytest.fixture
async def made(database_url: str) -> AsyncIterator[Made]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        async with conn.transaction():
            city = await fill(conn)
        receipt = new_id()
        await conn.execute(
            "insert into receipts (id, subject_kind, subject_id, at, position, rule_code, rule_version, owners, candidates, why)"
            " values (%s, 'report', %s, %s, st_point(114.9, 27.8, 4326), 'r', 1, '[]', '[]', '[]')",
            (receipt, new_id(), NOW),
        )
        trees = await (await conn.execute("select path from area_versions where level = 'grid'")).fetchall()
        yield Made(city, conn, random.Random(20261120), receipt, [*(path for (path,) in trees), []])
