import json

import pytest

from shared.errors import FAILURE_CODES, FailureCode
from shared.jobs.lifecycle import JobView, completed_output, custom_status, failed_output, job_view

QUEUED = JobView("queued")
PROCESSING = JobView("processing")
INTERNAL = JobView("failed", "internal")
CANCELLED = JobView("failed", "cancelled")

WAITING = custom_status(accepted=False, stage="submit", progress=None)
RENDERING = custom_status(accepted=True, stage="render", progress=40)


@pytest.mark.parametrize(
    ("runtime_status", "shown", "output", "view"),
    [
        ("Pending", None, None, QUEUED),
        ("Pending", RENDERING, None, PROCESSING),
        ("Running", None, None, QUEUED),
        ("Running", WAITING, None, QUEUED),
        ("Running", RENDERING, None, PROCESSING),
        ("ContinuedAsNew", RENDERING, None, PROCESSING),
        ("Suspended", WAITING, None, QUEUED),
        ("Suspended", RENDERING, None, PROCESSING),
        ("Suspended", "junk", None, QUEUED),
        ("Completed", RENDERING, completed_output(), JobView("completed")),
        ("Completed", None, completed_output(), JobView("completed")),
        ("Completed", WAITING, failed_output("content_policy"), JobView("failed", "content_policy")),
        ("Completed", RENDERING, None, INTERNAL),
        ("Completed", RENDERING, "completed", INTERNAL),
        ("Completed", RENDERING, {"status": "failed"}, INTERNAL),
        ("Completed", RENDERING, {"status": "failed", "code": "of a later version"}, INTERNAL),
        ("Failed", RENDERING, "Traceback", INTERNAL),
        ("Failed", RENDERING, completed_output(), INTERNAL),
        ("Terminated", RENDERING, None, CANCELLED),
        ("Canceled", WAITING, None, CANCELLED),
        ("", None, None, QUEUED),
    ],
)
def test_instance_is_read_as_a_job(runtime_status: str, shown: object, output: object, view: JobView) -> None:
    """The table of what a caller sees for what the durable host says."""
    assert job_view(runtime_status, shown, output) == view


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_failure_is_read_as_it_was_written(code: FailureCode) -> None:
    """Every code survives the way through the story's output."""
    stored = json.loads(json.dumps(failed_output(code)))

    assert job_view("Completed", None, stored) == JobView("failed", code)


def test_custom_status_is_small_and_public() -> None:
    """What a running story shows: its state, its stage, and its progress where there is one."""
    assert custom_status(accepted=False, stage="submit", progress=None) == {"status": "queued", "stage": "submit"}
    assert custom_status(accepted=True, stage="render", progress=0) == {
        "status": "processing",
        "stage": "render",
        "progress": 0,
    }


def test_outputs_are_the_ones_that_are_stored() -> None:
    """Finished jobs hold these words: a change would make old jobs unreadable."""
    assert completed_output() == {"status": "completed"}
    assert failed_output("cancelled") == {"status": "failed", "code": "cancelled"}
