"""The whole app in this process, on a clock that skips: its real functions on the durable engine, fakes around it.

    async with whole_app(tmp_path) as town:
        job_id = await town.submit("a calm lake")
        await town.pass_time(minutes=5)
        assert await town.status(job_id) == "completed"

What a test breaks is outside the app: `provider`, `store`, and the process itself (`restart`, or a `Killed` raised by
one of the fakes, which `pass_time` answers with a restart, as a supervisor would). The sweep runs once a minute of the
story's time, as its schedule says.
"""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.fake_queue import FakeMessageQueue
from devtools.fakes.fake_sink import FakeEventSink
from devtools.fakes.in_memory_store import InMemoryStore
from devtools.host.catalog import Catalog
from devtools.host.clock import SkipClock
from devtools.host.failures import FunctionError
from devtools.host.indexing import index
from devtools.host.inprocess import HostKilledError, InProcessHost, in_process_host
from devtools.host.inprocess_worker import Heard
from shared.intake.message import Message
from shared.intake.take import take_message
from shared.jobs.client import JobClient
from shared.jobs.models import FlowSettings
from shared.providers.base import VideoProvider
from shared.storage.base import BlobStore
from shared.wiring import Limits, Services, use_services
from tests.support.builders import FLOW
from tests.support.videos import video_file
from tests.unit.api.calling import Answer, request, sent

START: Final = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

SIZE: Final = {"duration": 1, "width": 256, "height": 256}
"""What every job asks for: the smallest video that the contract allows, so that checking one takes no time."""


@cache
def film() -> bytes:
    """Return a video of that size and length."""
    return video_file(width=256, height=256)


@cache
def _catalog() -> Catalog:
    from function_app import app

    return index(app)


