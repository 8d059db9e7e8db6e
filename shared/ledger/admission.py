"""Whether one more job is taken in: so many may wait, so many may be accepted in a day (UTC).

The day's number is exact, whatever the number of processes: every job that asks takes the next number of a tally. The
line's is a few seconds old (`waiting.py`), so several processes may let in a few more than that.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.jobs.ids import tally_blob
from shared.ledger.waiting import WaitingJobs
from shared.storage.base import BlobStore

LINE_RETRY_SECONDS = 60
"""What `Retry-After` suggests while the line is full: renders take minutes."""


class TooManyJobs(Exception):
    """No job is taken in now; `retry_after_seconds` says when it is worth asking again."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


@dataclass
class Admission:
    """Lets jobs in, `most_waiting` at a time and `most_a_day`."""

    store: BlobStore
    waiting: WaitingJobs
    most_waiting: int
    most_a_day: int
    now: Callable[[], datetime]
    _full_day: str = field(default="")

    async def admit(self) -> None:
        """Count one more job; raise `TooManyJobs` where there are too many, `StorageUnavailable`."""
        if await self.waiting.count() >= self.most_waiting and (
            await self.waiting.count(soon=True) >= self.most_waiting
        ):
            raise TooManyJobs(f"{self.most_waiting} jobs are waiting", LINE_RETRY_SECONDS)
        today = tally_blob(self.now())
        # Once the day is used up, callers who keep asking cost nothing.
        if today == self._full_day or await self.store.count_up(today) > self.most_a_day:
            self._full_day = today
            raise TooManyJobs(f"{self.most_a_day} jobs were accepted today", self._until_midnight())
        self.waiting.joined()

    def _until_midnight(self) -> int:
        now = self.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return math.ceil((midnight - now).total_seconds())
