"""A `VideoProvider` without a network: renders on paper, keeps count, and fails as scripted.

    provider = FakeVideoProvider()
    provider.script("submit", ProviderThrottled("full"), ANSWER_LOST)

The first submit is refused, the second is accepted and its answer lost, the third goes well.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from shared.errors import (
    FailureCode,
    ProviderAmbiguous,
    ProviderJobLost,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from shared.jobs.models import RenderSpec
from shared.providers.base import RenderCandidate, RenderedFile, RenderLook

Operation = Literal["submit", "look", "fetch", "find", "cancel"]


@dataclass(frozen=True)
class AnswerLost:
    """Outcome of a submit or cancel: it is done, and the caller learns nothing, because `error` comes instead."""

    error: BaseException


@dataclass(frozen=True)
class BreaksOff:
    """Outcome of a fetch: this many bytes arrive, then `error`."""

    after_bytes: int
    error: BaseException


ANSWER_LOST: Final = AnswerLost(ProviderAmbiguous("submission_unknown", "the answer was lost"))
BROKEN_OFF: Final = BreaksOff(5, ProviderUnavailable("the content broke off"))

Outcome = BaseException | AnswerLost | BreaksOff | None
"""What becomes of one call: an exception instead of its effect, a half effect, or None for all being well."""


@dataclass
class FakeRender:
    """A render that was accepted, and so is paid for."""

    upstream_id: str
    spec: RenderSpec
    created_at: datetime
    looks: int = 0
    failure: FailureCode | None = None
    lost: bool = False
    cancelled: bool = False

    @property
    def known(self) -> bool:
        """Whether the service still answers for it."""
        return not (self.lost or self.cancelled)


class FakeVideoProvider:
    """See `VideoProvider`. A render is finished at the look number `looks_needed`; each delivers `file`.

    It runs until it is finished, failed, lost or cancelled; an error scripted for a look says nothing of that.
    `most_running` is how many it lets run, `peak_running` how many ever did.
    """

    def __init__(
        self,
        *,
        file: bytes = b"the bytes of a video",
        looks_needed: int = 1,
        most_running: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.renders: list[FakeRender] = []
        self.calls: list[Operation] = []
        self.file = file
        self.closed = False
        self.tells_prompts = True
        self.looks_needed = looks_needed
        self.most_running = most_running
        self.peak_running = 0
        self._now = now
        self._scripts: defaultdict[Operation, deque[Outcome]] = defaultdict(deque)

    def script(self, operation: Operation, *outcomes: Outcome) -> None:
        """Decide what becomes of the next calls of one kind, in order; after them all is well again."""
        self._scripts[operation].extend(outcomes)

    def add_render(self, spec: RenderSpec, created_at: datetime) -> FakeRender:
        """Let the service have a render that nobody was told of. Like real ones, it counts time in whole seconds."""
        render = FakeRender(f"video_{len(self.renders) + 1}", spec, created_at.replace(microsecond=0))
        self.renders.append(render)
        self.peak_running = max(self.peak_running, self._running())
        return render

    async def submit(self, spec: RenderSpec) -> str:
        """See `VideoProvider`."""
        outcome = await self._called("submit")
        if self.most_running is not None and self._running() >= self.most_running:
            raise ProviderThrottled("too many running")
        render = self.add_render(spec, self._now())
        if isinstance(outcome, AnswerLost):
            raise outcome.error
        return render.upstream_id

    async def look(self, upstream_id: str) -> RenderLook:
        """See `VideoProvider`."""
        await self._called("look")
        render = self._known(upstream_id)
        if render.failure is not None:
            raise ProviderRejected(render.failure, f"render {upstream_id!r} failed")
        render.looks += 1
        rendered = render.looks >= self.looks_needed
        return RenderLook(rendered=rendered, progress=min(100, 100 * render.looks // self.looks_needed))

    @asynccontextmanager
    async def fetch(self, upstream_id: str) -> AsyncIterator[RenderedFile]:
        """See `VideoProvider`."""
        outcome = await self._called("fetch")
        if self._known(upstream_id).looks < self.looks_needed:
            raise ProviderJobLost(f"render {upstream_id!r} has no file yet")
        yield RenderedFile(_chunks(self.file, outcome), len(self.file))

    async def cancel(self, upstream_id: str) -> None:
        """See `VideoProvider`."""
        outcome = await self._called("cancel")
        for render in self.renders:
            render.cancelled = render.cancelled or render.upstream_id == upstream_id
        if isinstance(outcome, AnswerLost):
            raise outcome.error

    async def find(self, spec: RenderSpec, since: datetime) -> Sequence[RenderCandidate]:
        """See `VideoProvider`."""
        await self._called("find")
        return [
            RenderCandidate(render.upstream_id, render.created_at, certain=self.tells_prompts)
            for render in self.renders
            if render.spec == spec and render.created_at >= since and render.known
        ]

    async def close(self) -> None:
        """See `VideoProvider`."""
        self.closed = True

    async def _called(self, operation: Operation) -> Outcome:
        await asyncio.sleep(0)
        self.calls.append(operation)
        script = self._scripts[operation]
        outcome = script.popleft() if script else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _running(self) -> int:
        return sum(
            render.known and render.failure is None and render.looks < self.looks_needed for render in self.renders
        )

    def _known(self, upstream_id: str) -> FakeRender:
        for render in self.renders:
            if render.upstream_id == upstream_id and render.known:
                return render
        raise ProviderJobLost(f"no render {upstream_id!r}")


async def _chunks(content: bytes, outcome: Outcome) -> AsyncIterator[bytes]:
    whole = content[: outcome.after_bytes] if isinstance(outcome, BreaksOff) else content
    piece = len(content) // 3 + 1
    for start in range(0, len(whole), piece):
        yield whole[start : start + piece]
    if isinstance(outcome, BreaksOff):
        raise outcome.error
