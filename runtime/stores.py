"""The private PostgreSQL and Redis of one city: started when needed, stopped by whoever leaves last.

Both run as ordinary users on unix sockets in a folder nobody else may enter, so they ask for no password and no port.
Every command that needs them holds a shared lock; whoever can turn it into an exclusive one is alone and stops them.
"""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from runtime import cluster, process, programs
from runtime.settings import Settings
from runtime.trouble import SetupTrouble
from runtime.unprivileged import account, private_folder, socket_folder

READY_WITHIN_S = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Addresses of the running stores."""

    database_url: str
    redis_url: str


@contextmanager
def ensure_stores(settings: Settings, *, say: Say = lambda _: None) -> Iterator[Stores]:
    """Make sure both stores answer while the block runs; stop those of our own when nobody else needs them.

    `say` receives one line before anything slow or visible outside the home happens. Raises SetupTrouble.
    """
    settings.prepare_home()
    with (settings.run_dir / "users.lock").open("w") as using:
        try:
            with starting(settings):
                fcntl.flock(using, fcntl.LOCK_SH)
                running = [_find_or_start(settings, program) for program in private_programs(settings, say=say)]
                _wait_until_ready(settings, running)
            yield Stores(database_url=settings.database_url, redis_url=settings.redis_url)
        finally:
            with starting(settings):
                if nobody_else(using):
                    stop_stores(settings)


@contextmanager
def starting(settings: Settings) -> Iterator[None]:
    """Hold the right to start and stop programs of this home, so that two commands never start the same one."""
    with (settings.run_dir / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def stop_stores(settings: Settings) -> None:
    """Stop the private stores, Redis first; a no-op where they do not run."""
    for name in ("redis", "postgres"):
        if (running := process.find(name, run_dir=settings.run_dir)) is not None:
            running.stop()


def private_programs(settings: Settings, *, say: Say = lambda _: None) -> list[process.Program]:
    """Return the stores this city runs itself, ready to be started (data folders made); none when both are given."""
    if settings.given_database_url and settings.given_redis_url:
        return []
    found = programs.ensure(
        allow_system=settings.system_packages,
        user_runtime=user_runtime_folder() if settings.user_runtime else existing_user_runtime(),
        say=say,
    )
    wanted = []
    if not settings.given_database_url:
        wanted.append(cluster.program(settings, found, say))
    if not settings.given_redis_url:
        wanted.append(_redis(settings, found))
    return wanted


def ready(settings: Settings, name: str) -> bool:
    """Say whether the named private store accepts connections now."""
    folder = settings.sockets
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1.0)
        try:
            if name == "redis":
                link.connect(str(folder / "redis" / "redis.sock"))
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
            link.connect(str(folder / "pg" / ".s.PGSQL.5432"))
            # A start-up packet for the maintenance database: 'R' means let in, 'E' still starting or recovering.
            words = b"user\0gridwarden\0database\0postgres\0\0"
            link.sendall((len(words) + 8).to_bytes(4, "big") + (196608).to_bytes(4, "big") + words)
            return link.recv(1) == b"R"
        except OSError:
            return False


def user_runtime_folder() -> Path:
    """Return where `--user-runtime` keeps its copy of the store programs."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gridwarden-runtime"


def existing_user_runtime() -> Path | None:
    """Return that folder when it was filled earlier."""
    return user_runtime_folder() if user_runtime_folder().exists() else None


def nobody_else(using: TextIO) -> bool:
    """Turn our hold on `users.lock` into the only one, or return False when somebody else uses the stores."""
    try:
        fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _find_or_start(settings: Settings, program: process.Program) -> process.Process:
    found = process.find(program.name, run_dir=settings.run_dir)
    return found or process.start(program, run_dir=settings.run_dir, logs_dir=settings.logs_dir)


def _wait_until_ready(settings: Settings, running: list[process.Process]) -> None:
    for store in running:
        process.wait_until(lambda s=store: ready(settings, s.name) or not s.alive(), READY_WITHIN_S)  # type: ignore[misc]
        if not ready(settings, store.name):
            log = settings.logs_dir / f"{store.name}.log"
            raise SetupTrouble(f"{store.name} did not start: {_last_line(log)}", f"The whole story is in {log}.")
    if not settings.given_database_url:
        _make_database(settings)


def _make_database(settings: Settings) -> None:
    import psycopg  # here and not above: a city with its own database server never needs it in this process

    url = settings.database_url.replace("/gridwarden?", "/postgres?")
    with psycopg.connect(url, autocommit=True) as conn:
        if conn.execute("select 1 from pg_database where datname = 'gridwarden'").fetchone() is None:
            conn.execute("create database gridwarden")


def _redis(settings: Settings, found: programs.Programs) -> process.Program:
    user = account("redis")
    data, sockets = settings.home / "redis", socket_folder(settings, "redis", user)
    private_folder(data, user)
    options = {
        "port": "0",
        "unixsocket": str(sockets / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(data),
        "save": "",  # what Redis holds (live fan-out, rate limits, caches) is made again after a restart
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
        "daemonize": "no",
        "logfile": "",
    }
    argv = [str(found.redis_server)]
    for name, value in options.items():
        argv += [f"--{name}", value]
    env = {"PATH": "/usr/bin:/bin", **found.env}
    return process.Program(name="redis", argv=argv, env=env, cwd=data, user=user, patience_s=5.0)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines()[-20:] if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "ERROR" in line]
    return (telling or lines or ["it said nothing"])[-1]
