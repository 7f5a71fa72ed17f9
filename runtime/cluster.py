"""The private PostgreSQL cluster of a city: made whole or not at all, and started clean after any crash."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from runtime import process, programs
from runtime.settings import Settings
from runtime.trouble import SetupTrouble
from runtime.unprivileged import account, private_folder, socket_folder


def program(settings: Settings, found: programs.Programs, say: Callable[[str], None]) -> process.Program:
    """Return the cluster as a program ready to be started; it is made first where there is none. Raises SetupTrouble."""
    data, sockets = settings.home / "pg", socket_folder(settings, "pg", account("postgres"))
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
        "max_connections": "200",  # ten API processes with their pools, and room to spare
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
        user=account("postgres"),
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, nothing committed is lost
        patience_s=30.0,
        before=partial(_clear_after_crash, data, sockets),
    )


def _make_cluster(data: Path, found: programs.Programs, env: dict[str, str]) -> None:
    """Make the cluster beside its place and move it in whole, so a killed start leaves nothing that looks finished."""
    user = account("postgres")
    for half_made in data.parent.glob(".pg-new-*"):
        shutil.rmtree(half_made)
    fresh = data.parent / f".pg-new-{os.getpid()}"
    private_folder(fresh, user)
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


def _shared_memory_type() -> str:
    """Choose "mmap" in containers whose shared memory is too small for parallel queries, or closed to ordinary users."""
    shared = Path("/dev/shm")  # noqa: S108  # looked at, never written to
    if not shared.exists():
        return "posix" if os.uname().sysname == "Darwin" else "mmap"
    open_to_all = shared.stat().st_mode & stat.S_IWOTH
    return "posix" if open_to_all and shutil.disk_usage(shared).total >= 256 << 20 else "mmap"
