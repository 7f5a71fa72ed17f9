"""Random commands by random people: a million against the rules, twenty thousand against PostgreSQL, each checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import psycopg

from tests.bench.stores import empty_city
from tests.cases import life
from tests.flows import case_model
from tests.flows.conftest import fill

Say = Callable[[str], None]
SEED = 20261122


def run(say: Say, *, rounds: int, quick: bool) -> dict[str, Any]:
    """Run both and say how many commands were taken and refused; a broken promise stops it with the promise's words."""
    pure, stored = (100_000, 1_000) if quick else (1_000_000, 20_000)
    begun = time.perf_counter()
    tally = life.run(pure, SEED)
    took = time.perf_counter() - begun
    say(
        f"rules: {pure:,} commands in {took:.0f} s ({pure / took:,.0f}/s): {tally.taken:,} taken, {tally.refused:,} refused,"
        f" {len(tally.verbs)} verbs, {len(tally.states)} states; none left the table, none moved a closed clock"
    )
    with empty_city() as settings:
        begun = time.perf_counter()
        kept = asyncio.run(_stored(settings.database_url, stored))
        took = time.perf_counter() - begun
    say(
        f"PostgreSQL: {stored:,} commands in {took:.0f} s ({stored / took:,.0f}/s): {kept.taken:,} taken, {kept.refused:,} refused;"
        " every row where the rules say, every refusal without a trace"
    )
    return {"pure": {"commands": pure, **vars(tally)}, "stored": {"commands": stored, **vars(kept)}}


async def _stored(url: str, commands: int) -> life.Tally:
    async with await psycopg.AsyncConnection.connect(url) as conn:
        return await case_model.run(await fill(conn), commands, SEED)
