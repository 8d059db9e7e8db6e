"""The examples of the OpenAPI document, made by the very functions that answer, so that each is a real answer."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from shared.api import responses
from shared.api.parsing import BadRequest, parse_body
from shared.api.refusals import REFUSALS, Refusal
from shared.jobs.ids import JobId, file_id
from shared.jobs.lifecycle import JobView

JOB_ID: Final = JobId("01jyg74z6ee6e9y23ceq2fmwc4")
FILE_ID: Final = file_id(JOB_ID)

ETAG: Final = '"0x8DE29A1B5C7F3E0"'
LAST_MODIFIED: Final = "Sun, 01 Mar 2026 12:30:15 GMT"
SIZE: Final = 4_194_304

REQUESTS: Final = {
    "quick": (
        "Small and soon finished",
        {"prompt": "A paper boat drifting on a calm lake", "duration": 5, "width": 1280, "height": 720},
    ),
    "defaults": ("A prompt is enough", {"prompt": "A golden retriever playing in a sunny park"}),
}


@dataclass(frozen=True)
class Example:
    """An answer with a name that is unique among those of its operation and status, and a line about it."""

    name: str
    summary: str
    answer: Response


def accepted() -> list[Example]:
    """The answer to a new job."""
    return [Example("queued", "The job is accepted", responses.accepted(JOB_ID))]


def refused(status: int) -> list[Example]:
    """Every way in which a request is refused with this status."""
    return [Example(name, row.summary, _refusal(row)) for name, row in REFUSALS.items() if row.status == status]


def jobs() -> list[Example]:
    """A job in each of its states."""
    return [
        Example("queued", "Waiting", responses.job_status(JOB_ID, JobView("queued"))),
        Example("processing", "Under way", responses.job_status(JOB_ID, JobView("processing"))),
        Example("completed", "Ready to download", responses.job_status(JOB_ID, JobView("completed"))),
        Example("failed", "Ended without a video", responses.job_status(JOB_ID, JobView("failed", "content_policy"))),
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
        parse_body(row.content_type, row.body)
    except BadRequest as bad:
        return responses.error(bad.status, bad.detail)
    raise ValueError(f"not refused: {row.summary}")
