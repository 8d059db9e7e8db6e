"""Events as messages of a storage queue: each is a CloudEvent as JSON text, in base64.

In base64 because that is what a queue trigger expects by default, and how Event Grid itself writes to a storage queue:
a receiver reads both the same way.
"""

from base64 import b64encode

from shared.errors import DeliveryFailed, StorageUnavailable
from shared.events.base import Event
from shared.events.cloud_event import cloud_event, structured
from shared.storage.messages import MessageQueue


class QueueSink:
    """An `EventSink` over a queue; `source` names this deployment in every event."""

    def __init__(self, queue: MessageQueue, source: str) -> None:
        self._queue = queue
        self._source = source

    async def send(self, event: Event) -> None:
        """See `EventSink`."""
        text = structured(cloud_event(event, self._source))
        try:
            await self._queue.send(b64encode(text.encode()).decode())
        except StorageUnavailable as error:
            raise DeliveryFailed(f"event {event.id} did not get into the queue: {error}") from error
