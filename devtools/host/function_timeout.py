"""`functionTimeout`: an invocation that takes too long ends the worker, with everything that it was doing.

The sentences are the real host's (Azure/azure-webjobs-sdk, `Executors/FunctionExecutor.cs`).
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from devtools.host.timestamps import to_timespan

logger = logging.getLogger(__name__)

_LONGEST_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class _Invocation:
    name: str
    began_at: float


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
        """An invocation of the function runs while the context is open; any thread may open one."""
        number = next(self._numbers)
        with self._lock:
            self._running[number] = _Invocation(name, time.monotonic())
        try:
            yield
        finally:
            with self._lock:
                del self._running[number]

    def watch(self, on_timeout: Callable[[str], None]) -> None:
        """Have a thread call `on_timeout` once, with the sentence that functions fail with, when one takes too long.

        A thread, because a function on the event loop may keep that from running.
        """
        if self._limit is not None:
            limit = self._limit
            threading.Thread(target=lambda: self._wait(limit, on_timeout), name="functionTimeout", daemon=True).start()

    def close(self) -> None:
        """Watch no longer."""
        self._closed.set()

    def _wait(self, limit: timedelta, on_timeout: Callable[[str], None]) -> None:
        seconds = limit.total_seconds()
        while (overdue := self._overdue(seconds)) is None:
            if self._closed.wait(min(seconds / 10, _LONGEST_LOOK_SECONDS)):
                return
        logger.error(
            "Timeout value of %s exceeded by function 'Functions.%s' (Id: '%s'). Initiating cancellation.",
            to_timespan(limit),
            overdue.name,
            uuid4(),
        )
        on_timeout(f"Timeout value of {to_timespan(limit)} was exceeded by function: Functions.{overdue.name}")

    def _overdue(self, seconds: float) -> _Invocation | None:
        now = time.monotonic()
        with self._lock:
            return next((each for each in self._running.values() if now - each.began_at >= seconds), None)
