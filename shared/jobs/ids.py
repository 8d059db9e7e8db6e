"""Identifiers, and every blob name that follows from one: pure functions of the job.

A job id is a ULID in lower case, 26 characters; a file id is `gen_` and the job id. Only what has exactly that form is
ever used in a blob name, a URL or a query.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final, NewType

JobId = NewType("JobId", str)
FileId = NewType("FileId", str)

_ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
_FILE_PREFIX = "gen_"


def new_job_id() -> JobId:
    """Return a fresh id; later ids sort after earlier ones (to the millisecond)."""
    from ulid import ULID  # noqa: PLC0415 - only accepting a job needs it; a cold start that reads a status does not

    return JobId(str(ULID()).lower())


def parse_job_id(text: str) -> JobId | None:
    """Return `text` as a job id, or None where it cannot be one."""
    return JobId(text) if _ULID.fullmatch(text) else None


def parse_file_id(text: str) -> JobId | None:
    """Return the job whose file `text` names, or None where it cannot name one."""
    return parse_job_id(text.removeprefix(_FILE_PREFIX)) if text.startswith(_FILE_PREFIX) else None


def file_id(job_id: JobId) -> FileId:
    """Return the public name of the job's file."""
    return FileId(_FILE_PREFIX + job_id)


def video_blob(job_id: JobId) -> str:
    """Name the blob that holds the job's video."""
    return f"videos/{job_id}.mp4"


def job_blob(job_id: JobId) -> str:
    """Name the record that says what was accepted, and when."""
    return f"jobs/{job_id}.json"


WITHDRAWN: Final = "withdrawn_at"
"""Field of a submission record that stands there instead of an intent: nothing may be submitted for this job."""


def submission_blob(job_id: JobId) -> str:
    """Name the record of the one paid submission that the job may make."""
    return f"submissions/{job_id}.json"


def resubmission_blob(job_id: JobId, intended_at: datetime) -> str:
    """Name the record that follows the intent of that moment, where it came to nothing."""
    return f"submissions/{job_id}/{intended_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}.json"


def claim_blob(upstream_id: str) -> str:
    """Name the record that says which job owns an upstream render.

    Upstream ids are opaque, up to 512 characters and may hold `/` (a LiteLLM proxy's do), so the name is their hash.
    """
    return f"claims/{hashlib.sha256(upstream_id.encode()).hexdigest()}.json"
