"""A scripted HTTP server in the test's own event loop: every byte that it answers, and every way not to answer."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Misbehaviour(Enum):
    """What can be done with a request instead of answering it."""

    HANG = "never answer"
    RESET = "reset the connection"
    CLOSE = "close the connection in an orderly way"


Answer = bytes | Misbehaviour


@dataclass(frozen=True)
class SeenRequest:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class StubUpstream:
    """Answers in the order of `answers`, the last one for ever; `requests` are all that came."""

    port: int
    answers: list[Answer]
    requests: list[SeenRequest] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        """Return the address that a provider is given."""
        return f"http://127.0.0.1:{self.port}/v1"

    def targets(self) -> list[str]:
        """Return what was asked for, in order."""
        return [request.target for request in self.requests]


def answer(
    status: int = 200, body: Any = b"", *, headers: Mapping[str, str] | None = None, length: int | None = None
) -> bytes:
    """Return a whole HTTP answer. What is not bytes is sent as JSON; `length` is promised instead of the true one."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"content-type": "application/json"}
    promised = len(content) if length is None else length
    lines = {**kind, "content-length": str(promised), "connection": "close", **(headers or {})}
    return _head(status, lines) + content


def chunked(*chunks: bytes, ended: bool = True, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer of unknown length, with or without its proper end."""
    body = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    lines = {"transfer-encoding": "chunked", "connection": "close", **(headers or {})}
    return _head(200, lines) + body + (b"0\r\n\r\n" if ended else b"")


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} As Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def stub_upstream(*answers: Answer) -> AsyncIterator[StubUpstream]:
    """A server on a free port until the block ends."""
    under_way: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(stub, reader, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    stub = StubUpstream(server.sockets[0].getsockname()[1], list(answers))
    try:
        yield stub
    finally:
        server.close()
        for task in tuple(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _serve(stub: StubUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        stub.requests.append(await _request(reader))
        reply = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
        if isinstance(reply, bytes):
            writer.write(reply)
            await writer.drain()
        elif reply is Misbehaviour.HANG:
            await reader.read()  # until the client has left
        elif reply is Misbehaviour.RESET:
            _reset_on_close(writer)
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client left while sending
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> SeenRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(method, target, headers, body)


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    listener: socket.socket = writer.get_extra_info("socket")
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
