"""Long-running programs of one city: start, recognise after a crash, stop.

A record in the run folder names a process by its id *and* its start time, so an id that the kernel has given to a
stranger meanwhile is never signalled. Programs start in a session of their own: whoever started them may die, they stay
findable.
"""

import json
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")  # absent on macOS
_children: dict[int, "subprocess.Popen[bytes]"] = {}  # our own, so that they can be waited for when they end


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How one program is run; `user` only counts for root, `before` clears what a crash may have left."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 10.0
    pass_fds: Sequence[int] = ()
    before: Callable[[], None] | None = None


@dataclass(slots=True)
class Process:
    """A running program, our child or adopted from an earlier start."""

    name: str
    pid: int
    started: str
    stop_signal: signal.Signals
    patience_s: float
    record: Path

    def alive(self) -> bool:
        """Say whether the very process that was recorded still runs."""
        if (child := _children.get(self.pid)) is None:
            return start_time(self.pid) == self.started
        if child.poll() is None:
            return True
        del _children[self.pid]
        return False

    def stop(self) -> None:
        """End it: its own stop signal, then SIGKILL to its whole session when patience runs out; forget the record."""
        if self.alive():
            _signal(self.pid, self.stop_signal)
            if not wait_until(lambda: not self.alive(), self.patience_s):
                _signal(-self.pid, signal.SIGKILL)
                wait_until(lambda: not self.alive(), 5.0)
        self.record.unlink(missing_ok=True)


def start(program: Program, *, run_dir: Path, logs_dir: Path) -> Process:
    """Start the program with its output appended to its log and record it in the run folder."""
    if program.before:
        program.before()
    as_other = {"user": program.user, "group": pwd.getpwnam(program.user).pw_gid} if program.user else {}
    with (logs_dir / f"{program.name}.log").open("ab") as log:
        child = subprocess.Popen(
            list(program.argv),
            env=dict(program.env),
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=tuple(program.pass_fds),
            extra_groups=[] if program.user else None,
            **as_other,  # type: ignore[call-overload]  # the two keywords exist together or not at all
        )
    _children[child.pid] = child
    process = Process(
        name=program.name,
        pid=child.pid,
        started=start_time(child.pid) or "gone",
        stop_signal=program.stop_signal,
        patience_s=program.patience_s,
        record=run_dir / f"{program.name}.json",
    )
    _write(process)
    return process


def record_self(name: str, *, run_dir: Path, patience_s: float) -> Process:
    """Record the calling process under a name, so that others can find and stop it."""
    process = Process(
        name=name,
        pid=os.getpid(),
        started=start_time(os.getpid()) or "gone",
        stop_signal=signal.SIGTERM,
        patience_s=patience_s,
        record=run_dir / f"{name}.json",
    )
    _write(process)
    return process


def find(name: str, *, run_dir: Path) -> Process | None:
    """Return the recorded process when it still runs, else None (and clear a stale record)."""
    record = run_dir / f"{name}.json"
    try:
        values = json.loads(record.read_text())
        process = Process(
            name=name,
            pid=int(values["pid"]),
            started=str(values["started"]),
            stop_signal=signal.Signals(values["stop_signal"]),
            patience_s=float(values["patience_s"]),
            record=record,
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if process.alive():
        return process
    record.unlink(missing_ok=True)
    return None


def start_time(pid: int) -> str | None:
    """Return an opaque text that changes when the id is given to another process; None when it is dead or a zombie."""
    if _PROC.exists():
        try:
            stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return None
        state, *numbers = stat[stat.rindex(")") + 2 :].split()
        return None if state in "ZX" else f"{_boot_id()}-{numbers[18]}"
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, since = shown.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else since.strip()


def wait_until(condition: Callable[[], bool], seconds: float, *, pause_s: float = 0.01) -> bool:
    """Wait until the condition holds; return False when the time is over first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True


def _write(process: Process) -> None:
    fresh = process.record.with_suffix(".new")
    facts = {
        "pid": process.pid,
        "started": process.started,
        "stop_signal": int(process.stop_signal),
        "patience_s": process.patience_s,
    }
    fresh.write_text(json.dumps(facts))
    fresh.replace(process.record)


def _boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]


def _signal(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, what)
