"""Starting, reading and steering jobs: the only user of the durable client.

The SDK's client (azure-functions-durable 1.7.0) has three traps that are closed here:

- `get_status` treats HTTP 500 from the durable backend as an answer and returns a falsy status, exactly as for an
  unknown instance. Only an empty 404 means "unknown"; anything else is `BackendUnavailable`. The backend's listener
  answers empty 500s where its own error handling fails, and the SDK does not tell them from 404s: hence the look at
  the HTTP status behind its back.
- `start_new` may fail after the start message was stored. The instance is read again before a failure is reported, so
  that a caller who is told "not accepted" can try again without paying twice.
- One broken connection makes it close those of every call under way, a few times over, and cancels the calls that wait
  for one. A read that breaks is repeated, a few times.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from shared.errors import BackendUnavailable
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobSight, JobView, job_sight
from shared.names import GENERATE_VIDEO

READ_DEADLINE_SECONDS = 4.0
"""The contract's Python client gives up after 5 s; an answer that says why is better than none."""

START_DEADLINE_SECONDS = 1.6
READ_AGAIN_DEADLINE_SECONDS = 0.6
"""Starting, and looking whether it started after all: with writing and withdrawing the job's record below those 5 s."""

READ_AGAIN_PAUSE_SECONDS = 0.1
"""Between looks that settle nothing, of which there are as many as that deadline allows."""

_READ_TRIES = 4

_NOT_FOUND = 404

Value = TypeVar("Value")


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
    async def raise_event(self, instance_id: str, event_name: str, event_data: object = None) -> None: ...  # noqa: D102
    async def terminate(self, instance_id: str, reason: str) -> None: ...  # noqa: D102 - as in the SDK
    async def purge_instance_history(self, instance_id: str) -> object: ...  # noqa: D102 - as in the SDK


