"""Jobs as the upstream keeps them: what was ordered, how far it is, and what has been scripted to go wrong with it."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from pydantic import BaseModel

QUEUED, IN_PROGRESS, COMPLETED, FAILED = "queued", "in_progress", "completed", "failed"
DELETED, FORGOTTEN = "deleted", "forgotten"

OLDEST_FIRST = """
SELECT * FROM job WHERE gone IS NULL AND (:after IS NULL OR number > (SELECT number FROM job WHERE id = :after))
ORDER BY number LIMIT :limit
"""
NEWEST_FIRST = """
SELECT * FROM job WHERE gone IS NULL AND (:after IS NULL OR number < (SELECT number FROM job WHERE id = :after))
ORDER BY number DESC LIMIT :limit
"""
STATS = """
SELECT (SELECT count(*) FROM job) AS jobs, crowd.unfinished, high_water.unfinished AS most_unfinished,
    crowd.rendering, high_water.rendering AS most_rendering FROM crowd, high_water
"""


@dataclass(frozen=True)
class NewVideo:
    """A valid order."""

    prompt: str
    model: str
    seconds: int
    width: int
    height: int


class Failure(BaseModel):
    """Give up when the render is this far."""

    at_percent: int
    code: str
    message: str


class Script(BaseModel):
    """What faults did to a job when it was created. Kept with the job, so a restart does not undo it."""

    failure: Failure | None = None
    never_finish: bool = False
    size_factor: float = 1
    length_factor: float = 1


@dataclass(frozen=True)
class Job:
    """One row, as read."""

    id: str
    order: NewVideo
    created_at: float
    expires_at: float
    started_at: float | None
    completed_at: float | None
    status: str
    progress: int
    renders: int
    error_code: str | None
    error_message: str | None
    gone: str | None
    script: Script

    @property
    def size(self) -> str:
        """As the API writes it."""
        return f"{self.order.width}x{self.order.height}"

    def expired(self, now: float) -> bool:
        """Whether its video can no longer be fetched."""
        return now >= self.expires_at


class JobStore:
    """The only reader and writer of jobs. Jobs that are gone (deleted or forgotten) stay on record, but only here."""

    def __init__(self, database: sqlite3.Connection, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, order: NewVideo, script: Script, retention_seconds: float) -> Job:
        """Accept an order."""
        job_id = f"video_{uuid4().hex}"
        now = self._now()
        self._database.execute(
            "INSERT INTO job (id, prompt, model, seconds, width, height, created_at, expires_at, status, script)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(job_id, order.prompt, order.model, order.seconds, order.width, order.height),
                *(now, now + retention_seconds, QUEUED, script.model_dump_json()),
            ),
        )
        return self._one("SELECT * FROM job WHERE id = ?", job_id)

    def get(self, job_id: str) -> Job | None:
        """The job, whether or not it is gone."""
        return next(iter(self._many("SELECT * FROM job WHERE id = ?", job_id)), None)

    def everything(self) -> list[Job]:
        """All jobs ever accepted, oldest first."""
        return self._many("SELECT * FROM job ORDER BY number")

    def page(self, after: str | None, limit: int, *, newest_first: bool) -> list[Job]:
        """Up to `limit` jobs that are not gone, beginning behind `after` in the order asked for."""
        return self._many(NEWEST_FIRST if newest_first else OLDEST_FIRST, {"after": after, "limit": limit})

    def unfinished(self) -> int:
        """How many jobs are queued or rendering."""
        return self.stats()["unfinished"]

    def stats(self) -> dict[str, int]:
        """How many jobs there ever were, are unfinished and rendering, and the most of these at the same time."""
        return dict(self._database.execute(STATS).fetchone())

    def next_queued(self) -> Job | None:
        """The job that has waited longest."""
        query = "SELECT * FROM job WHERE status = 'queued' AND gone IS NULL ORDER BY number LIMIT 1"
        return next(iter(self._many(query)), None)

    def requeue_interrupted(self) -> None:
        """Put the renders that a stop of the simulator cut off back where they were: in front of the line."""
        self._database.execute("UPDATE job SET status = ? WHERE status = ?", (QUEUED, IN_PROGRESS))

    def start(self, job_id: str) -> None:
        """Rendering begins (again)."""
        self._database.execute(
            "UPDATE job SET status = ?, renders = renders + 1, started_at = coalesce(started_at, ?) WHERE id = ?",
            (IN_PROGRESS, self._now(), job_id),
        )

    def complete(self, job_id: str) -> None:
        """The video is there."""
        self._database.execute(
            "UPDATE job SET status = ?, progress = 100, completed_at = ? WHERE id = ?", (COMPLETED, self._now(), job_id)
        )

    def fail(self, job_id: str, failure: Failure) -> None:
        """There will be no video."""
        self._database.execute(
            "UPDATE job SET status = ?, progress = ?, error_code = ?, error_message = ? WHERE id = ?",
            (FAILED, failure.at_percent, failure.code, failure.message, job_id),
        )

    def remove(self, job_id: str, how: str) -> None:
        """From now on the API answers 404 for it; `how` is DELETED or FORGOTTEN."""
        self._database.execute("UPDATE job SET gone = ? WHERE id = ?", (how, job_id))

    def expire(self, job_id: str) -> Job:
        """From now on its video cannot be fetched."""
        self._database.execute("UPDATE job SET expires_at = ? WHERE id = ?", (self._now(), job_id))
        return self._one("SELECT * FROM job WHERE id = ?", job_id)

    def _one(self, query: str, *values: object) -> Job:
        return self._many(query, *values)[0]

    def _many(self, query: str, *values: object) -> list[Job]:
        parameters = values[0] if values and isinstance(values[0], dict) else values
        return [_job(row) for row in self._database.execute(query, parameters)]


def _job(row: sqlite3.Row) -> Job:
    same = ("id", "created_at", "expires_at", "started_at", "completed_at", "status", "progress", "renders")
    return Job(
        order=NewVideo(row["prompt"], row["model"], row["seconds"], row["width"], row["height"]),
        script=Script.model_validate_json(row["script"]),
        error_code=row["error_code"],
        error_message=row["error_message"],
        gone=row["gone"],
        **{name: row[name] for name in same},
    )
