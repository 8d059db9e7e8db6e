"""One part of the local stack: what it is, and the process it runs in."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import IO
from urllib.parse import urlsplit

CHILD = Path(__file__).with_name("stack_child.py")
LOG_LIMIT_BYTES = 10_000_000
STOP_SECONDS = 8.0
TAIL_LINES = 15
TAIL_BYTES = 20_000
ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Part:
    """A program of the stack, ready when every address in `ready` answers, with `ready_status` where one is given.

    One that is not ready within `ready_seconds` has failed.
    """

    name: str
    title: str
    command: Sequence[str]
    environ: Mapping[str, str]
    cwd: Path
    log: Path
    ready: Sequence[str]
    ready_status: int | None = None
    ready_seconds: float = 60.0


class PartProcess:
    """The running part. It gets a session of its own, so that a Ctrl-C in the terminal reaches only the supervisor.

    `launcher` must be one thread that lives as long as the part: Linux ties a child to the thread that started it.
    """

    def __init__(self, part: Part, launcher: ThreadPoolExecutor, lock: IO[str]) -> None:
        self.part = part
        part.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(part.log)
        with part.log.open("ab") as log:
            self._process: subprocess.Popen[bytes] = launcher.submit(
                subprocess.Popen,
                [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), *part.command],
                cwd=part.cwd,
                env=dict(part.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock.fileno()],  # the state folder stays claimed until the last part has let go of it
            ).result()

    @property
    def pid(self) -> int:
        """The process id, its process group's as well."""
        return self._process.pid

    def ended(self) -> str | None:
        """How the process ended, in words; None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        if status < 0:
            return f"signal {-status}, {signal.Signals(-status).name}"
        return f"exit status {status}"

    def is_ready(self) -> bool:
        """Whether it answers as it does once its work can begin."""
        return all(_answers(url, self.part.ready_status) for url in self.part.ready)

    def stop(self, hurry: Event) -> None:
        """End it in an orderly way, or by force after a while or once `hurry` is set."""
        if self._process.poll() is None:
            self._process.terminate()
            deadline = monotonic() + STOP_SECONDS
            while self._process.poll() is None and monotonic() < deadline and not hurry.wait(0.02):
                pass
        self.kill()
        self._end_helpers()

    def kill(self) -> None:
        """End it at once, as a crash would, and wait until it is gone."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def _end_helpers(self) -> None:
        """End what a part that is gone has left running in its process group."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        # Otherwise the number belongs to a stranger by now, which it cannot while a helper of ours still lives.

    def tail(self) -> str:
        """The last lines of its log, indented."""
        return tail(self.part.log)


def tail(log: Path) -> str:
    """The last lines of a log, indented; a note where there is none."""
    try:
        with log.open("rb") as lines:
            lines.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = lines.read().decode(errors="replace")
    except FileNotFoundError:
        text = ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-TAIL_LINES:]) or "  (its log is empty)"


def _rotate(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))


def _answers(url: str, status: int | None) -> bool:
    """Whether an address on this machine answers; proxies are none of its business."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", address.path or "/")
        answered = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return status in (None, answered)