@dataclass
class WholeApp:
    """See the module's docstring; made by `whole_app`."""

    folder: Path
    provider: VideoProvider
    store: BlobStore
    services: Services
    clock: SkipClock
    on_episode: Heard | None = None
    sink: FakeEventSink = field(default_factory=FakeEventSink)
    queues: dict[str, FakeMessageQueue] = field(default_factory=dict)
    deaths: int = 0
    seen: dict[str, list[str]] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _host: InProcessHost | None = None

    @property
    def host(self) -> InProcessHost:
        """The host that runs now."""
        assert self._host is not None
        return self._host

    async def start(self) -> None:
        """Start the process, with nothing in its memory."""
        stack = AsyncExitStack()
        stack.enter_context(use_services(replace(self.services, kept={})))
        opened = in_process_host(_catalog(), self.folder, clock=self.clock, on_episode=self.on_episode)
        self._host = await stack.enter_async_context(opened)
        self._stack = stack

    async def stop(self) -> None:
        """End the process where it stands."""
        await self._stack.aclose()
        self._host = None

    async def restart(self) -> None:
        """Let the process die, and start it again on what it left behind."""
        self.deaths += 1
        await self.stop()
        await self.start()

    async def call(
        self,
        function: str,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> Answer:
        """Call an HTTP function as the host does."""
        found = next(each for each in self.host.catalog.http if each.name == function)
        handler = getattr(found.call, "client_function", found.call)
        content = b"" if body is None else json.dumps(body).encode()
        req = request(method, path, body=content, headers=headers, parameters=parameters)
        arguments = {"client": self.host.client} if found.clients else {}
        response: Response = await handler(req, **arguments)
        return await sent(response, method)

    async def post(self, prompt: str, key: str | None = None) -> Answer:
        """`POST /api/generate`."""
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key is not None else {})}
        return await self.call("generate", "POST", "/api/generate", body={"prompt": prompt, **SIZE}, headers=headers)

    async def deliver(self, message_id: str, body: object, queue: str = "jobs") -> None:
        """Hand a message of the queue of jobs to the app, as the host does; raise what its function raises."""
        services = replace(self.services, kept={}).over(JobClient(self.host.client))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        await take_message(services, queue, Message(message_id, content, self.clock.now()))

    async def submit(self, prompt: str, key: str | None = None) -> str:
        """Have a job accepted, and return its id."""
        answer = await self.post(prompt, key)
        assert answer.status == 200, answer
        return str(json.loads(answer.body)["job_id"])

    async def status(self, job_id: str) -> str:
        """Read a job's status as the contract has it, and remember what was seen."""
        answer = await self.call("status", "GET", f"/api/status/{job_id}", job_id=job_id)
        assert answer.status == 200, answer
        word = str(json.loads(answer.body)["status"])
        self.seen.setdefault(job_id, []).append(word)
        return word

    async def job(self, job_id: str) -> dict[str, Any]:
        """`GET /api/jobs/{job_id}`."""
        answer = await self.call("job", "GET", f"/api/jobs/{job_id}", job_id=job_id)
        assert answer.status == 200, answer
        details: dict[str, Any] = json.loads(answer.body)
        return details

    async def cancel(self, job_id: str) -> Answer:
        """`DELETE /api/jobs/{job_id}`."""
        return await self.call("cancel", "DELETE", f"/api/jobs/{job_id}", job_id=job_id)

    async def download(self, job_id: str) -> Answer:
        """`GET /api/download/{file_id}`."""
        return await self.call("download", "GET", f"/api/download/gen_{job_id}", file_id=f"gen_{job_id}")

    async def settle(self) -> None:
        """Let everything happen that can happen at this moment."""
        while True:
            try:
                await self.host.idle()
            except HostKilledError:
                await self.restart()
            else:
                return

    async def sweep(self) -> None:
        """Run the sweep, as its schedule would."""
        try:
            await self.host.fire("sweep")
        except HostKilledError:
            await self.restart()
        except FunctionError as error:
            raise AssertionError(f"the sweep raised {error}") from error

    async def pass_time(self, **duration: float) -> None:
        """Let time pass, with a sweep at every full minute; a process that dies is started again."""
        end = self.clock.now() + timedelta(**duration)
        while self.clock.now() < end:
            now = self.clock.now()
            minute = now.replace(second=0, microsecond=0) + MINUTE
            try:
                await self.host.advance(min(minute, end) - now)
            except HostKilledError:
                await self.restart()
                continue
            if self.clock.now() == minute:
                await self.sweep()
                await self.settle()

    async def until_ended(self, *job_ids: str, hours: float = 72) -> dict[str, str]:
        """Let time pass until these jobs have ended, and return how; fail where one has not by then."""
        words = {}
        for _ in range(int(hours * 60)):
            words = {job_id: await self.status(job_id) for job_id in job_ids}
            if all(word in ("completed", "failed") for word in words.values()):
                return words
            await self.pass_time(minutes=1)
        raise AssertionError(f"not ended after {hours} h: {words}")

    def never_went_back(self) -> bool:
        """Say whether every job's status, as it was read, only ever went on."""
        order = {"queued": 0, "processing": 1, "completed": 2, "failed": 2}
        return all(
            order[first] <= order[second] and not (order[first] == order[second] == 2 and first != second)
            for words in self.seen.values()
            for first, second in itertools.pairwise(words)
        )


@asynccontextmanager
async def whole_app(
    folder: Path,
    *,
    limits: Limits | None = None,
    provider: VideoProvider | None = None,
    store: BlobStore | None = None,
    on_episode: Heard | None = None,
    events: bool = False,
    **flow: Any,
) -> AsyncIterator[WholeApp]:
    """Run the app with its durable state in `folder`; `flow` are settings of the jobs' flow; `events` go to `sink`."""
    clock = SkipClock(START)
    settings = FlowSettings.model_validate({**FLOW, "video_retention_seconds": 30 * 86_400, **flow})
    used_store = store or InMemoryStore(clock.now)
    used_provider = provider or FakeVideoProvider(file=film(), looks_needed=2, now=clock.now)
    sink, queues = FakeEventSink(), dict[str, FakeMessageQueue]()
    services = Services(
        provider=used_provider,
        store=used_store,
        flow=settings,
        now=clock.now,
        limits=limits or Limits(),
        sinks={"queue": sink} if events else {},
        queues=lambda name: queues.setdefault(name, FakeMessageQueue()),
    )
    app = WholeApp(folder, used_provider, used_store, services, clock, on_episode, sink, queues)
    await app.start()
    try:
        yield app
    finally:
        with contextlib.suppress(HostKilledError):
            await app.stop()
