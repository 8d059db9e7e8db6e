"""`functionTimeout` ends the worker with everything that it was doing, and the host goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.host.host_process import HostProcess, wait_until

pytestmark = pytest.mark.stack

SENTENCE = "failed: Timeout value of 00:00:02 was exceeded by function: Functions."


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostProcess]:
    """A host whose functions may take two seconds."""
    monkeypatch.setenv("AzureFunctionsJobHost__functionTimeout", "00:00:02")
    with HostProcess(tmp_path) as process:
        yield process


def pid_of(host: HostProcess) -> int:
    assert host.process is not None
    return host.process.pid


def ended(host: HostProcess, instance_id: str) -> bool:
    try:
        return host.instance(instance_id)["runtimeStatus"] == "Completed"
    except httpx.TransportError:
        return False  # the host is just beginning again


@pytest.mark.parametrize("activity", ["wait_long", "block"])
def test_activity_that_takes_too_long_fails_and_the_host_goes_on(activity: str, host: HostProcess) -> None:
    """Whether it hangs on a thread or on the event loop: its orchestrator sees the failure, nothing is forgotten."""
    host.start_story("fan_out", "before", [1, 2])
    wait_until(lambda: ended(host, "before"), "the story before has ended")
    pid = pid_of(host)
    host.start_story("careful", "one", [[activity, 60]])
    wait_until(lambda: ended(host, "one"), "the story has ended")
    host.start_story("fan_out", "later", [3])
    wait_until(lambda: ended(host, "before") and ended(host, "later"), "the others have ended")

    assert host.instance("one")["output"] == [f"Activity function '{activity}' {SENTENCE}{activity}", "after"]
    assert pid_of(host) == pid
    assert host.process is not None
    assert host.process.poll() is None
    assert "Timeout value of 00:00:02 exceeded by function" in host.log.read_text()


def test_activities_beside_it_fail_with_it(host: HostProcess) -> None:
    """They ran in the same worker."""
    host.start_story("careful", "one", [["wait_long", 60], ["wait_long", 1.9]])
    time.sleep(0.5)  # the second story's activity begins later, and would have had time
    host.start_story("careful", "two", [["wait_long", 1.9]])
    wait_until(lambda: ended(host, "one") and ended(host, "two"), "both stories have ended")

    assert host.instance("one")["output"][0].endswith(f"{SENTENCE}wait_long")  # type: ignore[index]
    assert host.instance("two")["output"] == [f"Activity function 'wait_long' {SENTENCE}wait_long", "after"]


def test_http_function_that_takes_too_long_breaks_its_connection(host: HostProcess) -> None:
    """And those beside it; the next request waits for the new process instead of being refused."""
    with pytest.raises(httpx.TransportError):
        host.http.get("/api/slow/60")

    assert host.http.get("/api/status/none").text == "none"


def test_function_that_keeps_within_its_time_is_left_alone(host: HostProcess) -> None:
    """Its time begins with it, not with the host."""
    for _ in range(3):
        assert host.http.get("/api/slow/1").text == "at last"

    assert "begins again" not in host.log.read_text()
