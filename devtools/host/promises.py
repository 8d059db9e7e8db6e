"""Futures that are settled and awaited within one call stack, so that a replay is an ordinary `async def`.

asyncio will not do here: it resumes waiters later, on a loop, while the order of ids that a replay hands out depends on
every waiter going on at the very moment its event is processed.
"""

from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Promise(Generic[T]):
    """A value or an error that will be known later. Settling it twice keeps the first outcome."""

    def __init__(self) -> None:
        self.done = False
        self.error: Exception | None = None
        self._value: T | None = None
        self._waiters: list[Callable[[], None]] = []

    def resolve(self, value: T) -> None:
        """Settle with a value and let everyone who waits go on."""
        if not self.done:
            self._value = value
            self._settle()

    def reject(self, error: Exception) -> None:
        """Settle with an error and let everyone who waits go on."""
        if not self.done:
            self.error = error
            self._settle()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back once, now if already settled."""
        if self.done:
            callback()
        else:
            self._waiters.append(callback)

    def result(self) -> T:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self._value  # type: ignore[return-value]  # settled without an error, so it holds a T

    def _settle(self) -> None:
        self.done = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter()

    def __await__(self) -> Generator["Promise[Any]", None, T]:
        if not self.done:
            yield self
        return self.result()


def start(coroutine: Coroutine[Promise[Any], None, T]) -> Promise[T]:
    """Run a coroutine that awaits only promises up to its first wait; it goes on by itself as they are settled."""
    outcome: Promise[T] = Promise()

    def step() -> None:
        while True:
            try:
                waited_for = coroutine.send(None)
            except StopIteration as stop:
                outcome.resolve(stop.value)
                return
            except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to whoever awaits the outcome
                outcome.reject(error)
                return
            if not waited_for.done:
                waited_for.when_done(step)
                return

    step()
    return outcome


async def when_all(promises: Sequence[Promise[Any]]) -> None:
    """Wait for every one, then raise the first error in order, if any."""
    for promise in promises:
        if not promise.done:
            await _settled(promise)
    for promise in promises:
        promise.result()


async def when_any(promises: Sequence[Promise[Any]]) -> None:
    """Wait for the first to settle; its error is not raised."""
    first: Promise[None] = Promise()
    for promise in promises:
        promise.when_done(lambda: first.resolve(None))
    await first


async def _settled(promise: Promise[Any]) -> None:
    signal: Promise[None] = Promise()
    promise.when_done(lambda: signal.resolve(None))
    await signal
