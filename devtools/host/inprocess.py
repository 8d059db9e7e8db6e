"""The durable engine inside a test: an app's real orchestrators and activities, no port, no process, time that skips.

    async with in_process_host(app, tmp_path) as host:
        job = host.start("generate_video", {"prompt": "a fox"})
        await host.idle()                            # everything that can happen now has happened
        host.raise_event(job, "Cancel")
        status = await host.end_of(job)              # hours of timers pass in milliseconds
        assert status["output"] == {"state": "cancelled"}
        assert host.history(job)[-1]["EventType"] == 13

Time stands still but in `end_of` and `advance`. Inputs and event data are encoded as the SDK's client encodes them.
Opened again on the same folder, it goes on with what was unfinished, like a restarted host. Timer functions run when
`fire` says so and never by themselves, queue functions when `deliver` does. Nobody listens to HTTP; an `HttpFront` over
`host.catalog` and `host.worker` can be called all the same. Durable clients of functions speak to the engine directly,
as `host.client` does.

A function plays the death of the process by raising what is neither an Exception nor one of Python's own:

    class Killed(BaseException): ...

From then on nothing is begun or kept, so the journal stays as `kill -9` would leave it. What still runs is left alone
until the host is closed; whoever waits on the host gets a HostKilledError.
"""

import asyncio
import base64
import contextlib
import json
import warnings
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import azure.functions as func

from devtools.host.catalog import Catalog
from devtools.host.clock import SkipClock
from devtools.host.dispatcher import Limits
from devtools.host.engine import Engine
from devtools.host.engine_client import EngineClient, encoded
from devtools.host.episode import TimerLimits
from devtools.host.history import Event
from devtools.host.indexing import index
from devtools.host.inprocess_worker import Heard, InProcessWorker
from devtools.host.queue_lease import IN_HAND
from devtools.host.queue_service import Message
from devtools.host.records import Instance
from devtools.host.running_tasks import abandon
from devtools.host.state_folder import JOURNAL_NAME
from devtools.host.status_view import status_body
from devtools.host.timers import Timer

# Real time, as opposed to the story's: nothing in a test may take longer.
_PATIENCE_SECONDS = 30
_MESSAGE_LIFE = timedelta(days=7)
"""Of a message in a storage queue, if its sender says nothing else."""


class StuckError(AssertionError):
    """The instance did not end within the time of the story; the text holds its status and history."""


class HostKilledError(Exception):
    """A function has played the death of the process; what it raised is the cause."""


