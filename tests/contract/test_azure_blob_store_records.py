"""What only the real adapter can show of versions, lists and tallies: lost replies, limits, and how often it asks."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

from shared.errors import StorageUnavailable
from shared.storage import blob
from shared.storage.base import TALLY_LIMIT
from shared.storage.blob import AzureBlobStore
from tests.support.azurite import connection_string
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.stub_upstream import answer, stub_upstream

pytestmark = pytest.mark.stack

RECORD = "jobs/01jyg74z6ee6e9y23ceq2fmwc4.json"
TALLY = "tallies/2026-03-01"
LOST_REPLIES = [Fault.UNAVAILABLE_AFTER, Fault.RESET_AFTER, Fault.TRUNCATED]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store try as often as ever, but not wait between the tries."""
    retry = ExponentialRetry(initial_backoff=0, increment_base=0, retry_total=2, random_jitter_range=0)
    monkeypatch.setattr(blob, "_retry", lambda: retry)


@pytest.fixture
async def proxy(azurite: str) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the emulator."""
    port = urlsplit(azurite.partition("BlobEndpoint=")[2]).port
    assert port is not None
    async with fault_proxy(port) as running:
        yield running


@pytest.fixture
async def store(azure_store: AzureBlobStore, proxy: FaultProxy) -> AsyncIterator[AzureBlobStore]:
    """A store behind the proxy, over a container that exists."""
    container = azure_store._container.container_name
    await azure_store.create_record("before", {})
    behind = AzureBlobStore.from_connection_string(connection_string(proxy.port), container)
    await behind.replace_record("before", {})
    proxy.requests.clear()
    yield behind
    await behind.close()


async def etag_of(store: AzureBlobStore, record: dict[str, object]) -> str:
    """Write a record and return its version."""
    await store.replace_record(RECORD, record)
    found = await store.read_versioned(RECORD)
    assert found is not None
    return found.etag


@pytest.mark.parametrize("fault", LOST_REPLIES)
async def test_a_version_whose_reply_was_lost_has_been_written(
    store: AzureBlobStore, proxy: FaultProxy, fault: Fault
) -> None:
    """The SDK's second try finds another version there: its own."""
    etag = await etag_of(store, {"count": 1})
    proxy.fail(1, fault)

    assert await store.replace_version(RECORD, {"count": 2}, etag) is True
    assert await store.read_record(RECORD) == {"count": 2}


@pytest.mark.parametrize("fault", LOST_REPLIES)
async def test_a_first_version_whose_reply_was_lost_has_been_written(
    store: AzureBlobStore, proxy: FaultProxy, fault: Fault
) -> None:
    """Likewise where there was none before."""
    proxy.fail(1, fault)

    assert await store.replace_version(RECORD, {"count": 1}, None) is True
    assert await store.read_record(RECORD) == {"count": 1}


async def test_a_write_without_competition_is_one_request(store: AzureBlobStore, proxy: FaultProxy) -> None:
    """Only a conflict is looked into."""
    etag = await etag_of(store, {"count": 1})
    proxy.requests.clear()

    await store.replace_version(RECORD, {"count": 2}, etag)

    assert [request.method for request in proxy.requests] == ["PUT"]


async def test_a_record_that_somebody_holds_is_not_a_changed_one(azurite: str, store: AzureBlobStore) -> None:
    """A lease refuses the write with the same status; reading again would not help the caller."""
    etag = await etag_of(store, {"count": 1})
    async with BlobServiceClient.from_connection_string(azurite) as service:
        await service.get_blob_client(store._container.container_name, RECORD).acquire_lease()

    with pytest.raises(StorageUnavailable):
        await store.replace_version(RECORD, {"count": 2}, etag)


