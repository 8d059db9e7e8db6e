"""The events of one job, as pure functions of what is on record about it.

    video.queued (1) -> video.processing (2) -> video.completed | video.failed (3)

A job that fails before the video service has accepted it has no `video.processing`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.errors import PUBLIC_MESSAGES
from shared.events.base import Event
from shared.jobs.ids import JobId, file_id
from shared.jobs.lifecycle import timestamp
from shared.jobs.models import JobEnd, VideoRequest

QUEUED: Final = 1
PROCESSING: Final = 2
ENDED: Final = 3
"""How far a job is, and the sequence numbers of the events that say so."""


def queued(job_id: JobId, accepted_at: datetime, request: VideoRequest | None, sender_id: str | None) -> Event:
    """Say that a job was accepted, and which size and length it is to have; not what it shows."""
    asked = {} if request is None else request.model_dump(include={"duration", "width", "height"})
    return _event(QUEUED, accepted_at, {**_named(job_id, "queued", sender_id), **asked})


def processing(job_id: JobId, submitted_at: datetime, sender_id: str | None) -> Event:
    """Say that the video service has accepted it."""
    return _event(PROCESSING, submitted_at, _named(job_id, "processing", sender_id))


def ended(job_id: JobId, end: JobEnd, ended_at: datetime, sender_id: str | None) -> Event:
    """Say how it ended, in the words of the status route, with the code of a failure."""
    told = _named(job_id, end.status, sender_id)
    if end.status == "completed":
        told["video_url"] = f"/api/download/{file_id(job_id)}"
        if end.expires_at is not None:
            told["expires_at"] = timestamp(end.expires_at)
    else:
        code = end.code or "internal"
        told.update(error=PUBLIC_MESSAGES[code], code=code)
    return _event(ENDED, ended_at, told)


def _named(job_id: JobId, status: str, sender_id: str | None) -> dict[str, object]:
    return {"job_id": job_id, "status": status, **({} if sender_id is None else {"id": sender_id})}


def _event(sequence: int, at: datetime, data: Mapping[str, object]) -> Event:
    job_id, status = data["job_id"], data["status"]
    return Event(
        id=f"{job_id}-{status}",
        type=f"video.{status}",
        subject=f"jobs/{job_id}",
        time=at,
        data=data,
        sequence=sequence,
    )
