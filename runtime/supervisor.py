"""Keeps the processes of one city running: PostgreSQL, Redis, the worker and the API processes.

Whoever runs a city holds an exclusive lock in its home. Children live in sessions of their own and are recorded by id
and start time; when the supervisor itself is killed, the next one takes over the stores and replaces the rest.
"""

import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from runtime import process, stores
from runtime.process import Process, Program
from runtime.settings import CHECKOUT, EVERYWHERE, Settings, from_environment
from runtime.trouble import SetupTrouble

TICK_S = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
STEADY_AFTER_S = 30.0  # a child that ran this long starts again without a pause
GIVE_UP_AFTER = 4  # deaths before the city was ready even once
STARTED_WITHIN_S = 15.0  # for one answer, not for the whole start
STOPPED_WITHIN_S = 60.0
LARGEST_LOG_BYTES = 20 << 20


@dataclass(slots=True)
class Child:
    """One supervised program with what its recent deaths say about the next start."""

    program: Program
    running: Process
    started_at_s: float
    deaths: int = 0
    start_after_s: float = 0.0


@contextmanager
def city_lock(settings: Settings) -> Iterator[TextIO | None]:
    """Hold the right to run this city, or lend None when somebody else runs it."""
    with (settings.run_dir / "supervisor.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield lock


def listen(settings: Settings) -> socket.socket:
    """Bind the port of the city, once for all its API processes; it stays open while one of them starts again."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SetupTrouble(
            f"Port {settings.port} on {settings.host} cannot be opened: {error.strerror}.",
            f"Choose another one: --port {settings.port + 1 if settings.port >= 1024 else 8700}",
        ) from error
    return listener


def end_orphans(settings: Settings) -> None:
    """End API and worker processes left by a supervisor that was killed; the stores are kept and taken over."""
    for record in sorted(settings.run_dir.glob("*.json")):
        if record.stem not in ("postgres", "redis", "supervisor"):
            left = process.find(record.stem, run_dir=settings.run_dir)
            if left is not None:
                left.stop()


def city_programs(settings: Settings, listener: socket.socket) -> list[Program]:
    """Return the worker and the API processes as programs of this Python."""
    env = {**os.environ, **settings.to_environment(), "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
    python = [sys.executable, "-m"]
    worker = Program(name="worker", argv=[*python, "runtime.worker"], env=env, cwd=CHECKOUT)
    doors = [
        Program(
            name=f"api-{number}",
            argv=[*python, "api.serve", "--fd", str(listener.fileno())],
            env=env,
            cwd=CHECKOUT,
            pass_fds=[listener.fileno()],
        )
        for number in range(1, settings.api_processes + 1)
    ]
    return [*doors, worker]


class Supervisor:
    """Starts programs, starts them again when they die, and stops them in reverse order."""

    def __init__(self, settings: Settings, programs: Sequence[Program]) -> None:
        self.settings = settings
        self.stopping = threading.Event()
        self.ready_once = False
        self.children = [self._begin(program) for program in programs]
        self._logs_checked_at_s = 0.0

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Watch the children until `stopping` is set, then stop them; `on_ready` is called once, when the API answers.

        Raises SetupTrouble when a child keeps dying before the city was ready even once.
        """
        threading.Thread(target=self._announce, args=(on_ready,), daemon=True).start()
        try:
            while not self.stopping.wait(TICK_S):
                now_s = time.monotonic()
                for child in self.children:
                    self.tend(child, now_s)
                self.rotate_logs(now_s)
        finally:
            for child in reversed(self.children):
                if child.program.name not in ("postgres", "redis"):
                    child.running.stop()

    def _announce(self, on_ready: Callable[[], None]) -> None:
        while not is_ready(self.settings, patience_s=STARTED_WITHIN_S):
            if self.stopping.wait(0.05):
                return
        self.ready_once = True
        on_ready()

    def _begin(self, program: Program) -> Child:
        return Child(program=program, running=self._start(program), started_at_s=time.monotonic())

    def _start(self, program: Program) -> Process:
        """Start a program, or take over the one that a command has started since."""
        with stores.starting(self.settings):
            found = process.find(program.name, run_dir=self.settings.run_dir)
            return found or process.start(program, run_dir=self.settings.run_dir, logs_dir=self.settings.logs_dir)

    def tend(self, child: Child, now_s: float) -> None:
        """Look after one child: note its death, and start it again when its pause is over.

        Raises SetupTrouble when it keeps dying before the city was ready even once.
        """
        if child.start_after_s:
            if now_s >= child.start_after_s:
                child.running, child.started_at_s, child.start_after_s = self._start(child.program), now_s, 0.0
        elif not child.running.alive():
            child.deaths = 1 if now_s - child.started_at_s > STEADY_AFTER_S else child.deaths + 1
            if not self.ready_once and child.deaths >= GIVE_UP_AFTER:
                log = self.settings.logs_dir / f"{child.program.name}.log"
                raise SetupTrouble(f"{child.program.name} does not start: {last_line(log)}", f"See {log}.")
            child.start_after_s = now_s + min(FIRST_PAUSE_S * 4 ** (child.deaths - 1), LONGEST_PAUSE_S)
            print(f"{child.program.name} ended; starting it again", file=sys.stderr, flush=True)

    def rotate_logs(self, now_s: float) -> None:
        """Keep one older piece of every log; children append, so cutting the file short under them is safe."""
        if now_s - self._logs_checked_at_s < 10:
            return
        self._logs_checked_at_s = now_s
        for log in self.settings.logs_dir.glob("*.log"):
            if log.stat().st_size > LARGEST_LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)


