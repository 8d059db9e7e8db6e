"""The port to a video service: what the rest of the app may ask of one, whichever it is.

Adapters speak the service's words and raise only the `ProviderError`s named here; nothing of the service's answers
passes the port but what these types hold.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.jobs.models import RenderSpec


@dataclass(frozen=True)
class RenderLook:
    """One look at a render that has not failed; `progress` is 0 to 100 where the service says so."""

    rendered: bool
    progress: int | None = None


@dataclass(frozen=True)
class RenderCandidate:
    """A render that the service knows and that may be the one we asked for.

    `certain` says that it was asked for with our prompt; where the service does not tell prompts, it may be anybody's.
    """

    upstream_id: str
    created_at: datetime
    certain: bool = True


@dataclass(frozen=True)
class RenderedFile:
    """A finished render's bytes, as they arrive; `size` in bytes where the service promises one."""

    chunks: AsyncIterator[bytes]
    size: int | None


class VideoProvider(Protocol):
    """A service that renders videos from prompts."""

    async def submit(self, spec: RenderSpec) -> str:
        """Ask for a render and return the service's id for it. Costs money; never repeated by the adapter.

        Raises `ProviderRejected` (codes `content_policy`, `invalid_request`, `upstream_auth`, `model_unavailable`),
        `ProviderThrottled`, `ProviderUnavailable` (certainly not accepted), `ProviderAmbiguous` (perhaps accepted).
        """

    async def look(self, upstream_id: str) -> RenderLook:
        """Say how far a render is.

        Raises `ProviderRejected` where it failed (codes `content_policy`, `upstream_failed`), `ProviderJobLost`,
        `ProviderThrottled`, `ProviderUnavailable`.
        """

    def fetch(self, upstream_id: str) -> AbstractAsyncContextManager[RenderedFile]:
        """Open a finished render's file for streaming.

        Raises, on entering or while streaming, `ProviderJobLost`, `ProviderThrottled`, `ProviderUnavailable`,
        `InvalidUpstreamVideo` (it is not a video, or ends early).
        """

    async def cancel(self, upstream_id: str) -> None:
        """Stop a render, or remove it where the service knows no stopping; the same again changes nothing.

        Returns where the service says that it is gone or going, also where it does not know it (any more).

        Raises `ProviderRejected` (code `upstream_failed`) where the service has no way to do it or refuses,
        `ProviderThrottled`, `ProviderUnavailable` (perhaps done, perhaps not: ask again).
        """

    async def find(self, spec: RenderSpec, since: datetime) -> Sequence[RenderCandidate]:
        """List renders that match `spec` in all that the service tells about them, created at `since` or later.

        Raises `ProviderRejected`, `ProviderThrottled`, `ProviderUnavailable` where it cannot be asked.
        """

    async def close(self) -> None:
        """Release connections."""
