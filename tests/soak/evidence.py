"""What callers and readers of a run have been told, and what was found afterwards. Facts only; `verdict.py` judges."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

UNKNOWN = "unknown"
"""The word for a job that the API says does not exist."""

Outcome = Literal["accepted", "refused", "unanswered"]


@dataclass(frozen=True)
class Request:
    """One `POST /api/generate` that was sent: what it asked for, and how it was answered."""

    order: int
    prompt: str
    outcome: Outcome
    status: int | None = None
    job_id: str | None = None


@dataclass(frozen=True)
class Sighting:
    """What one read told of a job; `began` and `ended` are when it was under way, in seconds of the run."""

    began: float
    ended: float
    word: str
    code: str | None = None
    """None where this route does not tell it."""
    error: str | None = None


@dataclass(frozen=True)
class Remains:
    """What our own storage holds when nothing goes on any more: names, or none."""

    waiting: Sequence[str] = ()
    places: Sequence[str] = ()
    cancellations: Sequence[str] = ()
    open_records: Sequence[str] = ()

    def __bool__(self) -> bool:
        return any(self.by_kind().values())

    def by_kind(self) -> Mapping[str, Sequence[str]]:
        """Return the names by what their being there means."""
        return {
            "in line": self.waiting,
            "holding a place": self.places,
            "to be cancelled": self.cancellations,
            "without an end on record": self.open_records,
        }


@dataclass
class Evidence:
    """Everything that is known of a run."""

    requests: list[Request] = field(default_factory=list)
    sightings: dict[str, list[Sighting]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    """Jobs for which a DELETE was sent, whether or not it was answered."""
    answers: Counter[str] = field(default_factory=Counter)
    """How calls were answered: `GET 500`, `POST without an answer`."""
    kills: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """Errors of the video service that calls met, by operation."""

    details: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The last answer of `GET /api/jobs/{id}` for each job."""
    renders: Sequence[Mapping[str, Any]] = ()
    stats: Mapping[str, int] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    """Calls to the video service in the time of trouble, by operation."""
    files: dict[str, str] = field(default_factory=dict)
    """What is wrong with the file of a completed job; empty where nothing is."""
    remains: Remains = field(default_factory=Remains)
    broken: Sequence[str] = ()
    """Lines of the app's log that no trouble of this run accounts for."""

    @property
    def jobs(self) -> dict[str, int]:
        """Every job that a caller was told is accepted, with its order."""
        return {each.job_id: each.order for each in self.requests if each.job_id is not None}

    def saw(self, job_id: str, sighting: Sighting) -> None:
        """Remember a read."""
        self.sightings.setdefault(job_id, []).append(sighting)
