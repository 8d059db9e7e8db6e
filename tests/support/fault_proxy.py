"""A reverse proxy in the test's own event loop that does to chosen requests what networks and busy servers do.

It is for a server on this machine that speaks HTTP/1.1, such as the storage emulator. Requests and replies pass through
byte for byte, the `Host` header included, so that signatures stay good; each is held whole before it is passed on. So
it is no place to measure speed or memory, and it knows no upgrades, trailers or `Expect: 100-continue`.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Final, NamedTuple

from devtools.stack_ports import HOST
from tests.support.http_message import HttpMessage, read_reply, read_request

TRIES: Final = 6
"""Requests that the store makes at most until it gives one up. The SDK tries three times; each time, aiohttp by itself
asks once more where a connection breaks before the reply (`RESET_*`, and `TRUNCATED` without a body)."""


class Fault(Enum):
    """What can become of a request."""

    UNAVAILABLE_BEFORE = "503, not done"
    """Storage's answer "server busy"; nothing was done."""

    UNAVAILABLE_AFTER = "503, done"
    """The same answer, but it was done."""

    HANG = "no answer"
    """Nothing is done and no answer ever comes; the client has to give up."""

    CONFLICT = "409, not done"
    """Storage's refusal because the container is just being deleted; nothing was done, and the SDK tries no more."""

    RESET_BEFORE = "reset, not done"
    """The connection is reset; nothing was done."""

    RESET_AFTER = "reset, done"
    """It was done, and the connection is reset in place of the reply."""

    TRUNCATED = "half a reply, done"
    """It was done, and the connection is closed after half the body of the reply; without a body, half its head."""


_NOT_FORWARDED: Final = (Fault.UNAVAILABLE_BEFORE, Fault.HANG, Fault.CONFLICT, Fault.RESET_BEFORE)


class SeenRequest(NamedTuple):
    """One request as it arrived; `query` is without its question mark."""

    method: str
    path: str
    query: str


class FaultProxy:
    """A proxy and its script.

    `requests` are all that came, those included that were not forwarded; a test may clear the list.
    """

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        self.requests: list[SeenRequest] = []
        self._upstream_port = upstream_port
        self._arrived = 0
        self._faults: dict[int, Fault] = {}

    def fail(self, nth: int, kind: Fault, *, times: int = 1) -> None:
        """Let the `nth` request from now on (1 is the next) meet this fault, and the `times - 1` requests after it.

        A fault that is to reach the app takes `TRIES` of them; `heal` forgets what is left over.
        """
        first = self._arrived + nth
        self._faults.update(dict.fromkeys(range(first, first + times), kind))

    def heal(self) -> None:
        """Forget the faults that no request has met yet."""
        self._faults.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: request after request, until either side wants no more."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has left; or the server has, and the client sees its connection close
        except asyncio.CancelledError:
            writer.transport.abort()  # nobody may be there to take what is left to send
            raise
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Let one request meet its fate, and say whether another may follow on this connection."""
        request = await read_request(reader)
        path, _, query = request.target.partition("?")
        self.requests.append(SeenRequest(request.method, path, query))
        self._arrived += 1
        fault = self._faults.pop(self._arrived, None)
        reply = None if fault in _NOT_FORWARDED else await self._forward(request)
        match fault:
            case Fault.HANG:
                await reader.read()  # until the client has left
                return False
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                _reset_on_close(writer)
                return False
            case Fault.UNAVAILABLE_BEFORE | Fault.UNAVAILABLE_AFTER:
                reply = _refusal(request, "503 Service Unavailable", "ServerBusy")
            case Fault.CONFLICT:
                reply = _refusal(request, "409 Conflict", "ContainerBeingDeleted")
        assert reply is not None
        truncated = fault is Fault.TRUNCATED
        writer.write(_half(reply) if truncated else reply.head + reply.body)
        await writer.drain()
        return not (truncated or request.last or reply.last)

    async def _forward(self, request: HttpMessage) -> HttpMessage:
        """Ask the server, over a connection of its own: one that is kept might be closed by the server meanwhile."""
        reader, writer = await asyncio.open_connection(HOST, self._upstream_port)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            return await read_reply(reader, to=request)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def fault_proxy(upstream_port: int) -> AsyncIterator[FaultProxy]:
    """A proxy on a free port, in front of a port of this machine, until the block ends."""
    proxy = FaultProxy(upstream_port)
    connections: list[asyncio.Task[None]] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.create_task(proxy.serve(reader, writer)))

    server = await asyncio.start_server(connected, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for connection in connections:
            connection.cancel()
        ended = await asyncio.gather(*connections, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error  # the proxy's own: what clients and networks do to it is caught above


def _refusal(request: HttpMessage, status: str, code: str) -> HttpMessage:
    """Return an answer as storage gives it when it refuses; to HEAD it has no body."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{status}</Message></Error>'
    lines = (
        f"HTTP/1.1 {status}",
        "Content-Type: application/xml",
        f"Content-Length: {len(body)}",
        f"x-ms-error-code: {code}",
    )
    head = "\r\n".join([*lines, "", ""])
    return HttpMessage(head.encode(), b"" if request.method == "HEAD" else body.encode())


def _half(reply: HttpMessage) -> bytes:
    return reply.head + reply.body[: len(reply.body) // 2] if reply.body else reply.head[: len(reply.head) // 2]


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
