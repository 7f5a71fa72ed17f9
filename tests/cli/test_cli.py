"""The command line as a newcomer meets it: an overview, quick answers, one line with a remedy when something is wrong."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api import cli
from runtime.settings import CHECKOUT
from tests.cli.conftest import Run


def test_the_overview_names_every_command_with_its_help(gridwarden: Run) -> None:
    shown = gridwarden("--help").stdout
    for path in (CHECKOUT / "api" / "commands").glob("[!_]*.py"):
        assert f" {path.stem.rstrip('_').replace('_', '-')} " in shown
    assert "Start the city" in shown


def test_every_command_explains_itself_and_takes_a_home(gridwarden: Run) -> None:
    without_home = {"bench", "schema", "test", "version"}
    for name in sorted(set(cli.command_modules()) - without_home):
        shown = gridwarden(name, "--help")
        assert shown.returncode == 0, shown.stderr
        assert "--home" in shown.stdout or "Commands" in shown.stdout, name


def test_a_small_command_does_not_pay_for_the_large_ones() -> None:
    code = (
        "import sys; sys.argv = ['x', 'version']\n"
        "from api import cli\n"
        "try: cli.run()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numba', 'shapely', 'strawberry', 'sqlalchemy', 'alembic'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_usage_error(gridwarden: Run) -> None:
    assert gridwarden("sing").returncode == 2


def test_a_home_that_cannot_be_made_is_one_line_and_exit_code_one(gridwarden: Run) -> None:
    answer = gridwarden("up", "--no-demo", "--home", "/proc/nowhere")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "--home DIR" in answer.stderr


def test_a_slip_in_the_name_of_the_home_is_told_and_makes_no_city_there(gridwarden: Run, home: Path, tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    points.write_text("lon,lat\n114.9,27.8\n", encoding="utf-8")
    answer = gridwarden("locate", points, "--home", home)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "no city" in answer.stderr
    assert "gridwarden up" in answer.stderr
    assert not home.exists()


def test_a_taken_port_is_one_line_and_leaves_no_store_running(gridwarden: Run, home: Path, free_port: Callable[[], str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = gridwarden("up", "--no-demo", "--home", home, "--port", port)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert f"Port {port}" in answer.stderr
    assert not list((home / "run").glob("*.json"))


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_public_address_is_refused_together_with_demo_accounts(
    gridwarden: Run, home: Path, free_port: Callable[[], str], address: str
) -> None:
    answer = gridwarden("up", "--home", home, "--host", address, "--port", free_port())
    assert answer.returncode == 1
    assert "--no-demo" in answer.stderr
    assert not list((home / "run").glob("*.json")), "nothing half-started may stay behind"


def test_no_city_is_a_plain_answer_for_status_and_down(gridwarden: Run, home: Path) -> None:
    status = gridwarden("status", "--home", home, "--json")
    assert status.returncode == 3
    assert '"ready": false' in status.stdout
    assert gridwarden("down", "--home", home).returncode == 0


def test_migrate_starts_the_stores_it_needs_and_stops_them_again(gridwarden: Run, home: Path) -> None:
    assert "brought up to date" in gridwarden("migrate", "--home", home).stdout
    assert "is up to date" in gridwarden("migrate", "--home", home).stdout
    assert not list((home / "run").glob("*.json"))
