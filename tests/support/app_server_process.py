"""`python -m tests.support.app_server` as a process of its own, ended with the block that started it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.caller import wait_until
from tests.support.processes import end

CARRIERS = [
    "local-host",
    pytest.param(
        "worker-library",
        marks=pytest.mark.skipif(sys.version_info < (3, 13), reason="azure-functions-runtime needs Python 3.13"),
    ),
]
"""Whatever can carry the app, as parameters of a test or fixture."""

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0


@dataclass(frozen=True)
class AppServer:
    """A running server on 127.0.0.1."""

    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:8000`."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """Return everything that it has written so far, logs included."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def most_memory(self) -> int:
        """Return the most memory that it has had so far, in bytes (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


@contextmanager
def app_server(carrier: str, services: str, *options: str) -> Iterator[AppServer]:
    """Start a server, wait until it answers, and end it with the block; see `tests.support.app_server`."""
    with TemporaryDirectory() as folder:
        port_file, log = Path(folder, "port"), Path(folder, "log")
        command = [sys.executable, "-m", "tests.support.app_server", carrier, "--services", services]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--port-file", str(port_file), *options], cwd=ROOT, stdout=output, stderr=output
            )

        def has_port() -> bool:
            assert process.poll() is None, f"the server ended:\n{log.read_text(errors='replace')}"
            return port_file.exists()

        try:
            wait_until(has_port, seconds=START_SECONDS, description="the server answers")
            yield AppServer(int(port_file.read_text(encoding="ascii")), process.pid, log)
        finally:
            end(process)