def is_ready(settings: Settings, *, patience_s: float = 2.0) -> bool:
    """Say whether the city's own /healthz answers 200.

    The port is open before the API runs, so a patient caller is answered in the moment it does.
    """
    host = "127.0.0.1" if settings.host in EVERYWHERE else settings.host
    link: http.client.HTTPConnection
    if settings.tls:
        context = ssl.create_default_context(cafile=str(settings.home / "tls" / "ca.crt"))
        context.check_hostname = False
        link = http.client.HTTPSConnection(host, settings.port, timeout=patience_s, context=context)
    else:
        link = http.client.HTTPConnection(host, settings.port, timeout=patience_s)
    try:
        link.request("GET", "/healthz", headers={"Connection": "close"})
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def supervise(settings: Settings, listener: socket.socket, on_ready: Callable[[], None] = lambda: None) -> None:
    """Run the city until SIGINT or SIGTERM, then stop it in order; the stores stay for whoever still uses them."""
    with stores.ensure_stores(settings):
        process.record_self("supervisor", run_dir=settings.run_dir, patience_s=STOPPED_WITHIN_S)
        (settings.run_dir / "address").write_text(json.dumps({"host": settings.host, "port": settings.port, "tls": settings.tls}))
        watched = [*stores.private_programs(settings), *city_programs(settings, listener)]
        supervisor = Supervisor(settings, watched)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.stopping.set())
        try:
            supervisor.run(on_ready)
        finally:
            (settings.run_dir / "supervisor.json").unlink(missing_ok=True)


def address(settings: Settings) -> dict[str, Any]:
    """Return host, port and tls of the city that was started last in this home; good as changes to its settings."""
    try:
        return dict(json.loads((settings.run_dir / "address").read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def start_detached(settings: Settings, listener: socket.socket, lock: TextIO) -> None:
    """Hand the city over to a supervisor of its own, which inherits the open port and the lock; wait until it answers."""
    started = process.start(
        Program(
            name="supervisor",
            argv=[sys.executable, "-m", "runtime.supervisor", str(listener.fileno())],
            env={**os.environ, **settings.to_environment(), "PYTHONPATH": str(CHECKOUT)},
            cwd=CHECKOUT,
            pass_fds=[listener.fileno(), lock.fileno()],
            patience_s=STOPPED_WITHIN_S,
        ),
        run_dir=settings.run_dir,
        logs_dir=settings.logs_dir,
    )
    process.wait_until(lambda: is_ready(settings, patience_s=STARTED_WITHIN_S) or not started.alive(), 120.0, pause_s=0.05)
    if not is_ready(settings):
        started.stop()
        log = settings.logs_dir / "supervisor.log"
        raise SetupTrouble(f"The city did not start: {last_line(log)}", f"The logs are in {settings.logs_dir}.")


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()[-50:] if line.strip()]
    return lines[-1] if lines else "it said nothing"


def main() -> None:
    """Supervise the city named by the environment on the inherited listening socket (its number is the argument)."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    try:
        supervise(from_environment(), listener)
    except SetupTrouble as trouble:
        sys.exit(str(trouble))


if __name__ == "__main__":
    main()
