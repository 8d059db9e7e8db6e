"""The whole app, in surroundings that break on request, and in which everything happens in one order.

async with troubled_app(tmp_path) as app:
app.fuse.light(3, after_effect=True)
answer = await app.asked(app.post("a calm lake"))     # None: the process died over it, and was started again
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from devtools.host.clock import SkipClock
from devtools.host.history import RuntimeStatus
from devtools.host.inprocess import HostKilledError
from devtools.host.inprocess_worker import Heard
from shared.jobs.models import FlowSettings
from shared.ledger.waiting import WaitingJobs
from shared.wiring import Limits, Services, services
from tests.support.activities import Killed
from tests.support.builders import FLOW
from tests.support.whole_app import START, WholeApp, film
from tests.unit.api.calling import Answer
from tests.whole.fuse import Fuse
from tests.whole.lossy_client import Losses, LossyClient
from tests.whole.troubled_provider import TroubledProvider
from tests.whole.troubled_store import TroubledStore

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")

MONTH_SECONDS = 30 * 86_400

DELIVERED_AGAIN = timedelta(minutes=10)
"""A message whose worker has died comes again within minutes, when its lease has run out."""


class InlinePool(ThreadPoolExecutor):
    """A pool without threads: what it is given is done at once, so that episodes come in the same order every time."""

    def submit(
        self, fn: Callable[Parameters, Value], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> "Future[Value]":
        """Do it."""
        future: Future[Value] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a pool does
            future.set_exception(error)
        return future


@dataclass
class TroubledApp(WholeApp):
    """See `WholeApp`. The sweep runs every so many minutes, and not before `no_sweep_before`.

    `messages` are those that have had an activity run, with the moment of it: each may be delivered once more.
    """

    fuse: Fuse = field(default_factory=Fuse)
    losses: Losses = field(default_factory=Losses)
    no_sweep_before: datetime = START
    sweep_minutes: int = 1
    messages: list[tuple[datetime, str, str]] = field(default_factory=list)
    _activities: Callable[[str, str], Coroutine[Any, Any, str | None]] = field(init=False)

    @property
    def service(self) -> TroubledProvider:
        """The video service."""
        assert isinstance(self.provider, TroubledProvider)
        return self.provider

    @property
    def storage(self) -> TroubledStore:
        """The store."""
        assert isinstance(self.store, TroubledStore)
        return self.store

    @property
    def client(self) -> LossyClient:
        """The durable client."""
        assert isinstance(self.host.client, LossyClient)
        return self.host.client

    @property
    def troubles(self) -> int:
        """How much has gone wrong in its surroundings so far."""
        return self.storage.failures + self.service.failures + self.losses.troubles + self.deaths

    async def start(self) -> None:
        """Start the process."""
        self.fuse.renew()
        await super().start()
        services().kept["waiting"] = WaitingJobs(
            self.store, self.services.limits.waiting_jobs, time=lambda: self.clock.now().timestamp()
        )
        # The engine has not begun: nothing has been awaited since.
        run, self.host.worker.call_activity = self.host.worker.call_activity, self._run_activity  # type: ignore[method-assign]  # to listen
        self._activities = run
        self.host.worker.pool = InlinePool()
        self.host.worker.client = self.host.client = LossyClient(self.host.engine, self.losses)

    async def _run_activity(self, name: str, input_text: str) -> str | None:
        self.messages.append((self.clock.now(), name, input_text))
        return await self._activities(name, input_text)

    async def deliver_again(self, number: int) -> None:
        """Deliver a message of the last minutes once more, as the durable backend may; nobody waits for the outcome."""
        late = [message for message in self.messages if message[0] >= self.clock.now() - DELIVERED_AGAIN]
        if late:
            _, name, input_text = late[number % len(late)]
            with contextlib.suppress(Killed):
                await self._activities(name, input_text)
            if self.fuse.blown or self.host.death is not None:
                await self.restart()

    async def redeploy(self, renders: int) -> None:
        """Start the next process with another number of places."""
        self.services = replace(self.services, limits=replace(self.services.limits, renders=renders))
        await self.restart()

    async def sweep(self) -> None:
        """Run the sweep, unless it is skipped."""
        now = self.clock.now()
        if now >= self.no_sweep_before and now.minute % self.sweep_minutes == 0:
            await super().sweep()

    def is_there(self, job_id: str) -> bool:
        """Say whether a job has a story."""
        return self.host.engine.journal.instance(job_id) is not None

    async def asked(self, *asking: Coroutine[Any, Any, Answer]) -> list[Answer] | None:
        """Return the answers to what is asked at once; None where the process died over it, and was started again."""
        answers = await asyncio.gather(*asking, return_exceptions=True)
        broken = [answer for answer in answers if isinstance(answer, BaseException)]
        if self.fuse.blown or self.host.death is not None:
            await self.restart()
            return None
        for error in broken:
            assert not isinstance(error, Killed), "killed, and the fuse has not blown"
            raise error
        return [answer for answer in answers if isinstance(answer, Answer)]

    async def leap(self, **duration: float) -> None:
        """Let a long time pass in which nobody sweeps, and sweep then."""
        await self.host.advance(timedelta(**duration))
        await self.sweep()
        await self.settle()

    def suspend(self, job_id: str) -> None:
        """Pause a job's story, as an operator can, if there is one that runs."""
        instance = self.host.engine.journal.instance(job_id)
        if instance is not None and instance.status in (RuntimeStatus.PENDING, RuntimeStatus.RUNNING):
            self.host.engine.suspend(job_id, "an operator's wish")

    def resume(self, job_id: str) -> None:
        """Let a job's story go on, if it is paused."""
        instance = self.host.engine.journal.instance(job_id)
        if instance is not None and instance.status is RuntimeStatus.SUSPENDED:
            self.host.engine.resume(job_id, "an operator's wish")

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        now = self.clock.now()
        self.fuse.renew()
        self.storage.go_away(now, ["well"])
        self.service.heal()
        self.losses.heal()
        self.no_sweep_before = now


@asynccontextmanager
async def troubled_app(
    folder: Path,
    *,
    limits: Limits | None = None,
    looks_needed: int = 2,
    history_retention: timedelta = timedelta(days=7),
    on_episode: Heard | None = None,
    **flow: Any,
) -> AsyncIterator[TroubledApp]:
    """Run the app with its durable state in `folder`; `flow` are settings of the jobs' flow."""
    clock, fuse = SkipClock(START), Fuse()
    store = TroubledStore(clock.now, fuse)
    provider = TroubledProvider(file=film(), looks_needed=looks_needed, now=clock.now, fuse=fuse)
    parts = Services(
        provider=provider,
        store=store,
        flow=FlowSettings.model_validate({**FLOW, "video_retention_seconds": MONTH_SECONDS, **flow}),
        now=clock.now,
        limits=limits or Limits(),
        history_retention=history_retention,
    )
    app = TroubledApp(folder, provider, store, parts, clock, on_episode, fuse=fuse)
    await app.start()
    try:
        yield app
    finally:
        with contextlib.suppress(HostKilledError):
            await app.stop()
