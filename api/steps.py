"""Shows the steps of a longer job: a live line for each on a terminal, one plain line elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

Report = Callable[[float], None]


class Steps:
    """A list of steps on stderr; steps may run side by side in threads."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._lock = threading.Lock()
        self._open = True
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self.console,
        )

    def __enter__(self) -> "Steps":
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave what was shown on the screen and stop drawing."""
        if self._open and self.console.is_terminal:
            self._progress.stop()
        self._open = False

    def say(self, text: str) -> None:
        """Print one line above the steps."""
        self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, what: str, *, quiet_s: float = 0.0) -> Iterator[Report]:
        """Show a step while the block runs; the block may report the share that is done (0 to 1).

        A step shorter than `quiet_s` leaves no line where no terminal is watching.
        """
        began = time.monotonic()
        task = self._progress.add_task(what, total=None, visible=quiet_s == 0.0)
        reveal = threading.Timer(quiet_s, self._reveal, (task,))
        reveal.daemon = True
        reveal.start()
        try:
            yield lambda share: self._progress.update(task, total=1.0, completed=share)
        finally:
            reveal.cancel()
            self._progress.update(task, total=1.0, completed=1.0)
            took_s = time.monotonic() - began
            if not self.console.is_terminal and took_s >= quiet_s:
                self.say(f"{what}: {took_s:.1f} s")

    def _reveal(self, task: TaskID) -> None:
        self._progress.update(task, visible=True)
