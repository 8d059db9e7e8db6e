"""Runs a queue function for the messages of its queue, as the WebJobs storage extension does.

A message is in hand for ten minutes, renewed halfway while its function runs. It is deleted when the function returns.
When it raises, the message is seen again after `visibilityTimeout`; after `maxDequeueCount` tries it goes to
`<queue>-poison` with its body as it was. A body that cannot be decoded goes there at once. A host that is killed leaves
its messages to be seen again when their ten minutes are over.

Source: Azure/azure-sdk-for-net, `Microsoft.Azure.WebJobs.Extensions.Storage.Queues`, `Listeners/QueueListener.cs`,
`QueueProcessor.cs`, `QueueServiceClientProvider.cs`.
"""

import asyncio
import base64
import binascii
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from devtools.host.clock import Clock
from devtools.host.failures import FunctionError
from devtools.host.queue_options import QueueOptions
from devtools.host.queue_service import Message, MessageGoneError, Queue, QueueError
from devtools.host.running_tasks import RunningTasks

logger = logging.getLogger(__name__)

IN_HAND = timedelta(minutes=10)
FIRST_POLL = timedelta(milliseconds=100)
POISON = "-poison"
_JITTER = 0.2

CallFunction = Callable[[Message, str], Awaitable[None]]
"""Calls the function with a message and its decoded body. Raises FunctionError."""


class UndecodableError(Exception):
    """The body is not in the encoding that host.json names."""


class QueueListener:
    """Listens to one queue for one function; `poison` is None for a queue that is itself one of poison."""

    def __init__(
        self,
        name: str,
        call: CallFunction,
        queue: Queue,
        *,
        poison: Queue | None,
        options: QueueOptions,
        clock: Clock,
    ) -> None:
        self._name = name
        self._call = call
        self._queue = queue
        self._poison = poison
        self._options = options
        self._clock = clock
        self._wake = asyncio.Event()
        self._in_hand = RunningTasks(lambda _: self._wake.set())
        self._poll = FIRST_POLL
        self._is_away = False

    async def run(self) -> None:
        """Work for ever. Cancelled, it abandons what is in hand, which is seen again later."""
        try:
            while True:
                self._wake.clear()
                pause = None
                if len(self._in_hand) <= self._options.new_batch_threshold:
                    pause = self._pause(found=await self._fetch())
                due = None if pause is None else self._clock.now() + pause
                await self._clock.wait_until(due, self._wake, idle=not self._in_hand)
        finally:
            await self._in_hand.abandon()

    async def handle(self, message: Message) -> None:
        """Do with one message all that is to be done."""
        try:
            await self._handle(message)
        except MessageGoneError:
            logger.warning("Message %s of %s is somebody else's by now.", message.id, self._name)
        except QueueError as error:
            # It is seen again when its time is over.
            logger.error("Message %s of %s: %s", message.id, self._name, error)  # noqa: TRY400

    async def _fetch(self) -> bool:
        try:
            messages = await self._queue.receive(self._options.batch_size, IN_HAND)
        except QueueError as error:
            if not self._is_away:
                logger.error("The queue of function %s cannot be read: %s", self._name, error)  # noqa: TRY400
            self._is_away = True
            return False
        if self._is_away:
            self._is_away = False
            logger.info("The queue of function %s can be read again.", self._name)
        for message in messages:
            self._in_hand.start(self.handle(message))
        return bool(messages)

    def _pause(self, *, found: bool) -> timedelta:
        """Look again at once after messages, else after a time that doubles, give or take a fifth."""
        if found:
            self._poll = FIRST_POLL
            return timedelta(0)
        pause = self._poll * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # nothing secret about it
        self._poll = min(self._poll * 2, self._options.longest_poll)
        return min(pause, self._options.longest_poll)

    async def _handle(self, message: Message) -> None:
        if message.dequeue_count > self._options.most_dequeues:
            await self._give_up(message)
            return
        try:
            body = self._decoded(message.text)
        except UndecodableError:
            logger.error("Message %s of %s is not base64.", message.id, self._name)  # noqa: TRY400
            await self._give_up(message)
            return
        held = _Held(message, self._queue)
        renewing = asyncio.create_task(held.renew())
        try:
            await self._call(message, body)
        except FunctionError as error:
            logger.error("Function %s failed: %s", self._name, error.stack or error)  # noqa: TRY400  # its own stack
            await _ended(renewing)
            if message.dequeue_count >= self._options.most_dequeues:
                await self._give_up(held.message)
            else:
                await self._queue.hide(held.message, self._options.retry_after)
                self._wake.set()
        else:
            await _ended(renewing)
            await self._queue.delete(held.message)
        finally:
            renewing.cancel()

    async def _give_up(self, message: Message) -> None:
        """Move it to the queue of poison; where there is none for this queue, let it be seen again."""
        if self._poison is None:
            await self._queue.hide(message, self._options.retry_after)
            return
        logger.error("Message %s of %s is moved to the queue of poison messages.", message.id, self._name)
        await self._poison.send(message.text)
        await self._queue.delete(message)

    def _decoded(self, text: str) -> str:
        if not self._options.is_base64:
            return text
        try:
            return base64.b64decode(text, validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise UndecodableError from error


class _Held:
    """A message that is kept invisible while its function runs."""

    def __init__(self, message: Message, queue: Queue) -> None:
        self.message = message
        self._queue = queue

    async def renew(self) -> None:
        """Until cancelled, make it invisible for another ten minutes every five."""
        while True:
            await asyncio.sleep(IN_HAND.total_seconds() / 2)
            self.message = await self._queue.hide(self.message, IN_HAND)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
