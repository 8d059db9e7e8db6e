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
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, ContentSettings, StorageErrorCode
from azure.storage.blob.aio import BlobServiceClient, ContainerClient, ExponentialRetry

from shared.errors import StorageUnavailable
from shared.storage.base import TALLY_LIMIT, Record, StoredVideo, Versioned, expiry
from shared.storage.blob_stream import BlobStreams
from shared.storage.contents import BLOCK_BYTES, blocks, encoded

Value = TypeVar("Value")

_OPTIONS: dict[str, Any] = {
    "connection_timeout": 3,
    "read_timeout": 20,
    "max_block_size": BLOCK_BYTES,
    "max_single_put_size": BLOCK_BYTES,
}

_VERIFIED = "verified"

_TROUBLES = (AzureError, OSError, ValueError, TypeError)
"""What the SDK raises; the last two where something else than storage answers, such as a proxy with its own page."""

_EXISTS = (StorageErrorCode.BLOB_ALREADY_EXISTS, StorageErrorCode.CONTAINER_ALREADY_EXISTS)
"""The SDK calls every HTTP 409 "exists", also that of a container which is just being deleted."""

_CHANGED = (StorageErrorCode.BLOB_ALREADY_EXISTS, StorageErrorCode.BLOB_NOT_FOUND, StorageErrorCode.CONDITION_NOT_MET)
"""What storage answers to a write whose condition does not hold, or does no longer: an earlier try may have been it."""

_PAGE = 5000
"""Names in one answer at most."""


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
        return await self.replace_version(name, record, None)

    async def read_record(self, name: str) -> Record | None:
        """See `BlobStore`."""
        found = await self.read_versioned(name)
        return None if found is None else found.record

    async def read_versioned(self, name: str) -> Versioned | None:
        """See `BlobStore`."""

        async def read() -> Versioned:
            download = await self._container.get_blob_client(name).download_blob()
            return Versioned(json.loads(await download.readall()), _quoted(download.properties.etag))

        return await _or_none(read)

    async def replace_version(self, name: str, record: Record, etag: str | None) -> bool:
        """See `BlobStore`."""
        blob = self._container.get_blob_client(name)
        content = encoded(record)

        async def write() -> bool:
            try:
                await blob.upload_blob(content, overwrite=True, **_unless_changed(etag))
            except HttpResponseError as error:
                if _code(error) in _CHANGED:
                    return False
                raise
            return True

        await self._ensure_container()
        if await self._written(write):
            return True
        there = await self.read_record(name)
        return there is not None and encoded(there) == content

    async def replace_record(self, name: str, record: Record) -> None:
        """See `BlobStore`."""
        content = encoded(record)
        await self._ensure_container()
        await self._written(partial(self._container.get_blob_client(name).upload_blob, content, overwrite=True))

    async def delete_record(self, name: str, only: Record | None = None) -> None:
        """See `BlobStore`; a delete that is repeated, because its answer was lost, still means that very record."""

        async def delete() -> None:
            blob = self._container.get_blob_client(name)
            if only is None:
                await blob.delete_blob()
                return
            download = await blob.download_blob()
            if json.loads(await download.readall()) == only:
                with contextlib.suppress(ResourceModifiedError):
                    await blob.delete_blob(**_unless_changed(download.properties.etag))

        await _or_none(delete)

    async def list_names(self, prefix: str, *, limit: int) -> list[str]:
        """See `BlobStore`."""

        async def first() -> list[str]:
            names: list[str] = []
            listed = self._container.list_blob_names(
                name_starts_with=prefix, results_per_page=min(limit, _PAGE), raw_response_hook=_check_origin
            )
            async for name in listed:
                names.append(name)
                if len(names) == limit:
                    break
            return names

        return (await _or_none(first) or []) if limit > 0 else []

    async def count_up(self, name: str) -> int:
        """See `BlobStore`; a tally is an append blob of one byte for each call, so storage itself does the adding."""
        blob = self._container.get_blob_client(name)

        async def append() -> int:
            try:
                answer = await blob.append_block(b".", 1)
            except ResourceExistsError as error:
                if _code(error) == StorageErrorCode.BLOCK_COUNT_EXCEEDS_LIMIT:
                    return TALLY_LIMIT + 1
                raise
            # Not the number of blocks, which the emulator looks up before it appends.
            return int(str(answer["blob_append_offset"])) + 1

        count = await _or_none(append)
        if count is None:
            await self._ensure_container()
            with contextlib.suppress(ResourceExistsError):
                await self._written(partial(blob.create_append_blob, **_unless_changed(None)))
            count = await self._written(append)
        return count

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
        async for block in blocks(chunks):
            block_ids.append(f"{writer}-{len(block_ids):06d}")
            size += len(block)
            await self._written(partial(blob.stage_block, block_ids[-1], io.BytesIO(block), len(block)))
        block_list = [BlobBlock(block_id) for block_id in block_ids]
        settings = ContentSettings(content_type="video/mp4")
        there = await self.find_video(name)
        if there is not None and there.verified:
            raise StorageUnavailable(f"{name} has been verified and is not replaced")
        unchanged = _unless_changed(None if there is None else there.etag)
        try:
            await self._written(partial(blob.commit_block_list, block_list, content_settings=settings, **unchanged))
        except ResourceExistsError as error:
            raise StorageUnavailable(f"{name} was written by somebody else meanwhile") from error
        return size

    async def find_video(self, name: str) -> StoredVideo | None:
        """See `BlobStore`."""

        async def find() -> StoredVideo:
            found = await self._container.get_blob_client(name).get_blob_properties()
            facts = found.metadata or {}
            verified = facts.get(_VERIFIED) == "1"
            etag = _quoted(found.etag)
            return StoredVideo(found.size, etag, found.last_modified, verified=verified, expires_at=expiry(facts))

        return await _or_none(find)

    async def mark_verified(self, name: str, video: StoredVideo, facts: Mapping[str, str]) -> None:
        """See `BlobStore`; refused by storage where the video has changed since it was looked at."""
        blob = self._container.get_blob_client(name)
        metadata = {**facts, _VERIFIED: "1"}
        try:
            await _translated(partial(blob.set_blob_metadata, metadata, **_unless_changed(video.etag)))
        except ResourceNotFoundError as error:
            raise StorageUnavailable(f"{name} vanished while it was being verified") from error

    async def delete_video(self, name: str) -> None:
        """See `BlobStore`."""
        await _or_none(self._container.get_blob_client(name).delete_blob)

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

    async def _written(self, call: Callable[[], Awaitable[Value]]) -> Value:
        try:
            return await _translated(call)
        except ResourceNotFoundError as error:
            self._container_exists = False
            raise StorageUnavailable("the container has been removed") from error

    async def _ensure_container(self) -> None:
        if not self._container_exists:
            with contextlib.suppress(ResourceExistsError):
                await _translated(self._container.create_container)
            self._container_exists = True


