"""The storage emulator and fresh stores on it."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.storage.base import BlobStore
from shared.storage.blob import AzureBlobStore
from tests.support.azurite import running_azurite

STORES = [pytest.param("memory", id="memory"), pytest.param("azurite", id="azurite", marks=pytest.mark.stack)]


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    """The connection string of a running emulator."""
    with running_azurite() as connection_string:
        yield connection_string


@pytest.fixture
async def azure_store(azurite: str) -> AsyncIterator[AzureBlobStore]:
    """A store on the emulator, over a container that does not exist yet."""
    store = AzureBlobStore.from_connection_string(azurite, f"test-{uuid4()}")
    yield store
    await store.close()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> BlobStore:
    """An empty store of each kind; the emulator is started only where it is asked for."""
    if request.param == "memory":
        return InMemoryStore()
    made: AzureBlobStore = request.getfixturevalue("azure_store")
    return made
