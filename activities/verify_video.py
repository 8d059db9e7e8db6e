"""Open the stored file and hold it against the request; only a verified file can be downloaded.

A second run finds the mark of the first, or checks again: the answer depends on the stored bytes alone.
"""

import asyncio
from datetime import timedelta
from typing import BinaryIO, cast

from shared.errors import InvalidUpstreamVideo
from shared.jobs.ids import video_blob
from shared.jobs.models import VerifyVideoInput, VerifyVideoResult
from shared.wiring import Services

VERIFY_SECONDS = 120.0
"""A check reads a few MB; what takes longer than this is broken storage or a file made to waste time."""

ROUNDING_SECONDS = 0.001
"""Lengths in an MP4 are often rounded to milliseconds: 23 frames of 1/24 s are 0.958 s there."""


async def verify_video(payload: VerifyVideoInput, services: Services) -> VerifyVideoResult:
    """Return the facts of the stored video and mark it as verified, and with when it expires.

    Raises `InvalidUpstreamVideo` where it is missing, cannot be played, or has not the requested size and length (to
    within one frame); `StorageUnavailable`.
    """
    from shared.media.probe import probe  # noqa: PLC0415 - loading the codecs takes a while and only this needs them
    from shared.storage.reader import VideoReader  # noqa: PLC0415 - as above

    name = video_blob(payload.job_id)
    stored = await services.store.find_video(name)
    if stored is None:
        raise InvalidUpstreamVideo(f"{name} is not there")
    reader = VideoReader(services.store, name, stored, asyncio.get_running_loop(), seconds=VERIFY_SECONDS)
    # One at a time: a decoder of the largest frames takes a good part of an instance's 2 GB.
    async with services.decoder:
        facts = await asyncio.to_thread(probe, cast("BinaryIO", reader))
    spec = payload.spec
    if (facts.width, facts.height) != (spec.width, spec.height):
        raise InvalidUpstreamVideo(f"{facts.width}x{facts.height} instead of {spec.width}x{spec.height}")
    if abs(facts.seconds - spec.seconds) > facts.frame_seconds + ROUNDING_SECONDS:
        raise InvalidUpstreamVideo(f"{facts.seconds:.3f} s instead of {spec.seconds} s")
    expires_at = stored.expires_at
    if not stored.verified:
        expires_at = None
        metadata = {"width": str(spec.width), "height": str(spec.height), "seconds": f"{facts.seconds:.3f}"}
        if payload.retention_seconds is not None:
            expires_at = services.now() + timedelta(seconds=payload.retention_seconds)
            metadata["expires_at"] = expires_at.isoformat()
        await services.store.mark_verified(name, stored, metadata)
    return VerifyVideoResult(width=facts.width, height=facts.height, seconds=facts.seconds, expires_at=expires_at)
