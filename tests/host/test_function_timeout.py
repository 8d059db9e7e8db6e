"""`functionTimeout` ends the worker with everything that it was doing, and the host goes on."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from devtools.host.function_timeout import GRACE_SECONDS
from tests.host.host_process import HostProcess, wait_until

LIMIT_SECONDS = 3
SENTENCE = "failed: Timeout value of 00:00:03 was exceeded by function: Functions."


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostProcess]:
    """A host whose functions may take three seconds: longer than the grace of two, so that other work fits into it."""
    monkeypatch.setenv("AzureFunctionsJobHost__functionTimeout", "00:00:03")
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


def has_timed_out(host: HostProcess) -> bool:
    return "Timeout value of 00:00:03 exceeded by function" in host.log.read_text()


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
    assert has_timed_out(host)


def test_activities_beside_it_fail_with_it(host: HostProcess) -> None:
    """They ran in the same worker; what they fail with names the function that took too long."""
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(host.http.get, "/api/slow/60")
        wait_until(lambda: has_timed_out(host), "the function has timed out")
        host.start_story("careful", "beside", [["wait_long", LIMIT_SECONDS - 0.1]])
        wait_until(lambda: ended(host, "beside"), "the story has ended")

        assert isinstance(hung.exception(10), httpx.TransportError)
    assert host.instance("beside")["output"] == [f"Activity function 'wait_long' {SENTENCE}slow", "after"]


def test_activities_that_take_too_long_together_fail_each_with_its_own_name(host: HostProcess) -> None:
    """The process ends once for all of them."""
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(host.http.get, "/api/slow/60")
        host.start_story("careful", "one", [["wait_long", 60]])
        wait_until(lambda: ended(host, "one"), "the story has ended")
        hung.exception(10)

    assert host.instance("one")["output"] == [f"Activity function 'wait_long' {SENTENCE}wait_long", "after"]
    assert host.log.read_text().count("begins again") == 1


def test_function_that_ends_within_its_grace_has_failed_and_nothing_else(host: HostProcess) -> None:
    """Two seconds are left to a function whose time is up, before its worker is ended."""
    host.start_story("careful", "late", [["wait_long", LIMIT_SECONDS + 1]])
    answer = host.http.get(f"/api/slow/{LIMIT_SECONDS + 1}")
    host.start_story("careful", "beside", [["wait_long", LIMIT_SECONDS - 0.1]])
    wait_until(lambda: ended(host, "late") and ended(host, "beside"), "both stories have ended")

    assert answer.status_code == 500
    assert host.instance("late")["output"] == [f"Activity function 'wait_long' {SENTENCE}wait_long", "after"]
    assert host.instance("beside")["output"] == ["waited", "after"]
    assert "begins again" not in host.log.read_text()


def test_host_that_is_told_to_end_does_not_begin_again(host: HostProcess) -> None:
    """The second that it leaves to requests may be the one in which a function's grace ends."""
    with ThreadPoolExecutor() as pool:
        begun = time.monotonic()
        hung = pool.submit(host.http.get, "/api/slow/60")
        almost = begun + LIMIT_SECONDS + GRACE_SECONDS - 0.5
        wait_until(lambda: time.monotonic() > almost, "the grace has almost ended")

        assert host.stop() == 0
        hung.exception(10)
    assert has_timed_out(host)
    assert "begins again" not in host.log.read_text()


def test_host_whose_journal_cannot_be_written_begins_again_all_the_same(host: HostProcess, tmp_path: Path) -> None:
    """The failure is not kept, so the activity is run again, and fails then."""
    host.start_story("careful", "one", [["wait_long", 60]])
    wait_until(lambda: has_timed_out(host), "the function has timed out")
    with closing(sqlite3.connect(tmp_path / "app" / "durable.sqlite")) as journal:
        journal.execute(
            "CREATE TRIGGER stuck BEFORE DELETE ON tasks BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        wait_until(lambda: "begins again" in host.log.read_text(), "the host begins again")
        journal.execute("DROP TRIGGER stuck")
    wait_until(lambda: ended(host, "one"), "the story has ended")

    assert host.instance("one")["output"] == [f"Activity function 'wait_long' {SENTENCE}wait_long", "after"]
    assert host.log.read_text().count("begins again") == 2


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
