"""Publishing a layer: all or nothing, idempotent, and yesterday stays what it was."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.areas import publish
from domain.areas.changes import Record
from domain.base import Conn
from domain.errors import Conflict, Invalid, NotFound
from domain.flows.city import CityHolder
from tests.flows.conftest import AT, admin, grids

DAY = timedelta(days=1)


async def rows(conn: Conn, query: str, *parameters: object) -> Sequence[Any]:
    return await (await conn.execute(query, parameters)).fetchall()


async def test_the_same_import_twice_changes_nothing(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    first = await publish.publish(conn, "grid", grids(), at=AT)
    again = await publish.publish(conn, "grid", grids(), at=AT + DAY)
    assert (first.written, first.version) == (9, 1)
    assert (again.written, again.retired, again.unchanged, again.version) == (0, 0, 9, 1)


async def test_a_changed_area_keeps_its_identity_and_its_past(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    await publish.publish(conn, "grid", grids(), at=AT)
    changed = grids()
    changed[4] = Record("grid", changed[4].code, "改名", changed[4].geometry, parent_code=changed[4].parent_code)
    done = await publish.publish(conn, "grid", changed[:-1], at=AT + DAY)
    assert (done.written, done.retired, done.unchanged) == (1, 1, 7)
    query = "select name, valid_from, valid_to, area_id from area_versions where code = %s order by valid_from"
    history = await rows(conn, query, changed[4].code)
    assert [(name, start, end) for name, start, end, _ in history] == [("网格11", AT, AT + DAY), ("改名", AT + DAY, None)]
    assert history[0][3] == history[1][3]
    asof = "select count(*) from area_versions where layer = 'grid' and valid_from <= %s and (valid_to is null or valid_to > %s)"
    assert await rows(conn, asof, AT, AT) == [(9,)]
    assert await rows(conn, asof, AT + DAY, AT + DAY) == [(8,)]


async def test_a_version_cannot_be_rewritten_even_by_hand(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    for change in ("name = 'x'", "geom = st_multi(st_expand(geom, 0.1))", "valid_from = now()"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            async with conn.transaction():
                await conn.execute(f"update area_versions set {change}")


async def test_two_versions_of_one_area_or_code_never_hold_at_once(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        async with conn.transaction():
            await conn.execute(
                "insert into area_versions select gen_random_uuid(), area_id, layer, level, code, name, name_en, parent_id, path,"
                " valid_from + interval '1 day', valid_to, geom, geom_3857, label_point, area_m2, approximate, basis, source, created_at"
                " from area_versions limit 1"
            )


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (Record("grid", "", "名", shapely.box(0, 0, 1, 1)), "code"),
        (Record("grid", " 1", "名", shapely.box(0, 0, 1, 1)), "padded"),
        (Record("grid", "1", "", shapely.box(0, 0, 1, 1)), "name"),
        (Record("planet", "1", "名", shapely.box(0, 0, 1, 1)), "level"),
        (Record("grid", "1", "名", shapely.box(0, 0, 1, 1), parent_code="404"), "parent"),
        (Record("grid", "360502101001000", "名", shapely.box(0, 0, 1, 1)), "twice"),
    ],
)
async def test_a_bad_record_is_refused_and_nothing_is_written(conn: Conn, record: Record, complaint: str) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    with pytest.raises(Invalid, match=complaint):
        await publish.publish(conn, "grid", [*grids(), record], at=AT)
    assert await rows(conn, "select count(*) from area_versions where layer = 'grid'") == [(0,)]


async def test_an_unknown_layer_an_orphaned_child_and_a_step_back_in_time_are_refused(conn: Conn) -> None:
    with pytest.raises(NotFound):
        await publish.publish(conn, "moon", [], at=AT)
    await publish.publish(conn, "admin", admin(), at=AT)
    await publish.publish(conn, "grid", grids(), at=AT)
    with pytest.raises(Conflict, match="hang below"):
        async with conn.transaction():
            await publish.publish(conn, "admin", admin()[:-1], at=AT + DAY)
    with pytest.raises(Conflict, match="later instant"):
        async with conn.transaction():
            await publish.publish(conn, "grid", grids()[:-1], at=AT - DAY)


async def test_the_path_runs_from_the_root_down_to_the_area_itself(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    await publish.publish(conn, "grid", grids(), at=AT)
    codes = dict(await rows(conn, "select area_id, code from area_versions"))
    ((path,),) = await rows(conn, "select path from area_versions where code = '360502102001002'")
    assert [codes[one] for one in path] == ["360500", "360502", "360502102", "360502102001002"]


async def test_covering_cells_find_every_point_their_area_holds_and_whole_cells_nothing_else(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    await publish.publish(conn, "grid", grids(), at=AT)
    from geo import cells
    from geo.lonlat import LonLat

    found = await rows(conn, "select c.cell, c.whole, v.code from area_cells c join area_versions v on v.id = c.version_id")
    by_code = {one.code: one.geometry for one in grids()}
    cover: dict[str, set[int]] = {}
    for cell, whole, code in found:
        cover.setdefault(code, set()).add(cell)
        assert not whole or by_code[code].covers(cells.boundary(cell))
    for code, shape in by_code.items():
        for point in (shape.centroid, *shapely.get_parts(shapely.multipoints(shapely.get_coordinates(shape)))):
            assert cells.cell(LonLat(lon=point.x, lat=point.y), 10) in cover[code]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 8), min_size=1), min_size=1, max_size=5))
async def test_after_any_sequence_of_imports_each_instant_shows_what_was_in_force_then(conn: Conn, steps: list[set[int]]) -> None:
    async with conn.transaction(force_rollback=True):
        await publish.publish(conn, "admin", admin(), at=AT)
        for day, step in enumerate(steps):
            await publish.publish(conn, "grid", [grids()[i] for i in sorted(step)], at=AT + day * DAY)
        for day, step in enumerate(steps):
            instant = AT + day * DAY + DAY / 2
            found = await rows(
                conn,
                "select code from area_versions where layer = 'grid' and valid_from <= %s and (valid_to is null or valid_to > %s)",
                instant, instant,
            )  # fmt: skip
            assert {code for (code,) in found} == {grids()[i].code for i in step}


async def test_covers_made_beforehand_are_the_covers_made_in_between(conn: Conn) -> None:
    await publish.publish(conn, "admin", admin(), at=AT)
    cells_of = "select v.code, c.cell, c.whole from area_cells c join area_versions v on v.id = c.version_id order by 1, 2"
    found = []
    for covers in (await publish.prepare(conn, "grid", grids()), None):
        async with conn.transaction(force_rollback=True):
            await publish.publish(conn, "grid", grids(), at=AT, covers=covers)
            found.append(await rows(conn, cells_of))
    assert found[0] == found[1] != []
    assert await publish.prepare(conn, "admin", admin()) == {}, "large areas are not covered"


async def test_intake_waits_for_a_publication_and_then_uses_it(database_url: str) -> None:
    holder = CityHolder()
    async with (
        await psycopg.AsyncConnection.connect(database_url) as writer,
        await psycopg.AsyncConnection.connect(database_url) as reader,
    ):
        await publish.publish(writer, "admin", admin(), at=AT)
        await publish.publish(writer, "grid", grids(), at=AT)
        await writer.commit()
        assert len((await holder.current(reader, at=AT)).areas.home.owners) == 9
        await reader.commit()
        await publish.publish(writer, "grid", grids()[:5], at=AT + DAY)
        waiting = asyncio.create_task(holder.current(reader, at=AT + 2 * DAY))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done, "an unfinished publication holds intake back"
        await writer.commit()
        assert len((await waiting).areas.home.owners) == 5
