"""Timer functions: when they run, what they are given, what becomes of runs that were missed."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from devtools.host.clock import SkipClock
from devtools.host.indexing import index
from devtools.host.journal import Journal
from devtools.host.timers import Timers
from devtools.host.worker import Worker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOURLY = "0 0 * * * *"


class Scheduler:
    """The timer functions of one app at work, with a clock that skips."""

    def __init__(self, app: func.FunctionApp, folder: Path, clock: SkipClock) -> None:
        catalog = index(app)
        self.clock = clock
        self.worker = Worker(catalog, "{}")
        self.journal = Journal(folder / "journal.sqlite")
        self.timers = Timers(catalog.timers, self.worker, self.journal, clock)

    async def advance(self, duration: timedelta = timedelta()) -> None:
        """Let that much time pass, with every run that falls due."""
        self.clock.limit = self.clock.now() + duration
        self.clock.at_rest.clear()
        self.timers.wake()
        async with asyncio.timeout(5):
            await self.clock.at_rest.wait()
        self.clock.jump_to(self.clock.limit)

    async def jump(self, duration: timedelta) -> None:
        """Let time pass while a function runs."""
        self.clock.jump_to(self.clock.now() + duration)
        self.timers.wake()
        for _ in range(3):
            await asyncio.sleep(0)  # a turn of the event loop


@contextlib.asynccontextmanager
async def scheduling(app: func.FunctionApp, folder: Path, clock: SkipClock) -> AsyncIterator[Scheduler]:
    """The scheduler of a host that starts, works and ends."""
    scheduler = Scheduler(app, folder, clock)
    task = asyncio.create_task(scheduler.timers.run())
    try:
        yield scheduler
    finally:
        task.cancel()
        await asyncio.wait([task])
        scheduler.worker.close()
        scheduler.journal.close()


@pytest.fixture
def clock() -> SkipClock:
    """Half past eleven."""
    return SkipClock(NOON - timedelta(minutes=30))


class Runs:
    """What a timer function was given, run by run."""

    def __init__(self) -> None:
        self.requests: list[Any] = []  # the SDK's public TimerRequest hides what the converter's has

    def app(self, schedule: str = HOURLY, **options: Any) -> func.FunctionApp:
        """An app with one function, which notes its runs."""

        async def sweep(timer: func.TimerRequest) -> None:
            self.requests.append(timer)

        return app_with(sweep, schedule, **options)

    @property
    def past_due(self) -> list[bool]:
        """Which runs were late."""
        return [request.past_due for request in self.requests]


def app_with(function: Callable[..., Any], schedule: str = HOURLY, **options: Any) -> func.FunctionApp:
    """An app with this timer function."""
    app = func.FunctionApp()
    app.timer_trigger(arg_name="timer", schedule=schedule, **options)(function)
    return app


async def test_function_runs_at_the_moments_of_its_schedule(tmp_path: Path, clock: SkipClock) -> None:
    """Each run is told when the one before began and when it was due itself."""
    runs = Runs()

    async with scheduling(runs.app(), tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(hours=2))

    assert [request.schedule_status for request in runs.requests] == [
        {"Last": "0001-01-01T00:00:00+00:00", "Next": NOON.isoformat(), "LastUpdated": "2026-01-01T11:30:00+00:00"},
        {"Last": NOON.isoformat(), "Next": "2026-01-01T13:00:00+00:00", "LastUpdated": NOON.isoformat()},
    ]
    assert runs.past_due == [False, False]
    assert runs.requests[0].schedule == {"AdjustForDST": True}


async def test_plain_function_runs_on_a_thread(tmp_path: Path, clock: SkipClock) -> None:
    """`def` as well as `async def`, each on its own schedule."""
    began: list[tuple[str, bool]] = []
    loop_thread = threading.get_ident()
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule=HOURLY)
    def plain(timer: func.TimerRequest) -> None:
        began.append(("plain", timer.past_due or threading.get_ident() == loop_thread))

    @app.timer_trigger(arg_name="timer", schedule="0 */20 * * * *")
    async def other(timer: func.TimerRequest) -> None:
        began.append(("other", timer.past_due or threading.get_ident() == loop_thread))

    async with scheduling(app, tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(minutes=55))

    assert sorted(began) == [("other", True), ("other", True), ("other", True), ("plain", False)]


class Killed(BaseException):
    """What ends the in-process host, and no other."""


def fails(timer: func.TimerRequest) -> None:
    raise ValueError(f"no broom, {timer.past_due=}")


async def exits(timer: func.TimerRequest) -> None:
    raise SystemExit(f"no broom, {timer.past_due=}")


async def dies(timer: func.TimerRequest) -> None:
    raise Killed(f"no broom, {timer.past_due=}")


@pytest.mark.parametrize("function", [fails, exits, dies])
async def test_function_that_fails_is_logged_and_runs_again(
    tmp_path: Path, clock: SkipClock, caplog: pytest.LogCaptureFixture, function: Callable[..., Any]
) -> None:
    """An error does not end the schedule, let alone the host."""
    async with scheduling(app_with(function), tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(hours=2))

    assert caplog.text.count(f"Function {function.__name__} failed: Traceback") == 2
    assert "no broom, timer.past_due=False" in caplog.text


async def test_function_that_returns_something_fails(
    tmp_path: Path, clock: SkipClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker takes no value for which there is no binding."""

    def sweep(timer: func.TimerRequest) -> bool:
        return timer.past_due

    async with scheduling(app_with(sweep), tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(hours=1))

    assert "function sweep without a $return binding returned a non-None value" in caplog.text


