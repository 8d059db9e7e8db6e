"""A `BlobStore` in this process's memory that counts its calls and fails the ones it is told to."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from shared.errors import StorageUnavailable
from shared.storage.base import TALLY_LIMIT, Record, StoredVideo, Versioned, expiry

PIECE_BYTES = 1024 * 1024
_VERIFIED = "verified"


@dataclass(frozen=True)
class StoreCall:
    """One call: the port's method and the blob's name."""

    method: str
    name: str


@dataclass(frozen=True)
class _Fault:
    error: BaseException
    after_effect: bool


@dataclass(frozen=True)
class _Blob:
    content: bytes
    etag: str
    last_modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


class InMemoryStore:
    """See `BlobStore`. `calls` lists every call since the beginning, those that failed included."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.calls: list[StoreCall] = []
        self.closed = False
        self._now = now
        self._blobs: dict[str, _Blob] = {}
        self._etags = count(1)
        self._faults: dict[int, _Fault] = {}

    def fail_call(self, nth: int = 1, *, after_effect: bool = False, error: BaseException | None = None) -> None:
        """Let the `nth` call from now on (1 is the next) raise, before its effect or after it.

        `error` is `StorageUnavailable` unless something else is given, for example to play the death of the process.
        """
        self._faults[len(self.calls) + nth] = _Fault(error or StorageUnavailable("failed on request"), after_effect)

    def names(self) -> list[str]:
        """Return the names of all blobs, sorted."""
        return sorted(self._blobs)

    def metadata(self, name: str) -> Mapping[str, str]:
        """Return a blob's metadata."""
        return self._blobs[name].metadata

    def record(self, name: str) -> Record | None:
        """Return a record, None where there is none; this is no call."""
        blob = self._blobs.get(name)
        return None if blob is None else _record(blob)

    async def create_record(self, name: str, record: Record) -> bool:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("create_record", name):
            if name not in self._blobs:
                self._put(name, _json_bytes(record))
            return self._blobs[name].content == _json_bytes(record)

    async def read_record(self, name: str) -> Record | None:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("read_record", name):
            return self.record(name)

    async def read_versioned(self, name: str) -> Versioned | None:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("read_versioned", name):
            blob = self._blobs.get(name)
            return None if blob is None else Versioned(_record(blob), blob.etag)

    async def replace_version(self, name: str, record: Record, etag: str | None) -> bool:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("replace_version", name):
            blob = self._blobs.get(name)
            if (None if blob is None else blob.etag) == etag:
                self._put(name, _json_bytes(record))
                return True
            return blob is not None and _record(blob) == json.loads(_json_bytes(record))

    async def replace_record(self, name: str, record: Record) -> None:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("replace_record", name):
            self._put(name, _json_bytes(record))

    async def delete_record(self, name: str, only: Record | None = None) -> None:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("delete_record", name):
            if only is None or (name in self._blobs and _record(self._blobs[name]) == only):
                self._blobs.pop(name, None)

    async def list_names(self, prefix: str, *, limit: int) -> list[str]:
        """See `BlobStore`; the call goes by the prefix."""
        await asyncio.sleep(0)
        with self._called("list_names", prefix):
            return [name for name in self.names() if name.startswith(prefix)][: max(0, limit)]

    async def count_up(self, name: str) -> int:
        """See `BlobStore`; as in Azure, a tally is a blob of as many bytes."""
        await asyncio.sleep(0)
        with self._called("count_up", name):
            counted = self._blobs[name].content if name in self._blobs else b""
            if len(counted) >= TALLY_LIMIT:
                return TALLY_LIMIT + 1
            self._put(name, counted + b".")
            return len(counted) + 1

    async def write_video(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        """See `BlobStore`."""
        with self._called("write_video", name):
            content = b"".join([piece async for piece in chunks])
            if name in self._blobs and self._blobs[name].metadata.get(_VERIFIED) == "1":
                raise StorageUnavailable(f"{name} has been verified and is not replaced")
            self._put(name, content)
        return len(content)

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("find_video", name):
            blob = self._blobs.get(name)
        if blob is None:
            return None
        verified = blob.metadata.get(_VERIFIED) == "1"
        return StoredVideo(
            len(blob.content), blob.etag, blob.last_modified, verified=verified, expires_at=expiry(blob.metadata)
        )

    async def mark_verified(self, name: str, video: StoredVideo, facts: Mapping[str, str]) -> None:
        """See `BlobStore`; as in Azure, changed metadata is a new version with a new etag."""
        await asyncio.sleep(0)
        with self._called("mark_verified", name):
            blob = self._version(name, video)
            metadata = {**facts, _VERIFIED: "1"}
            self._blobs[name] = replace(blob, etag=self._etag(), last_modified=self._now(), metadata=metadata)

    async def delete_video(self, name: str) -> None:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("delete_video", name):
            self._blobs.pop(name, None)

    async def read_range(self, name: str, video: StoredVideo, offset: int, length: int) -> bytes:
        """See `BlobStore`."""
        await asyncio.sleep(0)
        with self._called("read_range", name):
            return self._version(name, video).content[offset : offset + max(0, length)]

    async def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """See `BlobStore`."""
        with self._called("stream", name):
            content = self._version(name, video).content[offset : offset + max(0, length)]
            for start in range(0, len(content), PIECE_BYTES):
                await asyncio.sleep(0)
                yield content[start : start + PIECE_BYTES]

    async def close(self) -> None:
        """See `BlobStore`."""
        self.closed = True

    @contextmanager
    def _called(self, method: str, name: str) -> Iterator[None]:
        self.calls.append(StoreCall(method, name))
        fault = self._faults.pop(len(self.calls), None)
        if fault is not None and not fault.after_effect:
            raise fault.error
        yield
        if fault is not None:
            raise fault.error

    def _put(self, name: str, content: bytes) -> None:
        self._blobs[name] = _Blob(content, self._etag(), self._now())

    def _etag(self) -> str:
        return f'"0x{next(self._etags):X}"'

    def _version(self, name: str, video: StoredVideo) -> _Blob:
        blob = self._blobs.get(name)
        if blob is None or blob.etag != video.etag:
            raise StorageUnavailable(f"{name} is not the version that was looked at")
        return blob


def _json_bytes(record: Record) -> bytes:
    """Records are kept as text, so that what is not JSON is refused and later changes of the dict change nothing."""
    return json.dumps(record, allow_nan=False).encode()


def _record(blob: _Blob) -> Record:
    record: Record = json.loads(blob.content)
    return record
