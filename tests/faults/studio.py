"""The video service of a world: what a test asks of it besides the port, and a fake that renders by the clock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Protocol

from devtools.fakes.fake_provider import ANSWER_LOST, FakeRender, FakeVideoProvider
from shared.errors import ProviderAmbiguous, ProviderJobLost, ProviderThrottled
from shared.jobs.models import RenderSpec
from shared.providers.base import RenderedFile, RenderLook
from tests.support.videos import video_file

RENDER_TIME: Final = timedelta(seconds=4)
"""Less than the time to the first look, so that one look finds it finished."""

LONG: Final = timedelta(minutes=13)
"""A render that is still under way when an outage of ten minutes is over."""


@cache
def small_film() -> bytes:
    """Return the video that is looked at in the least time: of the size and length that jobs ask for, in two frames."""
    return video_file(2, width=256, height=256, rate=2)


class Upstream(Protocol):
    """What tests ask of a video service, and have it do, behind the app's back."""

    def paid(self, prompt: str) -> int:
        """Count the renders that were accepted for a prompt."""

    def most_at_once(self) -> int:
        """Return how many renders ran at the same time, at most."""

    def unplaced(self) -> int:
        """Count the submissions that came while no job held a place."""

    def goes_on(self, prompt: str) -> bool:
        """Say whether a render for this prompt is still under way."""

    def film(self, prompt: str) -> bytes:
        """Return the file that a render for this prompt delivers."""

    def take_long(self, prompt: str) -> None:
        """Let renders for this prompt take long."""

    def hurry(self) -> None:
        """Let everything that takes long be finished soon."""

    def be_full_once(self) -> None:
        """Refuse the next submission for want of room."""

    def lose_an_answer(self) -> None:
        """Accept the next submission without an answer."""

    def lose_a_submission(self) -> None:
        """Let the next submission get lost, without an answer."""


class Studio(FakeVideoProvider):
    """An `Upstream` without a network; every film is another one."""

    def __init__(self, now: Callable[[], datetime], is_place_held: Callable[[], bool]) -> None:
        super().__init__(now=now)
        self._is_place_held = is_place_held
        self._unplaced = 0
        self._long: set[str] = set()

    def paid(self, prompt: str) -> int:
        """See `Upstream`."""
        return sum(render.spec.prompt == prompt for render in self.renders)

    def most_at_once(self) -> int:
        """See `Upstream`."""
        return self.peak_running

    def unplaced(self) -> int:
        """See `Upstream`."""
        return self._unplaced

    def goes_on(self, prompt: str) -> bool:
        """See `Upstream`."""
        return any(render.spec.prompt == prompt and self._is_running(render) for render in self.renders)

    def film(self, prompt: str) -> bytes:
        """See `Upstream`: the one film, and a box that players skip with the prompt in it."""
        told = prompt.encode()
        return small_film() + (8 + len(told)).to_bytes(4) + b"free" + told

    def take_long(self, prompt: str) -> None:
        """See `Upstream`."""
        self._long.add(prompt)

    def hurry(self) -> None:
        """See `Upstream`."""
        self._long.clear()

    def be_full_once(self) -> None:
        """See `Upstream`."""
        self.script("submit", ProviderThrottled("no room"))

    def lose_an_answer(self) -> None:
        """See `Upstream`."""
        self.script("submit", ANSWER_LOST)

    def lose_a_submission(self) -> None:
        """See `Upstream`."""
        self.script("submit", ProviderAmbiguous("submission_unknown", "nothing came"))

    def forget(self, upstream_id: str) -> None:
        """Lose a render."""
        for render in self.renders:
            render.lost = render.lost or render.upstream_id == upstream_id

    async def submit(self, spec: RenderSpec) -> str:
        """See `VideoProvider`."""
        self._unplaced += not self._is_place_held()
        return await super().submit(spec)

    async def look(self, upstream_id: str) -> RenderLook:
        """See `VideoProvider`."""
        await self._called("look")
        rendered = self._is_finished(self._known(upstream_id))
        return RenderLook(rendered=rendered, progress=100 if rendered else 40)

    @asynccontextmanager
    async def fetch(self, upstream_id: str) -> AsyncIterator[RenderedFile]:
        """See `VideoProvider`."""
        await self._called("fetch")
        render = self._known(upstream_id)
        if not self._is_finished(render):
            raise ProviderJobLost(f"render {upstream_id!r} has no file yet")
        content = self.film(render.spec.prompt)

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        yield RenderedFile(chunks(), len(content))

    def _running(self) -> int:
        return sum(map(self._is_running, self.renders))

    def _is_running(self, render: FakeRender) -> bool:
        return render.known and not self._is_finished(render)

    def _is_finished(self, render: FakeRender) -> bool:
        return self._now() >= render.created_at + (LONG if render.spec.prompt in self._long else RENDER_TIME)
