"""Loading the shipped catalogue: everything once, and what a city has changed stays changed."""

from domain.base import Conn
from domain.routing import catalogue


async def counts(conn: Conn) -> tuple[int, int]:
    row = await (await conn.execute("select (select count(*) from matters), (select count(*) from filing_conditions)")).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


async def test_every_matter_comes_with_its_conditions(conn: Conn) -> None:
    loaded = await catalogue.load(conn)
    matters, conditions = await counts(conn)
    assert loaded == matters == 92 + 98 + 7
    assert conditions > matters
    bare = await conn.execute("select name from matters m where not exists (select from filing_conditions f where f.matter_id = m.id)")
    assert await bare.fetchall() == []


async def test_loading_again_adds_nothing_and_keeps_what_the_city_changed(conn: Conn) -> None:
    await catalogue.load(conn)
    before = await counts(conn)
    await conn.execute("update matters set enabled = false, name = '改过的' where kind = 'alert' and minor = 'vehicle'")
    await conn.execute("update filing_conditions set limit_amount = 99 where ord = 1")
    await catalogue.load(conn)
    assert await counts(conn) == before
    row = await (await conn.execute("select name, enabled from matters where minor = 'vehicle'")).fetchone()
    assert row == ("改过的", False)
    changed = await (await conn.execute("select count(*) from filing_conditions where ord = 1 and limit_amount <> 99")).fetchone()
    assert changed == (0,)


async def test_classes_about_people_ship_disabled_and_alerts_have_hours_that_never_stop(conn: Conn) -> None:
    await catalogue.load(conn)
    disabled = await (await conn.execute("select count(*) from matters where not enabled")).fetchone()
    assert disabled is not None
    assert disabled[0] >= 3
    units = await conn.execute(
        "select distinct limit_unit from filing_conditions f join matters m on m.id = f.matter_id where m.kind = 'alert'"
    )
    assert await units.fetchall() == [("urgent_hour",)]
