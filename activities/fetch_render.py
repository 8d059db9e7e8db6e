"""Bring the finished render into our own storage, streamed from one to the other.

A second run overwrites the blob with the same bytes; a video that has been verified is left alone.
"""

import asyncio

from shared.errors import ProviderUnavailable
from shared.jobs.ids import video_blob
from shared.jobs.models import FetchRenderInput, FetchRenderResult
from shared.wiring import Services

FETCH_SECONDS = 480.0
"""One attempt may take this long: two minutes less than `functionTimeout`, which would end the whole worker."""


async def fetch_render(payload: FetchRenderInput, services: Services) -> FetchRenderResult:
    """Store the render's bytes, whole or not at all, and return their number.

    Raises `ProviderUnavailable` where the transfer breaks off or takes too long, `ProviderJobLost`,
    `InvalidUpstreamVideo` where the content is no video, `StorageUnavailable`.
    """
    name = video_blob(payload.job_id)
    stored = await services.store.find_video(name)
    if stored is not None and stored.verified:
        return FetchRenderResult(size=stored.size)
    try:
        async with asyncio.timeout(FETCH_SECONDS), services.provider.fetch(payload.upstream_id) as rendered:
            size = await services.store.write_video(name, rendered.chunks)
    except TimeoutError as error:
        raise ProviderUnavailable(f"the transfer took longer than {FETCH_SECONDS:.0f} s") from error
    return FetchRenderResult(size=size)
