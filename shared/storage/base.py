"""The port to blob storage: small records, large videos and tallies, by blob name.

Every method raises `StorageUnavailable` where storage cannot be reached or is failing. What a write that raises has
already done is not undone.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

Record = dict[str, object]

TALLY_LIMIT: Final = 50_000
"""How far a tally counts: storage takes no more blocks in one blob."""


@dataclass(frozen=True)
class Versioned:
    """A record, and the etag of the version that it was read from."""

    record: Record
    etag: str


@dataclass(frozen=True)
class StoredVideo:
    """A stored video's properties; `etag` is quoted and strong, `verified` says that `verify_video` accepted it.

    `expires_at`, in UTC, is the fact of that name; None where there is none, or none that can be read.
    """

    size: int
    etag: str
    last_modified: datetime
    verified: bool
    expires_at: datetime | None = None


class BlobStore(Protocol):
    """Our own storage. Blob names come from `shared.jobs.ids`."""

    async def create_record(self, name: str, record: Record) -> bool:
        """Write a small JSON record that must not exist yet; False, and nothing written, where another one does.

        True where this very record is there already: the answer to writing it was lost.
        """

    async def read_record(self, name: str) -> Record | None:
        """Return a record, None where there is none."""

    async def read_versioned(self, name: str) -> Versioned | None:
        """Return a record with its version, None where there is none."""

    async def replace_version(self, name: str, record: Record, etag: str | None) -> bool:
        """Write a record where it still is the version `etag`, or where there is none and `etag` is None.

        False, and nothing written, where it has changed. True where this very record is there already: the answer to
        writing it was lost. A caller who must know that the writing was its own puts something of its own into it.
        """

    async def replace_record(self, name: str, record: Record) -> None:
        """Write a record, over an older one where there is one."""

    async def delete_record(self, name: str, only: Record | None = None) -> None:
        """Remove a record, with `only` if it still is that very one; nothing happens where there is none."""

    async def list_names(self, prefix: str, *, limit: int) -> list[str]:
        """Return the first `limit` names that begin with `prefix`, in lexicographic order."""

    async def count_up(self, name: str) -> int:
        """Add one to a tally, which begins at none, and return the new count.

        No two calls get the same number, in whatever process; an answer of storage that was lost may have been counted.
        `TALLY_LIMIT + 1` stands for every number beyond the limit.
        """

    async def write_video(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        """Stream a video in, replacing an earlier one of that name, and return its size in bytes.

        It appears whole or not at all: an error from `chunks` passes through and leaves what was there before. A video
        that has been verified, or written by somebody else meanwhile, is not replaced: `StorageUnavailable`.
        """

    async def find_video(self, name: str) -> StoredVideo | None:
        """Return a video's properties, None where there is none."""

    async def mark_verified(self, name: str, video: StoredVideo, facts: Mapping[str, str]) -> None:
        """Record that this very version of the video was checked; `facts` are kept as metadata.

        `expires_at` among them, an ISO 8601 time with its offset, becomes the video's.
        """

    async def delete_video(self, name: str) -> None:
        """Remove a video, verified or not; nothing happens where there is none."""

    async def read_range(self, name: str, video: StoredVideo, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` of this version of the video, fewer at its end."""

    def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """Yield `length` bytes from `offset` of this version of the video, fewer at its end, in pieces of at most 1 MB.

        It reads ahead by no more than a piece or two, however long the caller takes. Closed before its end, it lets go
        of its connection at once; a caller that may leave early closes it (`contextlib.aclosing`).
        """

    async def close(self) -> None:
        """Release connections."""


def expiry(facts: Mapping[str, str]) -> datetime | None:
    """Return the time that a video's facts call `expires_at`; None where it is not there or says no moment."""
    try:
        expires_at = datetime.fromisoformat(facts.get("expires_at", ""))
        return None if expires_at.tzinfo is None else expires_at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
