"""The listener of a queue function, over a queue on paper and a clock that skips."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from devtools.host import queue_listener
from devtools.host.clock import SkipClock
from devtools.host.failures import FunctionError
from devtools.host.host_json import HostJsonError
from devtools.host.queue_listener import QueueListener
from devtools.host.queue_options import QueueOptions, read_queue_options
from devtools.host.queue_service import ConnectionMissingError, Message, MessageGoneError, QueueError
from devtools.host.queues import resolved

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def message(text: str, count: int = 1) -> Message:
    return Message(text, base64.b64encode(text.encode()).decode(), "r0", count, MOMENT, MOMENT, MOMENT)


class PaperQueue:
    """Messages in a list, and what was done with them; `is_away` makes every call fail, `gone` are somebody else's."""

    def __init__(self, clock: SkipClock, *messages: Message) -> None:
        self.waiting = list(messages)
        self.looks: list[datetime] = []
        self.deleted: list[str] = []
        self.hidden: list[tuple[str, timedelta]] = []
        self.sent: list[str] = []
        self.gone: set[str] = set()
        self.is_away = False
        self.was_hidden_thrice = asyncio.Event()
        self._clock = clock

    async def receive(self, most: int, invisible: timedelta) -> Sequence[Message]:
        assert invisible == timedelta(minutes=10)
        self.looks.append(self._clock.now())
        self._check()
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        return taken

    async def hide(self, message: Message, invisible: timedelta) -> Message:
        self._check(message)
        self.hidden.append((message.receipt, invisible))
        if len(self.hidden) == 3:
            self.was_hidden_thrice.set()
        return replace(message, receipt=f"{message.receipt}+")

    async def delete(self, message: Message) -> None:
        self._check(message)
        self.deleted.append(f"{message.id} {message.receipt}")

    async def send(self, text: str) -> None:
        self._check()
        self.sent.append(text)

    def _check(self, message: Message | None = None) -> None:
        if self.is_away:
            raise QueueError("The service is away.")
        if message is not None and message.id in self.gone:
            raise MessageGoneError(message.id)


class Calls:
    """A function: the bodies it was called with, and how many of them ran at once; fails with `fail`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.running = 0
        self.most = 0
        self.has_begun = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, message: Message, body: str) -> None:
        self.bodies.append(body)
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == 4:
            self.has_begun.set()
        try:
            await self.may_go_on.wait()
        finally:
            self.running -= 1
        if body.startswith("fail"):
            raise FunctionError("ValueError", f"{message.id}", "")


class Scene:
    """A listener with its queues; `pass_time` lets it work for a while of the story."""

    def __init__(self, *messages: Message, options: QueueOptions | None = None, has_poison: bool = True) -> None:
        self.clock = SkipClock(MOMENT)
        self.queue, self.poison, self.calls = PaperQueue(self.clock, *messages), PaperQueue(self.clock), Calls()
        self.listener = QueueListener(
            "plain",
            self.calls,
            self.queue,
            poison=self.poison if has_poison else None,
            options=options or QueueOptions(),
            clock=self.clock,
        )

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


async def test_message_of_a_queue_of_poison_is_never_given_up() -> None:
    """There is nowhere to put it."""
    scene = Scene(has_poison=False)

    await scene.listener.handle(message("fail", 5))

    assert scene.queue.hidden == [("r0", timedelta(0))]


async def test_text_without_base64_is_taken_as_it_is_where_host_json_says_so() -> None:
    """`messageEncoding: none`."""
    scene = Scene(options=QueueOptions(is_base64=False))

    await scene.listener.handle(replace(message("x"), text="plain words"))

    assert scene.calls.bodies == ["plain words"]


async def test_message_is_kept_while_its_function_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is hidden anew before its time is over, and deleted with the receipt of that."""
    monkeypatch.setattr(queue_listener, "IN_HAND", timedelta(milliseconds=2))
    scene = Scene()
    scene.calls.may_go_on.clear()
    handling = asyncio.create_task(scene.listener.handle(message("long")))

    async with asyncio.timeout(5):
        await scene.queue.was_hidden_thrice.wait()
    scene.calls.may_go_on.set()
    await handling

    assert scene.queue.deleted == [f"long r0{'+' * len(scene.queue.hidden)}"]


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
    assert gaps[0] < timedelta(seconds=0.13)
    assert timedelta(seconds=8) <= gaps[-1] <= timedelta(seconds=10)
    assert 12 <= len(gaps) <= 26
    assert scene.calls.bodies == ["late"]
    assert min(later - earlier for earlier, later in pairwise(busy)) < timedelta(seconds=0.13)


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


def test_options_have_the_extensions_defaults() -> None:
    """The threshold grows with the processors."""
    assert read_queue_options({}, 4) == QueueOptions(16, 32, timedelta(minutes=1), timedelta(0), 5, is_base64=True)


def test_options_are_read() -> None:
    """The section's names are in lower case by then."""
    section = {
        "batchsize": 1,
        "newbatchthreshold": 0,
        "maxpollinginterval": "00:00:02",
        "visibilitytimeout": "00:00:30",
        "maxdequeuecount": 2,
        "messageencoding": "None",
    }

    options = read_queue_options(section)

    assert options == QueueOptions(1, 0, timedelta(seconds=2), timedelta(seconds=30), 2, is_base64=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batchSize", 0),
        ("batchSize", 33),
        ("batchSize", True),
        ("newBatchThreshold", -1),
        ("maxDequeueCount", "five"),
        ("maxPollingInterval", "00:00:00"),
        ("visibilityTimeout", "soon"),
        ("messageEncoding", "gzip"),
    ],
)
def test_option_that_the_extension_refuses_is_refused(name: str, value: object) -> None:
    """With its name."""
    with pytest.raises(HostJsonError, match=name):
        read_queue_options({name.lower(): value})


def test_setting_that_a_name_needs_must_be_there() -> None:
    """It is resolved, or named in the sentence."""
    assert resolved("%A%-x-%B%", {"A": "1", "B": "2"}) == "1-x-2"
    with pytest.raises(ConnectionMissingError, match="'C'"):
        resolved("%C%", {"A": "1"})
