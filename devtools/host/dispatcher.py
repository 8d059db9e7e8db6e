"""Finds work in the journal and has it done: episodes and activities, each up to its limit at a time.

It is told about work and never polls: it sleeps until something is sent, something ends, or the next timer is due.
"""

import asyncio
import heapq
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devtools.host import history
from devtools.host.clock import Clock
from devtools.host.episode import EpisodeRunner, Generation
from devtools.host.failures import (
    FunctionError,
    FunctionTimeoutError,
    activity_ended_with_its_worker,
    activity_failure,
)
from devtools.host.journal import Journal
from devtools.host.records import Due, Task
from devtools.host.running_tasks import RunningTasks
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

_RETRY_AFTER = timedelta(seconds=5)
_ATTEMPTS = 5
_KEEP_AGAIN_SECONDS = 1.0

OnCommit = Callable[[str, Sequence[Generation]], None]


@dataclass(frozen=True)
class Limits:
    """How many of each may run at once (host.json, `extensions.durableTask`)."""

    activities: int = 10
    orchestrators: int = 10


class Dispatcher:
    """Runs until cancelled. `on_commit` is called with every episode that was kept: instance id and generations.

    Where a worker for tests lets an exception through that plays the death of the process, nothing more is begun or
    kept, as after a kill at that moment; what runs is left alone. `on_death` is called with that exception.
    """

    def __init__(
        self,
        journal: Journal,
        worker: Worker,
        episodes: EpisodeRunner,
        *,
        clock: Clock,
        limits: Limits,
        on_commit: OnCommit = lambda _id, _kept: None,
        on_death: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._journal = journal
        self._worker = worker
        self._episodes = episodes
        self._clock = clock
        self._limits = limits
        self._on_commit = on_commit
        self._on_death = on_death
        self._is_dead = False
        self._wake = asyncio.Event()
        self._later: list[tuple[datetime, str]] = []
        self._ready: dict[str, None] = {}  # a set that keeps its order
        self._in_episode: set[str] = set()
        self._failures: dict[str, int] = {}
        self._activities: dict[int, Task] = {}
        self._last_task_id = 0
        self._running = RunningTasks(self._ended)

    def notify(self, due: Due) -> None:
        """An instance has been sent something that can be taken from that moment on."""
        heapq.heappush(self._later, (due.at, due.instance_id))
        self._wake.set()

    def wake(self) -> None:
        """Look again: the clock may have moved."""
        self._wake.set()

    async def run(self) -> None:
        """Work for ever. Cancelled, it abandons what runs; the journal still has it."""
        for due in self._journal.all_due():
            self.notify(due)
        try:
            while not self._is_dead:
                self._wake.clear()
                self._collect_due()
                self._start_episodes()
                self._start_activities()
                next_due = self._later[0][0] if self._later else None
                await self._clock.wait_until(next_due, self._wake, idle=not self._running)
            await asyncio.Event().wait()  # until cancelled
        finally:
            await self._running.abandon()

    def die(self, death: BaseException) -> None:
        """From now on do nothing, as after a kill."""
        if not self._is_dead:
            self._is_dead = True
            self._wake.set()
            self._on_death(death)

    def end_with_worker(self, sentence_of: Callable[[str], str], journal: Journal) -> None:
        """The worker ends: each activity that it runs fails with its sentence, nothing more is begun or kept.

        Orchestrators that run are run again by the next process, because nothing of their episodes is kept.
        """
        self._is_dead = True
        for task in list(self._activities.values()):
            reason, details = activity_ended_with_its_worker(task.name, sentence_of(task.name))
            event = history.task_failed(self._clock.now(), task.event_id, reason, details)
            journal.finish_task(task, event, self._clock.now())

    def _collect_due(self) -> None:
        now = self._clock.now()
        while self._later and self._later[0][0] <= now:
            self._ready[heapq.heappop(self._later)[1]] = None

    def _start_episodes(self) -> None:
        for instance_id in list(self._ready):
            if len(self._in_episode) >= self._limits.orchestrators:
                return
            if instance_id not in self._in_episode:
                del self._ready[instance_id]
                self._in_episode.add(instance_id)
                self._running.start(self._run_episode(instance_id))

    def _start_activities(self) -> None:
        free = self._limits.activities - len(self._activities)
        if free <= 0:
            return
        for task in self._journal.tasks_after(self._last_task_id, free):
            self._last_task_id = task.task_id
            self._activities[task.task_id] = task
            self._running.start(self._run_activity(task))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._wake.set()
        if not task.cancelled() and (death := task.exception()) is not None:
            self.die(death)

    async def _run_episode(self, instance_id: str) -> None:
        try:
            work = None if self._is_dead else self._journal.take_work(instance_id, self._clock.now())
            if work is None:
                # Nothing for now; or the wall clock was set back since this instance fell due.
                if (due := self._journal.next_due(instance_id)) is not None and due.at > self._clock.now():
                    self.notify(due)
                return
            loop = asyncio.get_running_loop()
            generations = await loop.run_in_executor(self._worker.pool, self._episodes.run, work)
            if self._is_dead:
                return
            for due in self._journal.commit(work, generations, self._clock.now()):
                self.notify(due)
            self._failures.pop(instance_id, None)
            self._on_commit(instance_id, generations)
        except sqlite3.OperationalError as error:
            # A full disk or a locked file passes; nothing was committed, so the episode can be repeated.
            # It may be repeated for long, and its sentence says enough without the traceback.
            logger.error("The journal cannot be written (%s); instance %s waits.", error, instance_id)  # noqa: TRY400
            self.notify(Due(self._clock.now() + _RETRY_AFTER, instance_id))
        except Exception:
            logger.exception("The host could not run an episode of instance %s.", instance_id)
            self._try_again(instance_id)
        finally:
            self._in_episode.discard(instance_id)

    def _try_again(self, instance_id: str) -> None:
        """Repeat what was not committed a few times: an error that does not pass must not keep the host busy."""
        failures = self._failures[instance_id] = self._failures.get(instance_id, 0) + 1
        if failures < _ATTEMPTS:
            self.notify(Due(self._clock.now() + _RETRY_AFTER, instance_id))
        else:
            logger.error("Instance %s is put aside until the host is started again.", instance_id)

    async def _run_activity(self, task: Task) -> None:
        try:
            if not self._is_dead:
                await self._keep(task, await self._outcome(task))
        except Exception:
            logger.exception("The outcome of activity %s is lost; it runs again with the next start.", task.name)
        finally:
            del self._activities[task.task_id]

    async def _keep(self, task: Task, event: history.Event) -> None:
        """Keep an outcome, however long the journal cannot be written: the activity has run, and may have cost."""
        while not self._is_dead:
            try:
                self.notify(self._journal.finish_task(task, event, self._clock.now()))
            except sqlite3.OperationalError as error:
                # Repeated every second: its sentence says enough without the traceback.
                logger.error("The journal cannot be written (%s); %s waits.", error, task.name)  # noqa: TRY400
            else:
                return
            await asyncio.sleep(_KEEP_AGAIN_SECONDS)

    async def _outcome(self, task: Task) -> history.Event:
        try:
            result = await self._worker.call_activity(task.name, task.input_text)
        except KeyError:
            # The app was changed while the activity waited.
            error = FunctionError("InvalidOperationError", f"The function '{task.name}' doesn't exist.", "")
        except FunctionError as raised:
            error = raised
        else:
            return history.task_completed(self._clock.now(), task.event_id, result)
        logger.error("Activity %s of instance %s failed: %s", task.name, task.instance_id, error.stack or error)
        if isinstance(error, FunctionTimeoutError):
            reason, details = activity_ended_with_its_worker(task.name, error.message)
        else:
            reason, details = activity_failure(task.name, error)
        return history.task_failed(self._clock.now(), task.event_id, reason, details)
