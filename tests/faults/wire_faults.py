"""What strikes do on the wire: to single HTTP requests of the store's, and to operations at the simulator."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from shared.providers.base import RenderedFile
from shared.storage.base import BlobStore
from tests.faults.tap import AnyStrike, Tap
from tests.faults.tapped import Perform, PerformOn, StoreCall
from tests.support.fault_proxy import TRIES, Fault, FaultProxy

Value = TypeVar("Value")


@dataclass(frozen=True)
class RequestStrike:
    """The `request`th request that a call of the store makes meets this fault, and those after it, `times` in all."""

    fault: Fault
    times: int = TRIES
    request: int = 1

    def __str__(self) -> str:
        which = f"request {self.request}/" if self.request > 1 else ""
        return f"{which}{self.fault.value}{' once' if self.times == 1 else ''}"


@dataclass(frozen=True)
class ServiceStrike:
    """The simulator is told this before an operation, and told to forget it after that unless it is for ever.

    With `kills`, the app learns nothing of what becomes of the operation, because its process dies over it.
    """

    name: str
    fault: dict[str, Any]
    kills: bool = False

    @property
    def is_for_ever(self) -> bool:
        """Whether it is meant to last."""
        return "times" in self.fault and self.fault["times"] is None

    def __str__(self) -> str:
        return self.name


class Disturbed(Protocol):
    """A simulator that takes faults."""

    def arm(self, fault: dict[str, Any]) -> None:
        """Let something go wrong, soon."""

    def disarm(self) -> None:
        """Let nothing go wrong any more."""


@dataclass
class WireFaults:
    """Strikes on the wire of one world; `proxied` is its store, reached through the proxy."""

    tap: Tap
    proxy: FaultProxy
    proxied: BlobStore
    simulator: Disturbed

    async def store(self, strike: AnyStrike, call: StoreCall, perform: PerformOn[Value]) -> Value:
        """See `StoreFaults`."""
        assert isinstance(strike, RequestStrike)
        before = len(self.proxy.requests)
        self.proxy.fail(strike.request, strike.fault, times=strike.times)
        try:
            return await perform(self.proxied)
        finally:
            self.proxy.heal()
            assert len(self.proxy.requests) >= before + strike.request, f"{call.method} makes fewer requests"

    async def upstream(self, strike: AnyStrike, operation: str, subject: str, perform: Perform[Value]) -> Value:
        """See `UpstreamFaults`."""
        del operation, subject
        assert isinstance(strike, ServiceStrike)
        self.simulator.arm(strike.fault)
        try:
            return await perform()
        finally:
            self._disarm(strike)
            if strike.kills:
                self.tap.die()

    @asynccontextmanager
    async def fetch(
        self, strike: AnyStrike, upstream_id: str, opened: AbstractAsyncContextManager[RenderedFile]
    ) -> AsyncIterator[RenderedFile]:
        """See `UpstreamFaults`."""
        del upstream_id
        assert isinstance(strike, ServiceStrike)
        self.simulator.arm(strike.fault)
        try:
            async with opened as file:
                yield file
        finally:
            self._disarm(strike)

    def _disarm(self, strike: ServiceStrike) -> None:
        if not strike.is_for_ever:
            self.simulator.disarm()
