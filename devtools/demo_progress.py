"""How the demo shows a job that is under way: a live bar on a terminal, a line per change anywhere else."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from devtools.demo_client import Snapshot

PLAIN_STEP_PERCENT = 25  # without a terminal, percents are told this far apart


class LiveProgress:
    """A bar that moves in place."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=40),
            TaskProgressColumn(show_speed=False),
            TextColumn("{task.fields[elapsed]:.0f} s"),
            console=console,
        )
        self._started = monotonic()
        self._task = self._progress.add_task("starting", total=None, elapsed=0.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Move the bar to what is known now; without a percent it only shows that something is going on."""
        total = None if snapshot.percent is None else 100
        # Rich's own clock would stand still from 100 % on, while the finished render is still on its way to storage.
        elapsed = monotonic() - self._started
        self._progress.update(
            self._task, description=snapshot.stage, total=total, completed=snapshot.percent or 0, elapsed=elapsed
        )


class PlainProgress:
    """Lines for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""

    def show(self, snapshot: Snapshot) -> None:
        """Print a line if the stage, or the percent by a good step, has changed."""
        line = f"{snapshot.stage} ..."
        if snapshot.percent is not None and snapshot.stage == "processing":
            line = f"{snapshot.stage} {snapshot.percent // PLAIN_STEP_PERCENT * PLAIN_STEP_PERCENT} %"
        if line != self._last:
            self._console.print(line, highlight=False)
            self._last = line


def progress_on(console: Console) -> LiveProgress | PlainProgress:
    """What suits the console."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)
