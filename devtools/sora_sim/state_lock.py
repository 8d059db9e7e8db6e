"""One simulator for one state folder: two would render the same jobs twice."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StateInUseError(Exception):
    """Another live simulator has this folder."""


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the folder. The lock belongs to the process: it ends with it, however it ends. Raises StateInUseError."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUseError(f"another simulator is using {state}") from None
        yield
