"""How many jobs wait, and where one stands in line: the line's records, listed at most every few seconds.

The numbers are a moment old. What this process has let in since counts at once; what others have, with the next look.
"""

import asyncio
import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from shared.jobs.ids import WAITING, JobId, waiting_job
from shared.storage.base import BlobStore

FRESH_SECONDS = 2.0
"""One list call serves every caller for this long: the interval at which front ends ask."""

SOON_SECONDS = 0.2
"""Before somebody is sent away because the line is full, it is looked at again, if the last look is older than this."""


@dataclass
class WaitingJobs:
    """The jobs in line, of which no more than `most` are counted."""

    store: BlobStore
    most: int
    time: Callable[[], float] = monotonic
    _jobs: list[JobId] = field(default_factory=list)
    _joined: int = 0
    _looked_at: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def count(self, *, soon: bool = False) -> int:
        """Return how many wait; with `soon`, as of this very moment (to 0.2 s)."""
        await self._look(SOON_SECONDS if soon else FRESH_SECONDS)
        return len(self._jobs) + self._joined

    async def position(self, job_id: JobId) -> int:
        """Return a waiting job's place in line, from 1."""
        await self._look(FRESH_SECONDS)
        if not self._jobs or self._jobs[-1] < job_id:
            await self._look(SOON_SECONDS)  # it has joined since
        return bisect.bisect_left(self._jobs, job_id) + 1

    async def first(self) -> JobId | None:
        """Return the first in line, None where nobody waits."""
        await self._look(FRESH_SECONDS)
        return self._jobs[0] if self._jobs else None

    def joined(self) -> None:
        """Count one more, that the next look will find."""
        self._joined += 1

    async def _look(self, seconds: float) -> None:
        async with self._lock:
            if self._looked_at is not None and self.time() < self._looked_at + seconds:
                return
            joined = self._joined
            names = await self.store.list_names(WAITING, limit=self.most)
            jobs = {job_id for name in names if (job_id := waiting_job(name)) is not None}
            self._jobs, self._looked_at = sorted(jobs), self.time()
            self._joined -= joined
