"""The port to the durable backend: what the rest of the app may ask of orchestrations, by job id.

Every method raises `BackendUnavailable` where the backend does not answer.
"""

from collections.abc import Mapping
from typing import Protocol

from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobSight


class Instances(Protocol):
    """The orchestrations of jobs; `shared.jobs.client.JobClient` is the real one."""

    async def start(self, job_id: JobId, story_input: Mapping[str, object]) -> None:
        """Start the story of a job; one that runs already is left alone."""

    async def sight(self, job_id: JobId) -> JobSight | None:
        """Return all that the job's story shows, None where there is no such story."""

    async def signal(self, job_id: JobId, event: str) -> bool:
        """Raise an event for the job's story; False where that has ended. Also True where there is none (yet)."""

    async def terminate(self, job_id: JobId, reason: str) -> None:
        """End the job's story where it stands; nothing happens where it has ended, or where there is none."""

    async def purge(self, job_id: JobId) -> None:
        """Forget a story that has ended; nothing happens where there is none."""
