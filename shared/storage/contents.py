"""What is written to storage, as bytes: the text of a record, the blocks of a video. It does no writing."""

import json
from collections.abc import AsyncIterator
from typing import Final

from shared.storage.base import Record

BLOCK_BYTES: Final = 4 * 1024 * 1024
"""Size of a block: what one upload holds in memory, a few times over."""


def encoded(record: Record) -> bytes:
    """Return a record as JSON; equal records have equal bytes, in whatever order they were made."""
    return json.dumps(record, separators=(",", ":"), sort_keys=True).encode()


async def blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gather pieces of any size into blocks of one size; the last one may be smaller."""
    gathered = bytearray()
    async for piece in chunks:
        gathered += piece
        while len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered[:BLOCK_BYTES])
            del gathered[:BLOCK_BYTES]
    if gathered:
        yield bytes(gathered)
