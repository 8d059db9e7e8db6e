"""The examples of the OpenAPI document, made by the very functions that answer, so that each is a real answer."""

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from shared.api import responses
from shared.api.idempotency import KEY_HEADER, idempotency_key
from shared.api.openapi_known_jobs import JOB_ID, JOBS, REQUEST
from shared.api.parsing import BadRequest, parse_body
from shared.api.refusals import REFUSALS, Refusal
from shared.jobs.ids import file_id
from shared.jobs.lifecycle import JobView
from shared.ledger.admission import LINE_RETRY_SECONDS

FILE_ID: Final = file_id(JOB_ID)

ETAG: Final = '"0x8DE29A1B5C7F3E0"'
LAST_MODIFIED: Final = "Sun, 01 Mar 2026 12:30:15 GMT"
SIZE: Final = 4_194_304

UNTIL_MIDNIGHT_SECONDS: Final = 41_385
"""At half past twelve."""

REQUESTS: Final = {
    "quick": ("Small and soon finished", REQUEST.model_dump(mode="json")),
    "defaults": ("A prompt is enough", {"prompt": "A golden retriever playing in a sunny park"}),
}


@dataclass(frozen=True)
class Example:
    """An answer with a name that is unique among those of its operation and status, and a line about it."""

    name: str
    summary: str
    answer: Response


def accepted() -> list[Example]:
    """The answer to a new job, and to one that was asked for before."""
    return [
        Example("queued", "The job is accepted", responses.accepted(JOB_ID)),
        Example("replayed", "It was, by the same key before", responses.accepted(JOB_ID, replayed=True)),
    ]


def refused(status: int) -> list[Example]:
    """Every way in which a request is refused by itself with this status."""
    return [Example(name, row.summary, _refusal(row)) for name, row in REFUSALS.items() if row.status == status]


def key_reused() -> list[Example]:
    """The answer to a key that came with another request before."""
    return [Example("key-reused", "A key of another request", responses.key_reused())]


def too_many_jobs() -> list[Example]:
    """The answers while no further job is taken in."""
    return [
        Example("line-full", "So many wait already", responses.too_many_jobs(LINE_RETRY_SECONDS)),
        Example("day-full", "So many were accepted today", responses.too_many_jobs(UNTIL_MIDNIGHT_SECONDS)),
    ]


def jobs() -> list[Example]:
    """A job in each of its states."""
    return [
        Example("queued", "Waiting", responses.job_status(JOB_ID, JobView("queued"))),
        Example("processing", "Under way", responses.job_status(JOB_ID, JobView("processing"))),
        Example("completed", "Ready to download", responses.job_status(JOB_ID, JobView("completed"))),
        Example("failed", "Ended without a video", responses.job_status(JOB_ID, JobView("failed", "content_policy"))),
    ]


def jobs_in_full() -> list[Example]:
    """A job in full, at several of its stages."""
    return _in_full("waiting", "rendering", "completed", "expired", "failed")


def cancelled_jobs() -> list[Example]:
    """The answers to who cancels a job: it has ended, is about to, or had ended before."""
    return _in_full("cancelled", "ending", "completed")


def _in_full(*names: str) -> list[Example]:
    return [Example(name, JOBS[name].summary, JOBS[name].answer) for name in names]


def alive() -> list[Example]:
    """A process that answers."""
    return [Example("alive", "It answers", responses.alive())]


def ready() -> list[Example]:
    """An app that can accept jobs."""
    return [Example("ready", "All answers", responses.ready())]


def not_ready() -> list[Example]:
    """Apps that cannot accept jobs."""
    return [
        Example(
            "settings",
            "It is not configured",
            responses.not_ready({"settings": "failing", "storage": "unknown", "backend": "unknown"}),
        ),
        Example(
            "storage",
            "Its storage does not answer",
            responses.not_ready({"settings": "ok", "storage": "failing", "backend": "ok"}),
        ),
        Example(
            "backend",
            "Its durable backend does not answer",
            responses.not_ready({"settings": "ok", "storage": "ok", "backend": "failing"}),
        ),
    ]


def error(status: int, sentence: str) -> list[Example]:
    """An error that has one sentence."""
    return [Example("error", sentence, responses.error(status, sentence))]


def whole_file() -> list[Example]:
    """A download from its beginning to its end."""
    return [_file(200, {"Content-Length": str(SIZE)})]


def part_of_file() -> list[Example]:
    """A download of the first mebibyte."""
    return [_file(206, {"Content-Length": "1048576", "Content-Range": f"bytes 0-1048575/{SIZE}"})]


def _file(status: int, headers: dict[str, str]) -> Example:
    every = {**FILE_HEADERS, "Content-Disposition": f'attachment; filename="{FILE_ID}.mp4"', **headers}
    return Example("video", "The video", Response(status_code=status, headers=every, media_type="video/mp4"))


def unchanged_file() -> list[Example]:
    """The answer to a caller who has the file already."""
    return [Example("unchanged", "Not sent again", Response(status_code=304, headers=FILE_HEADERS))]


FILE_HEADERS: Final = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "ETag": ETAG,
    "Last-Modified": LAST_MODIFIED,
    "X-Content-Type-Options": "nosniff",
}
"""What every answer about a file has; a test holds them against real ones."""


def beyond_file() -> list[Example]:
    """The answer to a range that begins behind the end of the file."""
    answer = responses.error(416, responses.RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{SIZE}"})
    return [Example("error", responses.RANGE_NOT_SATISFIABLE, answer)]


def _refusal(row: Refusal) -> Response:
    try:
        idempotency_key(Headers({} if row.key is None else {KEY_HEADER: row.key}))
        parse_body(row.content_type, row.body)
    except BadRequest as bad:
        return responses.error(bad.status, bad.detail)
    raise ValueError(f"not refused: {row.summary}")
