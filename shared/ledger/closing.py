"""The end of a job, on record and in everything that it held; said by its story, or by the sweep where that cannot.

The order matters where the process dies in between: others wait for the place, and the record is what says that nothing
is left to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.jobs.ids import JobId, cancellation_blob
from shared.jobs.models import JobEnd
from shared.jobs.retention import DOWNLOAD_GRACE, KEPT_AT_LEAST
from shared.ledger.announcements import GIVEN_UP_AFTER, Announcements
from shared.ledger.line import Line
from shared.ledger.records import JobRecord, JobRecords
from shared.ledger.submissions import Submissions
from shared.storage.base import BlobStore
from shared.telemetry.base import SILENT, Period, Telemetry


@dataclass(frozen=True)
class Closing:
    """Closes jobs; their histories are kept for `history_retention` after that."""

    store: BlobStore
    records: JobRecords
    line: Line
    submissions: Submissions
    announcements: Announcements
    history_retention: timedelta
    telemetry: Telemetry = SILENT

    async def close(self, job_id: JobId, end: JobEnd, *, in_line: bool) -> JobEnd:
        """Close a job, and return the end that is on record: the first that was said. Again, it changes nothing."""
        if in_line:
            await self.line.leave(job_id)
        if end.status == "failed":
            # A message that is delivered again must not begin what has ended. What was submitted stays as it is.
            await self.submissions.withdraw(job_id)
        promise = await self.announcements.promise(job_id)
        record = await self.records.close(job_id, end)
        kept = end if record is None or record.end is None else record.end
        if record is not None and record.end is end:  # this call was the first to say so
            self._tell(record, end)
        await self.announcements.tell_the_end(job_id, promise)
        await self.records.watch(job_id, self.next_chore(kept, self.records.now()))
        await self.store.delete_record(cancellation_blob(job_id))
        return kept

    def history_due(self, end: JobEnd) -> datetime:
        """Return when the history of a job that ended so may be forgotten."""
        return self._ended_at(end) + self.history_retention

    def file_due(self, end: JobEnd) -> datetime | None:
        """Return when its file is removed, None for one that is kept for good."""
        if end.status == "failed":
            return self._ended_at(end)
        return None if end.expires_at is None else end.expires_at + DOWNLOAD_GRACE

    def traces_due(self, end: JobEnd) -> datetime | None:
        """Return when all that is left of it but its end is removed, None where its file is kept for good."""
        file, ended_at = self.file_due(end), self._ended_at(end)
        if file is None:
            return None
        # As long as somebody may have to be told, what there is to tell is kept.
        kept = GIVEN_UP_AFTER if self.announcements.sinks else KEPT_AT_LEAST
        return max(file, ended_at + max(kept, KEPT_AT_LEAST), self.history_due(end))

    def next_chore(self, end: JobEnd, now: datetime) -> datetime:
        """Return when there is something to do about the job again; the last chore's moment where nothing is left."""
        dues = [due for due in (self.history_due(end), self.file_due(end), self.traces_due(end)) if due is not None]
        return min((due for due in dues if due > now), default=max(dues))

    def _tell(self, record: JobRecord, end: JobEnd) -> None:
        request = record.request if end.status == "completed" else None
        during = Period(record.accepted_at, self._ended_at(end))
        self.telemetry.job_ended(record.job_id, during, end.status, end.code, request.duration if request else 0)

    def _ended_at(self, end: JobEnd) -> datetime:
        return end.times.get("ended") or self.records.now()
