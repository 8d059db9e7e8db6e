"""Storage queues through azure-storage-queue. The SDK's own retries are as short as those of blob storage."""

import asyncio
from typing import Any, Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from shared.errors import StorageUnavailable

SEND_SECONDS = 5.0
"""For one message of at most 64 KB, the making of the queue included."""

FOR_EVER = -1
"""A time to live; the service's own is a week, after which a message would vanish unread."""

_OPTIONS: dict[str, Any] = {
    "connection_timeout": 3,
    "read_timeout": 5,
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
}

_TROUBLES = (AzureError, OSError, ValueError, TypeError)
"""What the SDK raises; the last two where something else than storage answers, such as a proxy with its own page."""


class AzureMessageQueue:
    """A `MessageQueue` in a storage account."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    @classmethod
    def from_connection_string(cls, connection_string: str, name: str) -> Self:
        """Open by connection string (local development, or an account that still allows keys)."""
        return cls(QueueClient.from_connection_string(connection_string, name, **_OPTIONS))

    @classmethod
    def from_identity(cls, account_url: str, name: str, credential: AsyncTokenCredential) -> Self:
        """Open by identity; the credential stays its owner's."""
        return cls(QueueClient(account_url, name, credential=credential, **_OPTIONS))

    async def send(self, text: str, *, delay_seconds: int = 0) -> None:
        """See `MessageQueue`."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                try:
                    await self._put(text, delay_seconds)
                except ResourceNotFoundError:
                    await self._make()
                    await self._put(text, delay_seconds)
        except _TROUBLES as error:
            raise StorageUnavailable(f"queue {self._client.queue_name!r} failed: {type(error).__name__}") from error

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _put(self, text: str, delay_seconds: int) -> None:
        await self._client.send_message(text, visibility_timeout=delay_seconds, time_to_live=FOR_EVER)

    async def _make(self) -> None:
        try:
            await self._client.create_queue()
        except ResourceExistsError:
            return
