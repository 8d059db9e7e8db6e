"""What is kept about a job in our own storage, from its acceptance to long after its history is gone.

One record for each job: what was asked for, under which settings, and, once it has ended, how. Written before the story
starts, completed when it ends, and made smaller when its file is removed; it is never deleted. And one appointment for
each job: a record whose name says when the job is to be looked at next, so that looking after jobs costs nothing while
there is nothing to do.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import StorageUnavailable
from shared.jobs.ids import WATCH, JobId, job_blob, parse_watch_blob, watch_blob
from shared.jobs.models import STORY_VERSION, FlowSettings, GenerateVideoInput, JobEnd, Payload, VideoRequest
from shared.storage.base import BlobStore

MOST_TRIES = 10

START_SECONDS = 60
"""A job is first looked at so long after it was accepted: whoever accepted it has ended or died by then."""

OVERDUE = timedelta(hours=1)
"""How much longer than its deadline a stage, or the whole story, may take before it counts as stuck."""

APPOINTMENTS = 500
"""How many appointments are read at a time."""


class JobRecord(Payload):
    """A job on record. `request` and `flow` are None where they are no longer, or not yet, kept.

    `sender_id` is what the sender of its message calls it. `told` says how far each place that events go to has been
    told of the job, by the place's name; None for one that was accepted while there was none.
    """

    job_id: JobId
    accepted_at: datetime
    request: VideoRequest | None = None
    flow: FlowSettings | None = None
    key: str | None = None
    end: JobEnd | None = None
    sender_id: str | None = None
    told: dict[str, int] | None = None

    @property
    def overdue_at(self) -> datetime:
        """When a job that has not ended is stuck."""
        seconds = (
            self.flow.job_timeout_seconds if self.flow else FlowSettings.model_fields["job_timeout_seconds"].default
        )
        return self.accepted_at + timedelta(seconds=seconds) + OVERDUE

    @property
    def story_input(self) -> dict[str, object] | None:
        """What the job's story is started with, None where that is no longer known."""
        if self.request is None or self.flow is None:
            return None
        story = GenerateVideoInput(job_id=self.job_id, request=self.request, flow=self.flow, version=STORY_VERSION)
        return story.model_dump(mode="json")


@dataclass(frozen=True)
class JobRecords:
    """The records of jobs in `store`."""

    store: BlobStore
    now: Callable[[], datetime]

    async def open(self, record: JobRecord) -> bool:
        """Put a job on record; False, and nothing written, where there is a record of it already."""
        return await self.store.create_record(job_blob(record.job_id), record.model_dump(mode="json"))

    async def read(self, job_id: JobId) -> JobRecord | None:
        """Return what is on record, None where nothing is."""
        record = await self.store.read_record(job_blob(job_id))
        return None if record is None else JobRecord.model_validate(record)

    async def forget(self, job_id: JobId) -> None:
        """Remove the record of a job that was never accepted."""
        await self.store.delete_record(job_blob(job_id))

    async def close(self, job_id: JobId, end: JobEnd) -> JobRecord | None:
        """Put a job's end on record, and return the record, None where there is none.

        The end that is there already stays. Only where there was none, what is returned has this very `end`.
        """
        return await self._change(
            job_id, lambda record: record if record.end else record.model_copy(update={"end": end})
        )

    async def name(self, job_id: JobId, sender_id: str) -> None:
        """Remember what the sender of a message calls a job that had no such name."""
        await self._change(
            job_id, lambda record: record if record.sender_id else record.model_copy(update={"sender_id": sender_id})
        )

    async def mark_told(self, job_id: JobId, told: Mapping[str, int]) -> None:
        """Remember how far each place has been told of a job; what is remembered never goes back."""

        def marked(record: JobRecord) -> JobRecord:
            before = record.told or {}
            return record.model_copy(
                update={"told": {**before, **{name: max(far, before.get(name, 0)) for name, far in told.items()}}}
            )

        await self._change(job_id, marked)

    async def shrink(self, job_id: JobId) -> None:
        """Drop what only a job needs that may still be told: what was asked for, and its key."""
        gone = {"request": None, "flow": None, "key": None, "sender_id": None}
        await self._change(job_id, lambda record: record.model_copy(update=gone))

    async def watch(self, job_id: JobId, due: datetime, key: str | None = None) -> None:
        """Make an appointment to look at a job; `key` names its idempotency key, should nothing else be on record."""
        await self.store.create_record(watch_blob(due, job_id), {"job_id": job_id, "key": key})

    async def due(self) -> AsyncIterator[tuple[str, JobId]]:
        """Yield the appointments that are due, the earliest first: their names, and whom they are about."""
        now = self.now()
        for name in await self.store.list_names(WATCH, limit=APPOINTMENTS):
            appointment = parse_watch_blob(name)
            if appointment is not None:
                if appointment[0] > now:
                    return
                yield name, appointment[1]

    async def _change(self, job_id: JobId, change: Callable[[JobRecord], JobRecord]) -> JobRecord | None:
        for _ in range(MOST_TRIES):
            seen = await self.store.read_versioned(job_blob(job_id))
            if seen is None:
                return None
            before = JobRecord.model_validate(seen.record)
            after = change(before)
            if after == before or await self.store.replace_version(
                job_blob(job_id), after.model_dump(mode="json"), seen.etag
            ):
                return after
        raise StorageUnavailable(f"the record of {job_id!r} was changed by others {MOST_TRIES} times in a row")
