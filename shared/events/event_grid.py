"""Events to an Event Grid topic (with the CloudEvents schema), through azure-eventgrid."""

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.eventgrid.aio import EventGridPublisherClient

from shared.errors import DeliveryFailed
from shared.events.base import Event
from shared.events.cloud_event import cloud_event

_TROUBLES = (AzureError, OSError, ValueError, TypeError)
"""What the SDK raises; the last two where something else than Event Grid answers."""


class EventGridSink:
    """An `EventSink` over a topic; the SDK's own retries are off, since whoever sends tries again later."""

    def __init__(self, client: EventGridPublisherClient, source: str) -> None:
        self._client = client
        self._source = source

    @classmethod
    def from_identity(cls, endpoint: str, credential: AsyncTokenCredential, source: str) -> "EventGridSink":
        """Open a topic by identity, which needs the role EventGrid Data Sender there."""
        client = EventGridPublisherClient(endpoint, credential, retry_total=0, connection_timeout=3, read_timeout=5)
        return cls(client, source)

    async def send(self, event: Event) -> None:
        """See `EventSink`."""
        try:
            await self._client.send(cloud_event(event, self._source))
        except _TROUBLES as error:
            raise DeliveryFailed(f"event {event.id} did not get to the topic: {type(error).__name__}") from error

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()
