"""A video service on paper whose renders misbehave one by one, and at whose calls the process can die."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from devtools.fakes.fake_provider import FakeRender, FakeVideoProvider, Operation, Outcome
from shared.errors import ProviderError, ProviderRejected, ProviderUnavailable
from shared.jobs.models import RenderSpec
from shared.providers.base import RenderCandidate, RenderedFile, RenderLook
from tests.whole.fuse import Fuse

NO_VIDEO = b"this is no video, whatever it was sent as"


class TroubledProvider(FakeVideoProvider):
    """See `FakeVideoProvider`. Renders in `endless` never finish; so many of the next fetches get a wrong file.

    `on_render` is called with each new render. `submitted` are the moments at which calls to submit arrived, `failures`
    counts the calls that failed, `untold` has the prompts after which it was asked in vain, `unstoppable` the renders
    that it refused to stop, and `not_stopped` when it was asked in vain to stop one.
    """

    def __init__(self, *, file: bytes, looks_needed: int, now: Callable[[], datetime], fuse: Fuse) -> None:
        super().__init__(file=file, looks_needed=looks_needed, now=now)
        self.endless: set[str] = set()
        self.wrong_files = 0
        self.on_render: Callable[[FakeRender], None] = lambda _: None
        self.submitted: list[datetime] = []
        self.failures = 0
        self.unstoppable: set[str] = set()
        self.not_stopped: defaultdict[str, list[datetime]] = defaultdict(list)
        self.untold: set[str] = set()
        self._fuse = fuse
        self._away_until = now()

    def go_away(self, until: datetime) -> None:
        """Be out of reach until then."""
        self._away_until = until

    def heal(self) -> None:
        """Forget all that was to go wrong from now on; renders that never finish stay so."""
        self._away_until, self.wrong_files = self._now(), 0
        self._scripts.clear()

    def running(self) -> list[FakeRender]:
        """Return the renders that are under way, and so take a place."""
        return [
            render
            for render in self.renders
            if render.known
            and render.failure is None
            and (render.upstream_id in self.endless or render.looks < self.looks_needed)
        ]

    def add_render(self, spec: RenderSpec, created_at: datetime) -> FakeRender:
        """See `FakeVideoProvider`."""
        render = super().add_render(spec, created_at)
        self.on_render(render)
        return render

    async def submit(self, spec: RenderSpec) -> str:
        """See `VideoProvider`."""
        with self._fuse.call():
            self.submitted.append(self._now())
            return await super().submit(spec)

    async def look(self, upstream_id: str) -> RenderLook:
        """See `VideoProvider`."""
        with self._fuse.call():
            seen = await super().look(upstream_id)
        return RenderLook(rendered=False, progress=50) if upstream_id in self.endless else seen

    @asynccontextmanager
    async def fetch(self, upstream_id: str) -> AsyncIterator[RenderedFile]:
        """See `VideoProvider`."""
        dies_after = self._fuse.reached()
        async with super().fetch(upstream_id) as rendered:
            chunks = rendered.chunks
            if self.wrong_files:
                self.wrong_files -= 1
                chunks = _one_piece(NO_VIDEO)
            yield RenderedFile(self._dying(chunks) if dies_after else chunks, None)

    async def cancel(self, upstream_id: str) -> None:
        """See `VideoProvider`."""
        with self._fuse.call():
            try:
                await super().cancel(upstream_id)
            except ProviderRejected:
                self.unstoppable.add(upstream_id)
                raise
            except ProviderError:
                self.not_stopped[upstream_id].append(self._now())
                raise

    async def find(self, spec: RenderSpec, since: datetime) -> Sequence[RenderCandidate]:
        """See `VideoProvider`."""
        with self._fuse.call():
            try:
                return await super().find(spec, since)
            except ProviderError:
                self.untold.add(spec.prompt)
                raise

    async def _called(self, operation: Operation) -> Outcome:
        if self._now() < self._away_until:
            self.failures += 1
            raise ProviderUnavailable("out of reach on request")
        outcome = await super()._called(operation)
        self.failures += outcome is not None
        return outcome

    async def _dying(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        yield await anext(chunks)
        self._fuse.blow()

    def _running(self) -> int:
        return len(self.running())


async def _one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content
