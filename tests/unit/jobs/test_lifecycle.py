import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.errors import FAILURE_CODES, FailureCode
from shared.jobs.lifecycle import (
    STUCK,
    JobSight,
    JobView,
    completed_output,
    custom_status,
    failed_output,
    job_sight,
    job_view,
    particulars,
    timestamp,
)

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
        ("Running", {"status": "completed", "stage": "close"}, None, JobView("completed")),
        ("Running", {"status": "failed", "code": "cancelled", "stage": "close"}, None, CANCELLED),
        ("Terminated", RENDERING, STUCK, INTERNAL),
        ("Terminated", RENDERING, "an operator's reason", CANCELLED),
        ("Terminated", {"status": "completed", "stage": "close"}, STUCK, JobView("completed")),
        ("Failed", {"status": "failed", "code": "content_policy"}, "Traceback", JobView("failed", "content_policy")),
        ("Suspended", {"status": "completed"}, None, JobView("completed")),
        ("Running", {"status": "failed", "code": "of a later version"}, None, QUEUED),
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


def test_everything_that_a_story_shows_is_read() -> None:
    """For its owner, and for the sweep."""
    due, placed = datetime(2026, 1, 1, 13, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
    shown = {**RENDERING, **particulars(submits=2, times={"placed": placed}, due=due)}

    sight = job_sight("Running", json.loads(json.dumps(shown)), None)

    assert sight == JobSight(
        PROCESSING, stage="render", progress=40, submits=2, times={"placed": "2026-01-01T12:00:00.000Z"}, due=due
    )


@pytest.mark.parametrize("runtime_status", ["Completed", "Failed", "Terminated", "Canceled"])
def test_a_story_that_has_come_to_its_end_is_told(runtime_status: str) -> None:
    """Nothing is going on any more; until then it may still be tidying up."""
    assert job_sight(runtime_status, {"status": "completed"}, completed_output()).told
    assert not job_sight("Running", {"status": "completed"}, None).told


def test_a_suspended_story_is_not_due() -> None:
    """An operator has stopped it, and will let it go on."""
    shown = {**RENDERING, "due": "2026-01-01T13:00:00Z"}

    assert job_sight("Suspended", shown, None).due is None
    assert job_sight("Running", shown, None).due is not None


@pytest.mark.parametrize(
    "shown", [None, "junk", [], {"stage": 5, "progress": "x", "submits": None, "times": [], "due": 7}]
)
def test_what_is_not_of_the_form_is_left_out(shown: object) -> None:
    """Whatever an operator, or another version, has put there."""
    sight = job_sight("Running", shown, None)

    assert sight == JobSight(QUEUED)


@pytest.mark.parametrize("due", ["", "tomorrow", "2026-01-01T13:00:00"])
def test_a_moment_that_cannot_be_read_is_none(due: str) -> None:
    """Without an offset it would be anybody's."""
    assert job_sight("Running", {"due": due}, None).due is None


def test_moments_are_shown_in_utc_to_the_millisecond() -> None:
    """As RFC 3339 has them."""
    assert timestamp(datetime(2026, 1, 1, 13, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=1)))) == (
        "2026-01-01T12:00:00.123Z"
    )
