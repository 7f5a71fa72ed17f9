"""The fixtures everything else stands on: a real PostGIS and a real Redis."""

import psycopg
import redis


def test_the_private_database_is_migrated_and_knows_postgis(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        row = conn.execute("select postgis_lib_version(), count(*) from alembic_version").fetchone()
    assert row is not None
    assert row[0] >= "3.3"
    assert row[1] == 1


async def test_a_test_sees_only_what_it_wrote_itself(conn: psycopg.AsyncConnection) -> None:
    found = await (await conn.execute("select count(*) from departments")).fetchone()
    assert found == (0,)


def test_redis_answers_on_its_socket_and_is_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
        assert client.dbsize() == 0