async def test_run_that_falls_due_while_its_function_runs_is_skipped(
    tmp_path: Path, clock: SkipClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Never two at once; it is logged once for each run that takes so long, and not made up for."""
    began: list[tuple[datetime, bool]] = []
    may_end = asyncio.Event()

    async def sweep(timer: func.TimerRequest) -> None:
        began.append((clock.now(), timer.past_due))
        await may_end.wait()

    async with scheduling(app_with(sweep), tmp_path, clock) as scheduler:
        await scheduler.advance()
        for _ in range(3):
            await scheduler.jump(timedelta(hours=1))
        may_end.set()
        await scheduler.advance()
        await scheduler.advance(timedelta(hours=1))

    assert began == [(NOON + timedelta(minutes=30), False), (NOON + timedelta(hours=3), False)]
    assert caplog.text.count("Function sweep still runs") == 1


@pytest.mark.parametrize(("option", "count"), [({"run_on_startup": True}, 1), ({}, 0)])
async def test_function_runs_at_the_start_of_the_host_only_if_it_says_so(
    tmp_path: Path, clock: SkipClock, option: dict[str, bool], count: int
) -> None:
    """With every start, and it is not late."""
    runs = Runs()

    for start in (1, 2):
        async with scheduling(runs.app(HOURLY, **option), tmp_path, clock) as scheduler:
            await scheduler.advance()

        assert runs.past_due == [False] * count * start


@pytest.mark.parametrize(
    ("schedule", "options", "past_due"),
    [
        (HOURLY, {}, [True]),
        (HOURLY, {"use_monitor": True, "run_on_startup": True}, [False, True]),
        (HOURLY, {"use_monitor": False}, []),
        ("*/20 * * * * *", {}, []),
    ],
)
async def test_runs_missed_while_no_host_was_there_are_made_up_for_by_one(
    tmp_path: Path, clock: SkipClock, schedule: str, options: dict[str, bool], past_due: list[bool]
) -> None:
    """Also where the function has never run before; but not unmonitored, nor when it runs several times a minute."""
    runs = Runs()
    async with scheduling(runs.app(schedule, **options), tmp_path, clock) as scheduler:
        await scheduler.advance()
    clock.jump_to(NOON + timedelta(hours=5, minutes=10))

    async with scheduling(runs.app(schedule, **options), tmp_path, clock) as scheduler:
        await scheduler.advance()

    assert runs.past_due == past_due


async def test_late_run_knows_when_it_was_due_and_the_schedule_goes_on(tmp_path: Path, clock: SkipClock) -> None:
    """The first missed moment; the next run is on time."""
    runs = Runs()
    async with scheduling(runs.app(), tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(hours=1))
    clock.jump_to(NOON + timedelta(hours=5, minutes=10))

    async with scheduling(runs.app(), tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(hours=1))

    assert runs.past_due == [False, True, False]
    assert [request.schedule_status["Next"][11:16] for request in runs.requests] == ["12:00", "13:00", "18:00"]
    assert [request.schedule_status["Last"][11:16] for request in runs.requests] == ["00:00", "12:00", "17:10"]


async def test_nothing_was_missed_by_a_schedule_that_has_changed(tmp_path: Path, clock: SkipClock) -> None:
    """The new one begins with the start of the host."""
    runs = Runs()
    async with scheduling(runs.app("0 0 * * * *"), tmp_path, clock) as scheduler:
        await scheduler.advance()
    clock.jump_to(NOON + timedelta(hours=5, minutes=10))

    async with scheduling(runs.app("0 30 * * * *"), tmp_path, clock) as scheduler:
        await scheduler.advance(timedelta(hours=1))

    assert runs.past_due == [False]


async def test_run_in_which_the_host_ended_is_made_up_for(tmp_path: Path, clock: SkipClock) -> None:
    """It was cancelled, and nobody knows how far it came."""
    ends: list[bool] = []

    async def sweep(timer: func.TimerRequest) -> None:
        if not timer.past_due:
            await asyncio.Event().wait()
        ends.append(timer.past_due)

    async with scheduling(app_with(sweep), tmp_path, clock) as scheduler:
        await scheduler.advance()
        await scheduler.jump(timedelta(hours=1))

    async with scheduling(app_with(sweep), tmp_path, clock) as scheduler:
        await scheduler.advance()

    assert ends == [True]


async def test_schedule_goes_on_when_the_journal_cannot_be_written(
    tmp_path: Path, clock: SkipClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The worst that can come of it is a run too many at the next start."""
    runs = Runs()

    async with scheduling(runs.app(), tmp_path, clock) as scheduler:
        await scheduler.advance()
        scheduler.journal.freeze()
        await scheduler.advance(timedelta(hours=2))

    assert len(runs.requests) == 2
    assert "It cannot be kept that function sweep has run." in caplog.text


async def test_host_tells_when_each_function_is_due_next(
    tmp_path: Path, clock: SkipClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each, at the start."""
    with caplog.at_level(logging.INFO, logger="devtools.host.timers"):
        async with scheduling(Runs().app(), tmp_path, clock) as scheduler:
            await scheduler.advance()

    assert f"Function sweep ({HOURLY}) is due next at {NOON}." in caplog.text
