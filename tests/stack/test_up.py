"""`up` as a person runs it: a process of its own with the real parts, ended in every way it can end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.environment import ENTERED, ROOT
from devtools.stack_ports import free_row
from devtools.stack_process import STOP_SECONDS
from tests.stack.test_supervisor import is_running, wait_until_gone
from tests.support.stack import machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

PARTS = {"app", "simulator", "blob"}


class Up:
    """One run of `up` on a state folder."""

    def __init__(self, state: Path, *options: str, environ: Mapping[str, str] | None = None) -> None:
        self.note_file = state / "stack.json"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "devtools", "up", "--state", str(state), *options],
            cwd=ROOT,
            env={**machine(), ENTERED: "1", **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.note: dict[str, Any] = {}

    def wait_until_ready(self) -> None:
        """Wait for its note."""
        deadline = time.monotonic() + 60
        while (
            not self.note_file.exists() or json.loads(self.note_file.read_text())["pids"]["stack"] != self.process.pid
        ):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, "the stack is not ready after 60 s"
            time.sleep(0.05)
        self.note = json.loads(self.note_file.read_text())

    def output(self) -> str:
        """What it printed, once it has ended."""
        return self.process.communicate(timeout=40)[0]

    def running_parts(self) -> set[str]:
        """The parts whose processes exist."""
        return {part for part in PARTS if is_running(self.note["pids"][part])}


class Ups:
    """Starts runs of `up`, and ends those that a failed test left behind."""

    def __init__(self) -> None:
        self._started: list[Up] = []

    def begin(self, state: Path, *options: str) -> Up:
        """A run that may fail to become ready."""
        self._started.append(Up(state, *options))
        return self._started[-1]

    def ready(self, state: Path, *options: str) -> Up:
        """A run with all parts ready."""
        up = self.begin(state, *options)
        up.wait_until_ready()
        return up

    def close(self) -> None:
        """End them all."""
        for up in self._started:
            if up.process.poll() is None:
                up.process.terminate()
            up.process.wait(40)
            if up.process.stdout is not None:
                up.process.stdout.close()


@pytest.fixture
def ups() -> Iterator[Ups]:
    """A place to start runs from, with signals as in a terminal, also where the tests were started by nohup."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGHUP, signal.SIGTERM)}
    ups = Ups()
    yield ups
    ups.close()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def port() -> str:
    """A free port whose successor is free as well."""
    return str(free_row(2)[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(ups: Ups, tmp_path: Path, port: str, number: signal.Signals) -> None:
    """Addresses while it runs; success and nothing left afterwards."""
    up = ups.ready(tmp_path, "--port", port)
    answer = httpx.get(f"{up.note['app']}/api/status/unknown", trust_env=False)

    up.process.send_signal(number)
    output = up.output()

    assert answer.json() == {"detail": "Job not found"}
    assert up.note["app"] == f"http://127.0.0.1:{port}"
    assert up.note["simulator"] == f"http://127.0.0.1:{int(port) + 1}"
    assert up.note["blob"].endswith("/devstoreaccount1")
    assert up.process.returncode == 0, output
    assert f"curl -X POST {up.note['app']}/api/generate" in output
    assert up.running_parts() == set()
    assert not up.note_file.exists()


def test_a_second_ctrl_c_hurries(ups: Ups, tmp_path: Path, port: str) -> None:
    """A part that hangs does not make an impatient person wait."""
    up = ups.ready(tmp_path, "--port", port)
    os.kill(up.note["pids"]["app"], signal.SIGSTOP)
    started = time.monotonic()

    while "app" in up.running_parts() and time.monotonic() - started < STOP_SECONDS:
        up.process.send_signal(signal.SIGINT)
        time.sleep(0.1)

    assert time.monotonic() - started < STOP_SECONDS
    assert up.process.wait(20) == 0
    assert up.running_parts() == set()


def test_a_reader_that_leaves_does_not_matter(ups: Ups, tmp_path: Path, port: str) -> None:
    """The stack outlives the pipe or terminal that it prints to, and still ends well."""
    up = ups.ready(tmp_path, "--port", port)
    assert up.process.stdout is not None
    up.process.stdout.close()

    up.process.terminate()

    assert up.process.wait(20) == 0
    assert up.running_parts() == set()


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_crashed_part_is_named_and_ends_the_rest(ups: Ups, tmp_path: Path, port: str, part: str) -> None:
    """A crash is reported with its signal, not hidden."""
    title = {"app": "Functions host", "simulator": "Sora simulator", "blob": "storage emulator"}[part]
    up = ups.ready(tmp_path, "--port", port)

    os.kill(up.note["pids"][part], signal.SIGKILL)
    output = up.output()

    assert up.process.returncode == 1
    assert f"The {title} ended by itself (signal 9, SIGKILL)" in output
    assert up.running_parts() == set()


def test_a_second_stack_on_the_same_folder_or_port_is_refused(ups: Ups, tmp_path: Path, port: str) -> None:
    """One sentence each, and the first stack does not notice."""
    first = ups.ready(tmp_path / "one", "--port", port)

    same_folder = ups.begin(tmp_path / "one", "--port", str(free_row(2)[0])).output()
    same_port = ups.begin(tmp_path / "two", "--port", port).output()

    assert f"is in use by the local stack of process {first.process.pid}; stop that one first." in same_folder
    assert f"Port {port} is in use" in same_port
    assert first.running_parts() == PARTS


def test_after_kill_9_of_everything_a_new_start_finishes_the_job(ups: Ups, tmp_path: Path, port: str) -> None:
    """An accepted job survives its stack."""
    killed = ups.ready(tmp_path, "--port", port, "--render-seconds", "3")
    body = {"prompt": "waves", "duration": 1, "width": 256, "height": 256}
    job = httpx.post(f"{killed.note['app']}/api/generate", json=body, trust_env=False).json()["job_id"]

    for part in ("app", "simulator"):
        os.kill(killed.note["pids"][part], signal.SIGKILL)
    killed.process.kill()
    following = ups.ready(tmp_path, "--port", port, "--render-seconds", "3")

    wait_until_gone(killed.note["pids"]["blob"])
    assert wait_for_end(f"{following.note['app']}/api/status/{job}") == "completed"


def wait_for_end(status_url: str) -> str:
    """Poll a job to its end; returns its last status."""
    deadline = time.monotonic() + 60
    while True:
        status = str(httpx.get(status_url, trust_env=False).json()["status"])
        if status in {"completed", "failed"}:
            return status
        assert time.monotonic() < deadline, f"the job is still {status} after 60 s"
        time.sleep(0.1)


def test_settings_with_an_upstream_replace_the_simulator(ups: Ups, tmp_path: Path, port: str) -> None:
    """The app is led to the upstream of the file, and no simulator runs; port and origins are the file's, too."""
    settings = tmp_path / "local.settings.json"
    values = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "made-up", "OPENAI_MODEL": "sora-2"}
    host = {"LocalHttpPort": int(port), "CORS": "https://page.example"}
    settings.write_text(json.dumps({"Values": values, "Host": host}))

    up = ups.ready(tmp_path / "state", "--settings", str(settings))
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"http://127.0.0.1:{port}/api/generate", headers=asked, trust_env=False)

    assert up.note["simulator"] is None
    assert set(up.note["pids"]) == {"app", "blob", "stack"}
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "https://page.example")
