"""The world in which golden responses are recorded: the same jobs, files, etags and times whenever it is made.

A request chooses what happens by what it names: every id here stands for a state of its job or file, and a prompt can
ask for storage or for the durable backend to fail. So the answers depend on nothing but the request.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Final

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import FAILURE_CODES, StorageUnavailable
from shared.jobs.ids import JobId, job_blob, video_blob
from shared.jobs.models import FlowSettings
from shared.storage.base import Record, StoredVideo
from shared.wiring import Services
from tests.support.builders import FLOW
from tests.support.durable_client import instance

NOW: Final = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
VIDEO: Final = b"These forty bytes stand for a video file"
FIRST_PIECE: Final = 17

STORAGE_DOWN: Final = "the storage is down"
BACKEND_DOWN: Final = "the durable backend is down"
START_ANSWER_LOST: Final = "the durable backend answers 500 and has started the job"
"""Prompts that choose what happens to the new job."""


def _job(number: int) -> JobId:
    return JobId(f"01jyg74z6ee6e9y23ceq2f{number:04d}")


NEW: Final = _job(0)
"""The id of every new job."""

UNKNOWN: Final = _job(1)
UNREADABLE: Final = _job(2)
"""A job, and a file, that nobody can read now."""
BROKEN: Final = _job(3)
"""A file whose reading fails in a way that nobody has foreseen."""
UNVERIFIED: Final = _job(4)
"""A file that has not been checked yet."""
COMPLETED: Final = _job(5)
EMPTY: Final = _job(6)
"""A file without a byte."""
UNREADABLE_CONTENT: Final = _job(7)
"""A file that is found and cannot be read."""
BREAKS_OFF: Final = _job(8)
"""A file that cannot be read beyond its first `FIRST_PIECE` bytes."""

_RENDERING: Final = {"status": "processing", "stage": "render", "progress": 40}

JOBS: Final[Mapping[str, JobId]] = {
    name: _job(100 + number)
    for number, name in enumerate(("pending", "submitting", "rendering", "suspended", "terminated", "crashed"))
}
FAILED: Final[Mapping[str, JobId]] = {code: _job(200 + number) for number, code in enumerate(FAILURE_CODES)}

INSTANCES: Final[Mapping[str, Mapping[str, object]]] = {
    JOBS["pending"]: instance("Pending"),
    JOBS["submitting"]: instance("Running", {"status": "queued", "stage": "submit"}),
    JOBS["rendering"]: instance("Running", _RENDERING),
    JOBS["suspended"]: instance("Suspended", _RENDERING),
    JOBS["terminated"]: instance("Terminated", _RENDERING, "by an operator"),
    JOBS["crashed"]: instance("Failed", _RENDERING, "Orchestrator function 'generate_video' failed: Boom"),
    COMPLETED: instance("Completed", _RENDERING, {"status": "completed"}),
    **{job: instance("Completed", _RENDERING, {"status": "failed", "code": code}) for code, job in FAILED.items()},
}
"""What the durable backend knows."""


class GoldenStore(InMemoryStore):
    """Storage in memory, failing for the ids and prompts that say so."""

    def __init__(self) -> None:
        super().__init__(now=lambda: NOW)

    async def create_record(self, name: str, record: Record) -> bool:
        """See `BlobStore`; every new job has the same id, so the one before makes room."""
        request = record["request"]
        if isinstance(request, dict) and request["prompt"] == STORAGE_DOWN:
            raise StorageUnavailable("failed on request")
        await self.delete_record(job_blob(NEW))
        return await super().create_record(name, record)

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""
        if name == video_blob(UNREADABLE):
            raise StorageUnavailable("failed on request")
        if name == video_blob(BROKEN):
            raise RuntimeError("failed on request, as nobody has foreseen")
        return await super().find_video(name)

    async def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """See `BlobStore`."""
        if name == video_blob(UNREADABLE_CONTENT):
            raise StorageUnavailable("failed on request")
        async for piece in super().stream(name, video, offset, length):
            if name == video_blob(BREAKS_OFF):
                yield piece[:FIRST_PIECE]
                raise StorageUnavailable("failed on request")
            yield piece


async def golden_services() -> Services:
    """Make the services of the HTTP functions, with every file in its place."""
    store = GoldenStore()
    for job in (COMPLETED, EMPTY, UNVERIFIED, UNREADABLE_CONTENT, BREAKS_OFF):
        await store.write_video(video_blob(job), _pieces(b"" if job == EMPTY else VIDEO))
        if job != UNVERIFIED:
            found = await store.find_video(video_blob(job))
            assert found
            await store.mark_verified(video_blob(job), found, {})
    flow = FlowSettings.model_validate(FLOW)
    return Services(provider=FakeVideoProvider(), store=store, flow=flow, now=lambda: NOW)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
