"""The port to blob storage: small records and large videos, by blob name.

Every method raises `StorageUnavailable` where storage cannot be reached or is failing.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Record = dict[str, object]


@dataclass(frozen=True)
class StoredVideo:
    """A stored video's properties; `etag` is quoted and strong, `verified` says that `verify_video` accepted it."""

    size: int
    etag: str
    last_modified: datetime
    verified: bool


class BlobStore(Protocol):
    """Our own storage. Blob names come from `shared.jobs.ids`."""

    async def create_record(self, name: str, record: Record) -> bool:
        """Write a small JSON record that must not exist yet; False, and nothing written, where another one does.

        True where this very record is there already: the answer to writing it was lost.
        """

    async def read_record(self, name: str) -> Record | None:
        """Return a record, None where there is none."""

    async def replace_record(self, name: str, record: Record) -> None:
        """Write a record, over an older one where there is one."""

    async def delete_record(self, name: str, only: Record | None = None) -> None:
        """Remove a record, with `only` if it still is that very one; nothing happens where there is none."""

    async def write_video(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        """Stream a video in, replacing an earlier one of that name, and return its size in bytes.

        It appears whole or not at all: an error from `chunks` passes through and leaves what was there before. A video
        that has been verified, or written by somebody else meanwhile, is not replaced: `StorageUnavailable`.
        """

    async def find_video(self, name: str) -> StoredVideo | None:
        """Return a video's properties, None where there is none."""

    async def mark_verified(self, name: str, video: StoredVideo, facts: Mapping[str, str]) -> None:
        """Record that this very version of the video was checked; `facts` are kept as metadata."""

    async def read_range(self, name: str, video: StoredVideo, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` of this version of the video, fewer at its end."""

    def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """Yield `length` bytes from `offset` of this version of the video, fewer at its end, in pieces of at most 1 MB.

        It reads ahead by no more than a piece or two, however long the caller takes. Closed before its end, it lets go
        of its connection at once; a caller that may leave early closes it (`contextlib.aclosing`).
        """

    async def close(self) -> None:
        """Release connections."""
