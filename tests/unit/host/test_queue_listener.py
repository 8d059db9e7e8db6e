"""The listener of a queue function, over a queue on paper and a clock that skips."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from devtools.host import queue_listener
from devtools.host.clock import SkipClock
from devtools.host.failures import FunctionError
from devtools.host.queue_listener import QueueListener
from devtools.host.queue_options import QueueOptions
from devtools.host.queue_service import Message
from devtools.host.queue_settlement import Settlement
from tests.unit.host.paper_queue import MOMENT, PaperQueue, message


class Calls:
    """A function: the bodies it was called with, and how many of them ran at once; fails with `fail`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.running = 0
        self.most = 0
        self.has_begun = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, message: Message, body: bytes) -> None:
        self.bodies.append(body.decode())
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == 4:
            self.has_begun.set()
        try:
            await self.may_go_on.wait()
        finally:
            self.running -= 1
        if body.startswith(b"fail"):
            raise FunctionError("ValueError", f"{message.id}", "")


class Scene:
    """A listener with its queues; `pass_time` lets it work for a while of the story."""

    def __init__(self, *messages: Message, options: QueueOptions | None = None, has_poison: bool = True) -> None:
        self.clock = SkipClock(MOMENT)
        self.queue, self.poison, self.calls = PaperQueue(self.clock, *messages), PaperQueue(self.clock), Calls()
        settlement = Settlement("plain", self.queue, self.poison if has_poison else None, options or QueueOptions())
        self.listener = QueueListener(self.calls, settlement, self.clock)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Scene"]:
        task = asyncio.create_task(self.listener.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def pass_time(self, duration: timedelta) -> None:
        self.clock.limit = self.clock.now() + duration
        self.clock.at_rest.clear()
        self.listener._wake.set()
        async with asyncio.timeout(5):
            await self.clock.at_rest.wait()


async def test_message_is_deleted_when_its_function_has_returned() -> None:
    """And not before."""
    scene = Scene()

    await scene.listener.handle(message("one"))

    assert (scene.calls.bodies, scene.queue.deleted, scene.poison.sent) == (["one"], ["one r0"], [])


async def test_message_whose_function_fails_is_seen_again() -> None:
    """After the time that host.json says."""
    scene = Scene(options=QueueOptions(retry_after=timedelta(seconds=30)))

    await scene.listener.handle(message("fail", 4))

    assert (scene.queue.hidden, scene.queue.deleted) == ([("r0", timedelta(seconds=30))], [])


@pytest.mark.parametrize(("count", "runs"), [(5, 1), (6, 0)])
async def test_message_is_given_up_after_its_last_try(count: int, runs: int) -> None:
    """One that comes once more, because the last try was never ended, is given up without a run."""
    scene = Scene()
    given = message("fail", count)

    await scene.listener.handle(given)

    assert (len(scene.calls.bodies), scene.poison.sent, scene.queue.deleted) == (runs, [given.text], ["fail r0"])


@pytest.mark.parametrize(("count", "runs"), [(1, 1), (5, 1), (6, 0)])
async def test_message_without_a_queue_of_poison_stays_hidden_when_it_fails(count: int, runs: int) -> None:
    """For the rest of its ten minutes: seen again at once, it would go round and round."""
    scene = Scene(has_poison=False)

    await scene.listener.handle(message("fail", count))

    assert (len(scene.calls.bodies), scene.queue.hidden, scene.queue.deleted) == (runs, [], [])


@pytest.mark.parametrize("text", ["{not base64}", "grüße", "YQ"])
@pytest.mark.parametrize("has_poison", [True, False])
async def test_message_that_is_not_base64_is_given_up_without_a_run(text: str, has_poison: bool) -> None:
    """As it was; where there is no queue of poison it stays hidden."""
    scene = Scene(has_poison=has_poison)

    await scene.listener.handle(replace(message("x"), text=text))

    assert scene.calls.bodies == []
    assert (scene.poison.sent, scene.queue.deleted) == (([text], ["x r0"]) if has_poison else ([], []))
    assert scene.queue.hidden == []


async def test_text_without_base64_is_taken_as_it_is_where_host_json_says_so() -> None:
    """`messageEncoding: none`."""
    scene = Scene(options=QueueOptions(is_base64=False))

    await scene.listener.handle(replace(message("x"), text="plain words"))

    assert scene.calls.bodies == ["plain words"]


async def test_message_that_is_somebody_elses_by_now_is_left_to_them(caplog: pytest.LogCaptureFixture) -> None:
    """Its function has run all the same: queues deliver at least once."""
    scene = Scene()
    scene.queue.gone.add("one")

    await scene.listener.handle(message("one"))

    assert "somebody else's" in caplog.text


async def test_no_more_messages_are_in_hand_than_a_batch_and_the_threshold() -> None:
    """The next batch is fetched when so few are left."""
    scene = Scene(*(message(str(number)) for number in range(20)), options=QueueOptions(4, 2))
    scene.calls.may_go_on.clear()

    async with scene.listening():
        async with asyncio.timeout(5):
            await scene.calls.has_begun.wait()
        in_hand = scene.calls.running
        scene.calls.may_go_on.set()
        await scene.pass_time(timedelta(seconds=1))

    assert in_hand == 4
    assert scene.calls.most <= 6
    assert len(scene.queue.deleted) == 20


async def test_message_that_fails_is_tried_again_at_the_next_look() -> None:
    """A failure is no reason to look sooner: five tries take the rests between them."""
    scene = Scene(message("fail"))
    scene.queue.comes_back = True

    async with scene.listening():
        await scene.pass_time(timedelta(minutes=2))

    assert (len(scene.calls.bodies), len(scene.poison.sent)) == (5, 1)
    tries = scene.queue.finds
    assert all(later - earlier >= timedelta(seconds=0.1) for earlier, later in pairwise(tries))


async def test_empty_queue_is_looked_at_less_and_less() -> None:
    """Twice as long each time, up to the longest poll; after a message at once again."""
    scene = Scene(options=QueueOptions(longest_poll=timedelta(seconds=10)))

    async with scene.listening():
        await scene.pass_time(timedelta(minutes=2))
        quiet = scene.queue.looks[:]
        scene.queue.waiting.append(message("late"))
        await scene.pass_time(timedelta(seconds=12))
        busy = scene.queue.looks[len(quiet) :]

    gaps = [later - earlier for earlier, later in pairwise(quiet)]
    assert gaps[0] == timedelta(seconds=0.1)
    assert gaps[-1] == timedelta(seconds=10)
    assert 12 <= len(gaps) <= 26
    assert scene.calls.bodies == ["late"]
    assert timedelta(seconds=0.1) in {later - earlier for earlier, later in pairwise(busy)}


async def test_outage_is_said_once_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """The listener goes on looking."""
    caplog.set_level(logging.INFO, queue_listener.__name__)
    scene = Scene(message("after"))
    scene.queue.is_away = True

    async with scene.listening():
        await scene.pass_time(timedelta(minutes=3))
        scene.queue.is_away = False
        await scene.pass_time(timedelta(minutes=2))

    assert scene.calls.bodies == ["after"]
    assert caplog.text.count("cannot be read") == 1
    assert caplog.text.count("can be read again") == 1


async def test_message_that_cannot_be_deleted_is_seen_again_later(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost but the work, which is done again."""
    scene = Scene()
    scene.queue.is_away = True

    await scene.listener.handle(message("one"))

    assert scene.queue.deleted == []
    assert "The service is away." in caplog.text
