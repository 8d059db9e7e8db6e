"""The proxy that the tests of failures trust, byte by byte between a plain client and a server with a script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devtools.stack_ports import HOST
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.stub_upstream import Answer, Misbehaviour, StubUpstream, answer, chunked, stub_upstream

GET = b"GET /a?b=c HTTP/1.1\r\nHost: storage\r\n\r\n"
LAST_GET = b"GET /last HTTP/1.1\r\nHost: storage\r\nConnection: close\r\n\r\n"
KEEP = {"connection": "keep-alive"}
DONE = [Fault.UNAVAILABLE_AFTER, Fault.RESET_AFTER, Fault.TRUNCATED]


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[tuple[FaultProxy, StubUpstream]]:
    """A proxy in front of a server with a script."""
    async with stub_upstream(*answers) as stub, fault_proxy(stub.port) as proxy:
        yield proxy, stub


async def sent(proxy: FaultProxy, request: bytes) -> bytes:
    """Send bytes, and return all that comes until the connection closes."""
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        writer.write(request)
        return await reader.read()
    finally:
        writer.close()


async def test_the_nth_request_from_now_on_meets_the_fault() -> None:
    """Those before and after it do not; several can be told in advance, the later word counts."""
    async with scripted(answer(200, b"fine")) as (proxy, stub):
        await sent(proxy, LAST_GET)
        proxy.fail(2, Fault.CONFLICT)
        proxy.fail(3, Fault.CONFLICT, times=2)
        proxy.fail(4, Fault.UNAVAILABLE_BEFORE)

        statuses = [(await sent(proxy, LAST_GET)).split(b" ")[1] for _ in range(5)]

    assert statuses == [b"200", b"409", b"409", b"503", b"200"]
    assert len(stub.requests) == 3


@pytest.mark.parametrize("fault", Fault)
async def test_a_request_is_forwarded_exactly_where_the_fault_says_that_it_was_done(fault: Fault) -> None:
    """The difference that tests of failures are about."""
    async with scripted(answer(201)) as (proxy, stub):
        proxy.fail(1, fault)
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(LAST_GET)
        writer.write_eof()
        try:
            await reader.read()
        except ConnectionResetError:
            assert fault in (Fault.RESET_BEFORE, Fault.RESET_AFTER)
        finally:
            writer.close()

        assert proxy.requests == [("GET", "/last", "")]
        assert len(stub.requests) == (fault in DONE)


REPLIES: dict[str, bytes] = {
    "a length": answer(200, b"0123456789"),
    "chunks": chunked(b"01234", b"56789", headers={"x-ms-version": "2026-01-01"}),
    "no body": answer(204),
    "no length": b"HTTP/1.1 200 OK\r\nx-ms-version: 1\r\n\r\n0123456789",
    "a refusal": answer(404, b"<Error/>", headers={"X-Ms-Error-Code": "BlobNotFound"}),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
async def test_a_reply_passes_byte_for_byte_however_it_is_framed(reply: bytes) -> None:
    """The connection closes after it where the server said so."""
    async with scripted(reply) as (proxy, _):
        assert await sent(proxy, GET) == reply


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 5\r\n\r\n12345",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        b"\r\n",
    ],
    ids=["a length", "chunks", "no body"],
)
async def test_a_request_passes_byte_for_byte_however_it_is_framed(body: bytes) -> None:
    """The server sees the client's own `Host`, in the client's own spelling."""
    request = b"PUT /a%20b?c=%2F HTTP/1.1\r\nHOST: storage:1\r\nX-Odd:  two  spaces \r\n" + body
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.readexactly(len(request)))
        writer.write(answer(200))
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with fault_proxy(server.sockets[0].getsockname()[1]) as proxy:
        await sent(proxy, request)
    server.close()

    assert bytes(seen) == request
    assert proxy.requests == [("PUT", "/a%20b", "c=%2F")]


HEAD_REPLY = answer(200, length=10, headers=KEEP)
CUT: dict[str, tuple[bytes, bytes]] = {
    "a length": (answer(200, b"0123456789"), answer(200, b"01234", length=10)),
    "one byte": (answer(200, b"0"), answer(200, length=1)),
    "chunks": (chunked(b"0123456789"), chunked(b"0123456789")[:-10]),
    "no body": (answer(201), answer(201)[: len(answer(201)) // 2]),
}


@pytest.mark.parametrize("name", CUT)
async def test_a_truncated_reply_can_be_seen_to_be_one(name: str) -> None:
    """Half the body is missing of what the head promises; where there is none, half the head is."""
    whole, half = CUT[name]
    async with scripted(whole) as (proxy, _):
        proxy.fail(1, Fault.TRUNCATED)

        assert await sent(proxy, GET) == half


async def test_one_connection_serves_one_request_after_another() -> None:
    """Through replies of every framing and refusals of the proxy's own, until one side says that it is the last."""
    replies = [answer(200, b"one", headers=KEEP), chunked(b"two", headers=KEEP), HEAD_REPLY, answer(200, b"four")]
    async with scripted(*replies) as (proxy, _):
        proxy.fail(4, Fault.CONFLICT)
        proxy.fail(5, Fault.UNAVAILABLE_BEFORE)
        head = GET.replace(b"GET", b"HEAD")

        received = await sent(proxy, GET + GET + head + GET + head + LAST_GET)

    parts = received.split(b"HTTP/1.1 ")
    assert [part[:3] for part in parts[1:]] == [b"200", b"200", b"200", b"409", b"503", b"200"]
    assert received.startswith(replies[0] + replies[1] + HEAD_REPLY)
    assert b"<Code>ContainerBeingDeleted</Code>" in parts[4]
    assert parts[5].endswith(b"x-ms-error-code: ServerBusy\r\n\r\n")
    assert received.endswith(replies[3])


async def test_a_client_that_wants_no_more_is_taken_at_its_word() -> None:
    """Even where the server would go on."""
    async with scripted(answer(200, b"fine", headers=KEEP)) as (proxy, _):
        assert await sent(proxy, LAST_GET + GET) == answer(200, b"fine", headers=KEEP)

    assert len(proxy.requests) == 1


async def test_a_request_that_hangs_ends_with_the_client_or_with_the_proxy() -> None:
    """The test goes on; nothing is left behind."""
    async with scripted(answer(200)) as (proxy, _):
        proxy.fail(1, Fault.HANG, times=2)
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(GET)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.2)
        writer.close()
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(GET)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.2)

    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("trouble", [Misbehaviour.RESET, Misbehaviour.CLOSE, b"HTTP/1.1 200 OK\r\nContent-Length: 9"])
async def test_a_server_that_breaks_off_is_a_connection_that_closes(trouble: Answer) -> None:
    """The proxy passes on what it can: that there is no reply."""
    async with scripted(trouble) as (proxy, _):
        assert await sent(proxy, GET) == b""


async def test_a_client_that_leaves_half_way_disturbs_nobody() -> None:
    """Half a request is no request."""
    async with scripted(answer(200, b"fine")) as (proxy, _):
        _, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(GET[:10])
        writer.close()

        assert (await sent(proxy, GET)).endswith(b"fine")

    assert proxy.requests == [("GET", "/a", "b=c")]


async def test_what_the_proxy_does_not_understand_fails_the_test() -> None:
    """It is no fault of the script's, and must not look like one."""
    with pytest.raises(IndexError):
        async with scripted(answer(200)) as (proxy, _):
            assert await sent(proxy, b"HELLO\r\n\r\n") == b""
