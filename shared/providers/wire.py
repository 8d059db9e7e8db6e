"""Reading what servers of the OpenAI-style videos API really answer, and sorting it into our own words.

Servers that speak `/v1/videos` deviate: status words differ, a failed job may come with HTTP 4xx or 5xx and the job as
its body, `error` may be an object, a string or null, its `code` a number (docs/upstreams.md). Everything here is a pure
function of an answer.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from shared.errors import FailureCode
from shared.jobs.models import RenderSpec

RenderPhase = Literal["running", "rendered", "failed", "lost"]

_RENDERED: Final = frozenset({"completed", "complete", "success", "succeeded", "finished"})
_FAILED: Final = frozenset({"failed", "failure", "fail", "error", "cancelled", "canceled"})
_LOST: Final = frozenset({"expired", "deleted"})

_REFUSALS: Final = (
    "content_filter",
    "content filter",
    "content_policy",
    "content policy",
    "content_safety",
    "contentsafety",
    "policy_violation",
    "policyviolation",
    "moderation",
    "sentinel_block",
)
"""Words by which services say that the content was refused, at any of the points where they can."""


_LONGEST_WAIT_SECONDS: Final = 86_400.0
"""Nobody who asks for a longer wait means it; and a number without bounds breaks arithmetic with dates."""


def json_object(body: bytes | str) -> dict[str, object]:
    """Return a JSON object, empty where the body is anything else."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def phase(job: Mapping[str, object]) -> RenderPhase:
    """Sort a job's status word; an unknown word is a job still running, which its deadline ends."""
    word = str(job.get("status", "")).lower()
    if word in _RENDERED:
        return "rendered"
    if word in _FAILED:
        return "failed"
    return "lost" if word in _LOST else "running"


def is_failed_job(answer: Mapping[str, object], upstream_id: str) -> bool:
    """Say whether the body of an HTTP error is really this job, failed, not a gateway's error with an id of its own."""
    return phase(answer) == "failed" and (answer.get("id") == upstream_id or answer.get("object") == "video")


def failure_code(job: Mapping[str, object]) -> FailureCode:
    """Say why a failed job failed."""
    return "content_policy" if is_refusal(job) else "upstream_failed"


def is_refusal(answer: Mapping[str, object], *, codes_only: bool = False) -> bool:
    """Say whether an error answer or failed job speaks of refused content.

    Only fields that describe the error are read: a prompt echoed elsewhere in the answer must not decide. With
    `codes_only` a message does not either: a service that is failing may say that its moderation is.
    """
    error = answer.get("error")
    described = json.dumps(
        [part.get(key) for part in (answer, error) if isinstance(part, dict) for key in ("code", "type", "inner_error")]
        if codes_only
        else [_described(answer.get(key)) for key in ("error", "code", "message", "type", "inner_error", "detail")]
    )
    return any(word in described.lower() for word in _REFUSALS) or (
        "failure_reason" in answer and ("moderation" in str(answer["failure_reason"]))
    )


def _described(part: object) -> object:
    """Leave out what a list of validation errors repeats of the request."""
    if isinstance(part, list):
        return [
            {key: value for key, value in item.items() if key not in ("input", "ctx")}
            if isinstance(item, dict)
            else item
            for item in part
        ]
    return part


def progress(job: Mapping[str, object]) -> int | None:
    """Return the percentage, None where the service tells none."""
    value = job.get("progress")
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN; math.isnan fails on a huge int
        return None
    return int(max(0, min(100, value)))


def created_at(job: Mapping[str, object]) -> datetime | None:
    """Return when the service says that it took the job, None where it does not say so understandably."""
    value = job.get("created_at")
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ends_before(page: Sequence[Mapping[str, object]], since: datetime) -> bool:
    """Say whether a page of jobs, newest first, ends with one older than `since`: the next pages are older yet.

    Never said of a page that does not show its order: some servers ignore the one that they are asked for.
    """
    moments = [moment for job in page if (moment := created_at(job)) is not None]
    falling = len(moments) == len(page) and moments == sorted(moments, reverse=True)
    return falling and moments[0] > moments[-1] and moments[-1] < since


def matches(job: Mapping[str, object], spec: RenderSpec) -> bool:
    """Say whether a job may be the one that `spec` asks for, in everything that the service tells about it.

    What is told in another form than asked for does not decide, nor do blanks in the prompt, nor a length that differs
    by less than a second (servers compute it from frames): a job wrongly ruled out would be paid for twice.
    """
    prompt, size = job.get("prompt"), re.fullmatch(r"(\d{1,9})x(\d{1,9})", str(job.get("size")).lower(), re.ASCII)
    if isinstance(prompt, str) and prompt.strip() and prompt.split() != spec.prompt.split():
        return False
    if size and (int(size[1]), int(size[2])) != (spec.width, spec.height):
        return False
    seconds = _number(job.get("seconds"))
    return seconds is None or abs(seconds - spec.seconds) < 1


def tells_prompt(job: Mapping[str, object]) -> bool:
    """Say whether a job shows the prompt that it was asked for with."""
    prompt = job.get("prompt")
    return isinstance(prompt, str) and bool(prompt.strip())


def _number(told: object) -> float | None:
    try:
        number = float(str(told))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return what a `Retry-After` header asks for, in seconds and within a day; None where it is not understood."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII):
        return min(float(value), _LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, min((moment - now).total_seconds(), _LONGEST_WAIT_SECONDS))
