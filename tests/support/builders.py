"""Builders that hide what does not matter to a test."""

from typing import Any

JOB_ID = "01jyg74z6ee6e9y23ceq2fmwc4"

FLOW: dict[str, Any] = {
    "submit_timeout_seconds": 3600,
    "render_timeout_seconds": 3600,
    "store_timeout_seconds": 1800,
    "poll_first_seconds": 5,
    "poll_longest_seconds": 75,
    "retry_first_seconds": 2,
    "retry_longest_seconds": 60,
    "unknown_submission": "fail",
    "wait_timeout_seconds": 604_800,
    "job_timeout_seconds": 691_200,
}

REQUEST: dict[str, Any] = {"prompt": "a calm lake", "duration": 5, "width": 1280, "height": 720}


def story_input(**changes: Any) -> dict[str, Any]:
    """Return the input of `generate_video`, with changed flow settings or request fields."""
    flow = {name: changes.get(name, value) for name, value in {**FLOW, "video_retention_seconds": None}.items()}
    request = {name: changes.get(name, value) for name, value in REQUEST.items()}
    return {"job_id": JOB_ID, "request": request, "flow": flow, "version": 2}


def value(**fields: Any) -> dict[str, Any]:
    """Return the outcome of an activity that did its work."""
    return {"value": fields}


def failure(
    code: str, reason: str = "provider_rejected", *, retryable: bool = False, after: float | None = None
) -> Any:
    """Return the outcome of an activity that did not."""
    return {"failure": {"code": code, "reason": reason, "retryable": retryable, "retry_after_seconds": after}}


def unavailable(code: str = "upstream_unavailable", after: float | None = None) -> Any:
    """Return the outcome of an activity that may be tried again until its deadline."""
    return failure(code, "provider_unavailable", retryable=True, after=after)
