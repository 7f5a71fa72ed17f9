"""The small city with people who report, and steps by whoever may take them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.base import new_id
from domain.errors import DomainError
from domain.flows import case_steps
from domain.flows.case_steps import StepInput
from domain.flows.city import City
from domain.flows.report_intake import Submitted
from domain.people.scope import Actor
from tests.flows.conftest import AT, SmallCity, fill


@dataclass
class Town:
    """The small city with its people by name."""

    city: SmallCity
    people: dict[str, Actor]

    @property
    def conn(self) -> Any:
        return self.city.conn

    async def now(self, at: datetime = AT) -> City:
        return await self.city.holder.current(self.city.conn, at=at)

    async def report(self, at: datetime = AT, **given: Any) -> Submitted:
        (done,) = await self.city.submit(self.city.report(**({"source": "citizen"} | given)), at=at)
        assert isinstance(done, Submitted), done
        return done

    async def step(self, who: str, case_id: UUID, verb: str, at: datetime = AT, **given: Any) -> None:
        await case_steps.step(self.conn, self.people[who], case_id, verb, StepInput(**given), city=await self.now(at), at=at)

    async def handled(self, case_id: UUID, at: datetime = AT) -> None:
        """Bring a reported case up to its rating."""
        await self.step("desk", case_id, "file", at)
        await self.result(case_id, at)

    async def result(self, case_id: UUID, at: datetime = AT) -> None:
        """Handle and verify a dispatched case."""
        for who, verb in (("clerk", "accept"), ("clerk", "finish"), ("supervisor", "verify")):
            await self.step(who, case_id, verb, at)

    async def refused(self, doing: Any) -> DomainError:
        """Do what must be refused, with nothing left of it, and give the error."""
        try:
            async with self.conn.transaction():
                await doing
        except DomainError as error:
            return error
        raise AssertionError("this was to be refused")

    async def case(self, case_id: UUID, *columns: str) -> Any:
        return await self.city.one(f"select {', '.join(columns)} from cases where id = %s", case_id)


@pytest.fixture
async def town(conn: psycopg.AsyncConnection[Any]) -> Town:
    city = await fill(conn)
    people: dict[str, Actor] = {}
    for name, role, department in (
        ("desk", "dispatcher", None), ("clerk", "clerk", "west"), ("supervisor", "supervisor", None), ("leader", "leader", None),
        ("stranger", "clerk", "water"),
    ):  # fmt: skip
        user_id = new_id()
        await conn.execute(
            "insert into users (id, username, display_name, password_hash, created_at) values (%s, %s, %s, '-', %s)",
            (user_id, name, name, AT),
        )
        people[name] = Actor(user_id, name, name, None, city.actor(role, department=department).grants)
    return Town(city, people)
