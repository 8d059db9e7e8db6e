"""Storage queues through Azure's own library."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from devtools.host.queue_service import ConnectionMissingError, Message, MessageGoneError, Queue, QueueError

_TRY_SECONDS = 30


class AzureQueue:
    """A queue of a storage account, or of its emulator."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    async def receive(self, most: int, invisible: timedelta) -> Sequence[Message]:
        """See `Queue`."""
        try:
            pages = self._client.receive_messages(
                messages_per_page=most, visibility_timeout=_seconds(invisible), timeout=_TRY_SECONDS
            ).by_page()
            # The first page only: the library would ask on until nothing is left.
            return [_message(found) async for found in await anext(pages)]
        except StopAsyncIteration:
            return []
        except ResourceNotFoundError:
            return []
        except AzureError as error:
            raise QueueError(_first_line(error)) from error

    async def hide(self, message: Message, invisible: timedelta) -> Message:
        """See `Queue`."""
        try:
            # Without its content, which stays as it is.
            updated = await self._client.update_message(
                message.id, message.receipt, visibility_timeout=_seconds(invisible)
            )
        except AzureError as error:
            raise _of_message(error, message) from error
        return Message(**{**vars(message), "receipt": updated.pop_receipt or ""})

    async def delete(self, message: Message) -> None:
        """See `Queue`."""
        try:
            await self._client.delete_message(message.id, message.receipt)
        except AzureError as error:
            raise _of_message(error, message) from error

    async def send(self, text: str) -> None:
        """See `Queue`."""
        try:
            try:
                await self._client.send_message(text)
            except ResourceNotFoundError:
                await self._make()
                await self._client.send_message(text)
        except AzureError as error:
            raise QueueError(_first_line(error)) from error

    async def _make(self) -> None:
        with suppress(ResourceExistsError):
            await self._client.create_queue()


@asynccontextmanager
async def azure_queue(connection_string: str, name: str) -> AsyncIterator[Queue]:
    """A queue of the account that a connection string names. Raises ConnectionMissingError."""
    try:
        client = QueueClient.from_connection_string(connection_string, name, retry_total=0)
    except ValueError as error:
        raise ConnectionMissingError(f"The connection string for the queue {name!r} cannot be read.") from error
    async with client:
        yield AzureQueue(client)


def connection_string(connection: str, environ: Mapping[str, str]) -> str:
    """The connection string that a trigger means by that name. Raises ConnectionMissingError.

    `AzureWebJobs` and the name is looked for first, then the name alone (Azure/azure-webjobs-sdk,
    `Extensions/IConfigurationExtensions.cs`).
    """
    for name in (f"AzureWebJobs{connection}", connection):
        if found := environ.get(name):
            return found
        if any(other.startswith(f"{name}__") for other in environ):
            raise ConnectionMissingError(
                f"The settings {name}__... name an identity, which the local host does not use; "
                f"set {name} to a connection string."
            )
    raise ConnectionMissingError(f"The setting {connection!r}, a connection string for storage, is not there.")


def _message(found: QueueMessage) -> Message:
    now = datetime.now(UTC)
    return Message(
        id=found.id,
        text=str(found.content),
        receipt=found.pop_receipt or "",
        dequeue_count=found.dequeue_count or 0,
        inserted_at=found.inserted_on or now,
        expires_at=found.expires_on or now,
        next_visible_at=found.next_visible_on or now,
    )


def _of_message(error: AzureError, message: Message) -> QueueError | MessageGoneError:
    """What went wrong with a message in hand; a receipt that is not the latest is a bad request for storage."""
    is_stale = isinstance(error, HttpResponseError) and getattr(error, "error_code", None) == "PopReceiptMismatch"
    if is_stale or isinstance(error, ResourceNotFoundError):
        return MessageGoneError(message.id)
    return QueueError(_first_line(error))


def _seconds(time: timedelta) -> int:
    return int(time.total_seconds())


def _first_line(error: AzureError) -> str:
    return str(error).partition("\n")[0]
