"""A Functions host as a process of its own, for tests that start, kill and restart it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).parents[2]
SAMPLE_APP = Path(__file__).parent / "sample_app"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], description: str, seconds: float = 30) -> None:
    """Look again and again until the condition holds. Raises AssertionError after that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {description}"
        time.sleep(0.02)


class HostProcess:
    """`python -m devtools.host` on the sample app; killed when the context ends."""

    def __init__(
        self,
        state: Path,
        port: int | None = None,
        app: Path = SAMPLE_APP,
        options: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> None:
        self.port = port or free_port()
        self.marks = state / "marks.txt"
        self.log = state / "host.log"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)
        self._command = [sys.executable, "-m", "devtools.host", "--no-local-settings", "--port", str(self.port)]
        self._command += ["--state", str(state / "app"), "--app", str(app), *options]
        if command:
            self._command = list(command)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it is ready."""
        environment = {**os.environ, "SAMPLE_MARKS": str(self.marks), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, f"the host is ready; its log:\n{self.log.read_text()}")
        return self

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self._started().kill()
        self._started().wait(10)

    def wait_for_end(self) -> int:
        """Wait until it has ended by itself; its exit code, of a signal its negative number. It has ten seconds."""
        return self._started().wait(10)

    def stop(self) -> int:
        """Ask it to end; its exit code. It has five seconds."""
        self._started().send_signal(signal.SIGTERM)
        return self._started().wait(5)

    def start_story(self, name: str, instance_id: str, value: object) -> None:
        """Start an orchestrator through the sample app."""
        response = self.http.post(f"/api/start/{name}/{instance_id}", json=value)
        assert response.text == instance_id

    def instance(self, instance_id: str) -> dict[str, object]:
        """The instance's status answer."""
        status: dict[str, object] = self.http.get(f"/runtime/webhooks/durabletask/instances/{instance_id}").json()
        return status

    def _answers(self) -> bool:
        assert self._started().poll() is None, f"the host ended:\n{self.log.read_text()}"
        try:
            return self.http.get("/admin/host/ping").status_code == 200
        except httpx.TransportError:
            return False

    def _started(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "start the host first"
        return self.process

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
