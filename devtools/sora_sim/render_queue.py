"""Takes jobs off the line in order of arrival, a few at a time, and brings each to its end."""

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from devtools.sora_sim.jobs import IN_PROGRESS, Failure, Job, JobStore, NewVideo
from devtools.sora_sim.rendering import Renderer
from devtools.sora_sim.settings import SimulatorSettings

CRASHED = Failure(at_percent=0, code="server_error", message="The video could not be rendered.")

log = logging.getLogger("sora_sim")


@dataclass
class _Running:
    """A render under way: since when, and how much of it is really encoded."""

    task: asyncio.Task[None] | None = None
    began: float = field(default_factory=time.monotonic)
    encoded: float = 0

    def note(self, share: float) -> None:
        self.encoded = share


class RenderQueue:
    """What was rendering when the simulator stopped starts again; finished videos stay."""

    def __init__(self, jobs: JobStore, renderer: Renderer, settings: SimulatorSettings) -> None:
        self._jobs = jobs
        self._renderer = renderer
        self._settings = settings
        self._running: dict[str, _Running] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; then abandon the renders under way, which a later run begins anew."""
        self._settings.videos.mkdir(parents=True, exist_ok=True)
        self._clean_up()
        self._jobs.requeue_interrupted()
        try:
            while True:
                self._wake.clear()
                while len(self._running) < self._settings.max_running and (job := self._jobs.next_queued()):
                    self._start(job)
                await self._wake.wait()
        finally:
            tasks = [running.task for running in self._running.values() if running.task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._renderer.close()

    def look_again(self) -> None:
        """A job was added."""
        self._wake.set()

    def abandon(self, job: Job) -> None:
        """The job is gone: stop rendering it and remove what there is of its video."""
        running = self._running.get(job.id)
        if running and running.task:
            running.task.cancel()
        self._remove_files(job)

    def progress(self, job: Job) -> int:
        """Percent: of the time it shall take or of what is encoded, whichever is less; 100 only when completed."""
        running = self._running.get(job.id)
        if running is None or job.status != IN_PROGRESS:
            return job.progress
        elapsed = time.monotonic() - running.began
        of_time = elapsed / self._settings.render_seconds if self._settings.render_seconds else 1
        failure = job.script.failure
        return int(100 * min(of_time, running.encoded, (failure.at_percent if failure else 99) / 100))

    def _start(self, job: Job) -> None:
        running = self._running[job.id] = _Running()
        self._jobs.start(job.id)
        running.task = asyncio.create_task(self._render(job, running))
        running.task.add_done_callback(lambda task: self._ended(job, task))

    def _ended(self, job: Job, task: asyncio.Task[None]) -> None:
        del self._running[job.id]
        if task.cancelled():
            self._remove_files(job)
        elif error := task.exception():
            log.error("rendering %s failed", job.id, exc_info=error)
            self._jobs.fail(job.id, CRASHED)
        self._wake.set()

    async def _render(self, job: Job, running: _Running) -> None:
        script, seconds = job.script, self._settings.render_seconds
        if script.never_finish:
            running.note(1)
            await asyncio.Event().wait()  # until the job is deleted: that is the promise of this fault
        if script.failure:
            running.note(1)
            await asyncio.sleep(seconds * script.failure.at_percent / 100)
            self._jobs.fail(job.id, script.failure)
            return
        await self._renderer.render(_as_scripted(job), self._video(job), running.note)
        await asyncio.sleep(max(0, running.began + seconds - time.monotonic()))
        self._jobs.complete(job.id)

    def _remove_files(self, job: Job) -> None:
        """The video, and the parts that a killed encoder leaves."""
        for path in (self._video(job), *self._settings.videos.glob(f".{job.id}.*.part")):
            path.unlink(missing_ok=True)

    def _video(self, job: Job) -> Path:
        return self._settings.videos / f"{job.id}.mp4"

    def _clean_up(self) -> None:
        """Remove what killed encoders left behind, and videos past their time."""
        for leftover in self._settings.videos.glob(".*.part"):
            leftover.unlink(missing_ok=True)
        for job in self._jobs.everything():
            if job.expired(self._settings.now()):
                self._video(job).unlink(missing_ok=True)


def _as_scripted(job: Job) -> NewVideo:
    """The order, or what a fault has made of it."""
    size, length = job.script.size_factor, job.script.length_factor
    return replace(
        job.order,
        width=max(2, int(job.order.width * size) // 2 * 2),
        height=max(2, int(job.order.height * size) // 2 * 2),
        seconds=max(1, int(job.order.seconds * length)),
    )
