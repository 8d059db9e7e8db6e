"""The real adapters on real servers: storage emulator and simulator, started once, and a world of its own for a cell.

The simulator's clock is the world's, which skips. Every world begins some days after the last one, so that nothing of
an earlier one is found in it; its store has a container of its own. What is struck goes through a proxy that does what
networks do.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

from devtools.host.clock import SkipClock
from devtools.sora_sim.faults import parse_faults
from devtools.sora_sim.rendering import CopyRenderer
from devtools.sora_sim.server import running_simulator
from devtools.sora_sim.settings import SimulatorSettings
from shared.providers.videos_api import VideosApiProvider
from shared.storage import blob, blob_stream
from shared.storage.blob import AzureBlobStore
from tests.faults.studio import small_film
from tests.faults.tap import Tap
from tests.faults.tapped import TappedProvider, TappedStore
from tests.faults.wire_faults import WireFaults
from tests.faults.world import World, running_world
from tests.support.azurite import connection_string, running_azurite
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.whole_app import START

APART: Final = timedelta(days=10)
"""Between the beginnings of two worlds: more than any of them lasts."""

UPSTREAM_SECONDS: Final = 0.7
"""How long the adapter waits for an answer that does not come."""

SILENCE_SECONDS: Final = 0.5
"""How long the store waits for one."""

TIMEOUTS: Final[Mapping[str, float]] = {"submit_timeout_seconds": 600, "render_timeout_seconds": 900}
"""Stages are given up earlier than usual: here, looking again and again takes real time."""


@dataclass
class Clocks:
    """The clocks of all worlds so far; the last one is the simulator's, too."""

    made: list[SkipClock] = field(default_factory=lambda: [SkipClock(START)])

    def now(self) -> float:
        """Return the simulator's time."""
        return self.made[-1].now().timestamp()

    def begin(self) -> SkipClock:
        """Return the clock of a new world."""
        self.made.append(SkipClock(self.made[-1].now() + APART))
        return self.made[-1]


class Simulator:
    """An `Upstream` that is asked and told over its control routes."""

    def __init__(self, control: httpx.Client, now: Callable[[], datetime]) -> None:
        self._http = control
        self._now = now
        self._since = now().timestamp()
        self._seen: tuple[datetime, list[dict[str, Any]]] | None = None
        self.disarm()

    def jobs(self) -> list[dict[str, Any]]:
        """Return the jobs of this world, those that are gone included; asked once in a moment of the story."""
        if self._seen is None or self._seen[0] != self._now():
            jobs = self._http.get("/jobs").json()
            self._seen = self._now(), [job for job in jobs if job["created_at"] >= self._since]
        return self._seen[1]

    def accepting_calls(self, prompt: str) -> list[dict[str, Any]]:
        """Return the calls by which jobs for that prompt were accepted."""
        jobs = [job["id"] for job in self.jobs() if job["prompt"] == prompt]
        calls = self._http.get("/calls").json()
        return [call for call in calls if call["method"] == "POST" and call["job"] in jobs]

    def arm(self, fault: dict[str, Any]) -> None:
        """Let something go wrong, soon."""
        parse_faults(fault)  # says better than an answer what is wrong with it
        self._http.post("/faults", json=fault).raise_for_status()

    def disarm(self) -> None:
        """Let nothing go wrong any more."""
        self._http.delete("/faults")

    def paid(self, prompt: str) -> int:
        """See `Upstream`."""
        return sum(job["prompt"] == prompt for job in self.jobs())

    def most_at_once(self) -> int:
        """See `Upstream`: by how many have not ended, because a render takes no time here unless it takes for ever."""
        return sum(self.goes_on(str(job["prompt"])) for job in self.jobs())

    def unplaced(self) -> int:
        """See `Upstream`: nobody looks here."""
        return 0

    def goes_on(self, prompt: str) -> bool:
        """See `Upstream`."""
        running = ("queued", "in_progress")
        return any(job["prompt"] == prompt and job["status"] in running and not job["gone"] for job in self.jobs())

    def film(self, prompt: str) -> bytes:
        """See `Upstream`: every job gets the same."""
        del prompt
        return small_film()

    def take_long(self, prompt: str) -> None:
        """See `Upstream`: for ever, here."""
        self.arm({"kind": "never_finish", "operation": "create", "prompt": prompt})

    def hurry(self) -> None:
        """See `Upstream`."""
        raise NotImplementedError("what renders for ever here is only stopped")

    def be_full_once(self) -> None:
        """See `Upstream`."""
        self.arm({"kind": "respond", "operation": "create", "status": 429})

    def lose_an_answer(self) -> None:
        """See `Upstream`."""
        self.arm({"kind": "close", "operation": "create", "when": "after"})

    def lose_a_submission(self) -> None:
        """See `Upstream`."""
        self.arm({"kind": "close", "operation": "create", "when": "before"})


