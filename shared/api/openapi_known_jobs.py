"""The jobs of the OpenAPI document's examples: what their stories show, and what is on record of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from shared.api import responses
from shared.api.job_details import job_details
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobSight, JobView, Step, timestamp
from shared.jobs.models import VideoRequest
from shared.ledger.records import JobRecord

JOB_ID: Final = JobId("01jyg74z6ee6e9y23ceq2fmwc4")

REQUEST: Final = VideoRequest(prompt="A paper boat drifting on a calm lake", duration=5, width=1280, height=720)

NOW: Final = datetime(2026, 3, 1, 12, 35, tzinfo=UTC)
_ACCEPTED: Final = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
_KEPT: Final = timedelta(days=30)
_SINCE_ACCEPTED: Final[Mapping[Step, timedelta]] = {
    "placed": timedelta(seconds=41.2),
    "submitted": timedelta(seconds=42.9),
    "rendered": timedelta(seconds=196.4),
    "stored": timedelta(seconds=198.1),
    "ended": timedelta(seconds=198.3),
}


@dataclass(frozen=True)
class KnownJob:
    """A job, and a line about it; `position` is its place in line."""

    summary: str
    sight: JobSight
    record: JobRecord
    position: int | None = None

    @property
    def answer(self) -> Response:
        """What is answered about it."""
        details = job_details(JOB_ID, self.sight, self.record, self.position, NOW)
        return responses.job(details, ended=self.sight.view.has_ended)


def _known(
    summary: str,
    view: JobView,
    *steps: Step,
    stage: str | None = None,
    progress: int | None = None,
    position: int | None = None,
    days_ago: int = 0,
) -> KnownJob:
    """Return a job that has done these steps; what it was asked for is no longer on record `days_ago`."""
    accepted_at = _ACCEPTED - timedelta(days=days_ago)
    done = {step: accepted_at + _SINCE_ACCEPTED[step] for step in steps}
    sight = JobSight(
        view=view,
        told=view.has_ended,
        stage=stage,
        progress=progress,
        submits=1 if "placed" in done else 0,
        times={step: timestamp(at) for step, at in done.items()},
        expires_at=timestamp(done["stored"] + _KEPT) if "stored" in done else None,
    )
    record = JobRecord(job_id=JOB_ID, accepted_at=accepted_at, request=None if days_ago else REQUEST)
    return KnownJob(summary, sight, record, position)


_ALL: Final = ("placed", "submitted", "rendered", "stored", "ended")

JOBS: Final[Mapping[str, KnownJob]] = MappingProxyType(
    {
        "waiting": _known("Waiting in line", JobView("queued"), stage="wait", position=3),
        "rendering": _known("Under way", JobView("processing"), "placed", "submitted", stage="render", progress=40),
        "completed": _known("Ready to download", JobView("completed"), *_ALL),
        "expired": _known("Completed, and its file removed", JobView("completed"), *_ALL, days_ago=45),
        "failed": _known("Ended without a video", JobView("failed", "content_policy"), "placed", "ended"),
        "cancelled": _known("Cancelled", JobView("failed", "cancelled"), "placed", "submitted", "ended"),
        "ending": _known("Soon cancelled", JobView("queued"), "placed", stage="submit"),
    }
)
