"""Two video services under one handle: the fake, and the real adapter on the simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from devtools.fakes.fake_provider import ANSWER_LOST, BROKEN_OFF, AnswerLost, FakeVideoProvider
from devtools.sora_sim.rendering import PlaceholderRenderer
from devtools.sora_sim.server import running_simulator
from devtools.sora_sim.settings import SimulatorSettings
from shared.errors import ProviderRejected, ProviderThrottled, ProviderUnavailable
from shared.providers.base import VideoProvider
from shared.providers.videos_api import VideosApiProvider

FILE = b"the bytes of a video, more or less"


class Upstream(Protocol):
    """A video service as a test needs it: what the app sees of it, and levers to make things go wrong."""

    @property
    def provider(self) -> VideoProvider:
        """The port."""

    async def accepted(self) -> int:
        """Count the renders that were accepted, and so are paid for."""

    async def refuse_content_at_submit(self) -> None:
        """Let the next submit be refused for its content."""

    async def refuse_content_while_rendering(self) -> None:
        """Let the next render fail for its content."""

    async def have_no_place(self, retry_after_seconds: int) -> None:
        """Let the next submit find the service full."""

    async def lose_the_answer(self) -> None:
        """Let the next submit be accepted without an answer."""

    async def forget(self, upstream_id: str) -> None:
        """Let the service forget a render."""

    async def break_off_the_file(self) -> None:
        """Let the next transfer of a file break off."""

    async def be_unable_to_list(self) -> None:
        """Let the next search fail with a passing trouble."""

    async def be_unable_to_cancel(self) -> None:
        """Let the next cancellation fail with a passing trouble."""

    async def have_no_time_to_cancel(self, retry_after_seconds: int) -> None:
        """Let the next cancellation come too soon after others."""

    async def refuse_to_cancel(self) -> None:
        """Let the next cancellation meet a service that has no way to do it."""

    async def lose_the_answer_to_cancel(self) -> None:
        """Let the next cancellation be done without an answer."""


class FakeUpstream:
    """The levers of the fake."""

    def __init__(self) -> None:
        self.provider = FakeVideoProvider(file=FILE)

    async def accepted(self) -> int:
        """See `Upstream`."""
        return len(self.provider.renders)

    async def refuse_content_at_submit(self) -> None:
        """See `Upstream`."""
        self.provider.script("submit", ProviderRejected("content_policy", "refused"))

    async def refuse_content_while_rendering(self) -> None:
        """See `Upstream`."""
        self.provider.script("look", ProviderRejected("content_policy", "refused"))

    async def have_no_place(self, retry_after_seconds: int) -> None:
        """See `Upstream`."""
        self.provider.script("submit", ProviderThrottled("full", retry_after_seconds=retry_after_seconds))

    async def lose_the_answer(self) -> None:
        """See `Upstream`."""
        self.provider.script("submit", ANSWER_LOST)

    async def forget(self, upstream_id: str) -> None:
        """See `Upstream`."""
        for render in self.provider.renders:
            render.lost = render.lost or render.upstream_id == upstream_id

    async def break_off_the_file(self) -> None:
        """See `Upstream`."""
        self.provider.script("fetch", BROKEN_OFF)

    async def be_unable_to_list(self) -> None:
        """See `Upstream`."""
        self.provider.script("find", ProviderUnavailable("down"))

    async def be_unable_to_cancel(self) -> None:
        """See `Upstream`."""
        self.provider.script("cancel", ProviderUnavailable("down"))

    async def have_no_time_to_cancel(self, retry_after_seconds: int) -> None:
        """See `Upstream`."""
        self.provider.script("cancel", ProviderThrottled("busy", retry_after_seconds=retry_after_seconds))

    async def refuse_to_cancel(self) -> None:
        """See `Upstream`."""
        self.provider.script("cancel", ProviderRejected("upstream_failed", "no such method"))

    async def lose_the_answer_to_cancel(self) -> None:
        """See `Upstream`."""
        self.provider.script("cancel", AnswerLost(ProviderUnavailable("the answer was lost")))


class SimulatedUpstream:
    """The real adapter, and the simulator's control routes as levers."""

    def __init__(self, provider: VideosApiProvider, control: httpx.AsyncClient) -> None:
        self.provider = provider
        self._control = control

    async def accepted(self) -> int:
        """See `Upstream`."""
        return len((await self._control.get("/_sim/jobs")).json())

    async def refuse_content_at_submit(self) -> None:
        """See `Upstream`."""
        error = {"message": "no", "type": "invalid_request_error", "param": None, "code": "content_policy_violation"}
        await self._arm(kind="respond", operation="create", status=400, body={"error": error})

    async def refuse_content_while_rendering(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="fail", operation="create", at_percent=0, code="moderation_blocked")

    async def have_no_place(self, retry_after_seconds: int) -> None:
        """See `Upstream`."""
        headers = {"Retry-After": str(retry_after_seconds)}
        await self._arm(kind="respond", operation="create", status=429, headers=headers)

    async def lose_the_answer(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="close", operation="create", when="after")

    async def forget(self, upstream_id: str) -> None:
        """See `Upstream`."""
        await self._arm(kind="forget", operation="retrieve", job=upstream_id)

    async def break_off_the_file(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="truncate", operation="content")

    async def be_unable_to_list(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="respond", operation="list", status=503)

    async def be_unable_to_cancel(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="respond", operation="delete", status=503)

    async def have_no_time_to_cancel(self, retry_after_seconds: int) -> None:
        """See `Upstream`."""
        headers = {"Retry-After": str(retry_after_seconds)}
        await self._arm(kind="respond", operation="delete", status=429, headers=headers)

    async def refuse_to_cancel(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="respond", operation="delete", status=405, body={"detail": "Method Not Allowed"})

    async def lose_the_answer_to_cancel(self) -> None:
        """See `Upstream`."""
        await self._arm(kind="close", operation="delete", when="after")

    async def _arm(self, **fault: Any) -> None:
        (await self._control.post("/_sim/faults", json=fault)).raise_for_status()


@asynccontextmanager
async def simulated_upstream(state: Path) -> AsyncIterator[SimulatedUpstream]:
    """The adapter on a simulator that renders nothing, on a free port, until the block ends."""
    settings = SimulatorSettings(state=state, render_seconds=0)
    with running_simulator(settings, PlaceholderRenderer(FILE)) as address:
        provider = VideosApiProvider(f"{address}/v1", "any-key", "sora-2", 10)
        async with httpx.AsyncClient(base_url=address, trust_env=False) as control:
            yield SimulatedUpstream(provider, control)
        await provider.close()
