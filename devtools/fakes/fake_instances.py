"""`Instances` in this process's memory: stories that stand where a test puts them, and every message they were sent."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import BackendUnavailable
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobSight, JobView

WAITING = JobSight(JobView("queued"), stage="wait")
SUBMITTING = JobSight(JobView("queued"), stage="submit")
RENDERING = JobSight(JobView("processing"), stage="render", progress=40, submits=1)
FETCHING = JobSight(JobView("processing"), stage="fetch", submits=1)
COMPLETED = JobSight(JobView("completed"), told=True, submits=1)


@dataclass
class FakeInstances:
    """See `Instances`. While it is `away`, nothing can be reached."""

    sights: dict[JobId, JobSight] = field(default_factory=dict)
    started: list[tuple[JobId, Mapping[str, object]]] = field(default_factory=list)
    signals: list[tuple[JobId, str]] = field(default_factory=list)
    terminated: list[JobId] = field(default_factory=list)
    purged: list[JobId] = field(default_factory=list)
    looks: list[JobId] = field(default_factory=list)
    away: bool = False

    async def start(self, job_id: JobId, story_input: Mapping[str, object]) -> None:
        """See `Instances`."""
        await self._reached()
        self.started.append((job_id, story_input))
        self.sights.setdefault(job_id, WAITING)

    async def sight(self, job_id: JobId) -> JobSight | None:
        """See `Instances`."""
        await self._reached()
        self.looks.append(job_id)
        return self.sights.get(job_id)

    async def signal(self, job_id: JobId, event: str) -> bool:
        """See `Instances`."""
        await self._reached()
        sight = self.sights.get(job_id)
        if sight is not None and sight.told:
            return False
        self.signals.append((job_id, event))
        return True

    async def terminate(self, job_id: JobId, reason: str) -> None:
        """See `Instances`."""
        await self._reached()
        del reason
        self.terminated.append(job_id)

    async def purge(self, job_id: JobId) -> None:
        """See `Instances`."""
        await self._reached()
        self.purged.append(job_id)
        self.sights.pop(job_id, None)

    async def _reached(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise BackendUnavailable("away on request")
