"""Identifiers, and every blob name that follows from one: pure functions of the job.

A job id is a ULID in lower case, 26 characters; a file id is `gen_` and the job id. Only what has exactly that form is
ever used in a blob name, a URL or a query.
"""

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Final, NewType

JobId = NewType("JobId", str)
FileId = NewType("FileId", str)

_ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_DIGITS = 10
_FILE_PREFIX = "gen_"


_last_id: list[int] = []


def new_job_id() -> JobId:
    """Return a fresh id; it sorts after all earlier ones of this process, and of others to the millisecond.

    The order of ids is the order of arrival, in which jobs get their places.
    """
    from ulid import ULID  # noqa: PLC0415 - only accepting a job needs it; a cold start that reads a status does not

    number = int.from_bytes(ULID().bytes)
    if _last_id and number <= _last_id[-1]:
        # The same millisecond, or a clock that was set back. A random step, so that no id can be guessed from another.
        number = _last_id[-1] + 1 + secrets.randbits(64)
    _last_id[:] = [number]
    return JobId(str(ULID.from_int(number)).lower())


def parse_job_id(text: str) -> JobId | None:
    """Return `text` as a job id, or None where it cannot be one."""
    return JobId(text) if _ULID.fullmatch(text) else None


def made_at(job_id: JobId) -> datetime:
    """Return when an id was made, to the millisecond: about when its job was accepted."""
    milliseconds = 0
    for digit in job_id[:_TIME_DIGITS]:
        milliseconds = milliseconds * 32 + _DIGITS.index(digit)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


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


WAITING: Final = "waiting/"
"""Where the line is: the names below it, in their order, are the jobs in order of arrival."""


def waiting_blob(job_id: JobId, turn: int = 0) -> str:
    """Name the record that says that the job waits for a place; each time that it does, from 0, is a turn."""
    return f"{WAITING}{job_id}-{turn:06d}.json"


def waiting_job(name: str) -> JobId | None:
    """Return the job that a record of the line is about, None for a name that is none."""
    return parse_job_id(name.removeprefix(WAITING).partition("-")[0])


CAPACITY: Final = "capacity.json"
"""The record of the places and who holds them."""

WATCH: Final = "watch/"
"""Where the appointments are: the names below it, in their order, say when which job is to be looked at."""

_MOMENT: Final = "%Y%m%dT%H%M%SZ"


def watch_blob(due: datetime, job_id: JobId) -> str:
    """Name the appointment to look at a job at that moment (to the second)."""
    return _appointment(WATCH, due, job_id)


def parse_watch_blob(name: str) -> tuple[datetime, JobId] | None:
    """Return the moment and the job of an appointment, None for a name that is none."""
    return _parse_appointment(WATCH, name)


OUTBOX: Final = "outbox/"
"""Where the appointments are to tell again what could not be told: of the same form."""


def outbox_blob(due: datetime, job_id: JobId) -> str:
    """Name the appointment to tell the world about a job at that moment (to the second)."""
    return _appointment(OUTBOX, due, job_id)


def parse_outbox_blob(name: str) -> tuple[datetime, JobId] | None:
    """Return the moment and the job of such an appointment, None for a name that is none."""
    return _parse_appointment(OUTBOX, name)


REJECTIONS: Final = "rejections/"
"""Where the messages that are no jobs are noted, until everybody has been told."""


def rejection_blob(event_id: str) -> str:
    """Name the note of a rejection; what a queue's message ids look like is the queue's, so the name is a hash."""
    return f"{REJECTIONS}{hashlib.sha256(event_id.encode()).hexdigest()}.json"


def _appointment(prefix: str, due: datetime, job_id: JobId) -> str:
    return f"{prefix}{due.astimezone(UTC):{_MOMENT}}-{job_id}.json"


def _parse_appointment(prefix: str, name: str) -> tuple[datetime, JobId] | None:
    moment, _, rest = name.removeprefix(prefix).partition("-")
    job_id = parse_job_id(rest.removesuffix(".json"))
    try:
        due = datetime.strptime(moment, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return None if job_id is None else (due, job_id)


CANCELLATIONS: Final = "cancellations/"


def cancellation_blob(job_id: JobId) -> str:
    """Name the record that says that the job's owner wants no more of it."""
    return f"{CANCELLATIONS}{job_id}.json"


def key_blob(idempotency_key: str) -> str:
    """Name the record that says which job an idempotency key stands for; keys are anything, so the name is a hash."""
    return f"keys/{hashlib.sha256(idempotency_key.encode()).hexdigest()}.json"


def tally_blob(day: datetime) -> str:
    """Name the tally of jobs accepted on that day (UTC)."""
    return f"tallies/{day.astimezone(UTC):%Y-%m-%d}"


def named_job(name: str) -> JobId | None:
    """Return the job of a record that is named by nothing else, None where the name is no such one."""
    return parse_job_id(name.rpartition("/")[2].removesuffix(".json"))


def submission_blob(job_id: JobId) -> str:
    """Name the record of the one paid submission that the job may make."""
    return f"submissions/{job_id}.json"


def resubmissions(job_id: JobId) -> str:
    """Return what the names of the records begin with that follow the job's first intent."""
    return f"submissions/{job_id}/"


def resubmission_blob(job_id: JobId, intended_at: datetime) -> str:
    """Name the record that follows the intent of that moment, where it came to nothing."""
    return f"{resubmissions(job_id)}{intended_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}.json"


def claim_blob(upstream_id: str) -> str:
    """Name the record that says which job owns an upstream render.

    Upstream ids are opaque, up to 512 characters and may hold `/` (a LiteLLM proxy's do), so the name is their hash.
    """
    return f"claims/{hashlib.sha256(upstream_id.encode()).hexdigest()}.json"
