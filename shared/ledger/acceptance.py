"""Accepting a job: what is written before its story starts, so that a crash at any point loses and doubles nothing.

1. a key that has been used before leads to its job, whose start is made up for where it has not happened;
2. one more job must be allowed (`admission.py`);
3. an appointment to look at the job is made, and the key is claimed for it, create-if-absent;
4. the job is put on record and into the line;
5. its story is started. Where that cannot be confirmed, the job is withdrawn: a start that arrives after all submits
   nothing, and the key is free again.

Requests with one key at the same time are one job, which is withdrawn only as long as one of them alone knows of it:
the claim says so. Where its start fails for all of them, it stays; the next one with that key, or the sweep, starts it.

A crash before 5 is found by the sweep at the appointment.
"""

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import BackendUnavailable, StorageError
from shared.jobs.ids import JobId, key_blob
from shared.jobs.instances import Instances
from shared.jobs.models import FlowSettings, VideoRequest
from shared.ledger.admission import Admission
from shared.ledger.announcements import Announcements
from shared.ledger.line import Line
from shared.ledger.records import START_SECONDS, JobRecord, JobRecords
from shared.ledger.submissions import Submissions
from shared.logs import log_for
from shared.storage.base import BlobStore, Record, Versioned

RECORD_DEADLINE_SECONDS = 1.6
WITHDRAW_DEADLINE_SECONDS = 0.6
"""With the deadlines of `JobClient.start` they leave half a second, for a process that has just begun, of the 5 s after
which the contract's Python client gives up."""

_SHARED = "shared"
_TAKEN_BACK = "taken_back"
"""Fields of a claim: whichever is written first decides whether further requests with its key are led to its job, or
that is withdrawn."""


class KeyReused(Exception):
    """The idempotency key stands for another request."""


@dataclass(frozen=True)
class Accepted:
    """The job of a request; `replayed` says that its key led to an earlier one."""

    job_id: JobId
    replayed: bool = False


