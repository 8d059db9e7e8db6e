"""The durable engine as its users see it: start, watch and steer orchestrations.

The management API and the in-process harness are two ways to call this.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

from devtools.host import history
from devtools.host.catalog import Catalog
from devtools.host.clock import Clock
from devtools.host.dispatcher import Dispatcher, Limits, OnCommit
from devtools.host.episode import EpisodeRunner, TimerLimits
from devtools.host.history import Event, RuntimeStatus
from devtools.host.journal import Journal
from devtools.host.records import Instance, InstanceFilter, NewInstance
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)


class InstanceNotFoundError(Exception):
    """There is no instance of that id."""


class InstanceEndedError(Exception):
    """The instance has ended and takes no more messages."""


class WrongStateError(Exception):
    """The instance is in a state in which this cannot be done."""


class Engine:
    """Runs an app's orchestrations with the journal in `path`; use `running()` to have it work."""

    def __init__(
        self,
        catalog: Catalog,
        worker: Worker,
        path: Path,
        clock: Clock,
        *,
        limits: Limits | None = None,
        timer_limits: TimerLimits | None = None,
        on_commit: OnCommit = lambda _id, _kept: None,
        on_failure: Callable[[], None] = lambda: None,
        on_death: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self.clock = clock
        self.has_failed = False
        self._path = path
        self.journal = Journal(path)
        self._on_failure = on_failure
        self._on_death = on_death
        known = catalog.known_names
        episodes = EpisodeRunner(worker.call_orchestrator, known, clock.now, timer_limits or TimerLimits())
        self.dispatcher = Dispatcher(
            self.journal,
            worker,
            episodes,
            clock=clock,
            limits=limits or Limits(),
            on_commit=on_commit,
            on_death=self._died,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the context is open; what is unfinished when it closes goes on with the next start."""
        try:
            async with self.part(self.dispatcher.run(), "durable engine"):
                yield
        finally:
            self.journal.close()

    @contextlib.asynccontextmanager
    async def part(self, work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
        """Have a part of the host work while the context is open.

        Where it stops by itself, that is logged and the host ends: without its dispatcher, for one, it would answer
        requests and never run anything.
        """

        def stopped(task: asyncio.Task[None]) -> None:
            if not task.cancelled():
                self.has_failed = True
                logger.critical("The %s has failed.", name, exc_info=task.exception())
                self._on_failure()

        task = asyncio.create_task(work)
        task.add_done_callback(stopped)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def start(self, name: str, instance_id: str | None, input_text: str | None, *, version: str | None = None) -> str:
        """Accept a new instance and return its id; `input_text` is JSON. Raises InstanceExistsError.

        As on Azure, nothing is checked: an unknown name ends as a failed instance, and one with a version, which no
        host.json of ours names as its default, is never picked up.
        """
        chosen = instance_id or uuid4().hex
        new = NewInstance(chosen, str(uuid4()), name, input_text)
        due = self.journal.create(new, self.clock.now(), deliver=version is None)
        if due is not None:
            self.dispatcher.notify(due)
        return chosen

    def instance(self, instance_id: str) -> Instance:
        """The instance as it is. Raises InstanceNotFoundError."""
        instance = self.journal.instance(instance_id)
        if instance is None:
            raise InstanceNotFoundError(instance_id)
        return instance

    def instances(self, wanted: InstanceFilter, after: str = "", limit: int = 100) -> list[Instance]:
        """A page of instances in order of id."""
        return self.journal.instances(wanted, after, limit)

    def history(self, instance_id: str) -> list[Event]:
        """The history of the instance's present execution, as its orchestrator is given it."""
        return self.journal.history(instance_id)

    def raise_event(self, instance_id: str, name: str, input_text: str | None) -> None:
        """Send an external event; `input_text` is JSON. Raises InstanceNotFoundError, InstanceEndedError."""
        self._send(instance_id, history.event_raised(self.clock.now(), name, input_text))

    def terminate(self, instance_id: str, reason: str | None) -> None:
        """End the instance. Raises InstanceNotFoundError, InstanceEndedError."""
        self._send(instance_id, history.execution_terminated(self.clock.now(), reason))

    def suspend(self, instance_id: str, reason: str | None) -> None:
        """Pause the instance. Raises InstanceNotFoundError, InstanceEndedError, WrongStateError if it is paused."""
        self._refuse("suspend", instance_id, RuntimeStatus.SUSPENDED)
        self._send(instance_id, history.execution_suspended(self.clock.now(), reason))

    def resume(self, instance_id: str, reason: str | None) -> None:
        """Let the instance go on. Raises InstanceNotFoundError, InstanceEndedError, WrongStateError if it runs."""
        self._refuse("resume", instance_id, RuntimeStatus.RUNNING)
        self._send(instance_id, history.execution_resumed(self.clock.now(), reason))

    def purge(self, instance_id: str) -> None:
        """Forget an instance that has ended. Raises InstanceNotFoundError, WrongStateError."""
        status = self.instance(instance_id).status
        if not status.is_final:
            raise WrongStateError(
                "Only orchestrations in a terminal state can be purged, "
                f"but the orchestration with instance ID {instance_id} has status {status.title}"
            )
        self.journal.purge(instance_id)

    def end_with_worker(self, sentence_of: Callable[[str], str]) -> None:
        """The worker ends, and the process right after: activities that run fail with the sentence for their name.

        Called on any thread, with a connection to the journal of its own. Raises sqlite3.Error.
        """
        with contextlib.closing(Journal(self._path)) as journal:
            self.dispatcher.end_with_worker(sentence_of, journal)

    def _died(self, death: BaseException) -> None:
        self.journal.freeze()
        self._on_death(death)

    def _refuse(self, operation: str, instance_id: str, status: RuntimeStatus) -> None:
        if self.instance(instance_id).status is status:
            raise WrongStateError(
                f"Cannot {operation} the orchestration instance {instance_id} "
                f"because instance is in the {status.title} state."
            )

    def _send(self, instance_id: str, event: Event) -> None:
        if self.instance(instance_id).status.is_final:
            raise InstanceEndedError(instance_id)
        self.dispatcher.notify(self.journal.send(instance_id, event, self.clock.now()))
