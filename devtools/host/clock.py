"""Where the host's time comes from: the machine's clock, or one that skips to the next due moment.

Nothing else in the host reads a clock for an orchestration or sleeps for one. That is what lets a story of hours run in
milliseconds while its history keeps the times of the story.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

# A wall clock can be set, and a laptop can sleep: look at it again at least this often.
_LONGEST_SLEEP = timedelta(seconds=60)


class Clock(Protocol):
    """What the engine asks of time. All datetimes are aware and in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        ...

    async def wait_until(self, deadline: datetime | None, wake: asyncio.Event, *, idle: bool) -> None:
        """Return when `wake` is set or `deadline` has come; earlier returns are allowed, the caller looks again.

        `idle` says that nothing is running whose end could set `wake`.
        """
        ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    async def wait_until(self, deadline: datetime | None, wake: asyncio.Event, *, idle: bool) -> None:
        """Sleep until `wake` is set or the deadline has come."""
        del idle  # real time passes whether anybody works or not
        if deadline is None:
            await wake.wait()
            return
        seconds = min(deadline - self.now(), _LONGEST_SLEEP).total_seconds()
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await wake.wait()
        except TimeoutError:
            return


class SkipClock:
    """A clock for tests that stands still, and jumps to the next due moment when all work is done.

    It never jumps past `limit`, which is its own start until a test moves it: so a test can raise an event "before the
    timer" without racing it. History keeps the modelled times.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self.limit = start
        self.at_rest = asyncio.Event()  # set while the host has nothing to do before the limit

    def now(self) -> datetime:
        """The modelled moment."""
        return self._now

    def jump_to(self, moment: datetime) -> None:
        """Move time forward to `moment`; going back is ignored."""
        self._now = max(self._now, moment)

    async def wait_until(self, deadline: datetime | None, wake: asyncio.Event, *, idle: bool) -> None:
        """Jump to the deadline if nothing is running and the limit allows it, else wait to be woken."""
        if deadline is not None and deadline <= self._now:
            await asyncio.sleep(0)
            return
        if not wake.is_set() and idle and deadline is not None and deadline <= self.limit:
            self.jump_to(deadline)
            return
        if idle and not wake.is_set():
            self.at_rest.set()
        await wake.wait()
        self.at_rest.clear()
