"""Accounts from the command line, on a city of their own."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from domain.areas.publish import publish
from domain.errors import Unauthenticated
from domain.people import sign_in
from domain.people.scope import Actor, Grant
from domain.routing import table
from domain.routing.choose import choose
from runtime.settings import CHECKOUT
from tests.flows.conftest import AT, admin


def _sign_in(url: str, username: str, password: str) -> Actor:
    async def run() -> Actor:
        async with await psycopg.AsyncConnection.connect(url) as conn:
            session = await sign_in.sign_in(conn, username, password, at=datetime.now(UTC), secret=b"s" * 32)
            return await sign_in.load_actor(conn, session.user_id)

    return asyncio.run(run())


def test_a_member_of_staff_is_added_gets_a_new_password_and_is_let_go(tmp_path: Path, database_url: str, redis_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTHONPATH": str(CHECKOUT)}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "api.cli", "people", *arguments, "--home", str(tmp_path)]
        return subprocess.run(argv, env=env, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)

    def people(*arguments: str) -> str:
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refused(*arguments: str) -> str:
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        return done.stderr

    first = people("add", "zhang", "--name", "张三", "--role", "dispatcher")
    assert _sign_in(database_url, "zhang", first).grants == (Grant("dispatcher", None, None),)
    assert "taken" in refused("add", "zhang", "--name", "x")
    second = people("password", "zhang")
    with pytest.raises(Unauthenticated):
        _sign_in(database_url, "zhang", first)
    people("grant", "zhang", "--role", "leader")
    people("grant", "zhang", "--role", "dispatcher", "--take")
    assert _sign_in(database_url, "zhang", second).grants == (Grant("leader", None, None),)
    assert "no role" in refused("grant", "zhang", "--role", "emperor")
    assert "no area" in refused("grant", "zhang", "--role", "clerk", "--area", "nowhere")
    assert "no user" in refused("password", "nobody")
    people("close", "zhang")
    with pytest.raises(Unauthenticated):
        _sign_in(database_url, "zhang", second)


def test_a_city_of_its_own_gets_departments_that_answer_for_its_ground(tmp_path: Path, database_url: str, redis_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTHONPATH": str(CHECKOUT)}
    town = admin()[-1]

    async def publish_admin() -> None:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            await publish(conn, "admin", admin(), at=AT)

    async def dispatched_to() -> str | None:
        async with await psycopg.AsyncConnection.connect(database_url) as conn:
            rows = await (await conn.execute("select path from area_versions where code = %s", (town.code,))).fetchall()
            (path,) = rows[0]
            chosen = choose(await table.load(conn, at=datetime.now(UTC)), None, path).department
            return chosen.name if chosen else None

    def department(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "api.cli", "people", "department", *arguments, "--home", str(tmp_path)]
        return subprocess.run(argv, env=env, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)

    asyncio.run(publish_admin())
    assert "there is no area" in department("center", "--name", "综治中心", "--area", "nowhere").stderr
    assert "a department's code" in department("a b", "--name", "综治中心").stderr
    assert department("center", "--name", "综治中心").returncode == 0
    assert asyncio.run(dispatched_to()) is None
    for name in ("综治中心", "水北镇综治中心"):  # the second time it is renamed, and answers once all the same
        assert department("center", "--name", name, "--area", town.code).returncode == 0
    assert asyncio.run(dispatched_to()) == "水北镇综治中心"
    assert department("team", "--name", "网格服务队", "--grids", "--parent", "center").returncode == 0
    assert "above itself" in department("center", "--name", "综治中心", "--parent", "team").stderr
    assert "no department" in department("center", "--name", "综治中心", "--parent", "nowhere").stderr
    with psycopg.connect(database_url) as conn:
        above = "select d.code, p.code from departments d join departments p on p.id = d.parent_id where d.serves_grids"
        assert conn.execute(above).fetchall() == [("team", "center")]
