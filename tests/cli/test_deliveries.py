"""Dead letters from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from domain.base import new_id
from runtime.settings import CHECKOUT


def test_dead_letters_are_counted_listed_and_sent_again(tmp_path: Path, database_url: str, redis_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTHONPATH": str(CHECKOUT)}
    endpoint, dead = new_id(), new_id()
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "insert into endpoints (id, kind, label, sealed, digest, hint, language, created_at)"
            " values (%s, 'webhook', 'x', '', '', '', 'zh', now())",
            (endpoint,),
        )
        conn.execute(
            "insert into deliveries (id, created_at, event_kind, template, facts, channel, endpoint_id, ladder_id, rung_kind, channels,"
            " state, next_at, attempts, last_attempt, last_error)"
            ""
            " values (%s, now(), 'case.close', 'event', '{\"number\": \"20261120-000017\"}', 'webhook', %s, %s, 'first', '{}',"
            " 'dead', now(), 7, 7, 'HTTP 500')",
            (dead, endpoint, dead),
        )

    def deliveries(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "api.cli", "deliveries", *arguments, "--home", str(tmp_path)]
        return subprocess.run(argv, env=env, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)

    assert deliveries().stdout.split()[:3] == ["webhook", "dead", "1"]
    listed = deliveries("--dead").stdout
    assert str(dead) in listed
    assert "20261120-000017" in listed
    assert "HTTP 500" in listed
    assert deliveries("--retry", "nonsense").returncode == 1
    assert deliveries("--retry", "all").returncode == 0
    assert deliveries("--retry", str(dead)).returncode == 1, "it is on its way already"
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select state, last_attempt from deliveries").fetchone() == ("pending", 14)
