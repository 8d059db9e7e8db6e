"""What a caller sees of a job, read from what the story left behind. Standard library only: every status read is here.

    queued -> processing -> completed | failed

`queued` until the video service has accepted the job, `processing` from then on and never back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from shared.errors import FAILURE_CODES, FailureCode

STUCK: Final = "stuck: it should have ended long ago"
"""Why the sweep terminates a story. Whoever reads that must not take it for an owner's or an operator's wish."""

JobStatus = Literal["queued", "processing", "completed", "failed"]

Step = Literal["placed", "submitted", "rendered", "stored", "ended"]
"""What a job's owner is told the time of, besides when it was accepted."""

_OPERATOR_ENDED: Final[Mapping[str, FailureCode]] = {
    "Failed": "internal",
    "Terminated": "cancelled",
    "Canceled": "cancelled",
}


@dataclass(frozen=True)
class JobView:
    """A job as its owner may see it; `code` is set exactly where `status` is `failed`."""

    status: JobStatus
    code: FailureCode | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.status in ("completed", "failed")


@dataclass(frozen=True)
class JobSight:
    """All that an orchestration shows of its job. `times` are ISO 8601 texts by step.

    `told` says that its story has come to its end, or never will: nothing is going on any more. `due` is when the stage
    that it is in must have ended; None where it does not say so, or an operator has suspended it.
    """

    view: JobView
    told: bool = False
    stage: str | None = None
    progress: int | None = None
    submits: int = 0
    times: Mapping[str, str] = field(default_factory=dict)
    expires_at: str | None = None
    due: datetime | None = None


def custom_status(*, accepted: bool, stage: str, progress: int | None) -> dict[str, object]:
    """Return what a running story shows of itself: small, public, nothing of the upstream."""
    shown: dict[str, object] = {"status": "processing" if accepted else "queued", "stage": stage}
    if progress is not None:
        shown["progress"] = progress
    return shown


def particulars(
    *,
    submits: int,
    times: Mapping[Step, datetime],
    expires_at: datetime | None = None,
    due: datetime | None = None,
) -> dict[str, object]:
    """Return what a story shows besides, running or ended, for who wants to know more than the status."""
    shown: dict[str, object] = {"submits": submits, "times": {step: timestamp(at) for step, at in times.items()}}
    if expires_at is not None:
        shown["expires_at"] = timestamp(expires_at)
    if due is not None:
        shown["due"] = timestamp(due)
    return shown


def timestamp(at: datetime) -> str:
    """Return a moment as callers read it: RFC 3339, in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def completed_output() -> dict[str, object]:
    """Return the output of a story that ended with a verified video."""
    return {"status": "completed"}


def failed_output(code: FailureCode) -> dict[str, object]:
    """Return the output of a story that ended without one."""
    return {"status": "failed", "code": code}


def job_view(runtime_status: str, shown: object, output: object) -> JobView:
    """Read an orchestration's runtime status, custom status and output as a job.

    A story shows its end as soon as it is decided, and tidies up afterwards: what it has shown stays true, whatever an
    operator does to it then. A suspended instance shows what it last showed. An output that no version of the story
    wrote is an internal failure: a job whose end cannot be understood is not reported as finished.
    """
    decided = _end(shown)
    if decided is not None:
        return decided
    if runtime_status in _OPERATOR_ENDED:
        return JobView("failed", "internal" if output == STUCK else _OPERATOR_ENDED[runtime_status])
    if runtime_status == "Completed":
        return _end(output) or JobView("failed", "internal")
    accepted = isinstance(shown, Mapping) and shown.get("status") == "processing"
    return JobView("processing" if accepted else "queued")


def job_sight(runtime_status: str, shown: object, output: object) -> JobSight:
    """Read everything that a running or ended story shows; what is not of its form is left out."""
    view = job_view(runtime_status, shown, output)
    told = runtime_status == "Completed" or runtime_status in _OPERATOR_ENDED
    parts = {**(shown if isinstance(shown, Mapping) else {}), **(output if isinstance(output, Mapping) else {})}
    stage, progress, submits, times = (parts.get(name) for name in ("stage", "progress", "submits", "times"))
    expires_at, due = parts.get("expires_at"), None if runtime_status == "Suspended" else parts.get("due")
    return JobSight(
        view=view,
        told=told,
        stage=stage if isinstance(stage, str) else None,
        progress=progress if isinstance(progress, int) else None,
        submits=submits if isinstance(submits, int) else 0,
        times={str(step): str(at) for step, at in times.items()} if isinstance(times, Mapping) else {},
        expires_at=expires_at if isinstance(expires_at, str) else None,
        due=moment(due),
    )


def moment(told: object) -> datetime | None:
    """Read a moment as a story shows it; None where this is none."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _end(told: object) -> JobView | None:
    """Read how a job ended, None where this does not say that it has."""
    if isinstance(told, Mapping):
        if told.get("status") == "completed":
            return JobView("completed")
        if told.get("status") == "failed":
            for code in FAILURE_CODES:
                if told.get("code") == code:
                    return JobView("failed", code)
    return None
