"""What becomes of a message when its function has ended, or cannot be run.

Source: Azure/azure-sdk-for-net, `Queues/QueueProcessor.cs` of the storage extensions.
"""

import logging
from dataclasses import dataclass

from devtools.host.queue_options import QueueOptions
from devtools.host.queue_service import Message, Queue

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settlement:
    """For one queue and one function of that name; `poison` is None where the queue can have none.

    Each call raises QueueError and MessageGoneError.
    """

    name: str
    queue: Queue
    poison: Queue | None
    options: QueueOptions

    async def succeeded(self, message: Message) -> None:
        """The function has returned: the message is deleted."""
        await self.queue.delete(message)

    async def failed(self, message: Message) -> None:
        """The function has failed: the message is seen again after `visibilityTimeout`, or it is given up."""
        if self.poison is None or message.dequeue_count >= self.options.most_dequeues:
            await self.give_up(message)
        else:
            await self.queue.hide(message, self.options.retry_after)

    async def give_up(self, message: Message) -> None:
        """Move it to the queue of poison; where there is none, leave it hidden."""
        if self.poison is None:
            logger.error("Message %s of %s stays hidden: there is no queue of poison for it.", message.id, self.name)
            return
        logger.error("Message %s of %s is moved to the queue of poison messages.", message.id, self.name)
        await self.poison.send(message.text)
        await self.queue.delete(message)
