"""What only the real adapter can show: its container, its memory, and storage that refuses or is not there."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import monotonic

import pytest
from azure.storage.blob.aio import BlobServiceClient

from devtools.stack_settings import ACCOUNT_KEY
from shared.errors import StorageUnavailable
from shared.storage.base import StoredVideo
from shared.storage.blob import AzureBlobStore
from tests.support.azurite import connection_string
from tests.support.credential import FakeCredential
from tests.support.stub_upstream import Answer, Misbehaviour, answer, stub_upstream

pytestmark = pytest.mark.stack

CONTAINER = "test-videos"
NAME = "videos/01jyg74z6ee6e9y23ceq2fmwc4.mp4"
SOME_VIDEO = StoredVideo(10, '"0x1"', datetime(2026, 1, 1, tzinfo=UTC), verified=False)
WRONG_KEY = "d3Jvbmcga2V5"
FEW_SECONDS = 8.0
MB = 1024 * 1024


async def pieces(count: int) -> AsyncIterator[bytes]:
    """Yield `count` pieces of a MB, all different."""
    for number in range(count):
        yield number.to_bytes(4) * (MB // 4)


async def remove_container(azurite: str, container: str) -> None:
    """Delete a container, as an operator might."""
    async with BlobServiceClient.from_connection_string(azurite) as service:
        await service.delete_container(container)


CALLS: dict[str, Callable[[AzureBlobStore], Awaitable[object]]] = {
    "create_record": lambda store: store.create_record("a", {}),
    "read_record": lambda store: store.read_record("a"),
    "read_versioned": lambda store: store.read_versioned("a"),
    "replace_version": lambda store: store.replace_version("a", {}, None),
    "replace_record": lambda store: store.replace_record("a", {}),
    "delete_record": lambda store: store.delete_record("a"),
    "list_names": lambda store: store.list_names("a", limit=10),
    "count_up": lambda store: store.count_up("tally"),
    "write_video": lambda store: store.write_video(NAME, pieces(5)),
    "find_video": lambda store: store.find_video(NAME),
    "mark_verified": lambda store: store.mark_verified(NAME, SOME_VIDEO, {}),
    "delete_video": lambda store: store.delete_video(NAME),
    "read_range": lambda store: store.read_range(NAME, SOME_VIDEO, 0, 10),
    "stream": lambda store: anext(store.stream(NAME, SOME_VIDEO, 0, 10)),
}


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def call_all(connection: str) -> dict[str, BaseException | object]:
    """Call every method at once on a store of its own, and return what came of each."""
    store = AzureBlobStore.from_connection_string(connection, CONTAINER)
    results = await asyncio.gather(*(call(store) for call in CALLS.values()), return_exceptions=True)
    await store.close()
    return dict(zip(CALLS, results, strict=True))


def kinds(results: Mapping[str, object]) -> dict[str, type]:
    """Return the type of each result."""
    return {method: type(result) for method, result in results.items()}


ALL_UNAVAILABLE = dict.fromkeys(CALLS, StorageUnavailable)


async def test_storage_that_is_not_there_is_unavailable_within_seconds() -> None:
    """A refused connection is tried again shortly and then reported, by every method."""
    started = monotonic()

    results = await call_all(connection_string(closed_port()))

    assert kinds(results) == ALL_UNAVAILABLE
    assert monotonic() - started < FEW_SECONDS


async def test_storage_that_refuses_the_key_is_unavailable_and_the_key_is_not_told(azurite: str) -> None:
    """A wrong key is the operator's trouble; no error's text shows it."""
    started = monotonic()

    results = await call_all(azurite.replace(ACCOUNT_KEY, WRONG_KEY))

    assert kinds(results) == ALL_UNAVAILABLE
    assert WRONG_KEY not in str(results)
    assert monotonic() - started < FEW_SECONDS


STRANGE: dict[str, Answer] = {
    "503": answer(503, b"<html>Service Unavailable</html>"),
    "a conflict": answer(409, headers={"x-ms-error-code": "ContainerBeingDeleted"}),
    "XML without a message": answer(404, b"<html><body/></html>", headers={"content-type": "application/xml"}),
    "bytes that are no text": answer(500, b"\xff\xfe"),
    "a body that breaks off": answer(200, b"<html>", length=1000),
    "a reset": Misbehaviour.RESET,
}


@pytest.mark.parametrize("name", STRANGE)
async def test_something_else_in_place_of_storage_is_storage_in_trouble(name: str) -> None:
    """Whatever answers there, every method reports the one error that the app expects."""
    async with stub_upstream(STRANGE[name]) as stub:
        results = await call_all(connection_string(stub.port))

    assert kinds(results) == ALL_UNAVAILABLE


@pytest.mark.parametrize("method", [method for method in CALLS if method != "mark_verified"])
async def test_a_page_with_status_200_is_not_taken_for_storage(method: str) -> None:
    """A captive portal says yes to everything. To `mark_verified` storage itself says no more than that."""
    page = answer(200, b"<html>Please log in</html>", headers={"content-type": "text/html"})
    async with stub_upstream(page) as stub:
        store = AzureBlobStore.from_connection_string(connection_string(stub.port), CONTAINER)

        with pytest.raises(StorageUnavailable):
            await CALLS[method](store)

        await store.close()


async def test_the_container_is_made_on_first_writing(azurite: str, azure_store: AzureBlobStore) -> None:
    """Nobody has to prepare storage; a second store finds the container there and uses it."""
    other = AzureBlobStore.from_connection_string(azurite, azure_store._container.container_name)

    assert await azure_store.create_record("a", {"by": "first"}) is True
    assert await other.create_record("a", {"by": "second"}) is False
    await other.close()


@pytest.mark.parametrize("method", ["create_record", "replace_version", "replace_record", "count_up", "write_video"])
async def test_a_container_that_was_removed_is_made_again_at_the_second_try(
    azurite: str, azure_store: AzureBlobStore, method: str
) -> None:
    """The first write after the removal fails as storage in trouble, the next one works."""
    await azure_store.create_record("before", {})
    await remove_container(azurite, azure_store._container.container_name)

    with pytest.raises(StorageUnavailable):
        await CALLS[method](azure_store)

    assert await azure_store.read_record("before") is None
    await CALLS[method](azure_store)


async def test_a_video_is_typed_as_one_and_keeps_its_facts(azurite: str, azure_store: AzureBlobStore) -> None:
    """Operators and other tools see an MP4 with its measures."""
    await azure_store.write_video(NAME, pieces(5))
    video = await azure_store.find_video(NAME)
    assert video is not None
    await azure_store.mark_verified(NAME, video, {"seconds": "5.000"})

    async with BlobServiceClient.from_connection_string(azurite) as service:
        client = service.get_blob_client(azure_store._container.container_name, NAME)
        found = await client.get_blob_properties()

    assert found.content_settings.content_type == "video/mp4"
    assert found.metadata == {"seconds": "5.000", "verified": "1"}


async def test_the_write_of_a_second_writer_does_not_mix_with_the_first(azure_store: AzureBlobStore) -> None:
    """Two attempts at once leave the bytes of one of them, whole."""

    async def interrupted() -> AsyncIterator[bytes]:
        yield b"a" * (5 * MB)
        await azure_store.write_video(NAME, plain(b"b" * (9 * MB)))
        yield b"a" * (5 * MB)

    async def plain(content: bytes) -> AsyncIterator[bytes]:
        yield content

    with pytest.raises(StorageUnavailable):  # the second one's commit dropped the blocks of the first
        await azure_store.write_video(NAME, interrupted())

    video = await azure_store.find_video(NAME)
    assert video is not None
    assert await azure_store.read_range(NAME, video, 0, 99 * MB) == b"b" * (9 * MB)


async def test_a_large_video_passes_through_a_small_memory(azure_store: AzureBlobStore) -> None:
    """200 MB in and out again, with never more than some blocks of 4 MB held."""
    size = 200 * MB
    tracemalloc.start()
    try:
        written = await azure_store.write_video(NAME, pieces(200))
        video = await azure_store.find_video(NAME)
        assert video is not None
        read = 0
        async for piece in azure_store.stream(NAME, video, 0, size):
            read += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert written == read == size
    assert peak < 40 * MB


async def test_closing_the_store_closes_its_credential() -> None:
    """A store opened by identity owns the credential."""
    credential = FakeCredential()
    store = AzureBlobStore.from_identity("https://account.blob.core.windows.net", CONTAINER, credential)

    await store.close()

    assert credential.closed
