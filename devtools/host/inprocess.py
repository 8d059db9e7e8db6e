"""The durable engine inside a test: an app's real orchestrators and activities, no port, no process, time that skips.

    async with in_process_host(app, tmp_path) as host:
        job = host.start("generate_video", {"prompt": "a fox"})
        await host.idle()                            # everything that can happen now has happened
        host.raise_event(job, "Cancel")
        status = await host.end_of(job)              # hours of timers pass in milliseconds
        assert status["output"] == {"state": "cancelled"}
        assert host.history(job)[-1]["EventType"] == 13

Time stands still but in `end_of` and `advance`. Inputs and event data are encoded as the SDK's client encodes them.
Opened again on the same folder, it goes on with what was unfinished, like a restarted host. Functions triggered by HTTP
and the durable client are not part of it: those need `devtools.host` itself.
"""

import asyncio
import contextlib
import json
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.functions as func

from devtools.host import jsontext
from devtools.host.catalog import Catalog
from devtools.host.clock import SkipClock
from devtools.host.dispatcher import Limits
from devtools.host.engine import Engine
from devtools.host.episode import TimerLimits
from devtools.host.history import Event
from devtools.host.indexing import index
from devtools.host.records import Instance
from devtools.host.state_folder import JOURNAL_NAME
from devtools.host.status_view import status_body
from devtools.host.worker import Worker

# Real time, as opposed to the story's: nothing in a test may take longer.
_PATIENCE_SECONDS = 30


class StuckError(AssertionError):
    """The instance did not end within the time of the story; the text holds its status and history."""


Heard = Callable[[str, str], None]
"""Called after every episode with what the orchestrator was sent and what it answered, as JSON texts."""


class _HeardWorker(Worker):
    """A worker whose orchestrators are listened to."""

    def __init__(self, catalog: Catalog, heard: Heard | None) -> None:
        super().__init__(catalog, client_binding="{}")
        self._heard = heard

    def call_orchestrator(self, name: str, trigger: str) -> str:
        answer = super().call_orchestrator(name, trigger)
        if self._heard:
            self._heard(trigger, answer)
        return answer


class InProcessHost:
    """See the module's docstring; made by `in_process_host`."""

    def __init__(
        self, catalog: Catalog, journal_path: Path, clock: SkipClock, on_episode: Heard | None = None, **options: Any
    ) -> None:
        self.clock = clock
        self._worker = _HeardWorker(catalog, on_episode)
        self.engine = Engine(catalog, self._worker, journal_path, clock, on_commit=self._committed, **options)
        self._watched: str | None = None

    def start(self, name: str, input_value: Any = None, instance_id: str | None = None) -> str:
        """Start an orchestration and return its id."""
        return self.engine.start(name, instance_id, None if input_value is None else _encode(input_value))

    def raise_event(self, instance_id: str, name: str, data: Any = None) -> None:
        """Send an external event; as with the SDK's client, the orchestrator gets it as a JSON text."""
        self.engine.raise_event(instance_id, name, _encode(data))

    def status(self, instance_id: str) -> dict[str, Any]:
        """The status answer: `runtimeStatus`, `customStatus`, `output`, ..."""
        return status_body(self.engine.instance(instance_id), show_input=True)

    def history(self, instance_id: str) -> list[Event]:
        """The history events of the present execution."""
        return self.engine.history(instance_id)

    async def idle(self) -> None:
        """Return when all that can happen at this moment of the story has happened."""
        self.clock.at_rest.clear()
        self.engine.dispatcher.wake()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self.clock.at_rest.wait()

    async def advance(self, duration: timedelta) -> None:
        """Let that much time pass in the story, with everything that falls due."""
        end = self.clock.now() + duration
        self.clock.limit = end
        await self.idle()
        self.clock.jump_to(end)

    async def end_of(self, instance_id: str, within: timedelta = timedelta(days=30)) -> dict[str, Any]:
        """The status of the instance when it has ended. Raises StuckError if it has not within that time."""
        self._watched = instance_id
        self._committed(instance_id)
        if not self._has_ended(instance_id):
            self.clock.limit = self.clock.now() + within
        await self.idle()
        self.clock.limit = self.clock.now()
        if not self._has_ended(instance_id):
            raise StuckError(f"{self.status(instance_id)}\n" + "\n".join(map(str, self.history(instance_id))))
        return self.status(instance_id)

    def close(self) -> None:
        """Let go of the threads."""
        self._worker.close()

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


def _encode(value: Any) -> str:
    return jsontext.dumps(json.dumps(value))
