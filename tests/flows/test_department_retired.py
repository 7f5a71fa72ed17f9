"""A department is dissolved, or the ground under a case is redrawn: what is open stays in somebody's sight."""

from datetime import timedelta

import pytest

from domain.areas.publish import publish
from domain.errors import Invalid, NotFound
from domain.flows import department_retired
from tests.flows.conftest import AT, SmallCity, grids

LATER = AT + timedelta(hours=1)


async def test_what_a_dissolved_department_had_in_hand_is_in_the_queue_again(city: SmallCity) -> None:
    mine, other = await city.submit(city.report(), city.report(lon=114.9 + 0.025))
    await city.walk(city.actor("clerk", department="west"), mine.case_id, "accept")
    await department_retired.retire(city.conn, "west", at=LATER)
    here = await city.holder.current(city.conn, at=LATER)
    assert await department_retired.take_back(city.conn, city=here, at=LATER) == 1
    assert await department_retired.take_back(city.conn, city=here, at=LATER) == 0
    assert await city.one("select state, department_id from cases where id = %s", mine.case_id) == ("filed", None)
    assert await city.one("select state from cases where id = %s", other.case_id) == "dispatched"
    left = await city.one("select left_department_ids from events where kind = 'case.recall'")
    assert left == [city.departments["west"]]
    with pytest.raises(Invalid, match="no such department"):
        await city.walk(city.actor("dispatcher"), mine.case_id, "dispatch", department_id=city.departments["west"])
    with pytest.raises(NotFound):
        await department_retired.retire(city.conn, "west", at=LATER)


async def test_a_report_after_that_waits_in_the_queue(city: SmallCity) -> None:
    await department_retired.retire(city.conn, "west", at=AT)
    (done,) = await city.submit(city.report(), at=LATER)
    assert await city.one("select state, department_id from cases where id = %s", done.case_id) == ("filed", None)


async def test_a_case_in_a_retired_grid_is_worked_to_its_end_by_those_who_saw_it(city: SmallCity) -> None:
    (done,) = await city.submit(city.report())
    kept = [record for record in grids() if record.code != "360502101001000"]
    await publish(city.conn, "grid", kept, at=LATER)
    worker, at = city.actor("grid_worker", area="360502101"), LATER + timedelta(minutes=1)
    for verb in ("accept", "finish"):
        await city.walk(worker, done.case_id, verb, at=at)
    await city.walk(city.actor("supervisor"), done.case_id, "verify", at=at)
    assert await city.one("select state from cases where id = %s", done.case_id) == "closed"
