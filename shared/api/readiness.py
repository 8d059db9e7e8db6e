"""Whether a job could be accepted now: our storage and the durable backend answer within two seconds.

Both are asked for something that is never there, which is the cheapest question that only a working one can answer. The
video service is not asked: a job waits in line while that is away, and asking may cost money.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from shared.api.responses import CheckState
from shared.errors import AppError
from shared.jobs.client import JobClient
from shared.jobs.ids import JobId, job_blob
from shared.logs import log
from shared.storage.base import BlobStore

LOOK_SECONDS = 2.0
"""For both questions together. Who asks whether an app is ready mostly gives up after a few seconds."""

READY_SECONDS = 10.0
NOT_READY_SECONDS = 2.0
"""How long an answer holds, for every caller: nobody can make the app ask its storage more often than this."""

NOBODY: Final = JobId("0" * 26)
"""The id of no job: new ones begin with the time, and it is later than 1970."""

Checks = Mapping[str, CheckState]


@dataclass
class Readiness:
    """What was found last; looked at once for all who ask at the same time, or soon after."""

    time: Callable[[], float] = monotonic
    _found: Checks = field(default_factory=dict)
    _holds_until: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def checks(self, look: Callable[[], Awaitable[Checks]]) -> Checks:
        """Return what was found, by `look` where that was too long ago."""
        async with self._lock:
            if self.time() >= self._holds_until:
                self._found = await look()
                self._holds_until = self.time() + (READY_SECONDS if is_ready(self._found) else NOT_READY_SECONDS)
            return self._found


def is_ready(checks: Checks) -> bool:
    """Say whether nothing is amiss."""
    return all(state == "ok" for state in checks.values())


async def look(store: BlobStore, jobs: JobClient) -> Checks:
    """Ask storage and the durable backend. Never raises."""
    storage, backend = await asyncio.gather(
        _answers("storage", store.read_record(job_blob(NOBODY))),
        _answers("the durable backend", jobs.sight(NOBODY, seconds=LOOK_SECONDS)),
    )
    return {"settings": "ok", "storage": storage, "backend": backend}


async def _answers(what: str, question: Awaitable[object]) -> CheckState:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await question
    except (AppError, TimeoutError) as error:
        log.warning("not ready, %s does not answer: %s", what, str(error) or f"not within {LOOK_SECONDS:.0f} s")
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
        log.error("not ready, asking %s broke: %s", what, type(error).__name__)
    else:
        return "ok"
    return "failing"