class InProcessHost:
    """See the module's docstring; made by `in_process_host`."""

    def __init__(
        self, catalog: Catalog, journal_path: Path, clock: SkipClock, on_episode: Heard | None = None, **options: Any
    ) -> None:
        self.catalog = catalog
        self.clock = clock
        self.killed = asyncio.Event()
        self.death: BaseException | None = None
        self.worker = InProcessWorker(catalog, on_episode)
        self.engine = Engine(
            catalog,
            self.worker,
            journal_path,
            clock,
            on_commit=lambda instance_id, _: self._committed(instance_id),
            on_death=self._died,
            **options,
        )
        self.client = self.worker.client = EngineClient(self.engine)
        self._watched: str | None = None

    def start(self, name: str, input_value: Any = None, instance_id: str | None = None) -> str:
        """Start an orchestration and return its id."""
        self._check_alive()
        return self.engine.start(name, instance_id, None if input_value is None else encoded(json.dumps(input_value)))

    def raise_event(self, instance_id: str, name: str, data: Any = None) -> None:
        """Send an external event; as with the SDK's client, the orchestrator gets it as a JSON text."""
        self._check_alive()
        self.engine.raise_event(instance_id, name, encoded(json.dumps(data)))

    def status(self, instance_id: str) -> dict[str, Any]:
        """The status answer: `runtimeStatus`, `customStatus`, `output`, ..."""
        return status_body(self.engine.instance(instance_id), show_input=True)

    def history(self, instance_id: str) -> list[Event]:
        """The history events of the present execution."""
        return self.engine.history(instance_id)

    async def idle(self) -> None:
        """Return when all that can happen at this moment of the story has happened. Raises HostKilledError."""
        self.clock.at_rest.clear()
        self.engine.dispatcher.wake()
        await self._while_alive(self.clock.at_rest.wait())

    async def advance(self, duration: timedelta) -> None:
        """Let that much time pass in the story, with everything that falls due. Raises HostKilledError."""
        self._check_alive()
        end = self.clock.now() + duration
        self.clock.limit = end
        await self.idle()
        self.clock.jump_to(end)

    async def end_of(self, instance_id: str, within: timedelta = timedelta(days=30)) -> dict[str, Any]:
        """The status of the instance when it has ended. Raises HostKilledError, StuckError if it has not by then."""
        self._check_alive()
        self._watched = instance_id
        self._committed(instance_id)
        if not self._has_ended(instance_id):
            self.clock.limit = self.clock.now() + within
        await self.idle()
        self.clock.limit = self.clock.now()
        if not self._has_ended(instance_id):
            raise StuckError(f"{self.status(instance_id)}\n" + "\n".join(map(str, self.history(instance_id))))
        return self.status(instance_id)

    async def fire(self, name: str) -> None:
        """Run a timer function once now. Raises FunctionError, HostKilledError; LookupError where there is none."""
        function = next((function for function in self.catalog.timers if function.name == name), None)
        if function is None:
            known = ", ".join(function.name for function in self.catalog.timers) or "none at all"
            raise LookupError(f"The app has no timer function {name!r}, but {known}.")
        self._check_alive()
        request_text = Timer(function, self.clock.now()).request_text()
        await self._while_alive(self.worker.call_timer(function, request_text))

    async def deliver(self, name: str, body: str | bytes, *, dequeue_count: int = 1) -> None:
        """Run a queue function once with a message. Raises FunctionError, HostKilledError; LookupError as `fire`."""
        function = next((function for function in self.catalog.queues if function.name == name), None)
        if function is None:
            known = ", ".join(function.name for function in self.catalog.queues) or "none at all"
            raise LookupError(f"The app has no queue function {name!r}, but {known}.")
        self._check_alive()
        now = self.clock.now()
        carried = body.encode() if isinstance(body, str) else body
        text = base64.b64encode(carried).decode()
        message = Message(
            str(uuid4()), text, "receipt", dequeue_count, now, now + _MESSAGE_LIFE, next_visible_at=now + IN_HAND
        )
        await self._while_alive(self.worker.call_queue(function, message, carried))

    def close(self) -> None:
        """Let go of the threads."""
        self.worker.close()

    async def _while_alive(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait for `work`. Raises what it raises, HostKilledError as soon as the host has been killed."""
        task = asyncio.create_task(work)
        death = asyncio.create_task(self.killed.wait())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
            error = task.exception() if task.done() else None
            if error is not None and self.worker.ends_the_host(error):
                self.engine.dispatcher.die(error)
            self._check_alive()
            if error is not None:
                raise error
        finally:
            await abandon({task, death})

    def _check_alive(self) -> None:
        if self.death is not None:
            raise HostKilledError(f"The host was killed by {self.death!r}.") from self.death

    def _died(self, death: BaseException) -> None:
        self.death = death
        self.clock.limit = self.clock.now()  # the clock may be the next host's
        self.killed.set()

    def _has_ended(self, instance_id: str) -> bool:
        instance: Instance = self.engine.instance(instance_id)
        return instance.status.is_final

    def _committed(self, instance_id: str) -> None:
        if instance_id == self._watched and self._has_ended(instance_id):
            self.clock.limit = self.clock.now()  # time must not run past the end that a test looks at


@contextlib.asynccontextmanager
async def in_process_host(
    app: func.FunctionRegister | Catalog,
    folder: Path,
    *,
    clock: SkipClock | None = None,
    limits: Limits | None = None,
    timer_limits: TimerLimits | None = None,
    on_episode: Heard | None = None,
) -> AsyncIterator[InProcessHost]:
    """Run the app's durable functions with their journal in `folder`. Raises AppRefusedError."""
    catalog = app if isinstance(app, Catalog) else index(app)
    with warnings.catch_warnings():
        # Advice and chatter of the SDK about its own insides; a test run with warnings as errors would fail in there.
        warnings.filterwarnings("ignore", module=r"azure\.(functions|durable_functions)")
        host = InProcessHost(
            catalog, folder / JOURNAL_NAME, clock or SkipClock(), on_episode, limits=limits, timer_limits=timer_limits
        )
        try:
            async with host.engine.running():
                yield host
        finally:
            host.close()