class JobClient:
    """Jobs by id, over one durable client: `Instances`."""

    def __init__(self, client: DurableClient) -> None:
        self._client = client
        self._http_statuses = _listen(client)

    async def start(self, job_id: JobId, story_input: Mapping[str, object]) -> None:
        """Start the story of a job; one that runs already is left alone.

        Raises `BackendUnavailable` where the job was not accepted (or nobody can say whether it was).
        """
        try:
            async with asyncio.timeout(START_DEADLINE_SECONDS):
                await _not_cancelled(self._client.start_new(GENERATE_VIDEO, job_id, dict(story_input)))
        except Exception as error:  # the SDK raises bare Exception for every refusal
            if not await self._was_started(job_id, refused=_was_answered(error)):
                raise BackendUnavailable(f"job {job_id!r} could not be started: {_told(error)}") from error

    async def _was_started(self, job_id: JobId, *, refused: bool) -> bool:
        """Say whether the job runs after all, False where nobody can tell in time.

        A start that was answered with a refusal and left nothing behind has failed. One that broke off may yet arrive.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + READ_AGAIN_DEADLINE_SECONDS
        while True:
            with contextlib.suppress(BackendUnavailable):
                if await self.sight(job_id, seconds=deadline - clock()) is not None:
                    return True
                if refused:
                    return False
            if clock() + READ_AGAIN_PAUSE_SECONDS > deadline:
                return False
            await asyncio.sleep(READ_AGAIN_PAUSE_SECONDS)

    async def view(self, job_id: JobId) -> JobView | None:
        """Return what the caller may see of the job, None where there is no such job.

        Raises `BackendUnavailable` where the durable backend does not answer.
        """
        sight = await self.sight(job_id)
        return None if sight is None else sight.view

    async def sight(self, job_id: JobId, *, seconds: float | None = None) -> JobSight | None:
        """Return all that the job's story shows, None where there is no such job.

        Raises `BackendUnavailable` where the durable backend does not answer within `seconds` (4).
        """
        try:
            async with asyncio.timeout(READ_DEADLINE_SECONDS if seconds is None else seconds):
                status = await self._read(job_id)
        except Exception as error:  # bare Exception from the SDK, aiohttp's errors, a time-out
            raise BackendUnavailable(f"job {job_id!r} could not be read: {_told(error)}") from error
        if status:
            runtime = getattr(status.runtime_status, "name", "")
            return job_sight(runtime, status.custom_status, status.output)
        answered = self._http_statuses[-1:]
        if answered in ([], [_NOT_FOUND]) and getattr(status, "message", None) == "":
            return None
        how = f"HTTP {answered[0]}" if answered else "an error"
        raise BackendUnavailable(f"job {job_id!r} could not be read: the durable backend answered with {how}")

    async def signal(self, job_id: JobId, event: str) -> bool:
        """Raise an event for the job's story; False where that has ended. Also True where there is none (yet)."""
        return not await self._told_or(job_id, event, lambda: self._client.raise_event(job_id, event))

    async def terminate(self, job_id: JobId, reason: str) -> None:
        """End the job's story where it stands; nothing happens where it has ended, or where there is none."""
        await self._told_or(job_id, "termination", lambda: self._client.terminate(job_id, reason))

    async def purge(self, job_id: JobId) -> None:
        """Forget a story that has ended; nothing happens where there is none."""
        try:
            async with asyncio.timeout(READ_DEADLINE_SECONDS):
                await _not_cancelled(self._client.purge_instance_history(job_id))
        except Exception as error:  # as in `sight`
            raise BackendUnavailable(f"the history of {job_id!r} could not be purged: {_told(error)}") from error

    async def _told_or(self, job_id: JobId, what: str, send: Callable[[], Awaitable[None]]) -> bool:
        """Send a message to a story, and say whether it has ended instead of taking it.

        The SDK has the same bare exception for an ended story, an unknown one and a failure: so it is looked at.
        """
        try:
            async with asyncio.timeout(READ_DEADLINE_SECONDS):
                await _not_cancelled(send())
        except Exception as error:  # as in `sight`
            seen = await self.sight(job_id)
            if seen is not None and not seen.told:
                raise BackendUnavailable(f"{what} did not reach {job_id!r}: {_told(error)}") from error
            return seen is not None
        return False

    async def _read(self, job_id: JobId) -> InstanceStatus:
        for _ in range(_READ_TRIES - 1):
            try:
                return await _not_cancelled(self._client.get_status(job_id))
            except Exception as error:  # as in `view`, which also tells of the last try
                if _was_answered(error):
                    raise
            await asyncio.sleep(READ_AGAIN_PAUSE_SECONDS)
        return await _not_cancelled(self._client.get_status(job_id))


async def _not_cancelled(call: Awaitable[Value]) -> Value:
    """Await a call of the SDK's client; raise ConnectionError where it was cancelled and nobody asked for that.

    Closing the shared session cancels whoever waits for one of its connections. The worker does not expect that of a
    function, and would leave the request without an answer.
    """
    try:
        return await call
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the SDK closed its connections") from None


def _listen(client: Any) -> list[int]:
    """Return the list to which the HTTP status of everything that `client` reads will be added.

    It stays empty for a client that does not read as the SDK's 1.7.0 does, whose empty answers are trusted. The SDK
    makes a client for every invocation, so nothing is left behind.
    """
    statuses: list[int] = []
    read = getattr(client, "_get_async_request", None)
    if read is not None:

        async def listening(*arguments: Any, **options: Any) -> Any:
            answer = await read(*arguments, **options)
            statuses.append(answer[0])
            return answer

        client._get_async_request = listening  # noqa: SLF001 - the SDK shows the status nowhere else
    return statuses


def _was_answered(error: Exception) -> bool:
    """Say whether the backend has answered: its refusals the SDK raises bare, everything else the connection raised."""
    return type(error) is Exception


def _told(error: Exception) -> str:
    """Return what an error says, or its kind where it says nothing, as a time-out does."""
    return str(error) or type(error).__name__
