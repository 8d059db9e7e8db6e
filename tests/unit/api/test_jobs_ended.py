"""`GET /api/jobs/{job_id}` of a job that has ended: how, when, and where its file is, for as long as there is one."""

import json
from datetime import timedelta
from typing import Any

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES, FailureCode
from shared.jobs.models import JobEnd
from tests.support.builders import JOB_ID
from tests.support.durable_client import FakeDurableClient
from tests.unit.api.calling import get_job
from tests.unit.api.conftest import NOW
from tests.unit.api.jobs_in_full import (
    COMPLETED,
    EXPIRES,
    NOTHING,
    RENDERING,
    STEPS,
    VIDEO_URL,
    described,
    put_on_record,
    showing,
)


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("tidies_up", [True, False])
async def test_completed_job_says_where_its_file_is_and_until_when(store: InMemoryStore, *, tidies_up: bool) -> None:
    """From the moment on that its story shows the end, on record or not."""
    await put_on_record(store)
    client = showing("Running", {**COMPLETED, "stage": "close"}) if tidies_up else showing("Completed", None, COMPLETED)

    answer = await get_job(client, JOB_ID)

    assert described(answer) == {
        **NOTHING,
        "status": "completed",
        "stage": None,
        "progress": 100,
        "submits": 1,
        "times": {"accepted": "2026-03-01T12:15:15.250Z", **STEPS},
        "video_url": VIDEO_URL,
        "expires_at": EXPIRES,
    }
    assert "retry-after" not in answer.headers


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("on_record", [True, False])
@pytest.mark.parametrize(("left", "available"), [(timedelta(milliseconds=1), True), (timedelta(0), False)])
async def test_file_that_has_expired_has_no_address(
    store: InMemoryStore, left: timedelta, *, available: bool, on_record: bool
) -> None:
    """A link that leads to 404 is none; when it expired is still said. The story knows, before the record does."""
    expires_at = NOW + left
    output = {**COMPLETED, "expires_at": expires_at.isoformat()}
    await put_on_record(store, end=JobEnd(status="completed", expires_at=expires_at) if on_record else None)

    job = described(await get_job(showing("Completed", None, output), JOB_ID))

    assert job["video_url"] == (VIDEO_URL if available else None)
    assert job["expires_at"] == expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("expires_at", [None, "some day", 5])
async def test_file_that_is_kept_for_good_has_no_end(store: InMemoryStore, expires_at: object) -> None:
    """Also where what the story wrote is no moment."""
    await put_on_record(store)

    job = described(await get_job(showing("Completed", None, {**COMPLETED, "expires_at": expires_at}), JOB_ID))

    assert (job["video_url"], job["expires_at"]) == (VIDEO_URL, None)


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("code", FAILURE_CODES)
async def test_failed_job_has_its_code_and_sentence(store: InMemoryStore, code: FailureCode) -> None:
    """The word for programs, the sentence for people; how far its render was no longer matters."""
    await put_on_record(store)
    output = {"status": "failed", "code": code, "times": {"ended": STEPS["ended"]}, "expires_at": EXPIRES}

    answer = await get_job(showing("Completed", {**RENDERING, "stage": "close"}, output), JOB_ID)

    job = described(answer)
    assert (job["status"], job["code"], job["error"]) == ("failed", code, PUBLIC_MESSAGES[code])
    assert (job["stage"], job["progress"], job["video_url"], job["expires_at"]) == (None, None, None, None)
    assert job["times"]["ended"] == STEPS["ended"]
    assert "retry-after" not in answer.headers


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(
            JobEnd.model_validate({"status": "completed", "times": STEPS, "submits": 2, "expires_at": EXPIRES}),
            {
                "status": "completed",
                "progress": 100,
                "submits": 2,
                "video_url": VIDEO_URL,
                "expires_at": EXPIRES,
                "times": STEPS,
            },
            id="completed",
        ),
        pytest.param(
            JobEnd.model_validate({"status": "failed", "code": "cancelled", "times": {"ended": STEPS["ended"]}}),
            {
                "status": "failed",
                "code": "cancelled",
                "error": "Job was cancelled",
                "times": {**dict.fromkeys(STEPS), "ended": STEPS["ended"]},
            },
            id="failed",
        ),
    ],
)
async def test_job_whose_story_is_gone_is_described_by_its_record(
    store: InMemoryStore, end: JobEnd, expected: dict[str, Any]
) -> None:
    """Histories are purged after some days; what was said of the end stays said, to the millisecond."""
    await put_on_record(store, end=end)
    times = {"accepted": "2026-03-01T12:15:15.250Z", **expected["times"]}

    answer = await get_job(FakeDurableClient(), JOB_ID)

    assert described(answer) == {**NOTHING, "stage": None, **expected, "times": times}
    assert "retry-after" not in answer.headers


@pytest.mark.usefixtures("use_store")
async def test_job_of_which_only_the_end_is_kept_says_that(store: InMemoryStore) -> None:
    """The prompt goes with the file; that there was such a job, and how it ended, stays."""
    await put_on_record(store, request=False, end=JobEnd(status="completed", expires_at=NOW - timedelta(days=90)))

    job = described(await get_job(FakeDurableClient(), JOB_ID))

    assert job["request"] is None
    assert job["video_url"] is None
    assert job["status"] == "completed"
    assert job["times"] == {"accepted": "2026-03-01T12:15:15.250Z", **dict.fromkeys(STEPS)}


@pytest.mark.usefixtures("use_store")
async def test_time_of_an_end_that_only_the_record_knows_is_told(store: InMemoryStore) -> None:
    """A story that an operator has terminated could not note it; the sweep has."""
    await put_on_record(store, end=JobEnd.model_validate({"status": "failed", "code": "cancelled", "times": STEPS}))

    job = described(await get_job(showing("Terminated", RENDERING, "by an operator"), JOB_ID))

    assert job["times"] == {"accepted": "2026-03-01T12:15:15.250Z", **STEPS}
    assert job["code"] == "cancelled"
    assert "operator" not in json.dumps(job)
