"""Keeps a message in hand while its function runs.

Source: Azure/azure-sdk-for-net, `UpdateQueueMessageVisibilityCommand.cs`, `Timers/LinearSpeedupStrategy.cs` and
`Queues/QueueListener.cs` of the storage extensions.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from devtools.host.clock import Clock
from devtools.host.queue_service import Message, MessageGoneError, Queue, QueueError

logger = logging.getLogger(__name__)

IN_HAND = timedelta(minutes=10)
_SHORTEST_WAIT = timedelta(minutes=1)


class Lease:
    """A message that nobody else sees; `message` has its latest receipt."""

    def __init__(self, message: Message, queue: Queue, clock: Clock) -> None:
        self.message = message
        self._queue = queue
        self._clock = clock
        self._over = asyncio.Event()

    async def renew(self) -> None:
        """Hide the message for another ten minutes every five, until `end` is called or somebody else has it.

        When that fails it is tried again after half the time, but not within a minute.
        """
        wait = IN_HAND / 2
        while await self._lasts(wait):
            try:
                self.message = await self._queue.hide(self.message, IN_HAND)
            except MessageGoneError:
                return
            except QueueError as error:
                logger.warning("Message %s could not be kept: %s", self.message.id, error)
                wait = max(wait / 2, _SHORTEST_WAIT)
            else:
                wait = IN_HAND / 2

    def end(self) -> None:
        """Renew no more; a renewal that is under way ends first, because it changes the receipt."""
        self._over.set()

    async def _lasts(self, duration: timedelta) -> bool:
        """Whether the lease is still wanted after that time."""
        due = self._clock.now() + duration
        while not self._over.is_set() and self._clock.now() < due:
            await self._clock.wait_until(due, self._over, idle=False)
        return not self._over.is_set()


@asynccontextmanager
async def leased(message: Message, queue: Queue, clock: Clock) -> AsyncIterator[Lease]:
    """Keep the message while the context is open."""
    lease = Lease(message, queue, clock)
    renewing = asyncio.create_task(lease.renew())
    try:
        yield lease
    finally:
        lease.end()
        await renewing
