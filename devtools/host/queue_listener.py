"""Runs a queue function for the messages of its queue, as the WebJobs storage extension does.

A message is in hand for ten minutes, renewed halfway while its function runs. It is deleted when the function returns.
When it raises, the message is seen again after `visibilityTimeout`; after `maxDequeueCount` tries it goes to
`<queue>-poison` with its body as it was. A body that cannot be decoded goes there at once. Where there can be no such
queue, a message that fails stays hidden for the rest of its ten minutes, so that it does not go round and round, and
after `maxDequeueCount` tries it is not run any more. A host that is killed leaves its messages to be seen again when
their ten minutes are over.

Source: Azure/azure-sdk-for-net, `Queues/QueueListener.cs` of the storage extensions, and for what cannot be decoded
`QueueServiceClientProvider.cs`.
"""

import logging
from asyncio import Event
from collections.abc import Awaitable, Callable
from datetime import timedelta

from devtools.host.clock import Clock
from devtools.host.failures import FunctionError
from devtools.host.queue_backoff import Backoff
from devtools.host.queue_body import UndecodableError, body_of
from devtools.host.queue_lease import IN_HAND, Lease, leased
from devtools.host.queue_service import Message, MessageGoneError, QueueError
from devtools.host.queue_settlement import Settlement
from devtools.host.running_tasks import RunningTasks

logger = logging.getLogger(__name__)

CallFunction = Callable[[Message, bytes], Awaitable[None]]
"""Calls the function with a message and its decoded body. Raises FunctionError."""


class QueueListener:
    """Calls a function for the messages of a queue, and settles them."""

    def __init__(self, call: CallFunction, settlement: Settlement, clock: Clock) -> None:
        self._call = call
        self._settlement = settlement
        self._name = settlement.name
        self._queue = settlement.queue
        self._options = settlement.options
        self._clock = clock
        self._wake = Event()
        self._in_hand = RunningTasks(lambda _: self._wake.set())
        self._running: set[Lease] = set()
        self._is_away = False

    @property
    def running(self) -> list[Message]:
        """The messages whose function runs, with their latest receipts; any thread may ask."""
        return [lease.message for lease in self._running.copy()]

    async def run(self) -> None:
        """Work for ever. Cancelled, it abandons what is in hand, which is seen again later."""
        backoff = Backoff(self._options.longest_poll)
        has_found = False
        try:
            while True:
                await self._room()
                if await self._fetch():
                    has_found = True
                    continue
                await self._rest(backoff.rest(has_found=has_found))
                has_found = False
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

    async def _room(self) -> None:
        """Return when there are so few messages in hand that a batch may be fetched."""
        while len(self._in_hand) > self._options.new_batch_threshold:
            self._wake.clear()
            await self._clock.wait_until(None, self._wake, idle=False)

    async def _rest(self, duration: timedelta) -> None:
        due = self._clock.now() + duration
        while self._clock.now() < due:
            self._wake.clear()
            await self._clock.wait_until(due, self._wake, idle=not self._in_hand)

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

    async def _handle(self, message: Message) -> None:
        if message.dequeue_count > self._options.most_dequeues:
            await self._settlement.give_up(message)
            return
        try:
            body = body_of(message.text, is_base64=self._options.is_base64)
        except UndecodableError:
            logger.error("Message %s of %s is not base64.", message.id, self._name)  # noqa: TRY400
            await self._settlement.give_up(message)
            return
        has_failed = False
        async with leased(message, self._queue, self._clock) as lease:
            self._running.add(lease)
            try:
                await self._call(message, body)
            except FunctionError as error:
                logger.error("Function %s failed: %s", self._name, error.stack or error)  # noqa: TRY400  # its own stack
                has_failed = True
            finally:
                self._running.discard(lease)
        if has_failed:
            await self._settlement.failed(lease.message)
        else:
            await self._settlement.succeeded(lease.message)