async def _translated(call: Callable[[], Awaitable[Value]]) -> Value:
    """Run a storage call; "exists" and "not found" keep their exception, other troubles become `StorageUnavailable`."""
    try:
        return await call()
    except ResourceNotFoundError:
        raise
    except _TROUBLES as error:
        if isinstance(error, ResourceExistsError) and _code(error) in _EXISTS:
            raise
        raise StorageUnavailable(f"blob storage failed: {type(error).__name__}") from error


async def _or_none(call: Callable[[], Awaitable[Value]]) -> Value | None:
    try:
        return await _translated(call)
    except ResourceNotFoundError:
        return None


def _unless_changed(etag: str | None) -> dict[str, Any]:
    """Return the SDK's arguments for a write over this version only, or None: where there is nothing yet."""
    if etag is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"match_condition": MatchConditions.IfNotModified, "etag": etag}


def _check_origin(response: Any) -> None:
    """Raise where something else than storage says yes: the SDK takes it for an empty list, or trips over it."""
    answer = response.http_response
    if answer.status_code == 200 and "x-ms-request-id" not in answer.headers:
        raise ValueError("this is not from storage")


def _code(error: AzureError) -> object:
    return getattr(error, "error_code", None)


def _quoted(etag: str) -> str:
    return etag if etag.startswith('"') else f'"{etag}"'


def _retry() -> ExponentialRetry:
    return ExponentialRetry(initial_backoff=0, increment_base=1, retry_total=2, random_jitter_range=1)
