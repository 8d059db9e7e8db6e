"""The proxy that the tests of failures trust, between the real store and the emulator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

from devtools.stack_settings import ACCOUNT_KEY
from shared.errors import StorageUnavailable
from shared.storage import blob
from shared.storage.blob import AzureBlobStore
from tests.support.azurite import connection_string
from tests.support.fault_proxy import TRIES, Fault, FaultProxy, fault_proxy

pytestmark = pytest.mark.stack

CONTAINER = "test-faults"
RECORD = "jobs/01jyg74z6ee6e9y23ceq2fmwc4.json"
VIDEO = "videos/01jyg74z6ee6e9y23ceq2fmwc4.mp4"
PATH = f"/devstoreaccount1/{CONTAINER}/{RECORD}"

DONE = [Fault.UNAVAILABLE_AFTER, Fault.RESET_AFTER, Fault.TRUNCATED]
PASSING = [fault for fault in Fault if fault is not Fault.CONFLICT]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store try as often as ever, but wait neither between the tries nor long for an answer."""
    retry = ExponentialRetry(initial_backoff=0, increment_base=0, retry_total=2, random_jitter_range=0)
    monkeypatch.setattr(blob, "_retry", lambda: retry)
    monkeypatch.setitem(blob._OPTIONS, "read_timeout", 1)


@asynccontextmanager
async def proxied(azurite: str) -> AsyncIterator[tuple[AzureBlobStore, FaultProxy]]:
    """A store that has been used before, with a proxy between it and the emulator; the record is not there."""
    port = urlsplit(azurite.partition("BlobEndpoint=")[2]).port
    assert port is not None
    async with fault_proxy(port) as proxy:
        store = AzureBlobStore.from_connection_string(connection_string(proxy.port), CONTAINER)
        try:
            await store.create_record("used", {})
            await store.delete_record(RECORD)
            yield store, proxy
        finally:
            await store.close()


async def test_everything_that_a_store_does_passes_unchanged(azurite: str) -> None:
    """Signed requests, links, blocks of a video and conditions: as if there were no proxy."""
    content = bytes(number % 251 for number in range(9_000_000))

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    async with proxied(azurite) as (store, _):
        assert await store.create_record(RECORD, {"prompt": "møøse 🦆"}) is True
        assert await store.read_record(RECORD) == {"prompt": "møøse 🦆"}
        assert await store.write_video(VIDEO, chunks()) == len(content)
        video = await store.find_video(VIDEO)
        assert video is not None
        async with aclosing(store.stream(VIDEO, video, 0, video.size)) as stream:
            assert b"".join([piece async for piece in stream]) == content
        assert await store.list_names("jobs/", limit=9) == [RECORD]
        await store.delete_video(VIDEO)
        assert await store.find_video(VIDEO) is None


async def test_storage_still_looks_at_the_signature(azurite: str) -> None:
    """The proxy does not sign anything itself."""
    async with proxied(azurite) as (_, proxy):
        wrong = connection_string(proxy.port).replace(ACCOUNT_KEY, "d3Jvbmcga2V5")
        store = AzureBlobStore.from_connection_string(wrong, CONTAINER)

        with pytest.raises(StorageUnavailable):
            await store.read_record("used")

        await store.close()


async def test_requests_are_listed_in_order(azurite: str) -> None:
    """With their path and query as they were sent."""
    async with proxied(azurite) as (store, proxy):
        proxy.requests.clear()
        await store.create_record(RECORD, {})
        await store.list_names("jobs/", limit=7)

        created, listed = proxy.requests

    assert created == ("PUT", PATH, "")
    assert (listed.method, listed.path) == ("GET", f"/devstoreaccount1/{CONTAINER}")
    assert sorted(listed.query.split("&")) == ["comp=list", "maxresults=7", "prefix=jobs/", "restype=container"]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_is_bridged_by_the_store(azurite: str, fault: Fault) -> None:
    """Tried again at once, whether or not the first try has been done; the proxy goes on with the next request."""
    async with proxied(azurite) as (store, proxy):
        proxy.fail(1, fault)

        assert await store.create_record(RECORD, {"writer": 1}) is True
        assert await store.create_record(RECORD, {"writer": 2}) is False
        assert await store.read_record(RECORD) == {"writer": 1}


@pytest.mark.parametrize("fault", Fault)
async def test_a_fault_that_lasts_reaches_the_app_and_is_over_once_healed(azurite: str, fault: Fault) -> None:
    """Storage in trouble, with or without the effect, as the kind of fault says."""
    async with proxied(azurite) as (store, proxy):
        proxy.fail(1, fault, times=TRIES)

        with pytest.raises(StorageUnavailable):
            await store.create_record(RECORD, {"writer": 1})

        proxy.heal()
        assert await store.read_record(RECORD) == ({"writer": 1} if fault in DONE else None)


@pytest.mark.parametrize("fault", Fault)
async def test_a_read_meets_faults_as_a_write_does(azurite: str, fault: Fault) -> None:
    """Also where half of a record arrives, which is none."""
    async with proxied(azurite) as (store, proxy):
        await store.create_record(RECORD, {"prompt": "a long road"})
        proxy.fail(1, fault, times=TRIES)

        with pytest.raises(StorageUnavailable):
            await store.read_record(RECORD)

        proxy.heal()
        assert await store.read_record(RECORD) == {"prompt": "a long road"}


@pytest.mark.parametrize(
    ("fault", "tries"), [(Fault.CONFLICT, 1), (Fault.UNAVAILABLE_BEFORE, 3), (Fault.RESET_AFTER, TRIES)]
)
async def test_a_call_of_the_store_is_tried_so_often(azurite: str, fault: Fault, tries: int) -> None:
    """What a test must know that lets a fault last; no kind takes more."""
    async with proxied(azurite) as (store, proxy):
        proxy.fail(1, fault, times=2 * TRIES)
        proxy.requests.clear()

        with pytest.raises(StorageUnavailable):
            await store.create_record(RECORD, {})

        assert proxy.requests == [("PUT", PATH, "")] * tries


async def test_a_video_whose_stream_breaks_off_is_continued(azurite: str) -> None:
    """Half a body arrives as such: the store asks for the other half."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"0123456789"

    async with proxied(azurite) as (store, proxy):
        await store.write_video(VIDEO, chunks())
        video = await store.find_video(VIDEO)
        assert video is not None
        proxy.fail(1, Fault.TRUNCATED)
        proxy.requests.clear()

        assert await store.read_range(VIDEO, video, 0, 10) == b"0123456789"

        assert len(proxy.requests) == 2


async def test_many_connections_at_once_keep_their_replies_apart(azurite: str) -> None:
    """One fault among them hits one request only."""
    async with proxied(azurite) as (store, proxy):
        proxy.fail(5, Fault.RESET_AFTER)

        counts = await asyncio.gather(*(store.count_up("tally") for _ in range(12)))

        assert len(set(counts)) == 12
        assert await store.count_up("tally") in (13, 14)


async def test_another_client_of_storage_needs_nothing_but_the_port(azurite: str) -> None:
    """As the SDK's own client shows."""
    async with (
        proxied(azurite) as (_, proxy),
        BlobServiceClient.from_connection_string(connection_string(proxy.port)) as client,
    ):
        names = [found.name async for found in client.list_containers()]

    assert CONTAINER in names
