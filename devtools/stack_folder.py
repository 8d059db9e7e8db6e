"""The state folder of a local stack: claimed by one stack at a time, with a note of where that stack can be reached."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from devtools.stack_ports import command_line

LOCK = "stack.lock"
NOTE = "stack.json"
KEPT = ("app", "simulator", "blob", "logs")  # what a stack makes in its state folder
LEFTOVER_SECONDS = 10.0  # orderly ends of what a killed stack left behind
FORCED_SECONDS = 3.0


class StateFolderError(Exception):
    """The folder cannot be used, most often because another stack has it; the text is one sentence."""


class StateFolder:
    """A folder that is claimed from `claim` to `release`.

    The parts of the stack share the claim. So after a `kill -9` of the supervisor the folder stays claimed until its
    parts, which are ending by then, no longer write to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    @property
    def lock(self) -> IO[str]:
        """The claim, to be shared with the parts."""
        if self._lock is None:
            raise RuntimeError("The state folder is not claimed.")
        return self._lock

    def claim(self) -> None:
        """Take the folder once what a killed stack left behind is gone; StateFolderError while a stack is alive."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("a+")
        except OSError as error:
            raise StateFolderError(f"{error.filename} cannot be used for the state: {error.strerror}.") from error
        try:
            self._wait_for(lock)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        except BaseException:
            lock.close()
            raise
        self._lock = lock
        (self.path / NOTE).unlink(missing_ok=True)

    def _wait_for(self, lock: IO[str]) -> None:
        if _taken(lock):
            return
        lock.seek(0)
        owner = lock.read()
        if owner.isdigit() and command_line(int(owner)):  # one that was killed has none, even if nobody noticed yet
            raise StateFolderError(f"{self.path} is in use by the local stack of process {owner}; stop that one first.")
        for force, seconds in ((signal.SIGTERM, LEFTOVER_SECONDS), (signal.SIGKILL, FORCED_SECONDS)):
            # Linux told them to end when their stack died (stack_child), and the storage emulator takes a second
            # SIGTERM for an order to leave at once, without the last seconds of what it acknowledged.
            if force == signal.SIGKILL or sys.platform != "linux":
                self._signal_leftovers(force)
            deadline = monotonic() + seconds
            while monotonic() < deadline:
                if _taken(lock):
                    return
                sleep(0.05)
        raise StateFolderError(f"{self.path} is still in use by processes of a former local stack; end them first.")

    def _signal_leftovers(self, number: signal.Signals) -> None:
        for pid in self._leftovers():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _leftovers(self) -> list[int]:
        """Parts noted by the former stack that still run: their command lines name this folder."""
        pids = self.read_note().get("pids", {}).values()
        return [pid for pid in pids if pid != os.getpid() and str(self.path) in command_line(pid)]

    def read_note(self) -> dict[str, Any]:
        """What the last stack wrote about itself; empty if nothing."""
        try:
            note: dict[str, Any] = json.loads((self.path / NOTE).read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return note

    def write_note(self, note: Mapping[str, Any]) -> None:
        """Tell others where the stack can be reached; readers see the old note or the new one, never half of it."""
        draft = self.path / f"{NOTE}.tmp"
        draft.write_text(json.dumps(note, indent=2) + "\n")
        draft.replace(self.path / NOTE)

    def wipe(self) -> None:
        """Forget what former stacks kept here, and nothing else that the folder may hold."""
        for name in KEPT:
            shutil.rmtree(self.path / name, ignore_errors=True)
        (self.path / NOTE).unlink(missing_ok=True)

    def release(self) -> None:
        """Give the folder back."""
        (self.path / NOTE).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _taken(lock: IO[str]) -> bool:
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True
