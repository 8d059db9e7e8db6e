"""Runs the installers one by one: a short line each, their output only when they fail. Standard library only."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO

from devtools.environment_python import SetupError

STEP_SECONDS = 1800  # a slow line and an empty cache; longer means stuck
LOCK_SECONDS = 1800
SHOWN_LINES = 20


@dataclass(frozen=True)
class Installer:
    """Where and how installers run; `lock` is handed to them, so that it outlives this process if they do."""

    root: Path
    environ: Mapping[str, str]
    log: Path
    lock: IO[str]

    def run(self, title: str, command: Sequence[str | Path]) -> None:
        """Run one installer to its end; SetupError with a sentence, after its last lines, when it fails."""
        print(f"{title} ...", end=" ", flush=True)
        started = time.monotonic()
        problem = self._problem(command)
        if problem is None:
            print(f"{time.monotonic() - started:.0f} s", flush=True)
            return
        print("failed", flush=True)
        for line in self.log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]:
            print(f"  {line}")
        raise SetupError(f"{title}: {problem}; the whole output is in {self.log.relative_to(self.root)}.")

    def works(self, command: Sequence[str | Path]) -> bool:
        """Whether a command that is allowed to fail, as there are other ways, succeeds."""
        return self._problem(command) is None

    def _problem(self, command: Sequence[str | Path]) -> str | None:
        with self.log.open("w") as log:
            try:
                status = subprocess.run(
                    command,
                    cwd=self.root,
                    env=dict(self.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[self.lock.fileno()],
                    timeout=STEP_SECONDS,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                return f"it did not end within {STEP_SECONDS // 60} minutes"
            except OSError as error:
                return f"it could not be started: {error.strerror}"
        return f"it ended with exit status {status}" if status else None


@contextmanager
def only_one(path: Path) -> Iterator[IO[str]]:
    """Hold the lock file at `path`, waiting for another set-up to end first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        told = False
        while True:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SetupError(f"Another set-up has held {path} for {LOCK_SECONDS // 60} minutes.") from None
                if not told:
                    print("Waiting for another set-up to end ...", flush=True)
                    told = True
                time.sleep(0.2)
        yield lock
