"""Blob storage through azure-storage-blob. Videos are read by `BlobStreams`.

The SDK's own retries are kept short (twice, within a few seconds): they bridge a connection that the server closed
while it was idle. Longer troubles are the story's to wait out.
"""

import contextlib
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Self, TypeVar
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContentSettings, StorageErrorCode
from azure.storage.blob.aio import BlobServiceClient, ContainerClient, ExponentialRetry

from shared.errors import StorageUnavailable
from shared.storage.base import Record, StoredVideo
from shared.storage.blob_stream import BlobStreams

Value = TypeVar("Value")

_CHUNK_BYTES = 4 * 1024 * 1024
"""Size of a block: what one upload holds in memory, a few times over."""

_OPTIONS: dict[str, Any] = {
    "connection_timeout": 3,
    "read_timeout": 20,
    "max_block_size": _CHUNK_BYTES,
    "max_single_put_size": _CHUNK_BYTES,
}

_VERIFIED = "verified"

_TROUBLES = (AzureError, OSError, ValueError)
"""What the SDK raises; ValueError where something else than storage answers, such as a proxy with a page of its own."""

_EXISTS = (StorageErrorCode.BLOB_ALREADY_EXISTS, StorageErrorCode.CONTAINER_ALREADY_EXISTS)
"""The SDK calls every HTTP 409 "exists", also that of a container which is just being deleted."""


