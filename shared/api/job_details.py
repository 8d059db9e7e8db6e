"""A job in full: what `/api/jobs/{job_id}` says of it, from what its story shows and what is on record. No I/O."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, get_args

from shared.errors import PUBLIC_MESSAGES
from shared.jobs.ids import JobId, file_id
from shared.jobs.lifecycle import JobSight, JobView, Step, timestamp
from shared.storage.base import expiry

if TYPE_CHECKING:
    from shared.ledger.records import JobRecord

STEPS: Final = ("accepted", *get_args(Step))


def sight_on_record(record: "JobRecord | None") -> JobSight | None:
    """Return what is left to be seen of a job without a story, None where it was not accepted or has not ended."""
    if record is None or record.end is None:
        return None
    end = record.end
    return JobSight(JobView(end.status, end.code), told=True, submits=end.submits, times=_times_on_record(record))


def stands_in_line(sight: JobSight) -> bool:
    """Say whether the job waits for its first place; a story that has not begun does, too."""
    return sight.view.status == "queued" and sight.stage in ("wait", None)


def job_details(
    job_id: JobId, sight: JobSight, record: "JobRecord | None", position: int | None, now: datetime
) -> Mapping[str, object]:
    """Return every field of a job, null where there is nothing to say; `position` is its place while it is in line."""
    view = sight.view
    completed = view.status == "completed"
    expires_at = _expires_at(sight, record) if completed else None
    available = completed and (expires_at is None or now < expires_at)
    times = {**(_times_on_record(record) if record is not None else {}), **sight.times}
    return {
        "job_id": job_id,
        "status": view.status,
        "stage": None if view.has_ended else sight.stage or "wait",
        "progress": 100 if completed else sight.progress if view.status == "processing" else None,
        "position": position if stands_in_line(sight) else None,
        "request": record.request.model_dump(mode="json") if record is not None and record.request else None,
        "times": {step: times.get(step) for step in STEPS},
        "submits": sight.submits,
        "code": view.code,
        "error": PUBLIC_MESSAGES[view.code] if view.code is not None else None,
        "video_url": f"/api/download/{file_id(job_id)}" if available else None,
        "expires_at": None if expires_at is None else timestamp(expires_at),
    }


def _times_on_record(record: "JobRecord") -> dict[str, str]:
    ended: Mapping[Step, datetime] = record.end.times if record.end is not None else {}
    return {"accepted": timestamp(record.accepted_at), **{step: timestamp(at) for step, at in ended.items()}}


def _expires_at(sight: JobSight, record: "JobRecord | None") -> datetime | None:
    """Return when the file expires: by the record, or by the story where the record has not been closed yet."""
    if record is not None and record.end is not None and record.end.expires_at is not None:
        return record.end.expires_at
    return expiry({"expires_at": sight.expires_at or ""})
