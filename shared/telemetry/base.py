"""The port to whoever watches: what happened, told when it is over. Standard library only.

Nothing here says how or whether it is kept. No method raises, waits, or takes long: a job must never notice that it is
watched. What is told is ids, names of our own and times; there is no place for a prompt, a key or an address.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol


class Period(NamedTuple):
    """From when to when something went on."""

    start: datetime
    end: datetime


class Telemetry(Protocol):
    """Whoever watches. `listens` says whether what is told goes anywhere, where finding it out would cost something."""

    @property
    def listens(self) -> bool:
        """Whether anybody watches."""

    def taken_in(self, job_id: str, during: Period, outcome: str, caller: str | None) -> None:
        """Tell how a request for a job was taken; `caller` is the `traceparent` that came with it."""

    def activity(
        self,
        job_id: str,
        name: str,
        during: Period,
        outcome: str,
        *,
        reason: str | None = None,
        retryable: bool = False,
    ) -> None:
        """Tell of one run of an activity; `outcome` is `ok` or the code that it failed with."""

    def job_ended(self, job_id: str, during: Period, status: str, code: str | None, video_seconds: int) -> None:
        """Tell of the whole of a job, and how long a video came of it."""

    def line_seen(self, waiting: int, oldest: timedelta) -> None:
        """Tell how many jobs wait, and since when the first of them has."""

    def close(self) -> None:
        """Hand over what is left, for as long as the end of a process may be held up."""


class _Silence:
    """Nobody watches."""

    listens = False

    def taken_in(self, job_id: str, during: Period, outcome: str, caller: str | None) -> None:
        """See `Telemetry`."""

    def activity(
        self,
        job_id: str,
        name: str,
        during: Period,
        outcome: str,
        *,
        reason: str | None = None,
        retryable: bool = False,
    ) -> None:
        """See `Telemetry`."""

    def job_ended(self, job_id: str, during: Period, status: str, code: str | None, video_seconds: int) -> None:
        """See `Telemetry`."""

    def line_seen(self, waiting: int, oldest: timedelta) -> None:
        """See `Telemetry`."""

    def close(self) -> None:
        """See `Telemetry`."""


SILENT: Final[Telemetry] = _Silence()
"""What there is while telemetry is off."""
