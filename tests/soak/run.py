"""What the parts of a run share: its stack, its clock, its evidence, and one way to call the API."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Self

import httpx

from devtools.stack import Stack
from tests.soak.evidence import UNKNOWN, Evidence, Sighting

PLACES: Final = 2
RENDER_SECONDS: Final = 0.3
SECONDS, SIDE = 1, 256
"""The smallest video that the contract allows."""

SETTINGS: Final[Mapping[str, str]] = {
    "MAX_CONCURRENT_RENDERS": str(PLACES),
    "UPSTREAM_TIMEOUT_SECONDS": "3",
    "POLL_FIRST_SECONDS": "0.3",
    "POLL_LONGEST_SECONDS": "1",
    "RETRY_FIRST_SECONDS": "0.2",
    "RETRY_LONGEST_SECONDS": "1",
}
"""Recovery within seconds. The deadlines are the app's own, hours: no job has a reason to fail in a run."""

PATIENCE_SECONDS: Final = 5.0
"""The contract's Python client gives up then."""

NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout)
"""What callers meet while the host is down: certainly nothing has become of the request."""


@dataclass
class Run:
    """One run against one stack; entered, its clock starts."""

    stack: Stack
    evidence: Evidence = field(default_factory=Evidence)
    alive: deque[str] = field(default_factory=deque)
    ended: deque[str] = field(default_factory=deque)
    """Jobs as readers have seen them last; one that is just being read is in neither."""
    _began: float = field(default_factory=monotonic)
    _http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._began = monotonic()
        # A connection of its own for every call: one that was kept over a restart of the host would be a fault of ours.
        none_kept = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(
            base_url=self.stack.app, timeout=PATIENCE_SECONDS, limits=none_kept, trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.aclose()

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return monotonic() - self._began

    async def until(self, moment: float) -> None:
        """Wait for a moment of the run; not at all where it has passed."""
        await asyncio.sleep(max(0.0, moment - self.now))

    def accepted(self, job_id: str) -> None:
        """Let readers look at a job, from the first time that somebody was told of it."""
        if job_id not in self.evidence.sightings:
            self.evidence.sightings[job_id] = []
            self.alive.append(job_id)

    def all_ended(self) -> bool:
        """Say whether readers have seen the end of every job."""
        return len(self.ended) == len(self.evidence.sightings)

    async def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Call the API; raise httpx.TransportError where there was no answer, which is remembered."""
        if self._http is None:
            raise RuntimeError("the run has not begun")
        try:
            answer = await self._http.request(method, path, **content)
        except NEVER_SENT:
            self.evidence.answers[f"{method} without a connection"] += 1
            raise
        except httpx.TransportError:
            self.evidence.answers[f"{method} without an answer"] += 1
            raise
        self.evidence.answers[f"{method} {answer.status_code}"] += 1
        return answer

    async def ask(self, method: str, path: str, job_id: str) -> Sighting | None:
        """Call a route that tells of a job, and remember what it told; None where it did not."""
        began = self.now
        try:
            answer = await self.send(method, path)
        except httpx.TransportError:
            return None
        if answer.status_code not in (200, 404):
            return None
        told = answer.json() if answer.status_code == 200 else {"status": UNKNOWN}
        if "stage" in told:
            self.evidence.details[job_id] = told
        sighting = Sighting(began, self.now, told["status"], told.get("code"), told.get("error"))
        self.evidence.sightings[job_id].append(sighting)
        return sighting
