"""The public map: nothing on it says where, when and by whom more exactly than it may."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from domain.errors import Invalid
from domain.flows import public_map, replies
from domain.flows.public_map import PublicCase, shown
from geo import cells
from geo.lonlat import BBox, LonLat
from tests.flows.conftest import AT, SOUTH, WEST
from tests.replies.conftest import Town

pytestmark = pytest.mark.anyio
EVERYTHING = BBox(west=114.5, south=27.5, east=115.5, north=28.5)


async def filed(town: Town, **given: Any) -> Any:
    done = await town.report(**given)
    await town.step("desk", done.case_id, "file")
    return done


async def on_map(town: Town, box: BBox = EVERYTHING, **given: Any) -> list[PublicCase]:
    values: dict[str, Any] = {"first": 500, "at": AT + timedelta(hours=1)} | given
    return await shown(town.conn, box, **values)


def coarse(lon: float, lat: float) -> int:
    return cells.parent(cells.cell(LonLat(lon=lon, lat=lat), 10), 9)


async def test_a_case_is_a_cell_a_matter_a_month_and_a_state(town: Town) -> None:
    await filed(town, description="张三家门口的垃圾", contact_name="李四", contact_phone="13800000000")
    (found,) = await on_map(town)
    assert (found.matter_zh, found.month, found.state, found.text) == ("暴露生活垃圾", "2026-11", "dispatched", None)
    assert found.cell == coarse(WEST + 0.005, SOUTH + 0.005)
    assert {field.name for field in fields(found)} == {"cell", "center", "matter_zh", "matter_en", "month", "state", "text"}


async def test_what_is_not_checked_untrue_withdrawn_a_complaint_or_private_is_not_shown(town: Town) -> None:
    await town.report()
    about, untrue, private = await filed(town), await filed(town), await filed(town, matter_id=town.city.matters["cover"])
    await town.conn.execute("update cases set about_department_id = %s where id = %s", (town.city.departments["west"], about.case_id))
    await town.step("desk", untrue.case_id, "recall", reason="重看")
    await town.step("desk", untrue.case_id, "reject", reason="不实")
    assert len(await on_map(town)) == 1
    await town.conn.execute(
        "insert into installation (key, value, at) values ('public_map.private_matters', %s, %s)", (str(town.city.matters["cover"]), AT)
    )
    assert private.case_id
    assert await on_map(town) == []
    await filed(town)
    assert len(await on_map(town)) == 1
    assert await on_map(town, at=AT + public_map.SHOWN_FOR) == []


async def test_words_are_shown_only_when_a_supervisor_wrote_them(town: Town) -> None:
    done = await filed(town, description="张三家门口的垃圾")
    await replies.moderate(town.conn, town.people["supervisor"], done.report_id, "路边有垃圾", at=AT)
    assert [case.text for case in await on_map(town)] == ["路边有垃圾"]
    await replies.moderate(town.conn, town.people["supervisor"], done.report_id, None, at=AT)
    assert [case.text for case in await on_map(town)] == [None]


async def test_asking_with_ever_smaller_viewports_finds_the_cell_and_not_the_point(town: Town) -> None:
    lon, lat = WEST + 0.0051, SOUTH + 0.0052
    await filed(town, lon=lon, lat=lat)
    cell = coarse(lon, lat)
    middle = cells.center(cell)
    for step in range(-20, 21):  # strips of 11 m across the cell
        for west, south, east, north in (
            (middle.lon + step * 1e-4, SOUTH, middle.lon + (step + 1) * 1e-4, SOUTH + 0.02),
            (WEST, middle.lat + step * 1e-4, WEST + 0.02, middle.lat + (step + 1) * 1e-4),
        ):
            box = BBox(west=west, south=south, east=east, north=north)
            assert bool(await on_map(town, box)) is box.contains(lon=middle.lon, lat=middle.lat)


async def test_two_points_of_one_cell_cannot_be_told_apart(town: Town) -> None:
    cell = coarse(WEST + 0.005, SOUTH + 0.005)
    seen = []
    for child in (cells.cell(cells.center(cell), 12), int(cells.uncompact(np.array([cell]), 12)[0])):
        point = cells.center(child)
        done = await filed(town, lon=point.lon, lat=point.lat)
        seen.append(await on_map(town))
        await town.step("desk", done.case_id, "recall", reason="x")
        await town.step("desk", done.case_id, "reject", reason="x")
    assert seen[0] == seen[1] != []


async def test_a_city_may_leave_out_cells_with_few_things_in_them(town: Town) -> None:
    await town.conn.execute("insert into installation (key, value, at) values (%s, '2', %s)", (public_map.FEWEST_OPTION, AT))
    await filed(town)
    assert await on_map(town) == []
    await filed(town)
    assert len(await on_map(town)) == 2
    assert len(await on_map(town, first=1)) == 1


async def test_too_much_at_once_is_refused(town: Town) -> None:
    for box, first, field in (
        (BBox(west=110, south=27, east=115, north=28), 10, "bbox"),
        (EVERYTHING, 0, "first"),
        (EVERYTHING, 501, "first"),
    ):
        with pytest.raises(Invalid) as refused:
            await on_map(town, box, first=first)
        assert refused.value.field == field
