"""The world in which golden responses are recorded: the same jobs, files, etags and times whenever it is made.

A request chooses what happens by what it names: every id here stands for a state of its job or file, and a prompt or an
idempotency key can ask for something to fail or to be full. So the answers depend on nothing but the request.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import FAILURE_CODES
from shared.jobs.ids import JobId
from shared.jobs.models import JobEnd, VideoRequest
from shared.ledger.records import JobRecord
from tests.support.durable_client import instance

NOW: Final = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
ACCEPTED_AT: Final = NOW - timedelta(minutes=15)
VIDEO: Final = b"These forty bytes stand for a video file"
FIRST_PIECE: Final = 17

STORAGE_DOWN: Final = "the storage is down"
BACKEND_DOWN: Final = "the durable backend is down"
START_ANSWER_LOST: Final = "the durable backend answers 500 and has started the job"
"""Prompts that choose what happens to the new job."""

NEW_KEY: Final = "a-key-that-is-new"
LINE_FULL: Final = "there-is-no-room-in-the-line"
DAY_FULL: Final = "the-day-is-used-up"
USED_KEY: Final = "the-key-of-an-earlier-request"
"""Idempotency keys that choose what happens to the new job."""

MOST_WAITING: Final = 10

REQUEST: Final = VideoRequest(prompt="A calm lake", duration=5, width=1280, height=720)
"""What every job here was asked for, and what `USED_KEY` stands for."""


def a_job(number: int) -> JobId:
    """Return one of the ids of this world; their order is that of their numbers."""
    return JobId(f"01jyg74z6ee6e9y23ceq2f{number:04d}")


NEW: Final = a_job(0)
"""The id of every new job."""

UNKNOWN: Final = a_job(1)
UNREADABLE: Final = a_job(2)
"""A job, and a file, that nobody can read now."""
BROKEN: Final = a_job(3)
"""A file whose reading fails in a way that nobody has foreseen."""
UNVERIFIED: Final = a_job(4)
"""A file that has not been checked yet."""
COMPLETED: Final = a_job(5)
EMPTY: Final = a_job(6)
"""A file without a byte."""
UNREADABLE_CONTENT: Final = a_job(7)
"""A file that is found and cannot be read."""
BREAKS_OFF: Final = a_job(8)
"""A file that cannot be read beyond its first `FIRST_PIECE` bytes."""
EARLIER: Final = a_job(9)
"""The job that `USED_KEY` stands for."""
EXPIRED: Final = a_job(10)
"""A completed job whose file could be downloaded until a moment ago."""
UNREADABLE_RECORD: Final = a_job(11)
"""A job that goes on, and whose record nobody can read now."""
PURGED: Final = a_job(12)
PURGED_FAILED: Final = a_job(13)
SHRUNK: Final = a_job(14)
"""Jobs of which the durable backend knows nothing any more; of the last, only its end is on record."""
NEVER_STARTED: Final = a_job(15)
"""A job that is on record and has no story."""

CANCELLED: Final[Mapping[str, JobId]] = {"waiting": a_job(300), "rendering": a_job(301)}
"""Jobs that end when they are told to."""
ENDING: Final = a_job(302)
"""One that takes longer than its caller's patience to do so."""
NOT_TO_BE_TOLD: Final = a_job(303)
"""One that its backend does not tell anything."""
NOT_TO_BE_RECORDED: Final = a_job(304)
"""One whose cancellation cannot be recorded."""
ENDS_FIRST: Final = a_job(305)
"""One that ends in the moment in which it is told to."""

LINE: Final = (a_job(50), a_job(51), a_job(100), a_job(106), ENDING)
"""The jobs that wait, among them some of those below."""

_STEPS: Final = {
    "placed": "2026-03-01T12:20:00.000Z",
    "submitted": "2026-03-01T12:20:01.500Z",
    "rendered": "2026-03-01T12:25:00.000Z",
    "stored": "2026-03-01T12:25:02.000Z",
    "ended": "2026-03-01T12:25:03.000Z",
}
_EXPIRES_AT: Final = "2026-03-31T12:25:02.000Z"
_EXPIRED_AT: Final = "2026-03-01T12:30:15.000Z"


