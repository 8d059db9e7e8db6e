"""The servers of the wire matrix: started once, and only for the tests that need them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.faults.wire_stage import Servers, Stage, servers, stage


@pytest.fixture(scope="package")
def running_servers() -> Iterator[Servers]:
    """The storage emulator and the simulator."""
    with servers() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def on(running_servers: Servers) -> AsyncIterator[Stage]:
    """Clients of both, in the event loop that all tests on the wire share."""
    async with stage(running_servers) as made:
        yield made
