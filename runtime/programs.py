"""Finds PostgreSQL with PostGIS, and Redis, on this machine, and installs them where that is allowed.

Needs nothing but the standard library: the start script runs it while the Python packages are still being installed.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from runtime.trouble import SetupTrouble

CHECKOUT = Path(__file__).resolve().parent.parent
OLDEST_POSTGRES = 15
OLDEST_POSTGIS = (3, 3)
APT_PACKAGES = ("postgresql-15-postgis-3", "redis-server")
BREW_PACKAGES = ("postgresql@17", "postgis", "redis")
BREW_PREFIXES = (Path("/opt/homebrew"), Path("/usr/local"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs the private stores run from, and the environment variables they need."""

    postgres_bin: Path
    redis_server: Path
    env: Mapping[str, str] = field(default_factory=dict)


def find(user_runtime: Path | None = None) -> Programs | None:
    """Return the newest suitable programs on this machine, or None when one of the three is missing."""
    if user_runtime is not None and (found := _in_user_runtime(user_runtime)) is not None:
        return found
    bins = [folder for folder in _postgres_folders() if suits(folder)]
    redis = shutil.which("redis-server", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
    if not bins or redis is None:
        return None
    return Programs(postgres_bin=max(bins, key=major), redis_server=Path(redis))


def ensure(*, allow_system: bool, user_runtime: Path | None, say: Callable[[str], None]) -> Programs:
    """Find the programs, or install them in the order: apt as root, a user's own copy, Homebrew.

    Two processes that want them at once take turns. Raises SetupTrouble with the one line to run when nothing may be
    installed.
    """
    with _turn():
        return _ensure(allow_system, user_runtime, say)


def apt_install(packages: Sequence[str], *, what: str, say: Callable[[str], None]) -> None:
    """Install system packages as root, saying so first; raises SetupTrouble with the line for sudo when we are not root."""
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0:
        raise SetupTrouble(f"{what} is missing.", f"Run: sudo {command}")
    say(f"Installing {what}: {command}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    if any(Path("/var/lib/apt/lists").glob("*Packages*")):
        with suppress(SetupTrouble):  # lists that are too old name packages that are gone; they are fetched again below
            _run(install, env)
            return
    _run(["apt-get", "update", "-qq"], env)
    _run(install, env)


def _ensure(allow_system: bool, user_runtime: Path | None, say: Callable[[str], None]) -> Programs:
    found = find(user_runtime)
    if found is None and user_runtime is not None and shutil.which("apt-get"):
        from runtime import user_packages

        user_packages.unpack(APT_PACKAGES, into=user_runtime, say=say)
        found = find(user_runtime)
    elif found is None and allow_system and _apt_as_root():
        apt_install(APT_PACKAGES, what="PostgreSQL, PostGIS and Redis", say=say)
        found = find()
    elif found is None and allow_system and (brew := shutil.which("brew")):
        say(f"Installing PostgreSQL, PostGIS and Redis: brew install {' '.join(BREW_PACKAGES)}")
        _run([brew, "install", *BREW_PACKAGES], os.environ)
        found = find()
    if found is None:
        raise SetupTrouble(f"PostgreSQL {OLDEST_POSTGRES} with PostGIS 3.3 and redis-server are missing.", _remedy())
    return found


def _remedy() -> str:
    if shutil.which("apt-get"):
        command = f"apt-get install --no-install-recommends {' '.join(APT_PACKAGES)}"
        return f"Run: {command if os.geteuid() == 0 else 'sudo ' + command}   (or start again with --user-runtime)"
    if shutil.which("docker"):
        return "Run: docker compose up   (or set DATABASE_URL and REDIS_URL)"
    return "Install them, or set DATABASE_URL and REDIS_URL."


def _postgres_folders() -> Iterator[Path]:
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    yield from sorted(Path("/usr").glob("pgsql-*/bin"))
    for prefix in BREW_PREFIXES:
        yield from sorted(prefix.glob("opt/postgresql@*/bin"))
    if config := shutil.which("pg_config"):
        yield Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())


def suits(folder: Path) -> bool:
    """Say whether a folder holds a PostgreSQL that is new enough, with a PostGIS that is."""
    if not all((folder / name).is_file() for name in ("postgres", "initdb", "pg_isready")):
        return False
    return major(folder) >= OLDEST_POSTGRES and any(
        _postgis_version(place / "postgis.control") >= OLDEST_POSTGIS for place in _extension_folders(folder)
    )


def _extension_folders(folder: Path) -> Iterator[Path]:
    """Yield where the server looks for extensions, without asking pg_config, which Debian leaves out."""
    yield Path("/usr/share/postgresql") / str(major(folder)) / "extension"
    yield folder.parent / "share" / "extension"
    yield folder.parent / "share" / "postgresql" / "extension"
    for prefix in BREW_PREFIXES:
        yield prefix / "share" / f"postgresql@{major(folder)}" / "extension"


def _postgis_version(control: Path) -> tuple[int, ...]:
    try:
        found = re.search(r"default_version\s*=\s*'(\d+)\.(\d+)", control.read_text())
    except OSError:
        return (0,)
    return (int(found[1]), int(found[2])) if found else (0,)


def major(folder: Path) -> int:
    """Return the major version of the PostgreSQL in a folder of programs."""
    if found := re.search(r"(?:postgresql[/@-]|pgsql-)(\d+)", str(folder)):
        return int(found[1])
    shown = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", shown.stdout)
    return int(found[1]) if found else 0


def _in_user_runtime(root: Path) -> Programs | None:
    bins = sorted((root / "usr/lib/postgresql").glob("*/bin"), key=major)
    redis = root / "usr/bin/redis-check-rdb"  # the binary itself; redis-server is an absolute link to it
    if not bins or not redis.exists() or not (root / "complete").exists():
        return None
    libraries = [folder for folder in root.glob("*lib/*-linux-gnu") if folder.is_dir()]
    libraries += [folder for folder in root.glob("usr/lib/*-linux-gnu") if folder.is_dir()]
    libraries += [folder / name for folder in libraries for name in ("blas", "lapack") if (folder / name).is_dir()]
    env = {"LD_LIBRARY_PATH": ":".join(map(str, libraries)), "PROJ_DATA": str(root / "usr/share/proj")}
    return Programs(postgres_bin=bins[-1], redis_server=root / "usr/bin/redis-server", env=env)


def _apt_as_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


@contextmanager
def _turn() -> Iterator[None]:
    if not os.access(CHECKOUT, os.W_OK):
        yield
        return
    (CHECKOUT / ".run").mkdir(exist_ok=True)
    with (CHECKOUT / ".run" / "programs.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _run(argv: list[str], env: Mapping[str, str]) -> None:
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise SetupTrouble(f"{argv[0]} failed: {last}", f"Try it by hand: {' '.join(argv)}")


if __name__ == "__main__":
    try:
        ensure(
            allow_system="--no-system-packages" not in sys.argv,
            user_runtime=None,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
    except SetupTrouble as trouble:
        sys.exit(str(trouble))
