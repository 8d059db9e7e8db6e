"""`functionTimeout`, up to the end of the process: that is told in tests/host/test_function_timeout.py."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from devtools.host.catalog import AppFunction, Catalog
from devtools.host.failures import EpisodeAbortedError, FunctionError, FunctionTimeoutError
from devtools.host.function_timeout import FunctionTimeout
from devtools.host.worker import Worker
from tests.host.host_process import wait_until

# Of the limit, seconds are shown.
SENTENCE = "Timeout value of 00:00:00 was exceeded by function: Functions.dawdle"


@pytest.fixture
def timeout() -> Iterator[FunctionTimeout]:
    """A limit that a function passes as soon as it waits; the grace is never used up."""
    watched = FunctionTimeout(timedelta(milliseconds=50))
    watched.watch(lambda _: pytest.fail("the worker was ended"))
    yield watched
    watched.close()


@pytest.fixture
def time_is_up(caplog: pytest.LogCaptureFixture) -> Callable[[], None]:
    """Wait until the host has said that a function's time is up."""
    return lambda: wait_until(lambda: "Initiating cancellation." in caplog.text, "the time is up", 1)


def test_function_that_returns_too_late_has_failed(timeout: FunctionTimeout, time_is_up: Callable[[], None]) -> None:
    """Whatever it returned."""
    with pytest.raises(FunctionTimeoutError) as failed, timeout.watching("dawdle"):
        time_is_up()

    assert failed.value.message == SENTENCE


def test_function_that_raises_too_late_has_taken_too_long(
    timeout: FunctionTimeout, time_is_up: Callable[[], None]
) -> None:
    """Its own error comes too late."""

    def dawdle() -> None:
        time_is_up()
        raise FunctionError("ValueError", "late", "")

    with pytest.raises(FunctionTimeoutError), timeout.watching("dawdle"):
        dawdle()


def test_function_that_raises_in_time_keeps_its_error(timeout: FunctionTimeout) -> None:
    """Nothing is added to it."""
    with pytest.raises(FunctionError, match="ValueError: early"), timeout.watching("dawdle"):
        raise FunctionError("ValueError", "early", "")


def test_orchestrator_that_takes_too_long_is_to_be_run_again(
    timeout: FunctionTimeout, time_is_up: Callable[[], None]
) -> None:
    """It has not failed, unlike every other function."""

    def dawdle(context: Any) -> str:
        time_is_up()
        return str(context)

    orchestrator = AppFunction("dawdle", dawdle, {"type": "orchestrationTrigger", "name": "context"})
    worker = Worker(Catalog(orchestrators={"dawdle": orchestrator}), "{}", timeout)

    with pytest.raises(EpisodeAbortedError, match=SENTENCE):
        worker.call_orchestrator("dawdle", "{}")
    worker.close()
