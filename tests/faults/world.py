"""A small world: the whole app with one place at the video service, two jobs or so, and a tap on all that it calls."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from devtools.fakes.in_memory_store import InMemoryStore
from devtools.host.clock import SkipClock
from devtools.host.inprocess import in_process_host
from shared.jobs.ids import CAPACITY
from shared.jobs.models import FlowSettings
from shared.providers.base import VideoProvider
from shared.storage.base import BlobStore
from shared.wiring import Limits, Services, use_services
from tests.faults.disk import Disk
from tests.faults.hurry import folder_in_memory, impatient
from tests.faults.port_faults import PortFaults
from tests.faults.studio import Studio, Upstream
from tests.faults.tap import Tap
from tests.faults.tapped import TappedClient, TappedProvider, TappedStore
from tests.faults.vocabulary import Kind, Port
from tests.support.activities import Killed
from tests.support.builders import FLOW
from tests.support.whole_app import START, WholeApp, _catalog
from tests.unit.api.calling import Answer

PATIENCE_MINUTES: Final = 30
"""A client asks again for so long; an outage lasts ten minutes."""

_DAYS: Final = {
    "wait_timeout_seconds": timedelta(days=1).total_seconds(),
    "job_timeout_seconds": timedelta(days=2).total_seconds(),
    "video_retention_seconds": timedelta(days=30).total_seconds(),
}


@dataclass
class World(WholeApp):
    """See the module's docstring; made by `fake_world` or `wire_world`.

    `jobs` are those that were accepted, by their prompts; `store_behind` and `upstream` are what is behind the tap.
    `shown` is every custom status that a story has set.
    """

    tap: Tap = field(kw_only=True)
    store_behind: BlobStore = field(kw_only=True)
    upstream: Upstream = field(kw_only=True)
    jobs: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    shown: list[object] = field(default_factory=list)

    async def start(self) -> None:
        """Start the process, with nothing in its memory."""
        stack = AsyncExitStack()
        stack.enter_context(use_services(replace(self.services, kept={})))
        catalog = self.tap.instrumented(_catalog())
        opened = in_process_host(catalog, self.folder, clock=self.clock, on_episode=self._heard)
        host = await stack.enter_async_context(opened)
        host.client = host.worker.client = TappedClient(host.engine, self.tap)
        self._stack, self._host = stack, host
        self.tap.begin_life()

    async def call(self, function: str, method: str, path: str, **options: Any) -> Answer:
        """Call an HTTP function as the host does, and remember its answer."""
        answer = await super().call(function, method, path, **options)
        self.answers.append(answer)
        return answer

    async def status(self, job_id: str) -> str:
        """See `WholeApp`; empty where it cannot be read, because the story is gone and storage is down."""
        if self.tap.is_down(Port.STORE):
            answer = await self.call("status", "GET", f"/api/status/{job_id}", job_id=job_id)
            if answer.status == 500:
                return ""
        return await super().status(job_id)

    async def ask_for(self, prompt: str, key: str | None = None) -> bool:
        """Ask for a video once, and say whether the job was accepted; the process may die over it."""
        try:
            answer = await self.post(prompt, key)
        except Killed:
            await self.restart()
            return False
        assert answer.status in (200, 500), answer
        if answer.status == 200:
            self.jobs[prompt] = str(json.loads(answer.body)["job_id"])
        return answer.status == 200

    async def have(self, prompt: str) -> None:
        """Have a job accepted, as a client with a key that asks until it gets an answer."""
        for _ in range(PATIENCE_MINUTES):
            if await self._once_or_twice("generate", lambda: self.ask_for(prompt, key=f'"the key of {prompt}"')):
                await self.settle()
                return
            await self.pass_time(minutes=1)
        raise AssertionError(f"{prompt!r} was not accepted in {PATIENCE_MINUTES} minutes")

    async def have_cancelled(self, prompt: str) -> None:
        """Cancel a job, as a client that asks until it gets an answer."""
        for _ in range(PATIENCE_MINUTES):
            if await self._once_or_twice("cancel", lambda: self._cancel(prompt)):
                await self.settle()
                return
            await self.pass_time(minutes=1)
        raise AssertionError(f"{prompt!r} was not cancelled in {PATIENCE_MINUTES} minutes")

    async def jump_to_next_chore(self, prompt: str) -> None:
        """Let days pass in which nothing happens, not even a sweep, until the job's next appointment."""
        appointments = (await Disk.read(self.store_behind)).appointments(self.jobs[prompt])
        await self.host.advance(min(due for due in appointments if due > self.clock.now()) - self.clock.now())

    async def _cancel(self, prompt: str) -> bool:
        try:
            answer = await self.cancel(self.jobs[prompt])
        except Killed:
            await self.restart()
            return False
        assert answer.status in (200, 500), answer
        return answer.status == 200

    async def _once_or_twice(self, row: str, ask: Callable[[], Awaitable[bool]]) -> bool:
        match self.tap.delivery_of(row):
            case Kind.AT_ONCE:
                return all(await asyncio.gather(ask(), ask()))
            case Kind.TWICE:
                await ask()
        return await ask()

    def _heard(self, _trigger: str, answer: str) -> None:
        self.shown.append(json.loads(answer).get("customStatus"))


@asynccontextmanager
async def running_world(
    tap: Tap,
    clock: SkipClock,
    *,
    store: tuple[BlobStore, BlobStore],
    provider: tuple[VideoProvider, Upstream],
    submits_per_minute: int | None = None,
    short_deadlines: bool = False,
    flow: Mapping[str, float] | None = None,
) -> AsyncIterator[World]:
    """The app over a store and a provider, each given with and without the tap before it; `flow` is of all jobs."""
    services = Services(
        provider=provider[0],
        store=store[0],
        flow=FlowSettings.model_validate({**FLOW, **_DAYS, **(flow or {})}),
        now=clock.now,
        limits=Limits(renders=1, submits_per_minute=submits_per_minute),
    )
    with impatient(short_deadlines=short_deadlines), folder_in_memory() as folder:
        world = World(
            folder, provider[0], store[0], services, clock, tap=tap, store_behind=store[1], upstream=provider[1]
        )
        await world.start()
        try:
            yield world
        finally:
            await world.stop()


@asynccontextmanager
async def fake_world(*, submits_per_minute: int | None = None, short_deadlines: bool = False) -> AsyncIterator[World]:
    """A world of fakes, whose faults strike at the app's ports."""
    clock = SkipClock(START)
    tap = Tap(clock.now)
    disk = InMemoryStore(clock.now)
    studio = Studio(clock.now, lambda: bool((disk.record(CAPACITY) or {}).get("places")))
    faults = PortFaults(tap, disk, studio, clock.now)
    async with running_world(
        tap,
        clock,
        store=(TappedStore(disk, tap, faults), disk),
        provider=(TappedProvider(studio, tap, faults), studio),
        submits_per_minute=submits_per_minute,
        short_deadlines=short_deadlines,
    ) as world:
        yield world
