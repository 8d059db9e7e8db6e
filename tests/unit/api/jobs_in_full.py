"""What the tests of jobs in full share: a job as its story and its record show it, and the reading of answers."""

import json
from datetime import timedelta
from typing import Any

from devtools.fakes.in_memory_store import InMemoryStore
from shared.jobs.ids import JobId, job_blob
from shared.jobs.models import JobEnd, VideoRequest
from shared.ledger.records import JobRecord
from tests.support.builders import JOB_ID, REQUEST
from tests.support.durable_client import FakeDurableClient, instance
from tests.unit.api.calling import Answer
from tests.unit.api.conftest import NOW

JOB = JobId(JOB_ID)
VIDEO_URL = f"/api/download/gen_{JOB_ID}"

STEPS = {
    "placed": "2026-03-01T12:20:00.000Z",
    "submitted": "2026-03-01T12:20:01.500Z",
    "rendered": "2026-03-01T12:25:00.000Z",
    "stored": "2026-03-01T12:25:02.000Z",
    "ended": "2026-03-01T12:25:03.000Z",
}
EXPIRES = "2026-03-31T12:25:02.000Z"

WAITING = {"status": "queued", "stage": "wait", "submits": 0, "times": {}}
RENDERING = {
    "status": "processing",
    "stage": "render",
    "progress": 40,
    "submits": 2,
    "times": {"placed": STEPS["placed"], "submitted": STEPS["submitted"]},
}
COMPLETED = {"status": "completed", "submits": 1, "times": STEPS, "expires_at": EXPIRES}

NOTHING: dict[str, object] = {
    "job_id": JOB_ID,
    "status": "queued",
    "stage": "wait",
    "progress": None,
    "position": None,
    "request": REQUEST,
    "times": {"accepted": "2026-03-01T12:15:15.250Z", **dict.fromkeys(STEPS)},
    "submits": 0,
    "code": None,
    "error": None,
    "video_url": None,
    "expires_at": None,
}
"""Every field, of a job of which there is nothing to say but that it was accepted."""


def described(answer: Answer) -> dict[str, Any]:
    """Return the job in an answer, whose fields are always the same ones in the same order."""
    assert answer.status == 200, answer
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = json.loads(answer.body)
    assert list(body) == list(NOTHING)
    assert list(body["times"]) == ["accepted", *STEPS]
    return body


async def put_on_record(store: InMemoryStore, *, request: bool = True, end: JobEnd | None = None) -> None:
    """Put the job on record as it was accepted, without its request or with its end where the test says so."""
    record = JobRecord(
        job_id=JOB,
        accepted_at=NOW - timedelta(minutes=15),
        request=VideoRequest.model_validate(REQUEST) if request else None,
        end=end,
    )
    await store.create_record(job_blob(JOB), record.model_dump(mode="json"))


def showing(runtime_status: str, shown: object = None, output: object = None) -> FakeDurableClient:
    """Return a backend in which the job's story shows this."""
    return FakeDurableClient({JOB_ID: instance(runtime_status, shown, output)})
