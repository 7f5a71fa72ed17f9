"""The private PostgreSQL and Redis of one city: started when needed, stopped by whoever leaves last.

Both run as ordinary users on unix sockets in a folder nobody else may enter, so they ask for no password and no port.
Every command that needs them holds a shared lock; whoever can turn it into an exclusive one is alone and stops them.
"""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from runtime import process, programs
from runtime.settings import Settings
from runtime.trouble import SetupTrouble

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
    start_lock, users_lock = settings.run_dir / "start.lock", settings.run_dir / "users.lock"
    with start_lock.open("w") as starting, users_lock.open("w") as using:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(using, fcntl.LOCK_SH)
        try:
            running = [_find_or_start(settings, program) for program in private_programs(settings, say=say)]
            _wait_until_ready(settings, running)
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield Stores(database_url=settings.database_url, redis_url=settings.redis_url)
        finally:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if nobody_else(using):
                stop_stores(settings)


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
        wanted.append(_postgres(settings, found, say))
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


def _postgres(settings: Settings, found: programs.Programs, say: Say) -> process.Program:
    data, sockets = settings.home / "pg", _socket_folder(settings, "pg", _user("postgres"))
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **found.env}
    if not (data / "PG_VERSION").exists():
        say("Making the database cluster")
        _make_cluster(data, found, env)
    made_for = (data / "PG_VERSION").read_text().strip()
    if made_for != str(programs.major(found.postgres_bin)):
        raise SetupTrouble(
            f"{data} was made by PostgreSQL {made_for}, but {found.postgres_bin} is another version.",
            f"Install postgresql-{made_for}-postgis-3, or dump and restore with pg_dump.",
        )
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "256MB" if settings.durable else "64MB",
        "effective_cache_size": "1GB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "dynamic_shared_memory_type": _shared_memory_type(),
    }
    if not settings.durable:
        options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "on"}
    argv = [str(found.postgres_bin / "postgres"), "-D", str(data)]
    for name, value in options.items():
        argv += ["-c", f"{name}={value}"]
    return process.Program(
        name="postgres",
        argv=argv,
        env=env,
        cwd=data,
        user=_user("postgres"),
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, nothing committed is lost
        patience_s=30.0,
        before=partial(_clear_after_crash, data, sockets),
    )


def _redis(settings: Settings, found: programs.Programs) -> process.Program:
    user = _user("redis")
    data, sockets = settings.home / "redis", _socket_folder(settings, "redis", user)
    _private_folder(data, user)
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


def _make_cluster(data: Path, found: programs.Programs, env: dict[str, str]) -> None:
    """Make the cluster beside its place and move it in whole, so a killed start leaves nothing that looks finished."""
    user = _user("postgres")
    for half_made in data.parent.glob(".pg-new-*"):
        shutil.rmtree(half_made)
    fresh = data.parent / f".pg-new-{os.getpid()}"
    _private_folder(fresh, user)
    ctype = "C.UTF-8" if os.uname().sysname == "Linux" else "en_US.UTF-8"
    done = subprocess.run(
        [
            str(found.postgres_bin / "initdb"),
            *("-D", str(fresh), "-U", "gridwarden", "--auth=trust", "-E", "UTF8"),
            *("--lc-collate=C", f"--lc-ctype={ctype}", "--no-sync", "--no-instructions"),
        ],
        env=env,
        cwd=fresh,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(fresh)
        said = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        reason = next((line for line in said if "error:" in line or "FATAL:" in line), said[-1])
        raise SetupTrouble(
            f"The database cluster could not be made in {data.parent}: {reason}",
            "Make room there, or give a folder that every user may pass through: --home DIR.",
        )
    os.sync()
    fresh.rename(data)


def _clear_after_crash(data: Path, sockets: Path) -> None:
    """End backends that outlived their postmaster and take away the lock files that would stop a new one."""
    for pid in _processes_working_in(data):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait_until(lambda: not _processes_working_in(data), 5.0)
    for left in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock", sockets / ".s.PGSQL.5432"):
        left.unlink(missing_ok=True)


def _processes_working_in(folder: Path) -> list[int]:
    """Return the processes whose current folder is this very one (PostgreSQL moves into its data folder)."""
    try:
        wanted = folder.stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            there = (entry / "cwd").stat()
            name = (entry / "comm").read_text()
        except OSError:
            continue
        same_folder = (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino)
        if same_folder and name.startswith("postgres") and process.start_time(int(entry.name)) is not None:
            found.append(int(entry.name))
    return found


def _socket_folder(settings: Settings, name: str, user: str | None) -> Path:
    """Make the folder of one store's socket; one below /tmp is only used when it really is ours."""
    base = settings.sockets
    if base != settings.run_dir:
        base.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        seen = base.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
            raise SetupTrouble(f"{base} belongs to somebody else.", "Give a shorter folder with --home DIR.")
    return _private_folder(base / name, user)


def _private_folder(folder: Path, user: str | None) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _user(store: str) -> str | None:
    """Return the unprivileged account a store runs as when we are root; None means: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in (store, "postgres"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise SetupTrouble("PostgreSQL refuses to run as root and there is no user `postgres`.", "Run: useradd -r postgres")


def _shared_memory_type() -> str:
    """Choose "mmap" in containers whose shared memory is too small for parallel queries, or closed to ordinary users."""
    shared = Path("/dev/shm")  # noqa: S108  # looked at, never written to
    if not shared.exists():
        return "posix" if os.uname().sysname == "Darwin" else "mmap"
    open_to_all = shared.stat().st_mode & stat.S_IWOTH
    return "posix" if open_to_all and shutil.disk_usage(shared).total >= 256 << 20 else "mmap"


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines()[-20:] if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "ERROR" in line]
    return (telling or lines or ["it said nothing"])[-1]
