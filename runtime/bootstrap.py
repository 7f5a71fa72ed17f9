"""Sets a checkout up: a virtual environment filled from a lock file by hash; then hands over to the command line.

Needs nothing but the standard library. Two starts at once take turns; an environment whose installation was killed is
thrown away and made again. What else a first start needs (the stores' programs, the web pages) is begun beside it.
"""

import fcntl
import os
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from runtime.trouble import SetupTrouble

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
SCRATCH = CHECKOUT / ".run"
UNFINISHED = VENV / ".unfinished"
SELDOM_IMPORTED = "/(tests?|lexers|styles)/"  # a quarter of all modules; they are compiled should they ever be used
PYTHON = VENV / "bin" / "python"


def main(lock_name: str, arguments: Sequence[str]) -> None:
    """Install what the lock names unless it is there, then replace this process by the command line."""
    lock, stamp = CHECKOUT / lock_name, VENV / f".installed-{lock_name}"
    try:
        SCRATCH.mkdir(exist_ok=True)
        turn = (SCRATCH / "setup.lock").open("w")
    except OSError as error:
        raise SetupTrouble(
            f"{CHECKOUT} cannot be written: {error.strerror}.", "Clone it to a folder of your own, and start there."
        ) from error
    with turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != fingerprint(lock):
            _begin_beside(arguments)
            _install(lock, turn.fileno())
            stamp.write_text(fingerprint(lock))
    os.execv(PYTHON, [str(PYTHON), "-P", "-m", "api.cli", *arguments])  # noqa: S606  # the arguments stay a list


def fingerprint(lock: Path) -> str:
    """Return what `cksum` prints for the file, so that the shell can compare it without starting Python."""
    with lock.open("rb") as file:
        return subprocess.run(["cksum"], stdin=file, capture_output=True, text=True, check=True).stdout.rstrip("\n")


def _install(lock: Path, turn: int) -> None:
    began = time.monotonic()
    print(f"Installing Python packages from {lock.name}", file=sys.stderr, flush=True)
    if not PYTHON.exists() or UNFINISHED.exists():
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    UNFINISHED.touch()
    _pip(lock, turn)
    UNFINISHED.unlink()
    print(f"Installing Python packages from {lock.name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def _pip(lock: Path, turn: int) -> None:
    """Install the lock's packages in two halves side by side (each named with its hashes, so order does not matter).

    Both inherit our turn: when this process is killed, the next start waits until they have ended.
    """
    install = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
    parts = [SCRATCH / f"half-{number}.lock" for number in (1, 2)]
    for half, text in zip(parts, halves(lock.read_text()), strict=True):
        half.write_text(text)
    logs = [half.with_suffix(".log") for half in parts]
    running = []
    for half, log in zip(parts, logs, strict=True):
        with log.open("w") as output:
            argv = [*install, "--no-deps", "--require-hashes", "-r", str(half)]
            running.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[turn]))
    codes = [pip.wait() for pip in running]
    if any(codes):
        said = [line for log in logs for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
        raise SetupTrouble(
            f"The Python packages could not be installed: {said[0] if said else 'pip was stopped'}",
            f"Check the network and the room on the disk, then start again; the whole story is in {logs[0].parent}.",
        )
    _compile()


def _compile() -> None:
    """Compile what was installed, in two processes: faster than letting pip do it, and the first import needs it."""
    entries = sorted(str(entry) for entry in VENV.glob("lib/python*/site-packages/*") if not entry.name.endswith("-info"))
    compiling = [
        subprocess.Popen([str(PYTHON), "-m", "compileall", "-qq", "-x", SELDOM_IMPORTED, *half]) for half in (entries[::2], entries[1::2])
    ]
    for half in compiling:
        half.wait()


def halves(lock: str) -> tuple[str, str]:
    """Split a lock between its packages, alternating, so that both halves take about as long."""
    entries: list[str] = []
    for line in lock.splitlines(keepends=True):
        if line[:1].isalnum():
            entries.append(line)
        elif entries and line.strip() and not line.lstrip().startswith("#"):
            entries[-1] += line
    return "".join(entries[::2]), "".join(entries[1::2])


def _begin_beside(arguments: Sequence[str]) -> None:
    """Begin what a first `up` needs besides Python packages; the command line finds it done, or waits for it."""
    if not arguments or arguments[0] != "up":
        return
    modules = ["runtime.webbuild"]
    if os.geteuid() == 0 and "--no-system-packages" not in arguments and "DATABASE_URL" not in os.environ:
        modules.append("runtime.programs")
    for module in modules:
        subprocess.Popen([sys.executable, "-m", module], cwd=CHECKOUT, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except SetupTrouble as trouble:
        sys.exit(f"gridwarden: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
