"""Owners of many points by H3 cells are the owners by geometry, borders and overlaps included."""

from datetime import timedelta

import numpy as np
from numpy.random import default_rng

from domain.areas.publish import publish
from domain.areas.set_owners import BY_CELL, BY_GEOMETRY, open_cases_elsewhere
from tests.flows.conftest import AT, SOUTH, STEP, WEST, SmallCity, city, grids

__all__ = ["city"]


async def test_cells_and_geometry_name_the_same_owner_for_every_open_case(city: SmallCity) -> None:
    random = default_rng(7)
    inside = random.uniform(-0.2, 3.2, (400, 2))
    on_borders = np.round(random.uniform(0, 3, (100, 2)))
    points = np.concatenate([inside, on_borders]) * STEP + (WEST, SOUTH)
    await city.submit(*(city.report(lon=float(lon), lat=float(lat)) for lon, lat in points))
    await city.conn.execute("update cases set closed_at = now() where substr(number, 15)::int % 7 = 0")
    for layer in ("grid", "special_grid"):
        values = {"layer": layer, "at": AT}
        by_cell = await (await city.conn.execute(BY_CELL, values)).fetchall()
        by_geometry = await (await city.conn.execute(BY_GEOMETRY, values)).fetchall()
        assert sorted(by_cell) == sorted(by_geometry)
        assert bool(by_cell) == (layer == "grid")
    assert await open_cases_elsewhere(city.conn, "grid", at=AT) == 0


async def test_open_cases_a_new_boundary_takes_away_are_counted(city: SmallCity) -> None:
    await city.submit(city.report(), city.report(lon=WEST + 2.5 * STEP))
    await publish(city.conn, "grid", grids()[1:], at=AT + timedelta(minutes=1))
    assert await open_cases_elsewhere(city.conn, "grid", at=AT + timedelta(minutes=2)) == 1
