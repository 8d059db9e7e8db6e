"""Runs the app's timer functions by their schedules, one run of a function at a time.

A tick that falls into a run of its function is skipped. A function that fails runs again at its next tick. Where it is
monitored, which is the default, one run at the start makes up for all that were due while no host was there; a run in
which the host ended is made up for, too. There is one process, so no lease keeps another from running the same.
"""

import asyncio
import json
import logging
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

from devtools.host.catalog import AppFunction
from devtools.host.clock import Clock
from devtools.host.failures import FunctionError
from devtools.host.journal import Journal
from devtools.host.records import TimerStatus
from devtools.host.running_tasks import RunningTasks
from devtools.host.schedule import Schedule
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

_NEVER = datetime.min.replace(tzinfo=UTC)


class Timer:
    """A timer function and how it stands with it."""

    def __init__(self, function: AppFunction, now: datetime) -> None:
        self.function = function
        self.schedule = Schedule(function.trigger["schedule"])
        self.runs_on_startup = bool(function.trigger.get("runOnStartup"))
        self.is_monitored = function.trigger.get("useMonitor") is not False and self.schedule.is_monitored
        self.is_running = False
        self.has_skipped = False
        self.status = TimerStatus(None, self.schedule.next_after(now), now)

    def move_on(self, now: datetime) -> None:
        """The run that was due has begun or is skipped: from now on wait for the next."""
        self.status = replace(self.status, next=self.schedule.next_after(now), computed_at=now)

    def request_text(self, *, past_due: bool = False) -> str:
        """The JSON of a TimerRequest (measured: names and order of fields)."""
        status = {
            "Last": (self.status.last or _NEVER).isoformat(),
            "Next": self.status.next.isoformat(),
            "LastUpdated": self.status.computed_at.isoformat(),
        }
        request = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status if self.is_monitored else None,
            "IsPastDue": past_due,
        }
        return json.dumps(request)


class Timers:
    """The scheduler of an app's timer functions."""

    def __init__(self, functions: tuple[AppFunction, ...], worker: Worker, journal: Journal, clock: Clock) -> None:
        self._functions = functions
        self._worker = worker
        self._journal = journal
        self._clock = clock
        self._wake = asyncio.Event()
        self._running = RunningTasks(lambda _: self._wake.set())

    def wake(self) -> None:
        """Look again: the clock may have moved."""
        self._wake.set()

    async def run(self) -> None:
        """Work for ever. Cancelled, it abandons what runs."""
        timers = [self._taken_up(function) for function in self._functions]
        try:
            while True:
                self._wake.clear()
                now = self._clock.now()
                for timer in timers:
                    if timer.status.next <= now:
                        self._tick(timer, now)
                next_due = min((timer.status.next for timer in timers), default=None)
                await self._clock.wait_until(next_due, self._wake, idle=not self._running)
        finally:
            await self._running.abandon()

    def _taken_up(self, function: AppFunction) -> Timer:
        now = self._clock.now()
        timer = Timer(function, now)
        kept = self._journal.timer_status(function.name) if timer.is_monitored else None
        if kept is not None and kept.next == timer.schedule.next_after(kept.computed_at):
            timer.status = kept
        else:
            # The first start with this function or this schedule: nothing was missed, from now on something can be.
            self._keep(timer)
        if timer.status.next < now:
            logger.info("Function %s was due at %s and is run now.", function.name, timer.status.next)
            self._start(timer, now, past_due=True)
        elif timer.runs_on_startup:
            self._start(timer, now)
        logger.info("Function %s (%s) is due next at %s.", function.name, timer.schedule, timer.status.next)
        return timer

    def _tick(self, timer: Timer, now: datetime) -> None:
        if not timer.is_running:
            self._start(timer, now)
            return
        if not timer.has_skipped:
            timer.has_skipped = True
            logger.warning(
                "Function %s still runs: the run due at %s is skipped, and so is every other until it has ended.",
                timer.function.name,
                timer.status.next,
            )
        timer.move_on(now)

    def _start(self, timer: Timer, now: datetime, *, past_due: bool = False) -> None:
        request_text = timer.request_text(past_due=past_due)
        timer.is_running, timer.has_skipped = True, False
        if timer.status.next <= now:
            timer.move_on(now)
        self._running.start(self._run_once(timer, request_text, now))

    async def _run_once(self, timer: Timer, request_text: str, began_at: datetime) -> None:
        try:
            await self._worker.call_timer(timer.function, request_text)
        except FunctionError as error:
            # The stack is the function's own.
            logger.error("Function %s failed: %s", timer.function.name, error.stack or error)  # noqa: TRY400
        timer.is_running = False
        timer.status = replace(timer.status, last=began_at)
        self._keep(timer)

    def _keep(self, timer: Timer) -> None:
        """Keep the status; while a run is under way the journal has the one before, in which that run is still due."""
        if not timer.is_monitored:
            return
        try:
            self._journal.keep_timer_status(timer.function.name, timer.status)
        except sqlite3.Error:
            logger.exception("It cannot be kept that function %s has run.", timer.function.name)
