"""The simulator as a program of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

DEADLINE_SECONDS = 30
PROJECT_ROOT = Path(__file__).parents[2]


def wait_until(condition: Callable[[], bool], description: str) -> None:
    """Look again and again; fail when it takes too long."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {description}"
        time.sleep(0.02)


class SimulatorProcess:
    """One state folder and the program that currently works on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.process: subprocess.Popen[str] | None = None
        self.http = httpx.Client(headers={"Authorization": "Bearer k"}, timeout=10)

    def start(self, *options: str) -> None:
        """Start it on a free port and wait for its line."""
        self.process = run("--port", "0", "--state", str(self.state), *options)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Sora simulator ready on http://127.0.0.1:"), line
        self.http.base_url = httpx.URL(line.split()[-1])

    def kill(self) -> None:
        """Without warning, as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def create(self, prompt: str = "a lighthouse", **fields: object) -> str:
        """Order a small video."""
        answer = self.http.post("/v1/videos", json={"prompt": prompt, "seconds": 1, "size": "128x128", **fields})
        return str(answer.raise_for_status().json()["id"])

    def status(self, job_id: str) -> str:
        """As the API shows it."""
        return str(self.http.get(f"/v1/videos/{job_id}").raise_for_status().json()["status"])

    def wait_for(self, job_id: str, status: str) -> None:
        """Until the job has this status."""
        wait_until(lambda: self.status(job_id) == status, f"{job_id} to be {status}")


def run(*arguments: str) -> subprocess.Popen[str]:
    """The program as a shell would start it."""
    return subprocess.Popen(
        [sys.executable, "-m", "devtools.sora_sim", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def children(process_id: int) -> list[int]:
    """The encoder processes of a simulator."""
    answer = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process_id)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in answer.stdout.split()]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """Not yet started; ended in any case."""
    simulator = SimulatorProcess(tmp_path / "state")
    yield simulator
    simulator.kill()
    simulator.http.close()
