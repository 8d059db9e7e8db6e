"""Reads a blob as answers of storage whose bodies are passed on while they arrive.

The SDK's own download reads a whole range into memory before it gives out the first byte of it. So it either sends many
small requests, each of which costs storage more than its bytes do, or it holds much memory for every reader
(docs/decisions/0004-downloads.md has the figures). Here large requests go through the SDK's core, which streams. Held
are a small buffer and what the operating system keeps; a reader that takes nothing stops storage.

An answer that breaks off is continued from the next byte, as long as the blob is still the same version.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import aiohttp
from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.storage.blob import BlobSasPermissions, generate_blob_sas
from azure.storage.blob.aio import BlobServiceClient

from shared.errors import StorageUnavailable

PIECE_BYTES: Final = 128 * 1024
"""What is gathered before it is handed out: storage's bytes come in small pieces, and sending a small piece costs more
than its bytes do. A piece is less than twice as long."""

_BUFFER_BYTES: Final = 64 * 1024
"""Twice this, and what one read of the socket brings (256 KB), is what waits for a reader that takes nothing."""

_RECEIVE_BYTES: Final = 512 * 1024
"""What the operating system may keep of a stream. Left to itself it keeps up to 32 MB once a reader has been fast."""

_FIRST_PART_BYTES: Final = 8 * 1024 * 1024
_LARGEST_PART_BYTES: Final = 256 * 1024 * 1024
"""A stream asks for so much at first and for twice as much each time, because most readers who leave, leave early. The
storage emulator opens all of a part's files at once, and never closes those of a part that is not read to its end."""

_MOST_STREAMS: Final = 512
"""Storage connections at a time, each held for as long as its reader takes."""

_OPEN_SECONDS: Final = 10.0
"""For a free connection, a token, the request and the head of its answer."""

_CONNECT_SECONDS: Final = 3.0
_SILENCE_SECONDS: Final = 20.0

_WAITS: Final = (0.25, 1.0, 3.0)
"""Seconds before storage is asked again, for as long as it has not given a single byte; then it is given up."""

_LINK_VALID: Final = timedelta(hours=1)
"""Storage looks at it when the request arrives, so this only has to bridge clocks that differ."""

_TOKEN_SCOPE: Final = "https://storage.azure.com/.default"  # noqa: S105 - a public name

_TROUBLES = (AzureError, OSError, ValueError)
"""What the SDK's core raises; ValueError where something else than storage answers."""

_PASSING = frozenset({408, 429, 500, 502, 503, 504})


class BlobStreams:
    """Streams of one container's blobs, over connections of their own: slow readers keep nobody else from storage."""

    def __init__(self, service: BlobServiceClient, container: str, credential: AsyncTokenCredential | None) -> None:
        self._service = service
        self._container = container
        self._credential = credential
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] | None = None

    async def read(self, name: str, etag: str, offset: int, length: int) -> AsyncGenerator[bytes, None]:
        """Yield `length` bytes from `offset` of the version `etag`, all of which must be within the blob.

        Raises `StorageUnavailable` where they cannot be had: nothing is skipped, repeated or cut short. Closing the
        generator closes the connection that it reads from.
        """
        end = offset + length
        part = _FIRST_PART_BYTES
        waits = iter(_WAITS)
        while offset < end:
            try:
                async with self._body(name, etag, offset, min(offset + part, end)) as pieces:
                    async for piece in pieces:
                        offset += len(piece)
                        waits = iter(_WAITS)
                        yield piece
                part = min(2 * part, _LARGEST_PART_BYTES)
            except _TROUBLES as error:
                wait = next(waits, None)
                if wait is None:
                    raise StorageUnavailable(f"{name} broke off while being read: {type(error).__name__}") from error
                await asyncio.sleep(wait)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def _body(self, name: str, etag: str, offset: int, end: int) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Open the answer that holds the bytes from `offset` to before `end`, and close it in any case."""
        asked = {
            "If-Match": etag,
            "x-ms-range": f"bytes={offset}-{end - 1}",
            "x-ms-version": self._service.api_version,
        }
        async with asyncio.timeout(_OPEN_SECONDS):
            request = HttpRequest("GET", self._url(name), headers=asked)
            response = await self._pipeline().send_request(request, stream=True)
        async with response:
            _check(response, name, offset, end)
            async with aclosing(_gathered(response)) as pieces:
                yield pieces

    def _url(self, name: str) -> str:
        """Return a blob's address; with an account key it is a link signed for reading this blob."""
        blob = self._service.get_blob_client(self._container, name)
        key = getattr(self._service.credential, "account_key", None)
        if key is None:
            return blob.url  # an identity signs the request; a connection string with a signature has put it here
        link = generate_blob_sas(
            str(blob.account_name),
            self._container,
            name,
            account_key=key,
            permission=BlobSasPermissions(read=True),
            expiry=datetime.now(UTC) + _LINK_VALID,
        )
        return f"{blob.url}?{link}"

    def _pipeline(self) -> AsyncPipelineClient[HttpRequest, AsyncHttpResponse]:
        if self._client is None:
            # Made here, because a session belongs to the event loop that runs.
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_MOST_STREAMS, socket_factory=_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=True,
                read_bufsize=_BUFFER_BYTES,
            )
            transport = AioHttpTransport(
                session=session,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_SILENCE_SECONDS,
                connection_data_block_size=PIECE_BYTES,
            )
            signing = (
                [] if self._credential is None else [AsyncBearerTokenCredentialPolicy(self._credential, _TOKEN_SCOPE)]
            )
            self._client = AsyncPipelineClient(self._service.url, transport=transport, policies=signing)
        return self._client


async def _gathered(response: AsyncHttpResponse) -> AsyncGenerator[bytes, None]:
    """Yield a body in pieces that are worth sending; where it breaks off, everything that came before that."""
    held: list[bytes] = []
    trouble: Exception | None = None
    # It is a generator, and left to the garbage collector it would end at any later time.
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.iter_raw())) as pieces:
        try:
            async for piece in pieces:
                held.append(piece)
                if sum(map(len, held)) >= PIECE_BYTES:
                    gathered = b"".join(held)
                    held.clear()
                    yield gathered
        except _TROUBLES as error:
            trouble = error
    if held:
        yield b"".join(held)
    if trouble is not None:
        raise trouble


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    return made


def _check(response: AsyncHttpResponse, name: str, offset: int, end: int) -> None:
    """Raise where this is not the part that was asked for; OSError where asking again may help."""
    if response.status_code in _PASSING:
        raise OSError(f"storage answered {response.status_code}")
    promised = (response.headers.get("Content-Range", ""), response.headers.get("Content-Length"))
    if (
        response.status_code != 206
        or not promised[0].startswith(f"bytes {offset}-{end - 1}/")
        or promised[1] != str(end - offset)
    ):
        raise StorageUnavailable(f"{name} cannot be read: storage answered {response.status_code}")
