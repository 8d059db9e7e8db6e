"""Every answer of the HTTP API: shapes and sentences, in one place. Callers never read any other text."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response

from shared.errors import PUBLIC_MESSAGES
from shared.jobs.ids import JobId, file_id
from shared.jobs.lifecycle import JobView

Detail = str | Sequence[Mapping[str, object]]

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
NOT_ACCEPTED: Final = "Azure OpenAI service is currently unavailable"
UNAVAILABLE: Final = "Service is temporarily unavailable"

POLL_AGAIN_SECONDS: Final = 2
"""What `Retry-After` suggests while a job runs: the interval of the contract's own clients."""

_NO_STORE: Final = {"Cache-Control": "no-store"}


def accepted(job_id: JobId) -> Response:
    """200: the job exists and waits."""
    headers = {**_NO_STORE, "Location": f"/api/status/{job_id}"}
    return _json(200, {"job_id": job_id, "status": "queued"}, headers)


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


def error(status: int, detail: Detail, headers: Mapping[str, str] | None = None) -> Response:
    """Any error: the contract's one form, `{"detail": ...}`."""
    return _json(status, {"detail": detail}, {**_NO_STORE, **(headers or {})})


def _json(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Response:
    content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Response(content, status, headers, media_type="application/json")
