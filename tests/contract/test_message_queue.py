"""Storage queues, as far as the app writes to them, on the emulator."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from azure.storage.queue.aio import QueueClient

from shared.errors import StorageUnavailable
from shared.storage.queue import AzureMessageQueue
from tests.support.azurite import connection_string, running_azurite
from tests.support.credential import FakeCredential

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    """The connection string of a running emulator of queues."""
    with running_azurite("queue") as running:
        yield running


@pytest.fixture
async def queue(azurite: str) -> AsyncIterator[tuple[AzureMessageQueue, QueueClient]]:
    """A queue that does not exist yet, as the app writes to it and as somebody else reads it."""
    name = f"test-{uuid4()}"
    written = AzureMessageQueue.from_connection_string(azurite, name)
    async with QueueClient.from_connection_string(azurite, name) as read:
        yield written, read
    await written.close()


async def test_a_queue_is_made_by_its_first_message(queue: tuple[AzureMessageQueue, QueueClient]) -> None:
    """And messages come out as they were put in."""
    written, read = queue

    await written.send('{"prompt": "a <calm> lake & ü"}')
    await written.send("second")

    assert [message.content async for message in read.receive_messages()] == [
        '{"prompt": "a <calm> lake & ü"}',
        "second",
    ]


async def test_a_message_never_expires(queue: tuple[AzureMessageQueue, QueueClient]) -> None:
    """Unread for longer than the service's own seven days, it is still there."""
    written, read = queue

    await written.send("for whoever comes late")

    (message,) = [each async for each in read.receive_messages()]
    assert message.expires_on is not None
    assert message.expires_on.year == 9999


async def test_a_delayed_message_is_not_seen_yet(queue: tuple[AzureMessageQueue, QueueClient]) -> None:
    """It counts, and nobody receives it."""
    written, read = queue

    await written.send("later", delay_seconds=3600)

    assert [message async for message in read.receive_messages()] == []
    assert (await read.get_queue_properties()).approximate_message_count == 1


async def test_a_queue_that_is_not_there_is_unavailable_within_seconds() -> None:
    """Nothing listens at that port."""
    away = AzureMessageQueue.from_connection_string(connection_string(9, "queue"), "away")

    with pytest.raises(StorageUnavailable):
        await away.send("lost")
    await away.close()


async def test_an_identity_without_a_token_is_a_queue_in_trouble() -> None:
    """Its error does not leave the adapter as it is."""
    credential = FakeCredential(ValueError("no token"))
    away = AzureMessageQueue.from_identity("https://127.0.0.1:9/", "away", credential)

    with pytest.raises(StorageUnavailable):
        await away.send("lost")
    assert credential.scopes == ["https://storage.azure.com/.default"]
    await away.close()
