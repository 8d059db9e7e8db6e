"""The folder that holds a host's durable state, for one host at a time."""

import fcntl
import os
from pathlib import Path

JOURNAL_NAME = "durable.sqlite"
KEYS_NAME = "secrets"
_LOCK_NAME = "host.lock"


class FolderInUseError(Exception):
    """Another live host works on this folder."""


class StateFolder:
    """Makes the folder and holds its lock until closed or the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises FolderInUseError; OSError when the folder cannot be made."""
        path.mkdir(parents=True, exist_ok=True)
        self.journal_path = path / JOURNAL_NAME
        self.keys_path = path / KEYS_NAME
        self._lock = os.open(path / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # A lock of the process, not of the open file: a forked child that outlives the host must not keep it.
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise FolderInUseError(f"The state folder {path} is in use by another Functions host.") from error

    def close(self) -> None:
        """Let another host have the folder."""
        os.close(self._lock)