async def test_a_list_is_asked_for_in_pages_until_it_is_long_enough(
    store: AzureBlobStore, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page is one request; no page is asked for in vain."""
    for number in range(8):
        await store.create_record(f"due/{number}", {})
    whole = await store.list_names("due/", limit=8)
    monkeypatch.setattr(blob, "_PAGE", 3)
    requests = {}
    for limit in (3, 4, 8, 99):
        proxy.requests.clear()
        assert await store.list_names("due/", limit=limit) == whole[:limit]
        requests[limit] = len(proxy.requests)

    assert whole == [f"due/{number}" for number in range(8)]
    assert requests == {3: 1, 4: 2, 8: 3, 99: 3}


async def test_a_list_as_long_as_a_page_is_one_request(store: AzureBlobStore, proxy: FaultProxy) -> None:
    """Storage gives as many as 5,000 at once."""
    await store.list_names("due/", limit=5000)

    [request] = proxy.requests
    assert "maxresults=5000" in request.query


async def test_counting_is_one_request_once_the_tally_has_begun(store: AzureBlobStore, proxy: FaultProxy) -> None:
    """The first count begins it: an append in vain, the blob, the append."""
    await store.count_up(TALLY)
    first = [request.query for request in proxy.requests]
    proxy.requests.clear()
    await store.count_up(TALLY)

    assert first == ["comp=appendblock", "", "comp=appendblock"]
    assert [request.query for request in proxy.requests] == ["comp=appendblock"]


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", LOST_REPLIES)
async def test_a_reply_that_was_lost_while_counting_never_makes_a_number_twice(
    store: AzureBlobStore, proxy: FaultProxy, fault: Fault, nth: int
) -> None:
    """It may make the count too large by one, never too small; a tally that exists is never begun again."""
    proxy.fail(nth, fault)
    counts = [await store.count_up(TALLY) for _ in range(3)]
    proxy.fail(1, fault)
    counts += [await store.count_up(TALLY) for _ in range(3)]

    assert counts == sorted(set(counts))
    assert counts[-1] in (7, 8)


async def test_stores_of_several_processes_count_together(azurite: str, azure_store: AzureBlobStore) -> None:
    """Each over connections of its own; only storage adds."""
    container = azure_store._container.container_name
    stores = [AzureBlobStore.from_connection_string(azurite, container) for _ in range(5)]

    counts = await asyncio.gather(*(stores[number % 5].count_up(TALLY) for number in range(50)))
    for store in stores:
        await store.close()

    assert sorted(counts) == list(range(1, 51))


@pytest.mark.parametrize(
    "body", [b"", b"<Error><Code>BlockCountExceedsLimit</Code><Message>Full.</Message></Error>"], ids=["head", "body"]
)
async def test_a_tally_that_storage_cannot_make_longer_is_beyond_the_limit(body: bytes) -> None:
    """Storage takes 50,000 blocks in one blob; it says so in one reply, and is not asked again."""
    headers = {"x-ms-error-code": "BlockCountExceedsLimit", "content-type": "application/xml"}
    async with stub_upstream(answer(409, body, headers=headers)) as stub:
        store = AzureBlobStore.from_connection_string(connection_string(stub.port), "full")

        count = await store.count_up(TALLY)
        await store.close()

    assert count == TALLY_LIMIT + 1
    assert len(stub.requests) == 1


async def test_the_last_number_of_a_tally_is_the_limit() -> None:
    """The reply says where the byte was put; that is what counts."""
    reply = answer(201, headers={"x-ms-blob-append-offset": "49999", "x-ms-blob-committed-block-count": "7"})
    async with stub_upstream(reply) as stub:
        store = AzureBlobStore.from_connection_string(connection_string(stub.port), "full")

        count = await store.count_up(TALLY)
        await store.close()

    assert count == TALLY_LIMIT


async def test_what_is_no_tally_cannot_be_counted_up(store: AzureBlobStore) -> None:
    """The record stays what it is."""
    await store.create_record(RECORD, {"count": 1})

    with pytest.raises(StorageUnavailable):
        await store.count_up(RECORD)

    assert await store.read_record(RECORD) == {"count": 1}
