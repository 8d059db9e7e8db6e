"""Starting and reading jobs: the only user of the durable client.

The SDK's client (azure-functions-durable 1.7.0) has two traps that are closed here:

- `get_status` treats HTTP 500 from the durable backend as an answer and returns a falsy status, exactly as for an
  unknown instance. Only an empty answer means "unknown"; anything else is `BackendUnavailable`.
- `start_new` may fail after the start message was stored. The instance is read again before a failure is reported, so
  that a caller who is told "not accepted" can try again without paying twice.
"""

import asyncio
from typing import Protocol

from shared.errors import BackendUnavailable
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobView, job_view
from shared.names import GENERATE_VIDEO

READ_DEADLINE_SECONDS = 4.0
"""The contract's Python client gives up after 5 s; an answer that says why is better than none."""

START_DEADLINE_SECONDS = 2.0
READ_AGAIN_DEADLINE_SECONDS = 0.8
"""Starting, and looking whether it started after all: together with writing the job's record below those 5 s."""


class InstanceStatus(Protocol):
    """The part of the SDK's `DurableOrchestrationStatus` that is read here."""

    @property
    def runtime_status(self) -> object: ...  # noqa: D102 - as in the SDK
    @property
    def custom_status(self) -> object: ...  # noqa: D102 - as in the SDK
    @property
    def output(self) -> object: ...  # noqa: D102 - as in the SDK


class DurableClient(Protocol):
    """The part of the SDK's `DurableOrchestrationClient` that is used here."""

    async def start_new(  # noqa: D102 - as in the SDK
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: object = None
    ) -> str: ...
    async def get_status(self, instance_id: str) -> InstanceStatus: ...  # noqa: D102 - as in the SDK


class JobClient:
    """Jobs by id, over one durable client."""

    def __init__(self, client: DurableClient) -> None:
        self._client = client

    async def start(self, job_id: JobId, story_input: dict[str, object]) -> None:
        """Start the story of a new job.

        Raises `BackendUnavailable` where the job was not accepted (or nobody can say whether it was).
        """
        try:
            async with asyncio.timeout(START_DEADLINE_SECONDS):
                await self._client.start_new(GENERATE_VIDEO, job_id, story_input)
        except Exception as error:  # the SDK raises bare Exception for every refusal
            if await self.view(job_id, seconds=READ_AGAIN_DEADLINE_SECONDS) is None:
                raise BackendUnavailable(f"job {job_id!r} could not be started: {error}") from error

    async def view(self, job_id: JobId, *, seconds: float | None = None) -> JobView | None:
        """Return what the caller may see of the job, None where there is no such job; within `seconds` (4).

        Raises `BackendUnavailable` where the durable backend does not answer.
        """
        try:
            async with asyncio.timeout(READ_DEADLINE_SECONDS if seconds is None else seconds):
                status = await self._client.get_status(job_id)
        except Exception as error:  # bare Exception from the SDK, aiohttp's errors, a time-out
            raise BackendUnavailable(f"job {job_id!r} could not be read: {error}") from error
        if status:
            runtime = getattr(status.runtime_status, "name", "")
            return job_view(runtime, status.custom_status, status.output)
        if getattr(status, "message", None) == "":
            return None
        raise BackendUnavailable(f"job {job_id!r} could not be read: the durable backend answered with an error")
