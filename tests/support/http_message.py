"""HTTP/1.1 messages as bytes: read one whole from a stream, as it is, and know where it ends. Nothing is checked."""

import asyncio
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class HttpMessage:
    """A request or a reply; the body as it was sent, with the frames of its chunks where it has some."""

    head: bytes
    body: bytes = b""
    until_close: bool = False

    @cached_property
    def headers(self) -> dict[str, str]:
        """Return the headers, names in lower case."""
        _, *lines = self.head.decode("latin-1").rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    @property
    def method(self) -> str:
        """Return a request's method."""
        return self._first_line[0]

    @property
    def target(self) -> str:
        """Return a request's path and query."""
        return self._first_line[1]

    @property
    def status(self) -> int:
        """Return a reply's status."""
        return int(self._first_line[1])

    @property
    def last(self) -> bool:
        """Whether its sender wants to use the connection no more."""
        return self.until_close or self.headers.get("connection", "").lower() == "close"

    @property
    def _first_line(self) -> list[str]:
        return self.head.decode("latin-1").partition("\r\n")[0].split(" ")


async def read_request(reader: asyncio.StreamReader) -> HttpMessage:
    """Read one request; `IncompleteReadError` where the connection ends before it does."""
    head = HttpMessage(await reader.readuntil(b"\r\n\r\n"))
    return HttpMessage(head.head, await _body(reader, head) or b"")


async def read_reply(reader: asyncio.StreamReader, *, to: HttpMessage) -> HttpMessage:
    """Read the reply to a request; without a length, it ends with the connection."""
    head = HttpMessage(await reader.readuntil(b"\r\n\r\n"))
    if to.method == "HEAD" or head.status in (204, 304):
        return head
    body = await _body(reader, head)
    return HttpMessage(head.head, await reader.read() if body is None else body, until_close=body is None)


async def _body(reader: asyncio.StreamReader, head: HttpMessage) -> bytes | None:
    """Read a body whose end can be seen; None where the head does not say how."""
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = head.headers.get("content-length")
    return None if length is None else await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Read chunks, the last and empty one included, with their frames."""
    read = bytearray()
    size = -1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        read += line + await reader.readexactly(size + 2)
    return bytes(read)
