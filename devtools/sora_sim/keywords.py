"""Words in a prompt that make things go wrong, for demos and for tests that only reach the product's own API.

A keyword counts for every prompt by itself: "once" means once for each different prompt.
"""

from typing import Any

from devtools.sora_sim.answers import AZURE_VIDEO_ERROR, INVALID_REQUEST, error_body
from devtools.sora_sim.faults import Fault, parse_faults

RATE_LIMITED = error_body("Rate limit reached for requests.", kind="requests", code="rate_limit_exceeded")
BLOCKED = "Your request was blocked by our moderation system."
NO_DEPLOYMENT = error_body(
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes,"
    " please wait a moment and try again.",
    kind=AZURE_VIDEO_ERROR,
)
SERVER_ERROR = error_body("The server had an error while processing your request.", kind="server_error")
SLOW_SECONDS = 3
FOR_EVER: dict[str, Any] = {"times": None}


def _refuse(operation: str, status: int, body: object = None, **more: Any) -> dict[str, Any]:
    return {"kind": "respond", "operation": operation, "status": status, "body": body, **FOR_EVER, **more}


_WORDS: dict[str, dict[str, Any]] = {
    "policy-at-create": _refuse(
        "create", 400, error_body(BLOCKED, kind=INVALID_REQUEST, param="prompt", code="content_policy_violation")
    ),
    "bad-request": _refuse(
        "create", 400, error_body("Invalid value for 'size'.", kind=INVALID_REQUEST, param="size", code="invalid_value")
    ),
    "unauthorized": _refuse(
        "create", 401, error_body("Incorrect API key provided.", kind=INVALID_REQUEST, code="invalid_api_key")
    ),
    "no-deployment": _refuse("create", 404, NO_DEPLOYMENT),
    "rate-limit": _refuse("create", 429, RATE_LIMITED, headers={"Retry-After": "1"}),
    "rate-limit-once": _refuse("create", 429, RATE_LIMITED, headers={"Retry-After": "1"}, times=1),
    "too-many-tasks-once": _refuse(
        "create", 429, error_body("Too many running tasks", kind=AZURE_VIDEO_ERROR), times=1
    ),
    "server-error": _refuse("create", 500, SERVER_ERROR),
    "server-error-once": _refuse("create", 500, SERVER_ERROR, times=1),
    "gateway-html": _refuse("create", 502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "slow-answer": {"kind": "delay", "operation": "create", "seconds": SLOW_SECONDS, **FOR_EVER},
    "hang": {"kind": "hang", "operation": "create", **FOR_EVER},
    "withhold-answer": {"kind": "withhold", "operation": "create", **FOR_EVER},
    "close-before": {"kind": "close", "operation": "create", "when": "before", **FOR_EVER},
    "close-after": {"kind": "close", "operation": "create", "when": "after", **FOR_EVER},
    "moderation": {"kind": "fail", "operation": "create", "code": "moderation_blocked", "message": BLOCKED, **FOR_EVER},
    "fail": {"kind": "fail", "operation": "create", **FOR_EVER},
    "never-finishes": {"kind": "never_finish", "operation": "create", **FOR_EVER},
    "wrong-size": {"kind": "wrong_video", "operation": "create", "size_factor": 0.5, **FOR_EVER},
    "too-short": {"kind": "wrong_video", "operation": "create", "length_factor": 0.5, **FOR_EVER},
    "too-long": {"kind": "wrong_video", "operation": "create", "length_factor": 2, **FOR_EVER},
    "look-fails-thrice": _refuse("retrieve", 500, SERVER_ERROR, times=3),
    "look-hangs-once": {"kind": "hang", "operation": "retrieve"},
    "odd-status": {"kind": "unknown_status", "operation": "retrieve", "status": "postprocessing", "times": 3},
    "unknown-status": {"kind": "unknown_status", "operation": "retrieve", "status": "paused", **FOR_EVER},
    "forgotten": {"kind": "forget", "operation": "retrieve"},
    "expired": {"kind": "expire", "operation": "content"},
    "content-error-once": _refuse("content", 500, SERVER_ERROR, times=1),
    "content-json": {"kind": "wrong_content", "operation": "content", "content": "json", **FOR_EVER},
    "content-html": {"kind": "wrong_content", "operation": "content", "content": "html", **FOR_EVER},
    "content-noise": {"kind": "wrong_content", "operation": "content", "content": "noise", **FOR_EVER},
    "content-half": {"kind": "wrong_content", "operation": "content", "content": "half", **FOR_EVER},
    "truncated": {"kind": "truncate", "operation": "content", **FOR_EVER},
    "truncated-once": {"kind": "truncate", "operation": "content"},
}

KEYWORDS: dict[str, Fault] = {f"[sim:{word}]": parse_faults(fault)[0] for word, fault in _WORDS.items()}
"""What stands in the prompt, and the fault that it stands for."""
