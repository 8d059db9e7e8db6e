"""Storage whose large videos are made while they are sent, and that says on standard output when a stream ends."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore
from shared.jobs.ids import JobId, video_blob
from shared.jobs.models import FlowSettings
from shared.storage.base import StoredVideo
from shared.wiring import Services
from tests.support.builders import FLOW

MEGABYTE: Final = 1024 * 1024

LARGE: Final = JobId("01jyg74z6ee6e9y23ceq2fbg00")
LARGE_BYTES: Final = 200 * MEGABYTE

STALLED: Final = JobId("01jyg74z6ee6e9y23ceq2fst00")
"""As large, but after its first piece nothing more ever comes."""

_VIDEO: Final = StoredVideo(LARGE_BYTES, '"0xA"', datetime(2026, 3, 1, tzinfo=UTC), verified=True)


class MadeUpVideos(InMemoryStore):
    """Finds `LARGE` and `STALLED`; tells when a stream of theirs ends, and how much it gave."""

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""
        return _VIDEO if name in {video_blob(LARGE), video_blob(STALLED)} else None

    async def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """See `BlobStore`; every byte is the low byte of its megabyte's number."""
        del video
        given = 0
        try:
            while given < length:
                position = offset + given
                size = min(MEGABYTE - position % MEGABYTE, length - given)
                yield bytes([position // MEGABYTE % 256]) * size
                given += size
                if name == video_blob(STALLED):
                    await asyncio.Event().wait()
                await asyncio.sleep(0)
        finally:
            _say(f"stream of {name} ended after {given} of {length} bytes")


async def stream_services() -> Services:
    """Make the services of the HTTP functions."""
    return Services(provider=FakeVideoProvider(), store=MadeUpVideos(), flow=FlowSettings.model_validate(FLOW))


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
