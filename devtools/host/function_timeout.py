"""`functionTimeout`: an invocation that takes too long has failed, and ends the worker if it does not end soon.

The sentences are the real host's (Azure/azure-webjobs-sdk, `Executors/FunctionExecutor.cs`). A function whose time is
up has two seconds more (`TimeoutAttribute.GracePeriod` there) before its worker is ended with all that it was doing.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from devtools.host.failures import FunctionError, FunctionTimeoutError
from devtools.host.timestamps import to_timespan

logger = logging.getLogger(__name__)

GRACE_SECONDS = 2.0
_LONGEST_LOOK_SECONDS = 0.5

SentenceOf = Callable[[str], str]
"""What an invocation of the function of that name fails with."""


@dataclass
class _Invocation:
    name: str
    began_at: float
    is_overdue: bool = False


class FunctionTimeout:
    """Watches the invocations of one worker. `limit` is None where they may take as long as they like."""

    def __init__(self, limit: timedelta | None) -> None:
        self._limit = limit
        self._running: dict[int, _Invocation] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @contextmanager
    def watching(self, name: str) -> Iterator[None]:
        """An invocation of the function runs while the context is open; any thread may open one.

        Raises FunctionTimeoutError at the end of one that took too long, in place of what the function raised.
        """
        number, invocation = next(self._numbers), _Invocation(name, time.monotonic())
        with self._lock:
            self._running[number] = invocation
        try:
            yield
        except FunctionError:
            self._check(invocation)
            raise
        else:
            self._check(invocation)
        finally:
            with self._lock:
                del self._running[number]

    def watch(self, on_timeout: Callable[[SentenceOf], None]) -> None:
        """Have a thread call `on_timeout` once, when an invocation goes on after its time and the grace are over.

        A thread, because a function on the event loop may keep that from running.
        """
        if self._limit is not None:
            limit = self._limit
            threading.Thread(target=lambda: self._wait(limit, on_timeout), name="functionTimeout", daemon=True).start()

    def close(self) -> None:
        """Watch no longer: from now on `on_timeout` is not called."""
        self._closed.set()

    def _wait(self, limit: timedelta, on_timeout: Callable[[SentenceOf], None]) -> None:
        seconds = limit.total_seconds()
        while (ending := self._look(seconds)) is None:
            if self._closed.wait(min(seconds / 10, _LONGEST_LOOK_SECONDS)):
                return
        with self._lock:
            overdue = {invocation.name for invocation in self._running.values() if invocation.is_overdue}
        if not self._closed.is_set():
            on_timeout(lambda name: self._sentence(name if name in overdue else ending.name))

    def _look(self, seconds: float) -> _Invocation | None:
        """Mark and report those whose time is up; the first, if any, whose grace is over, too."""
        now = time.monotonic()
        with self._lock:
            late = [invocation for invocation in self._running.values() if now - invocation.began_at >= seconds]
        for invocation in late:
            if not invocation.is_overdue:
                invocation.is_overdue = True
                logger.error("%s. Initiating cancellation.", self._report(invocation.name))
        return next((each for each in late if now - each.began_at >= seconds + GRACE_SECONDS), None)

    def _check(self, invocation: _Invocation) -> None:
        if invocation.is_overdue:
            raise FunctionTimeoutError(self._sentence(invocation.name))

    def _report(self, name: str) -> str:
        return f"Timeout value of {self._span} exceeded by function 'Functions.{name}'"

    def _sentence(self, name: str) -> str:
        return f"Timeout value of {self._span} was exceeded by function: Functions.{name}"

    @property
    def _span(self) -> str:
        return to_timespan(self._limit or timedelta())
