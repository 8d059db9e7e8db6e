"""A stored video as a seekable file object, for a library that reads from a thread."""

import asyncio
import io
import time

from shared.errors import StorageUnavailable
from shared.storage.base import BlobStore, StoredVideo

_WINDOW_BYTES = 1024 * 1024
"""Read ahead in pieces of this size: an MP4's index and its last frames are a few of them."""


class VideoReader(io.RawIOBase):
    """Reads ranges on demand through the event loop that owns the store; never holds more than one window.

    Use it from another thread than the loop's. Raises `StorageUnavailable` where storage fails, or where the whole
    reading takes longer than `seconds`: a file made to be parsed for ever ends there.
    """

    def __init__(
        self, store: BlobStore, name: str, video: StoredVideo, loop: asyncio.AbstractEventLoop, *, seconds: float
    ) -> None:
        super().__init__()
        self._store = store
        self._name = name
        self._video = video
        self._loop = loop
        self._deadline = time.monotonic() + seconds
        self._position = 0
        self._window = b""
        self._window_start = 0

    def readable(self) -> bool:
        """Reading is possible."""
        return True

    def seekable(self) -> bool:
        """Seeking is possible."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position in bytes; past the end there is nothing to read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._video.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; fewer at the end of a window, none at the end of the file."""
        left = self._video.size - self._position
        wanted = left if size < 0 else min(size, left)
        if wanted <= 0:
            return b""
        start = self._position - self._window_start
        if not 0 <= start < len(self._window):
            self._window = self._load(self._position)
            self._window_start = self._position
            start = 0
        piece = self._window[start : start + wanted]
        self._position += len(piece)
        return piece

    def _load(self, offset: int) -> bytes:
        left = self._deadline - time.monotonic()
        reading = self._store.read_range(self._name, self._video, offset, _WINDOW_BYTES)
        pending = asyncio.run_coroutine_threadsafe(reading, self._loop)
        try:
            return pending.result(timeout=max(0.0, left))
        except TimeoutError:
            pending.cancel()
            raise StorageUnavailable(f"{self._name} took too long to read") from None
