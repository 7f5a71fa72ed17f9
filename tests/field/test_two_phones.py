"""Two phones on one case at the same moment, each on a connection of its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.field.given import FieldAction
from domain.flows import field_work
from domain.flows.field_work import Outcome
from domain.people.scope import Actor
from tests.field.conftest import HERE, Site, action, site_on
from tests.flows.conftest import AT

pytestmark = pytest.mark.anyio


async def _phone(url: str, site: Site, actor: Actor, items: Sequence[FieldAction]) -> list[Outcome]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        found = []
        for item in items:
            async with conn.transaction():
                city = await site.city.holder.current(conn, at=AT)
                found.append(await field_work.act(conn, actor, item, city=city, at=AT))
        return found


def _work(case_id: UUID, stage: UUID) -> list[FieldAction]:
    items = [
        action(case_id, "arrive", position=HERE),
        action(case_id, "step", verb="accept", seen=stage),
        action(case_id, "note", text="清理"),
        action(case_id, "step", verb="finish", seen=stage, reason="已清理"),
    ]
    return [replace(item, occurred_at=AT - timedelta(minutes=9 - i)) for i, item in enumerate(items)]


@pytest.mark.parametrize("same", [True, False])
async def test_two_phones_on_one_case_never_double_a_step_nor_lose_a_word(database_url: str, same: bool) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        site = await site_on(conn)
        opened = [await site.case() for _ in range(8)]
        await conn.commit()
    other = Actor(site.city.users["staff"], "other", "同事", None, site.worker.grants)
    mine = [item for case_id, stage in opened for item in _work(case_id, stage)]
    theirs = mine if same else [item for case_id, stage in reversed(opened) for item in _work(case_id, stage)]
    answers = await asyncio.gather(
        _phone(database_url, site, site.worker, mine), _phone(database_url, site, site.worker if same else other, theirs)
    )
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        assert await _rows(conn, "select distinct state from cases") == [("handled",)]
        taken = await _rows(conn, "select verb, count(*) from case_transitions where command_id is not null group by 1 order by 1")
        assert taken == [("accept", 8), ("finish", 8)]
        ((conflicts,),) = await _rows(conn, "select count(*) from case_notes where kind = 'conflict'")
        ((notes,),) = await _rows(conn, "select count(*) from case_notes where kind = 'note'")
        ((visits,),) = await _rows(conn, "select count(*) from case_visits")
    statuses = [outcome.status for found in answers for outcome in found]
    if same:
        assert (statuses.count("accepted"), statuses.count("repeated"), conflicts, notes, visits) == (32, 32, 0, 8, 8)
    else:
        assert (notes, visits, conflicts) == (16, 16, 16)
        assert (statuses.count("accepted"), statuses.count("refused")) == (48, 16)


async def _rows(conn: Any, query: str) -> list[Any]:
    return list(await (await conn.execute(query)).fetchall())
