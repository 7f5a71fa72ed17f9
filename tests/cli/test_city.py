"""A city from `up` to `down`, with every one of its processes killed in between."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg

from runtime import process
from runtime.settings import CHECKOUT, Settings
from tests.cli.conftest import Run


def _status(gridwarden: Run, home: Path, *more: str) -> dict[str, object]:
    return dict(json.loads(gridwarden("status", "--json", "--home", home, *more).stdout))


def _up(gridwarden: Run, home: Path, port: str) -> None:
    started = gridwarden("up", "--detach", "--no-demo", "--home", home, "--port", port)
    assert started.returncode == 0, started.stderr


def test_whatever_is_killed_comes_back_and_down_leaves_nothing(gridwarden: Run, home: Path, free_port: Callable[[], str]) -> None:
    _up(gridwarden, home, free_port())
    run_dir = home / "run"
    for name in ("postgres", "redis", "worker", "api-1"):
        killed = process.find(name, run_dir=run_dir)
        assert killed is not None, name
        os.kill(killed.pid, signal.SIGKILL)
        assert process.wait_until(lambda n=name, k=killed: _replaced(n, k, run_dir), 5), f"{name} did not come back"  # type: ignore[misc]
        assert _status(gridwarden, home, "--wait", "20")["ready"] is True, name
    processes = _status(gridwarden, home)["processes"]
    assert isinstance(processes, dict)
    assert set(processes) == {"api-1", "postgres", "redis", "supervisor", "worker"}
    assert gridwarden("down", "--home", home).returncode == 0
    assert [pid for pid in processes.values() if process.start_time(pid)] == []
    assert not list(run_dir.glob("*.json"))


def _replaced(name: str, killed: process.Process, run_dir: Path) -> bool:
    now = process.find(name, run_dir=run_dir)
    return now is not None and now.pid != killed.pid


def test_after_kill_nine_of_the_supervisor_the_next_up_takes_over(gridwarden: Run, home: Path, free_port: Callable[[], str]) -> None:
    port = free_port()
    _up(gridwarden, home, port)
    before = _status(gridwarden, home)["processes"]
    assert isinstance(before, dict)
    os.kill(before["supervisor"], signal.SIGKILL)
    assert process.wait_until(lambda: process.start_time(before["supervisor"]) is None, 5)
    _up(gridwarden, home, port)
    after = _status(gridwarden, home)["processes"]
    assert isinstance(after, dict)
    assert after["postgres"] == before["postgres"], "a healthy database is taken over, not restarted"
    assert process.start_time(before["api-1"]) is None
    assert gridwarden("down", "--home", home).returncode == 0
    assert [pid for pid in after.values() if process.start_time(pid)] == []


def test_ctrl_c_stops_a_city_in_the_foreground_and_leaves_nothing(
    home: Path, environment: dict[str, str], free_port: Callable[[], str]
) -> None:
    argv = [sys.executable, "-m", "api.cli", "up", "--no-demo", "--home", str(home), "--port", free_port()]
    with subprocess.Popen(argv, env=environment, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as city:
        assert city.stdout is not None
        assert any("Ctrl-C" in line for line in city.stdout), "the welcome ends with how to stop"
        city.send_signal(signal.SIGINT)
        assert city.wait(60) == 0
    assert not list((home / "run").glob("*.json"))


def test_a_second_up_in_the_same_home_says_that_the_city_runs(gridwarden: Run, home: Path, free_port: Callable[[], str]) -> None:
    port = free_port()
    _up(gridwarden, home, port)
    again = gridwarden("up", "--detach", "--no-demo", "--home", home, "--port", free_port())
    assert again.returncode == 1
    assert "running already" in again.stderr
    assert _status(gridwarden, home)["url"] == f"http://localhost:{port}"


def test_two_cities_live_side_by_side(gridwarden: Run, home: Path, other_home: Path, free_port: Callable[[], str]) -> None:
    ports = {home: free_port(), other_home: free_port()}
    for city, port in ports.items():
        _up(gridwarden, city, port)
    with psycopg.connect(Settings(home=home).database_url) as conn:
        conn.execute("create table only_here ()")
    with psycopg.connect(Settings(home=other_home).database_url) as conn:
        assert conn.execute("select to_regclass('only_here')").fetchone() == (None,)
    assert gridwarden("down", "--home", home).returncode == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{ports[other_home]}/healthz", timeout=10) as answer:
        assert answer.status == 200


def test_https_is_served_with_the_citys_own_authority(gridwarden: Run, home: Path, free_port: Callable[[], str]) -> None:
    import ssl

    port = free_port()
    started = gridwarden("up", "--detach", "--no-demo", "--tls", "--home", home, "--port", port)
    assert started.returncode == 0, started.stderr
    assert "ca.crt" in started.stdout
    trusting = ssl.create_default_context(cafile=str(home / "tls" / "ca.crt"))
    with urllib.request.urlopen(f"https://localhost:{port}/healthz", timeout=10, context=trusting) as answer:
        assert answer.status == 200
