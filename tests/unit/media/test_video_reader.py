"""A stored video read from a thread, window by window, through the event loop that owns the store."""

import asyncio
import io
from collections.abc import AsyncIterator
from itertools import product
from typing import BinaryIO, cast

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import InvalidUpstreamVideo, StorageUnavailable
from shared.media.probe import probe
from shared.storage.base import StoredVideo
from shared.storage.reader import VideoReader
from tests.support.videos import video_file

NAME = "videos/01jyg74z6ee6e9y23ceq2fmwc4.mp4"
MB = 1024 * 1024


async def stored(store: InMemoryStore, content: bytes) -> StoredVideo:
    """Put a video into the store."""

    async def once() -> AsyncIterator[bytes]:
        yield content

    await store.write_video(NAME, once())
    video = await store.find_video(NAME)
    assert video is not None
    return video


async def reader_of(store: InMemoryStore, content: bytes, *, seconds: float = 10) -> VideoReader:
    """Return a reader over a stored video."""
    return VideoReader(store, NAME, await stored(store, content), asyncio.get_running_loop(), seconds=seconds)


def reads(store: InMemoryStore) -> int:
    """Count the ranges that were read."""
    return sum(call.method == "read_range" for call in store.calls)


async def test_it_reads_and_seeks_as_a_file_in_memory_does() -> None:
    """Held against `io.BytesIO` from many places, across the borders of windows and past the end."""
    content = bytes(number % 251 for number in range(2 * MB + 12_345))
    reader, twin = await reader_of(InMemoryStore(), content), io.BytesIO(content)
    places = [0, 1, MB - 1, MB, 2 * MB - 7, 5, len(content) - 1, len(content), len(content) + 9, 70_000]

    def compare() -> None:
        for place, size in product(places, [1, 100, 70_000, 2 * MB]):
            assert reader.seek(place) == twin.seek(place)
            piece, expected = reader.read(size), twin.read(size)
            assert expected.startswith(piece)
            assert bool(piece) is bool(expected)
            assert reader.tell() == place + len(piece)

    await asyncio.to_thread(compare)


async def test_seeking_counts_from_the_start_the_position_or_the_end() -> None:
    """Never before the start."""
    reader = await reader_of(InMemoryStore(), b"0123456789")

    assert reader.seek(4) == 4
    assert reader.seek(3, io.SEEK_CUR) == 7
    assert reader.seek(-1, io.SEEK_END) == 9
    assert reader.seek(-99, io.SEEK_CUR) == 0
    assert reader.readable()
    assert reader.seekable()


async def test_a_large_file_is_probed_with_few_reads() -> None:
    """The index at its end, the first frame and the last ones; not the tens of MB between them."""
    content = video_file(240, fast_start=False, options={"g": "24"})
    index = content.index(b"moov") - 4
    padding = (40 * MB).to_bytes(4) + b"free" + bytes(40 * MB - 8)
    store = InMemoryStore()
    reader = await reader_of(store, content[:index] + padding + content[index:])

    facts = await asyncio.to_thread(probe, cast("BinaryIO", reader))

    assert facts.seconds == pytest.approx(10.0, abs=0.002)
    assert reads(store) <= 8


async def test_a_window_is_read_once_however_small_the_bites() -> None:
    """Two and a half windows cost three reads."""
    store = InMemoryStore()
    reader = await reader_of(store, bytes(5 * MB // 2))

    def bites() -> int:
        return sum(1 for _ in iter(lambda: reader.read(1000), b""))

    assert await asyncio.to_thread(bites) >= 2600
    assert reads(store) == 3


async def test_storage_in_trouble_is_not_a_broken_video() -> None:
    """The store's error passes through the codec library unchanged."""
    store = InMemoryStore()
    reader = await reader_of(store, video_file(240))
    store.fail_call()

    with pytest.raises(StorageUnavailable):
        await asyncio.to_thread(probe, cast("BinaryIO", reader))


async def test_a_video_that_is_replaced_while_it_is_read_is_storage_in_trouble() -> None:
    """Two versions are never mixed."""
    store = InMemoryStore()
    reader = await reader_of(store, video_file(24))
    await stored(store, b"another version")

    with pytest.raises(StorageUnavailable):
        await asyncio.to_thread(probe, cast("BinaryIO", reader))


async def test_a_reading_that_takes_too_long_ends() -> None:
    """Storage that never answers does not hold the thread."""

    class Silent(InMemoryStore):
        async def read_range(self, name: str, video: StoredVideo, offset: int, length: int) -> bytes:
            await asyncio.Event().wait()
            return await super().read_range(name, video, offset, length)

    reader = await reader_of(Silent(), b"0123456789", seconds=0.1)

    with pytest.raises(StorageUnavailable):
        await asyncio.to_thread(reader.read, 1)


async def test_an_empty_file_is_no_video() -> None:
    """And needs no read at all."""
    store = InMemoryStore()
    reader = await reader_of(store, b"")

    with pytest.raises(InvalidUpstreamVideo):
        await asyncio.to_thread(probe, cast("BinaryIO", reader))

    assert reads(store) == 0