class AzureBlobStore:
    """A `BlobStore` in one container, which is made on first use where it does not exist."""

    def __init__(self, service: BlobServiceClient, container: str, credential: AsyncTokenCredential | None) -> None:
        self._service = service
        self._container: ContainerClient = service.get_container_client(container)
        self._credential = credential
        self._container_exists = False
        self._streams = BlobStreams(service, container, credential)

    @classmethod
    def from_connection_string(cls, connection_string: str, container: str) -> Self:
        """Open by connection string (local development, or an account that still allows keys)."""
        service = BlobServiceClient.from_connection_string(connection_string, retry_policy=_retry(), **_OPTIONS)
        return cls(service, container, None)

    @classmethod
    def from_identity(cls, account_url: str, container: str, credential: AsyncTokenCredential) -> Self:
        """Open by identity; the store owns the credential from here on."""
        service = BlobServiceClient(account_url, credential=credential, retry_policy=_retry(), **_OPTIONS)
        return cls(service, container, credential)

    async def create_record(self, name: str, record: Record) -> bool:
        """See `BlobStore`."""
        try:
            await self._write_record(name, record, overwrite=False)
        except ResourceExistsError:
            return await self.read_record(name) == record
        return True

    async def read_record(self, name: str) -> Record | None:
        """See `BlobStore`."""

        async def read() -> Record:
            download = await self._container.get_blob_client(name).download_blob()
            record: Record = json.loads(await download.readall())
            return record

        return await _or_none(read)

    async def replace_record(self, name: str, record: Record) -> None:
        """See `BlobStore`."""
        await self._write_record(name, record, overwrite=True)

    async def delete_record(self, name: str, only: Record | None = None) -> None:
        """See `BlobStore`; a delete that is repeated, because its answer was lost, still means that very record."""

        async def delete() -> None:
            blob = self._container.get_blob_client(name)
            if only is None:
                await blob.delete_blob()
                return
            download = await blob.download_blob()
            if json.loads(await download.readall()) == only:
                unchanged = MatchConditions.IfNotModified
                with contextlib.suppress(ResourceModifiedError):
                    await blob.delete_blob(etag=download.properties.etag, match_condition=unchanged)

        await _or_none(delete)

    async def write_video(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        """See `BlobStore`; blocks are committed at the end, so a broken stream leaves nothing.

        Not the SDK's own upload of a stream: that one names blocks by their position, so that two writers of one blob
        could mix theirs, gives the source's errors as storage's, and fails on an empty stream.
        """
        blob = self._container.get_blob_client(name)
        await self._ensure_container()
        writer = uuid4().hex
        block_ids: list[str] = []
        size = 0
        async for block in _blocks(chunks):
            block_ids.append(f"{writer}-{len(block_ids):06d}")
            size += len(block)
            await self._written(partial(blob.stage_block, block_ids[-1], io.BytesIO(block), len(block)))
        blocks = [BlobBlock(block_id) for block_id in block_ids]
        settings = ContentSettings(content_type="video/mp4")
        there = await self.find_video(name)
        if there is not None and there.verified:
            raise StorageUnavailable(f"{name} has been verified and is not replaced")
        unchanged = (
            {"match_condition": MatchConditions.IfMissing}
            if there is None
            else {"match_condition": MatchConditions.IfNotModified, "etag": there.etag}
        )
        try:
            await self._written(partial(blob.commit_block_list, blocks, content_settings=settings, **unchanged))
        except ResourceExistsError as error:
            raise StorageUnavailable(f"{name} was written by somebody else meanwhile") from error
        return size

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""

        async def find() -> StoredVideo:
            found = await self._container.get_blob_client(name).get_blob_properties()
            verified = (found.metadata or {}).get(_VERIFIED) == "1"
            return StoredVideo(found.size, _quoted(found.etag), found.last_modified, verified=verified)

        return await _or_none(find)

    async def mark_verified(self, name: str, video: StoredVideo, facts: Mapping[str, str]) -> None:
        """See `BlobStore`; refused by storage where the video has changed since it was looked at."""
        blob = self._container.get_blob_client(name)
        metadata = {**facts, _VERIFIED: "1"}
        unchanged = MatchConditions.IfNotModified
        try:
            await _translated(
                lambda: blob.set_blob_metadata(metadata, etag=video.etag, match_condition=unchanged),
            )
        except ResourceNotFoundError as error:
            raise StorageUnavailable(f"{name} vanished while it was being verified") from error

    async def read_range(self, name: str, video: StoredVideo, offset: int, length: int) -> bytes:
        """See `BlobStore`."""
        return b"".join([piece async for piece in self.stream(name, video, offset, length)])

    def stream(self, name: str, video: StoredVideo, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """See `BlobStore`."""
        return self._streams.read(name, video.etag, offset, min(length, video.size - offset))

    async def close(self) -> None:
        """See `BlobStore`."""
        await self._streams.close()
        await self._service.close()
        if self._credential is not None:
            await self._credential.close()

    async def _write_record(self, name: str, record: Record, *, overwrite: bool) -> None:
        content = json.dumps(record, separators=(",", ":"), sort_keys=True).encode()
        await self._ensure_container()
        await self._written(partial(self._container.get_blob_client(name).upload_blob, content, overwrite=overwrite))

    async def _written(self, call: Callable[[], Awaitable[object]]) -> None:
        try:
            await _translated(call)
        except ResourceNotFoundError as error:
            self._container_exists = False
            raise StorageUnavailable("the container has been removed") from error

    async def _ensure_container(self) -> None:
        if not self._container_exists:
            with contextlib.suppress(ResourceExistsError):
                await _translated(self._container.create_container)
            self._container_exists = True


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gather pieces of any size into blocks of one size; the last one may be smaller."""
    gathered = bytearray()
    async for piece in chunks:
        gathered += piece
        while len(gathered) >= _CHUNK_BYTES:
            yield bytes(gathered[:_CHUNK_BYTES])
            del gathered[:_CHUNK_BYTES]
    if gathered:
        yield bytes(gathered)


async def _translated(call: Callable[[], Awaitable[Value]]) -> Value:
    """Run a storage call; "exists" and "not found" keep their exception, other troubles become `StorageUnavailable`."""
    try:
        return await call()
    except ResourceNotFoundError:
        raise
    except _TROUBLES as error:
        if isinstance(error, ResourceExistsError) and getattr(error, "error_code", None) in _EXISTS:
            raise
        raise StorageUnavailable(f"blob storage failed: {type(error).__name__}") from error


async def _or_none(call: Callable[[], Awaitable[Value]]) -> Value | None:
    try:
        return await _translated(call)
    except ResourceNotFoundError:
        return None


def _quoted(etag: str) -> str:
    return etag if etag.startswith('"') else f'"{etag}"'


def _retry() -> ExponentialRetry:
    return ExponentialRetry(initial_backoff=0, increment_base=1, retry_total=2, random_jitter_range=1)
