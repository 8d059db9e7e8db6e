"""The words of the API: the video object, the list, and errors in OpenAI's envelope."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devtools.sora_sim.jobs import Job

INVALID_REQUEST = "invalid_request_error"
AZURE_VIDEO_ERROR = "video_generation_user_error"


class ApiError(Exception):
    """An answer other than 2xx, raised from anywhere below a route."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID_REQUEST,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, kind=kind, param=param, code=code)


def error_body(message: str, *, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The envelope that every error comes in."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


async def answer_api_error(_request: Request, error: Exception) -> Response:
    """Exception handler for ApiError."""
    if not isinstance(error, ApiError):
        raise error
    return JSONResponse(error.body, error.status)


def missing_key() -> ApiError:
    """No credentials were sent."""
    return ApiError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth"
        " (i.e. Authorization: Bearer YOUR_KEY).",
    )


def unknown_video(video_id: str) -> ApiError:
    """There is no such job (any more)."""
    return ApiError(404, f"Video with id '{video_id}' not found.", param="video_id")


def too_many_tasks() -> ApiError:
    """Azure's words for a full house; it sends neither a code nor Retry-After with them."""
    return ApiError(429, "Too many running tasks", kind=AZURE_VIDEO_ERROR)


def video_object(job: Job, *, progress: int, status: str | None = None) -> dict[str, Any]:
    """The job as the API shows it; `status` replaces the true one where a fault says so."""
    failed = job.error_code is not None
    return {
        "id": job.id,
        "object": "video",
        "model": job.order.model,
        "status": status or job.status,
        "progress": progress,
        "created_at": int(job.created_at),
        "completed_at": None if job.completed_at is None else int(job.completed_at),
        "expires_at": int(job.expires_at),
        "prompt": job.order.prompt,
        "seconds": str(job.order.seconds),
        "size": job.size,
        "remixed_from_video_id": None,
        "error": {"code": job.error_code, "message": job.error_message} if failed else None,
    }


def video_list(videos: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """One page of videos."""
    return {
        "object": "list",
        "data": videos,
        "first_id": videos[0]["id"] if videos else None,
        "last_id": videos[-1]["id"] if videos else None,
        "has_more": has_more,
    }


def deleted_object(video_id: str) -> dict[str, Any]:
    """The answer to a successful DELETE."""
    return {"id": video_id, "object": "video.deleted", "deleted": True}
