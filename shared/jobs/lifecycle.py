"""What a caller sees of a job, read from what the story left behind. Standard library only: every status read is here.

    queued -> processing -> completed | failed

`queued` until the video service has accepted the job, `processing` from then on and never back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from shared.errors import FAILURE_CODES, FailureCode

JobStatus = Literal["queued", "processing", "completed", "failed"]

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


def custom_status(*, accepted: bool, stage: str, progress: int | None) -> dict[str, object]:
    """Return what a running story shows of itself: small, public, nothing of the upstream."""
    shown: dict[str, object] = {"status": "processing" if accepted else "queued", "stage": stage}
    if progress is not None:
        shown["progress"] = progress
    return shown


def completed_output() -> dict[str, object]:
    """Return the output of a story that ended with a verified video."""
    return {"status": "completed"}


def failed_output(code: FailureCode) -> dict[str, object]:
    """Return the output of a story that ended without one."""
    return {"status": "failed", "code": code}


def job_view(runtime_status: str, shown: object, output: object) -> JobView:
    """Read an orchestration's runtime status, custom status and output as a job.

    A suspended instance shows what it last showed. An output that no version of the story wrote is an internal failure:
    a job whose end cannot be understood is not reported as finished.
    """
    if runtime_status in _OPERATOR_ENDED:
        return JobView("failed", _OPERATOR_ENDED[runtime_status])
    if runtime_status == "Completed":
        return _ended(output)
    accepted = isinstance(shown, Mapping) and shown.get("status") == "processing"
    return JobView("processing" if accepted else "queued")


def _ended(output: object) -> JobView:
    if isinstance(output, Mapping):
        if output.get("status") == "completed":
            return JobView("completed")
        for code in FAILURE_CODES:
            if output.get("code") == code:
                return JobView("failed", code)
    return JobView("failed", "internal")
