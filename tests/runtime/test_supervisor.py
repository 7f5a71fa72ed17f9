"""The supervisor: what dies comes back, what keeps dying is reported, what it leaves behind is found again."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from runtime import process, supervisor
from runtime.process import Program
from runtime.settings import Settings
from runtime.trouble import SetupTrouble


@pytest.fixture
def settings() -> Settings:
    """A prepared home whose port nobody answers on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Settings(home=Path(os.environ["GRIDWARDEN_TEST_HOME"]) / f"home-{uuid4().hex[:8]}", port=port)
    made.prepare_home()
    return made


def _program(name: str, code: str) -> Program:
    return Program(name=name, argv=[sys.executable, "-c", code], env=dict(os.environ), cwd=Path("/"), patience_s=2)


WAITS = "import signal; signal.pause()"


@contextmanager
def _watching(keeper: supervisor.Supervisor) -> Iterator[Callable[[], list[int]]]:
    """Run the supervisor in a thread; lends a function that lists the children's ids."""
    watcher = threading.Thread(target=keeper.run)
    watcher.start()
    try:
        yield lambda: [child.running.pid for child in keeper.children if child.running.alive()]
    finally:
        keeper.stopping.set()
        watcher.join(10)
    assert not watcher.is_alive()


def test_a_killed_child_is_started_again_within_a_second(settings: Settings) -> None:
    keeper = supervisor.Supervisor(settings, [_program("worker", WAITS)])
    with _watching(keeper) as living:
        (first,) = living()
        os.kill(first, signal.SIGKILL)
        assert process.wait_until(lambda: living() not in ([], [first]), 1.0)
        (second,) = living()
    assert second != first
    assert process.start_time(second) is None, "stopping the supervisor must stop its children"
    assert not list(settings.run_dir.glob("worker.json"))


def test_a_child_that_keeps_dying_before_the_city_was_ready_is_reported_with_its_last_words(settings: Settings) -> None:
    keeper = supervisor.Supervisor(settings, [_program("api-1", "raise SystemExit('no such table')"), _program("worker", WAITS)])
    with pytest.raises(SetupTrouble, match=r"api-1 does not start: no such table"):
        keeper.run()
    assert process.find("worker", run_dir=settings.run_dir) is None


def test_pauses_grow_while_a_child_keeps_dying(settings: Settings) -> None:
    keeper = supervisor.Supervisor(settings, [_program("worker", "pass")])
    keeper.ready_once = True
    (child,) = keeper.children
    pauses = []
    for now_s in (1000.0, 1001.0, 1002.0, 1003.0, 1004.0, 1005.0):
        child.started_at_s, child.start_after_s = now_s - 0.5, 0.0
        assert process.wait_until(lambda: not child.running.alive(), 5)
        keeper.tend(child, now_s)
        pauses.append(child.start_after_s - now_s)
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(supervisor.FIRST_PAUSE_S)
    assert pauses[-1] == supervisor.LONGEST_PAUSE_S


def test_children_left_by_a_killed_supervisor_are_ended_by_the_next_one(settings: Settings) -> None:
    left = process.start(_program("api-1", WAITS), run_dir=settings.run_dir, logs_dir=settings.logs_dir)
    supervisor.end_orphans(settings)
    assert not left.alive()
    assert not left.record.exists()


def test_a_program_that_a_command_started_first_is_taken_over(settings: Settings) -> None:
    program = _program("postgres", WAITS)
    keeper = supervisor.Supervisor(settings, [program])
    (child,) = keeper.children
    os.kill(child.running.pid, signal.SIGKILL)
    assert process.wait_until(lambda: not child.running.alive(), 5)
    by_a_command = process.start(program, run_dir=settings.run_dir, logs_dir=settings.logs_dir)
    keeper.tend(child, 1000.0)
    keeper.tend(child, 1001.0)
    taken = child.running.pid
    by_a_command.stop()
    assert taken == by_a_command.pid


def test_two_supervisors_never_run_the_same_city(settings: Settings) -> None:
    with supervisor.city_lock(settings) as mine, supervisor.city_lock(settings) as other:
        assert mine is not None
        assert other is None


def test_a_taken_port_is_one_line_that_names_a_free_choice(settings: Settings) -> None:
    with supervisor.listen(settings), pytest.raises(SetupTrouble, match=rf"Port {settings.port} .*--port {settings.port + 1}"):
        supervisor.listen(settings)


def test_a_log_that_grew_too_large_is_cut_and_its_older_piece_kept(settings: Settings) -> None:
    keeper = supervisor.Supervisor(settings, [])
    log = settings.logs_dir / "api-1.log"
    log.write_bytes(b"x" * (supervisor.LARGEST_LOG_BYTES + 1))
    keeper.rotate_logs(1000.0)
    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").stat().st_size == supervisor.LARGEST_LOG_BYTES + 1
