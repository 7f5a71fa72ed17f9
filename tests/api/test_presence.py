"""Somebody else has it: open desks are told while they look, and told again when the case is let go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.live import Served, everywhere, served, watching

pytestmark = pytest.mark.anyio

WATCH = "subscription { live { kind eventKind position caseId case { claimedBy { byName } } } }"


@pytest.fixture
async def place(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Served]:
    async with served(tmp_path, database_url, redis_url) as running:
        yield running


async def test_open_desks_see_who_has_a_case_and_that_it_was_let_go(place: Served) -> None:
    one, two = await place.doors.person("one", everywhere()), await place.doors.person("two", everywhere())
    case_id = await place.case("2026-1", "G00")
    await place.head()

    async def ask(name: str, tail: str, who: dict[str, str]) -> Any:
        return (await place.query(f'mutation {{ {name}(caseId: "{case_id}") {tail} }}', who))[name]

    async with watching(place, two, query=WATCH) as desk:
        assert await ask("claimCase", "{ byName }", one) == {"byName": "one"}
        update = await desk.case_update()
        while update["eventKind"] == "case.opened":  # the case's own opening may still be being told
            update = await desk.case_update()
        assert (update["eventKind"], update["case"]) == ("case.claimed", {"claimedBy": {"byName": "one"}})
        assert await ask("claimCase", "{ byName }", two) == {"byName": "one"}  # asking changes nothing and tells nobody
        assert await ask("releaseCase", "", one) is True
        update = await desk.case_update()
        assert (update["eventKind"], update["case"]) == ("case.released", {"claimedBy": None})
