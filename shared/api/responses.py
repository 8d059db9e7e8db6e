"""Every answer of the HTTP API: shapes and sentences, in one place. Callers never read any other text."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from starlette.responses import Response

from shared.errors import PUBLIC_MESSAGES
from shared.jobs.ids import JobId, file_id
from shared.jobs.lifecycle import JobView

Detail = str | Sequence[Mapping[str, object]]

CheckState = Literal["ok", "failing", "unknown"]
"""What is known of a part that the app needs: unknown is what could not be asked."""

JOB_NOT_FOUND: Final = "Job not found"
FILE_NOT_FOUND: Final = "File not found"
NOT_FOUND: Final = "Not Found"
METHOD_NOT_ALLOWED: Final = "Method Not Allowed"
EMPTY_PROMPT: Final = "Invalid prompt: prompt cannot be empty"
BODY_TOO_SLOW: Final = "Request timed out"
BODY_TOO_LARGE: Final = "Request body too large"
UNSUPPORTED_MEDIA_TYPE: Final = "Unsupported media type"
PRECONDITION_FAILED: Final = "Precondition failed"
RANGE_NOT_SATISFIABLE: Final = "Range not satisfiable"
INVALID_KEY: Final = "Invalid Idempotency-Key"
TOO_MANY_JOBS: Final = "Too many jobs are waiting"
NOT_ACCEPTED: Final = "Azure OpenAI service is currently unavailable"
UNAVAILABLE: Final = "Service is temporarily unavailable"

KEY_REUSED: Final[Mapping[str, object]] = {
    "loc": ["header", "Idempotency-Key"],
    "msg": "the key was used with another request",
    "type": "value_error.idempotency_key",
}
"""What is wrong with a request whose idempotency key stands for another one."""

POLL_AGAIN_SECONDS: Final = 2
"""What `Retry-After` suggests while a job runs: the interval of the contract's own clients."""

_NO_STORE: Final = {"Cache-Control": "no-store"}


def accepted(job_id: JobId, *, replayed: bool = False) -> Response:
    """200: the job exists and waits; the same answer again, marked, where its key was used before."""
    headers = {**_NO_STORE, "Location": f"/api/status/{job_id}"}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return _json(200, {"job_id": job_id, "status": "queued"}, headers)


def too_many_jobs(retry_after_seconds: int) -> Response:
    """429: no job is taken in before so many seconds are over."""
    return error(429, TOO_MANY_JOBS, {"Retry-After": str(retry_after_seconds)})


def key_reused() -> Response:
    """422: the idempotency key belongs to another request."""
    return error(422, [KEY_REUSED])


def job_status(job_id: JobId, view: JobView) -> Response:
    """200: what the job's owner may see of it."""
    body: dict[str, object] = {"job_id": job_id, "status": view.status}
    headers = dict(_NO_STORE)
    if view.status == "completed":
        body["video_url"] = f"/api/download/{file_id(job_id)}"
    elif view.status == "failed":
        body["error"] = PUBLIC_MESSAGES[view.code or "internal"]
    else:
        headers["Retry-After"] = str(POLL_AGAIN_SECONDS)
    return _json(200, body, headers)


def job(described: Mapping[str, object], *, ended: bool) -> Response:
    """200: all that the job's owner may know about it."""
    headers = dict(_NO_STORE) if ended else {**_NO_STORE, "Retry-After": str(POLL_AGAIN_SECONDS)}
    return _json(200, described, headers)


def alive() -> Response:
    """200: the process answers."""
    return _json(200, {"status": "alive"}, _NO_STORE)


def ready() -> Response:
    """200: a job could be accepted now."""
    return _json(200, {"status": "ready"}, _NO_STORE)


def not_ready(checks: Mapping[str, CheckState]) -> Response:
    """503: it could not, by these parts."""
    return _json(503, {"status": "not ready", "checks": checks}, _NO_STORE)


def error(status: int, detail: Detail, headers: Mapping[str, str] | None = None) -> Response:
    """Any error: the contract's one form, `{"detail": ...}`."""
    return _json(status, {"detail": detail}, {**_NO_STORE, **(headers or {})})


def _json(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Response:
    content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Response(content, status, headers, media_type="application/json")
