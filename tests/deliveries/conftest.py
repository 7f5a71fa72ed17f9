"""The small city with addresses: what the tests of deliveries begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.base import new_id
from domain.deliveries import endpoints
from domain.deliveries.endpoints import NewEndpoint
from domain.events import Event
from domain.flows import waking
from tests.flows.conftest import AT, SmallCity, fill

SECRET = b"the installation's secret of the tests"


@dataclass
class Reachable:
    """The small city, and how its people are reached."""

    city: SmallCity
    users: dict[str, UUID] = field(default_factory=dict)

    async def endpoint(self, kind: str, *, department: str | None = None, user: str | None = None, **more: Any) -> UUID:
        """Save an address; without one of its own it gets some address of its kind."""
        address = more.pop("address", None) or ADDRESSES[kind] | ({"phone": f"1380000{len(self.users):04}"} if kind == "sms" else {})
        given = NewEndpoint(
            kind=kind, label=more.pop("label", f"{department or user}/{kind}"), address=address,
            department_id=self.city.departments[department] if department else None, user_id=self.users[user] if user else None, **more,
        )  # fmt: skip
        return await endpoints.save(self.city.conn, given, secret=SECRET, at=AT)

    async def person(self, name: str, department: str | None = None) -> UUID:
        """Make a member of staff of a department."""
        self.users[name] = new_id()
        await self.city.conn.execute(
            "insert into users (id, username, display_name, password_hash, department_id, created_at) values (%s, %s, %s, '-', %s, %s)",
            (self.users[name], name, name, self.city.departments[department] if department else None, AT),
        )
        return self.users[name]

    async def under(self, department: str, above: str) -> None:
        """Put a department under another."""
        ids = self.city.departments
        await self.city.conn.execute("update departments set parent_id = %s where id = %s", (ids[above], ids[department]))

    async def case(self, department: str = "west", **given: Any) -> UUID:
        """Make a case that a department has."""
        (done,) = await self.city.submit(self.city.report(**given))
        await self.city.conn.execute(
            "update cases set department_id = %s, state = 'dispatched' where id = %s", (self.city.departments[department], done.case_id)
        )
        # Its arrival has woken people too; these tests begin after that.
        await self.city.conn.execute("delete from deliveries where case_id = %s", (done.case_id,))
        case_id: UUID = done.case_id
        return case_id

    async def happen(self, kind: str, case_id: UUID, *departments: str, by: str | None = None, at: datetime = AT) -> Event:
        """Let something happen to a case and wake whom it concerns."""
        event = Event(
            kind=kind, subject_kind="case", subject_id=case_id, at=at,
            department_ids=[self.city.departments[name] for name in departments], actor_id=self.users[by] if by else None,
        )  # fmt: skip
        await waking.wake(self.city.conn, [event], at=at)
        return event

    async def told(self) -> Sequence[Any]:
        """List what was written: label of the address, template, kind of rung, state."""
        return await self.city.rows(
            "select e.label, d.template, d.rung_kind, d.state from deliveries d left join endpoints e on e.id = d.endpoint_id"
            " order by d.created_at, d.rung, e.label"
        )


ADDRESSES = {
    "wecom": {"url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=11111111-2222-3333-4444-555555555555"},
    "dingtalk": {"url": "https://oapi.dingtalk.com/robot/send?access_token=abcdef", "secret": "SEC0123456789abcdef"},
    "sms": {"phone": "13800000000"},
    "email": {"email": "duty@example.org"},
    "webpush": {"url": "https://push.example.org/send/abc", "p256dh": "BBBB", "auth": "AAAA"},
    "webhook": {"url": "https://hooks.example.org/city"},
}


@pytest.fixture
async def reachable(conn: psycopg.AsyncConnection[Any]) -> Reachable:
    return Reachable(await fill(conn))