def _shown(status: str, stage: str, *steps: str, submits: int = 1, **more: object) -> dict[str, object]:
    return {
        "status": status,
        "stage": stage,
        **more,
        "submits": submits,
        "times": {step: _STEPS[step] for step in steps},
    }


def _output(status: str, *steps: str, **more: object) -> dict[str, object]:
    return {"status": status, **more, "submits": 1, "times": {step: _STEPS[step] for step in steps}}


WAITING: Final = _shown("queued", "wait", submits=0)
RENDERING: Final = _shown("processing", "render", "placed", "submitted", progress=40)
_COMPLETED: Final = _output("completed", *_STEPS, expires_at=_EXPIRES_AT)
ENDED_BY_CANCELLATION: Final = instance("Running", _shown("failed", "close", "placed", "ended", code="cancelled"))
"""What a job shows once it has heeded that it was cancelled."""

JOBS: Final[Mapping[str, JobId]] = {
    name: a_job(100 + number)
    for number, name in enumerate(
        (
            "pending",
            "submitting",
            "rendering",
            "suspended",
            "terminated",
            "crashed",
            "waiting",
            "fetching",
            "verifying",
            "closing",
            "of-first-release",
        )
    )
}
FAILED: Final[Mapping[str, JobId]] = {code: a_job(200 + number) for number, code in enumerate(FAILURE_CODES)}

INSTANCES: Final[Mapping[str, Mapping[str, object]]] = {
    JOBS["pending"]: instance("Pending"),
    JOBS["waiting"]: instance("Running", WAITING),
    JOBS["submitting"]: instance("Running", _shown("queued", "submit", "placed")),
    JOBS["rendering"]: instance("Running", RENDERING),
    JOBS["fetching"]: instance("Running", _shown("processing", "fetch", "placed", "submitted", "rendered")),
    JOBS["verifying"]: instance("Running", _shown("processing", "verify", "placed", "submitted", "rendered")),
    JOBS["closing"]: instance("Running", {"stage": "close", **_COMPLETED}),
    JOBS["suspended"]: instance("Suspended", RENDERING),
    JOBS["terminated"]: instance("Terminated", RENDERING, "by an operator"),
    JOBS["crashed"]: instance("Failed", RENDERING, "Orchestrator function 'generate_video' failed: Boom"),
    JOBS["of-first-release"]: instance("Running", {"status": "processing", "stage": "render", "progress": 40}),
    COMPLETED: instance("Completed", RENDERING, _COMPLETED),
    EXPIRED: instance("Completed", RENDERING, {**_COMPLETED, "expires_at": _EXPIRED_AT}),
    EARLIER: instance("Running", RENDERING),
    UNREADABLE_RECORD: instance("Running", RENDERING),
    CANCELLED["waiting"]: instance("Running", WAITING),
    CANCELLED["rendering"]: instance("Running", RENDERING),
    ENDING: instance("Running", WAITING),
    NOT_TO_BE_TOLD: instance("Running", RENDERING),
    NOT_TO_BE_RECORDED: instance("Running", RENDERING),
    ENDS_FIRST: instance("Running", RENDERING),
    **{
        job: instance("Completed", RENDERING, _output("failed", "placed", "ended", code=code))
        for code, job in FAILED.items()
    },
}
"""What the durable backend knows."""

_ENDS: Final[Mapping[JobId, Mapping[str, object]]] = {
    EXPIRED: {**_COMPLETED, "expires_at": _EXPIRED_AT},
    PURGED: _COMPLETED,
    PURGED_FAILED: _output("failed", "placed", "ended", code="upstream_timeout"),
    SHRUNK: {**_COMPLETED, "expires_at": _EXPIRED_AT},
}


def records() -> list[JobRecord]:
    """Return what is on record: every job that the backend knows, and some that it does not."""
    return [
        JobRecord(
            job_id=job_id,
            accepted_at=ACCEPTED_AT,
            request=None if job_id == SHRUNK else REQUEST,
            end=JobEnd.model_validate(_ENDS[job_id]) if job_id in _ENDS else None,
        )
        for job_id in map(JobId, dict.fromkeys([*INSTANCES, *_ENDS, NEVER_STARTED]))
    ]
