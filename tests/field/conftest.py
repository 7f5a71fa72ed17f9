"""The small city with a case on somebody's phone."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.base import new_id
from domain.errors import DomainError
from domain.field import record
from domain.field.given import FieldAction
from domain.flows import case_steps, field_work
from domain.flows.case_steps import StepInput
from domain.flows.field_work import Outcome
from domain.people.scope import Actor
from domain.reports import photos
from domain.reports.photos import NewPhoto
from tests.flows.conftest import AT, SOUTH, WEST, SmallCity, fill

HERE = (WEST + 0.005, SOUTH + 0.005, "WGS84", 8.0)


@dataclass
class Site:
    """A case that the west town's unit has, and its worker."""

    city: SmallCity
    worker: Actor
    dispatcher: Actor

    async def case(self) -> tuple[UUID, UUID]:
        """Open a dispatched case; give its id and the stage a phone sees."""
        (done,) = await self.city.submit(self.city.report(source="staff"))
        assert not isinstance(done, DomainError), done
        return done.case_id, await self.stage(done.case_id)

    async def stage(self, case_id: UUID) -> UUID:
        stage: UUID = await self.city.one(f"select {record.STAGE.format('c')} from cases c where id = %s", case_id)
        return stage

    async def act(self, given: FieldAction, *, at: datetime = AT, actor: Actor | None = None) -> Outcome | DomainError:
        """Hand one action in as the door does: in a transaction of its own."""
        city = await self.city.holder.current(self.city.conn, at=at)
        try:
            async with self.city.conn.transaction():
                return await field_work.act(self.city.conn, actor or self.worker, given, city=city, at=at)
        except DomainError as error:
            return error

    async def step(self, actor: Actor, case_id: UUID, verb: str, at: datetime = AT, **given: Any) -> None:
        """Take a step at the desk."""
        city = await self.city.holder.current(self.city.conn, at=at)
        await case_steps.step(self.city.conn, actor, case_id, verb, StepInput(**given), city=city, at=at)

    async def photo(self) -> str:
        """Upload a photo; give its claim."""
        key = secrets.token_hex(32)
        _, claim = await photos.add(self.city.conn, NewPhoto(media_key=key, width=8, height=6, byte_count=1, taken_at=None), at=AT)
        return claim


def action(case_id: UUID, kind: str, **given: Any) -> FieldAction:
    values: dict[str, Any] = {"id": uuid4(), "case_id": case_id, "kind": kind, "occurred_at": AT - timedelta(hours=1), "phone_now": AT}
    return FieldAction(**(values | given))


async def site_on(conn: psycopg.AsyncConnection[Any]) -> Site:
    """Fill the small city and give it a worker and a desk."""
    city = await fill(conn)
    worker, dispatcher = new_id(), new_id()
    for user_id, name in ((worker, "worker"), (dispatcher, "desk")):
        await conn.execute(
            "insert into users (id, username, display_name, password_hash, created_at) values (%s, %s, %s, '-', %s)",
            (user_id, name, name, AT),
        )
    clerk, desk = city.actor("clerk", department="west"), city.actor("dispatcher")
    return Site(city, Actor(worker, "worker", "西镇", None, clerk.grants), Actor(dispatcher, "desk", "台", None, desk.grants))


@pytest.fixture
async def site(conn: psycopg.AsyncConnection[Any]) -> Site:
    return await site_on(conn)