@dataclass(frozen=True)
class Acceptance:
    """Accepts jobs; each carries `flow` along."""

    store: BlobStore
    records: JobRecords
    line: Line
    submissions: Submissions
    admission: Admission
    announcements: Announcements
    instances: Instances
    flow: FlowSettings

    async def accept(
        self, job_id: JobId, request: VideoRequest, key: str | None = None, *, sender_id: str | None = None
    ) -> Accepted:
        """Accept a request as this new job, or find the job that its key stands for.

        `sender_id` is what its events are to call it besides, for a sender who never learns its id.

        Raises `TooManyJobs`, `KeyReused`, `StorageUnavailable` and TimeoutError, and `BackendUnavailable` where the
        start could not be confirmed and the job was withdrawn. Where it raises, no job without a key was accepted; one
        with a key may be started by the sweep, and is the answer to the next request with that key.
        """
        async with asyncio.timeout(RECORD_DEADLINE_SECONDS):
            accepted = await self._admitted(job_id, request, None if key is None else key_blob(key))
            if accepted.replayed and await self._is_under_way(accepted.job_id):
                if sender_id is not None:
                    await self.records.name(accepted.job_id, sender_id)
                return accepted
            record = JobRecord(
                job_id=accepted.job_id,
                accepted_at=self.records.now(),
                request=request,
                flow=self.flow,
                key=None if key is None else key_blob(key),
                sender_id=sender_id,
                told=self.announcements.at_first,
            )
            kept, _ = await asyncio.gather(self._recorded(record), self.line.join(accepted.job_id))
        try:
            await self.instances.start(kept.job_id, kept.story_input or {})
        except BackendUnavailable:
            if await self._withdrawn(kept):
                raise
        return accepted

    async def _admitted(self, job_id: JobId, request: VideoRequest, key: str | None) -> Accepted:
        """Let in a new job, with a key claimed for it; or return the one that the key is claimed for already."""
        claim = None if key is None else await self.store.read_versioned(key)
        if claim is not None:
            earlier = JobId(str(claim.record["job_id"]))
            if not await self._is_refused(earlier, claim):
                if claim.record["request"] != _fingerprint(request):
                    raise KeyReused(f"the key of job {earlier!r} came with another request")
                if await self._marked(str(key), claim, _SHARED):
                    return Accepted(earlier, replayed=True)
                return await self._admitted(job_id, request, key)
        await self.admission.admit()
        await self.records.watch(job_id, self.records.now() + timedelta(seconds=START_SECONDS), key)
        mine: Record = {"job_id": job_id, "request": _fingerprint(request)}
        if key is None or await self.store.replace_version(key, mine, claim.etag if claim is not None else None):
            return Accepted(job_id)
        return await self._admitted(job_id, request, key)  # somebody else has just claimed it

    async def _is_refused(self, job_id: JobId, claim: Versioned) -> bool:
        """Say whether the job of a claim was withdrawn; one that was taken back may still have to be."""
        if claim.record.get(_TAKEN_BACK):
            await self.submissions.withdraw(job_id, refused=True)
        return await self.submissions.is_refused(job_id)

    async def _marked(self, key: str, claim: Versioned, mark: str) -> bool:
        """Mark a claim, unless it has changed since it was read; say whether it is marked."""
        return bool(claim.record.get(mark)) or await self.store.replace_version(
            key, {**claim.record, mark: True}, claim.etag
        )

    async def _taken_back(self, record: JobRecord) -> bool:
        """Take a job back from its key; False where another request has been led to it."""
        claim = None if record.key is None else await self.store.read_versioned(record.key)
        if claim is None or claim.record.get("job_id") != record.job_id:
            return True
        return not claim.record.get(_SHARED) and await self._marked(str(record.key), claim, _TAKEN_BACK)

    async def _is_under_way(self, job_id: JobId) -> bool:
        """Say whether nothing is left to do for a job that was accepted before; else whoever began with it has died."""
        record = await self.records.read(job_id)
        return record is not None and (record.end is not None or await self.instances.sight(job_id) is not None)

    async def _recorded(self, record: JobRecord) -> JobRecord:
        """Put a job on record, and return what is: an earlier try with the same key may have got this far."""
        if await self.records.open(record):
            return record
        kept = await self.records.read(record.job_id)
        if kept is None or kept.key is None or kept.key != record.key:
            raise BackendUnavailable(f"job {record.job_id!r} exists already")
        return kept

    async def _withdrawn(self, record: JobRecord) -> bool:
        """Take the place of the job's one submission, so that a start which arrives after all costs nothing.

        False where the story was there first: then the job runs. Where storage cannot say in time, its caller is told
        that it does not, as if it had been withdrawn.
        """
        job_id = record.job_id
        with contextlib.suppress(StorageError, TimeoutError):
            async with asyncio.timeout(WITHDRAW_DEADLINE_SECONDS):
                if not await self._taken_back(record):
                    log_for(job_id).warning("not withdrawn: another request with its key has been led to it")
                    return True
                if not await self.submissions.withdraw(job_id, refused=True):
                    return False
                log_for(job_id).warning("withdrawn: its caller is told that it was not accepted")
                await self.forget(job_id, record.key)
                return True
        log_for(job_id).warning("not withdrawn, or not all of it; the sweep will look at it")
        return True

    async def forget(self, job_id: JobId, key: str | None) -> None:
        """Remove what was written for a job that was not accepted, but for its withdrawal."""
        if key is not None:
            claim = await self.store.read_record(key)
            if claim is not None and claim.get("job_id") == job_id:
                await self.store.delete_record(key, only=claim)
        await self.line.leave(job_id)
        await self.records.forget(job_id)


def _fingerprint(request: VideoRequest) -> str:
    """Return what tells requests apart: their meaning, not their spelling. Not the request: prompts are kept once."""
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()
