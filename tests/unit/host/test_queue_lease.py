"""How a message is kept in hand, over a queue on paper and a clock that is turned by hand."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from devtools.host.queue_lease import leased
from tests.unit.host.paper_queue import MOMENT, PaperQueue, message

MINUTE = timedelta(minutes=1)


class TurnedClock:
    """Time passes when a test says so."""

    def __init__(self) -> None:
        self.moment = MOMENT
        self.deadline: datetime | None = None

    def now(self) -> datetime:
        return self.moment

    async def wait_until(self, deadline: datetime | None, wake: asyncio.Event, *, idle: bool) -> None:
        assert not idle
        self.deadline = deadline
        while not wake.is_set() and (deadline is None or self.moment < deadline):  # noqa: ASYNC110  # takes no time
            await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # as above
            await asyncio.sleep(0)


class Scene:
    """A queue, and a clock that is turned to just before and to the moment of a renewal."""

    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.queue = PaperQueue(self.clock)

    async def renewed_after(self, duration: timedelta) -> None:
        """Assert that the next renewal comes after that time and not before."""
        due, before = self.clock.moment + duration, len(self.queue.hidings)
        await until(lambda: self.clock.deadline == due)
        assert len(self.queue.hidings) == before
        self.clock.moment = due
        await until(lambda: len(self.queue.hidings) > before)


async def test_message_is_hidden_for_ten_more_minutes_every_five() -> None:
    """Each renewal gives it a new receipt, and the next one needs it."""
    scene = Scene()

    async with leased(message("long"), scene.queue, scene.clock) as lease:
        for _ in range(3):
            await scene.renewed_after(5 * MINUTE)
        await until(lambda: lease.message.receipt == "r0+++")

    assert scene.queue.hidden == [("r0", 10 * MINUTE), ("r0+", 10 * MINUTE), ("r0++", 10 * MINUTE)]


async def test_renewal_that_fails_is_repeated_sooner(caplog: pytest.LogCaptureFixture) -> None:
    """After half the time, not within a minute; once it has worked, after five minutes again."""
    scene = Scene()
    scene.queue.is_away = True

    async with leased(message("long"), scene.queue, scene.clock) as lease:
        for wait in (5 * MINUTE, 2.5 * MINUTE, 1.25 * MINUTE, MINUTE, MINUTE):
            await scene.renewed_after(wait)
        scene.queue.is_away = False
        await scene.renewed_after(MINUTE)
        await scene.renewed_after(5 * MINUTE)

    assert lease.message.receipt == "r0++"
    assert caplog.text.count("The service is away.") == 5


async def test_message_that_somebody_else_has_is_renewed_no_more() -> None:
    """Its receipt will never be of use again."""
    scene = Scene()
    scene.queue.gone.add("long")

    async with leased(message("long"), scene.queue, scene.clock):
        await scene.renewed_after(5 * MINUTE)
        scene.clock.moment += 20 * MINUTE
        for _ in range(10):
            await asyncio.sleep(0)

    assert len(scene.queue.hidings) == 1


async def test_renewal_under_way_ends_before_the_lease() -> None:
    """It changes the receipt with which the message will be deleted."""
    scene = Scene()
    scene.queue.may_hide.clear()

    async with asyncio.TaskGroup() as tasks, leased(message("long"), scene.queue, scene.clock) as lease:
        await scene.renewed_after(5 * MINUTE)
        tasks.create_task(_soon(scene.queue.may_hide))

    assert lease.message.receipt == "r0+"


async def _soon(event: asyncio.Event) -> None:
    for _ in range(10):
        await asyncio.sleep(0)
    event.set()