@dataclass(frozen=True)
class Stage:
    """The servers, and one client of each for all worlds: making one takes as long as a world does."""

    clocks: Clocks
    control: httpx.Client
    proxy: FaultProxy
    blobs: BlobServiceClient
    proxied_blobs: BlobServiceClient
    provider: VideosApiProvider


@dataclass(frozen=True)
class Servers:
    """Where the servers listen."""

    blob_port: int
    simulator: str
    clocks: Clocks


@contextmanager
def servers() -> Iterator[Servers]:
    """Run the servers; skips where the storage emulator is not installed."""
    with running_azurite() as connection, TemporaryDirectory() as folder:
        port = urlsplit(connection.partition("BlobEndpoint=")[2]).port
        assert port is not None
        film, clocks = Path(folder, "film.mp4"), Clocks()
        film.write_bytes(small_film())
        settings = SimulatorSettings(Path(folder, "state"), render_seconds=0, max_running=9, now=clocks.now)
        with running_simulator(settings, CopyRenderer(film)) as simulator:
            yield Servers(port, simulator, clocks)


@asynccontextmanager
async def stage(running: Servers) -> AsyncIterator[Stage]:
    """Connect to the servers, for as long as this event loop runs."""
    async with AsyncExitStack() as stack:
        stack.enter_context(_impatient_store())
        proxy = await stack.enter_async_context(fault_proxy(running.blob_port))
        direct, proxied = (
            AzureBlobStore.from_connection_string(connection_string(port), "unused")
            for port in (running.blob_port, proxy.port)
        )
        stack.push_async_callback(direct.close)
        stack.push_async_callback(proxied.close)
        provider = VideosApiProvider(f"{running.simulator}/v1", "a-key", "a-model", UPSTREAM_SECONDS)
        stack.push_async_callback(provider.close)
        control = stack.enter_context(httpx.Client(base_url=f"{running.simulator}/_sim", timeout=10))
        yield Stage(running.clocks, control, proxy, direct._service, proxied._service, provider)


@asynccontextmanager
async def wire_world(on: Stage) -> AsyncIterator[World]:
    """A world of the real adapters, whose faults strike on the wire."""
    clock = on.clocks.begin()
    tap, simulator = Tap(clock.now), Simulator(on.control, clock.now)
    async with fresh_store(on) as (store, proxied):
        faults = WireFaults(tap, on.proxy, proxied, simulator)
        async with running_world(
            tap,
            clock,
            store=(TappedStore(store, tap, faults), store),
            provider=(TappedProvider(on.provider, tap, faults), simulator),
            flow=TIMEOUTS,
        ) as world:
            yield world


@asynccontextmanager
async def fresh_store(on: Stage) -> AsyncIterator[tuple[AzureBlobStore, AzureBlobStore]]:
    """A store in a container of its own, which is there, reached directly and through the proxy.

    Only what is struck goes through the proxy, which takes as long over a request as storage does.
    """
    container = f"world-{uuid4()}"
    store, proxied = AzureBlobStore(on.blobs, container, None), AzureBlobStore(on.proxied_blobs, container, None)
    await store._ensure_container()
    proxied._container_exists = True
    try:
        yield store, proxied
    finally:
        await store._streams.close()
        await proxied._streams.close()


@contextmanager
def _impatient_store() -> Iterator[None]:
    """Let the store try as often as ever, but wait neither between the tries nor long for an answer."""
    retry = ExponentialRetry(initial_backoff=0, increment_base=0, retry_total=2, random_jitter_range=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blob, "_retry", lambda: retry)
        patch.setitem(blob._OPTIONS, "read_timeout", SILENCE_SECONDS)
        patch.setattr(blob_stream, "_OPEN_SECONDS", SILENCE_SECONDS)
        patch.setattr(blob_stream, "_WAITS", (0.01,) * len(blob_stream._WAITS))
        yield
