"""What is known about a job's paid submission, and finding out what became of one in doubt.

A submission record holds the intent to submit, then the service's id; or, in its place, a withdrawal: then nothing may
be submitted for this job any more. A claim, under the service's id, says which job owns a render, so that no two jobs
in doubt take the same one for theirs. `activities/submit_render.py` tells how they are written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import ProviderAmbiguous, ProviderError, ProviderRejected, ProviderThrottled, ProviderUnavailable
from shared.jobs.ids import WITHDRAWN, JobId, claim_blob, resubmissions, submission_blob
from shared.jobs.models import RenderSpec
from shared.logs import log_for
from shared.providers.base import RenderCandidate, VideoProvider
from shared.storage.base import BlobStore, Record

SETTLE_SECONDS = 10.0
"""What the service received shows in its list after this long; it is asked only then."""

CLOCK_SKEW = timedelta(seconds=30)
"""How far the service's clock may lag behind ours when it stamps a render; it counts whole seconds, too."""

_REFUSED = "caller_was_refused"
"""Field of a withdrawal; not to be confused with an intent's `accepted`, which is about the service."""


@dataclass(frozen=True)
class Submissions:
    """Submissions on record in `store` to `provider`, whose call to submit is over after `submit_seconds`."""

    store: BlobStore
    provider: VideoProvider
    submit_seconds: float
    now: Callable[[], datetime]

    async def withdraw(self, job_id: JobId, *, refused: bool = False) -> bool:
        """See to it that nothing is submitted for a job; False where something has been, or is being, submitted.

        With `refused` the withdrawal says that the job's caller was told that the job had not been accepted.
        """
        withdrawal: Record = {"job_id": job_id, WITHDRAWN: self.now().isoformat(), _REFUSED: refused}
        if await self.store.create_record(submission_blob(job_id), withdrawal):
            return True
        record = await self.store.read_record(submission_blob(job_id))
        return record is not None and WITHDRAWN in record and "upstream_id" not in record

    async def is_withdrawn(self, job_id: JobId) -> bool:
        """Say whether nothing may be submitted for the job any more."""
        record = await self.store.read_record(submission_blob(job_id))
        return record is not None and WITHDRAWN in record

    async def is_refused(self, job_id: JobId) -> bool:
        """Say whether the job was withdrawn because its caller had to be told that it was not accepted."""
        record = await self.store.read_record(submission_blob(job_id))
        return record is not None and WITHDRAWN in record and record.get(_REFUSED) is True

    async def candidates(self, job_id: JobId, spec: RenderSpec, record: Record) -> Sequence[RenderCandidate]:
        """Return the renders that may have come of a submission whose answer is missing.

        The job's own one alone where that is claimed already; none that another job owns. Raises `ProviderAmbiguous`
        while it is too early to ask or the service does not answer, `ProviderRejected` where it cannot be asked.
        """
        wait = (self._settled_at(record) - self.now()).total_seconds()
        if wait > 0:
            raise ProviderAmbiguous("submission_unknown", "submission in doubt", retry_after_seconds=wait)
        try:
            found = await self.provider.find(spec, moment_of(record, "intended_at") - CLOCK_SKEW)
        except (ProviderThrottled, ProviderUnavailable) as error:
            raise ProviderAmbiguous(
                "submission_unknown", f"cannot ask yet: {error}", retry_after_seconds=error.retry_after_seconds
            ) from error
        except ProviderError as error:
            raise ProviderRejected("submission_unknown", f"cannot be asked: {error}") from error
        return await self._claimable(job_id, found)

    async def owner(self, upstream_id: str) -> str | None:
        """Return the job that owns a render, None where no job does."""
        claim = await self.store.read_record(claim_blob(upstream_id))
        return None if claim is None else str(claim.get("job_id"))

    async def stop(self, job_id: JobId, spec: RenderSpec) -> bool:
        """Have the service stop the job's render, and say whether there was one; nothing is submitted afterwards.

        Done again, it changes nothing. Raises `ProviderAmbiguous` while it is not known whether there is a render,
        and what `VideoProvider.cancel` raises, but for a service that knows no stopping.
        """
        if await self.withdraw(job_id):
            return False
        seen = await self.store.read_versioned(submission_blob(job_id))
        if seen is None:
            raise ProviderAmbiguous("submission_unknown", "the record of the submission has just been removed")
        upstream_id = seen.record.get("upstream_id")
        if not isinstance(upstream_id, str):
            upstream_id = await self._found(job_id, spec, seen.record)
            withdrawal: Record = {**seen.record, WITHDRAWN: self.now().isoformat()}
            if upstream_id is not None:
                withdrawal["upstream_id"] = upstream_id
            if not await self.store.replace_version(submission_blob(job_id), withdrawal, seen.etag):
                raise ProviderAmbiguous("submission_unknown", "the submission goes on", retry_after_seconds=1)
            if upstream_id is None:
                return False
        try:
            await self.provider.cancel(upstream_id)
        except ProviderRejected as error:
            log_for(job_id).warning("the service goes on with render %r: %s", upstream_id, error)
        return True

    async def forget(self, job_id: JobId) -> None:
        """Remove all that is on record about a job's submission, its claim included."""
        record = await self.store.read_record(submission_blob(job_id))
        upstream_id = (record or {}).get("upstream_id")
        if isinstance(upstream_id, str) and await self.owner(upstream_id) == job_id:
            await self.store.delete_record(claim_blob(upstream_id))
        for name in await self.store.list_names(resubmissions(job_id), limit=100):
            await self.store.delete_record(name)
        await self.store.delete_record(submission_blob(job_id))

    async def _found(self, job_id: JobId, spec: RenderSpec, record: Record) -> str | None:
        """Return the one render that is certainly the job's, None where there is none or nobody can tell."""
        try:
            mine = await self.candidates(job_id, spec, record)
        except ProviderRejected as error:
            log_for(job_id).warning("nobody can say whether there is a render to be stopped: %s", error)
            return None
        if len(mine) != 1 or not mine[0].certain:
            if mine:
                log_for(job_id).warning("%d renders may be the one to be stopped; none is", len(mine))
            return None
        claim: Record = {"job_id": job_id}
        upstream_id = mine[0].upstream_id
        return upstream_id if await self.store.create_record(claim_blob(upstream_id), claim) else None

    def _settled_at(self, record: Record) -> datetime:
        """Return when it is worth asking: after the doubt, or, where it was never written, when the call is over."""
        if "doubted_at" in record:
            return moment_of(record, "doubted_at") + timedelta(seconds=SETTLE_SECONDS)
        return moment_of(record, "intended_at") + timedelta(seconds=self.submit_seconds + SETTLE_SECONDS)

    async def _claimable(self, job_id: JobId, candidates: Sequence[RenderCandidate]) -> list[RenderCandidate]:
        free: list[RenderCandidate] = []
        for candidate in candidates:
            owner = await self.owner(candidate.upstream_id)
            if owner == job_id:
                return [replace(candidate, certain=True)]
            if owner is None:
                free.append(candidate)
        return free


def moment_of(record: Record, field: str) -> datetime:
    """Return a moment that a record holds."""
    return datetime.fromisoformat(str(record[field]))
