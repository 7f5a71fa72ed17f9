"""People for a load simulation: accounts with open sessions, made without a thousand slow password hashes, and their wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from domain.base import new_id
from domain.people import tokens
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in."""

    user_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class People:
    """Everybody at work; field workers by the code of their grid."""

    dispatchers: Sequence[Person]
    supervisors: Sequence[Person]
    workers: Mapping[str, Sequence[Person]]


def hire(settings: Settings, *, dispatchers: int, supervisors: int, workers: int) -> People:
    """Write accounts, roles and sessions; every grid has a worker, some workers have several grids."""
    with psycopg.connect(settings.database_url) as conn:
        grids = conn.execute(
            "select v.code, v.area_id from area_versions v where v.layer = 'grid' and v.valid_to is null order by md5(v.code)"
        ).fetchall()
        desk = [_hire(conn, settings, f"load-desk-{i}", "dispatcher") for i in range(dispatchers)]
        lead = [_hire(conn, settings, f"load-lead-{i}", "supervisor") for i in range(supervisors)]
        placed: dict[str, list[Person]] = {}
        for i in range(workers):
            own = grids[i::workers] if i < len(grids) else [grids[i % len(grids)]]
            person = _hire(conn, settings, f"load-worker-{i}", "grid_worker", *(area_id for _, area_id in own))
            for code, _ in own:
                placed.setdefault(code, []).append(person)
    return People(desk, lead, placed)


def _hire(conn: psycopg.Connection[Any], settings: Settings, name: str, role: str, *areas: UUID) -> Person:
    user_id, family, at = new_id(), new_id(), datetime.now(UTC)
    conn.execute(
        "insert into users (id, username, display_name, password_hash, created_at) values (%s, %s, %s, '-', %s)", (user_id, name, name, at)
    )
    for area_id in areas or (None,):
        conn.execute("insert into user_roles (id, user_id, role, area_id) values (%s, %s, %s, %s)", (new_id(), user_id, role, area_id))
    conn.execute(
        "insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at) values (%s, %s, %s, %s, %s, %s)",
        (new_id(), family, user_id, family.bytes, at, at + timedelta(days=1)),
    )
    token, _ = tokens.sign(user_id, family, at=at, secret=settings.signing_key())
    return Person(user_id, token)


class Wire:
    """Kept-alive connections shared by many people, each request in its sender's name; waiting for one counts as latency.

    Reporters come from addresses of their own in 127/8, or the city would take them for one sender.
    """

    def __init__(self, url: str, lines: int) -> None:
        self.host, _, port = url.removeprefix("http://").partition(":")
        self.port = int(port)
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.Queue()
        for _ in range(lines):
            self._free.put_nowait(None)

    async def ask(self, query: str, variables: Mapping[str, Any], *, token: str | None = None, address: str | None = None) -> Any:
        """Run one operation and give its whole answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        if address is not None:
            line = await asyncio.open_connection(self.host, self.port, local_addr=(address, 0))
            try:
                return await self._post(line, body, token)
            finally:
                line[1].close()
        kept = await self._free.get()
        try:
            if kept is not None:
                try:
                    answer = await self._post(kept, body, token)
                except (asyncio.IncompleteReadError, OSError):
                    kept[1].close()  # closed by the server while it was idle; commands carry an id, so once more is safe
                else:
                    return answer
            kept = await asyncio.open_connection(self.host, self.port)
            return await self._post(kept, body, token)
        except BaseException:
            kept = None
            raise
        finally:
            self._free.put_nowait(kept)

    async def _post(self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], body: bytes, token: str | None) -> Any:
        reader, writer = line
        signed = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"POST /graphql HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n{signed}"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        headers = await reader.readuntil(b"\r\n\r\n")
        length = int(headers.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return json.loads(await reader.readexactly(length))
