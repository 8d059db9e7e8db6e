"""A blob's stream against storage that is scripted: what it asks for, how it goes on, when it gives up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.storage.blob.aio import BlobServiceClient

from devtools.stack_settings import ACCOUNT_KEY
from shared.errors import StorageUnavailable
from shared.storage import blob_stream
from shared.storage.blob_stream import PIECE_BYTES, BlobStreams
from tests.support.azurite import connection_string
from tests.support.credential import FakeCredential
from tests.support.stub_upstream import Answer, Misbehaviour, StubUpstream, answer, stub_upstream

NAME = "videos/01jyg74z6ee6e9y23ceq2fmwc4.mp4"
ETAG = '"0x8DC"'
CONTENT = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between tries, and not for long for an answer."""
    monkeypatch.setattr(blob_stream, "_WAITS", (0, 0, 0))
    monkeypatch.setattr(blob_stream, "_SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(blob_stream, "_OPEN_SECONDS", 1)


def part(first: int, *, given: int | None = None, last: int = len(CONTENT) - 1) -> bytes:
    """Return the answer that holds `CONTENT` from `first` on; only `given` bytes of it where it is to break off."""
    body = CONTENT[first : last + 1]
    headers = {"content-range": f"bytes {first}-{last}/{len(CONTENT)}"}
    return answer(206, body[:given], headers=headers, length=len(body))


@asynccontextmanager
async def streams(port: int) -> AsyncIterator[BlobStreams]:
    """The streams of an account on `port`."""
    async with BlobServiceClient.from_connection_string(connection_string(port)) as service:
        opened = BlobStreams(service, "videos", None)
        try:
            yield opened
        finally:
            await opened.close()


async def read(*answers: Answer, offset: int = 0) -> tuple[bytes, StubUpstream]:
    """Read `CONTENT` from `offset` to its end from storage that answers so; give the bytes, and the storage."""
    async with stub_upstream(*answers) as stub, streams(stub.port) as opened:
        pieces = opened.read(NAME, ETAG, offset, len(CONTENT) - offset)
        return b"".join([piece async for piece in pieces]), stub


async def fails(*answers: Answer) -> tuple[StorageUnavailable, StubUpstream]:
    """Read likewise; give the error that it ends with."""
    async with stub_upstream(*answers) as stub, streams(stub.port) as opened:
        with pytest.raises(StorageUnavailable) as raised:
            async for _ in opened.read(NAME, ETAG, 0, len(CONTENT)):
                pass
    return raised.value, stub


def ranges(stub: StubUpstream) -> list[str]:
    """Return the ranges that were asked for, in order."""
    return [request.headers["x-ms-range"] for request in stub.requests]


async def test_one_request_reads_it_all() -> None:
    """The whole part in one answer, of this version only, by a link that is good for reading."""
    content, stub = await read(part(100), offset=100)

    assert content == CONTENT[100:]
    [request] = stub.requests
    assert request.method == "GET"
    assert request.target.startswith(f"/devstoreaccount1/videos/{NAME}?")
    assert "sp=r&" in request.target
    assert request.headers["x-ms-range"] == "bytes=100-1023"
    assert request.headers["if-match"] == ETAG


async def test_nothing_is_asked_for_where_nothing_is_wanted() -> None:
    """A part of no bytes needs no storage."""
    async with stub_upstream(answer(500)) as stub, streams(stub.port) as opened:
        assert [piece async for piece in opened.read(NAME, ETAG, 5, 0)] == []

    assert stub.requests == []


async def test_much_is_asked_for_in_parts_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a largest one; a reader who leaves early has cost storage little."""
    monkeypatch.setattr(blob_stream, "_FIRST_PART_BYTES", 100)
    monkeypatch.setattr(blob_stream, "_LARGEST_PART_BYTES", 300)
    parts = [(0, 99), (100, 299), (300, 599), (600, 899), (900, 1023)]

    content, stub = await read(*(part(first, last=last) for first, last in parts))

    assert content == CONTENT
    assert ranges(stub) == [f"bytes={first}-{last}" for first, last in parts]


async def test_small_pieces_of_storage_are_gathered() -> None:
    """However small the pieces are in which storage sends, what is handed out is worth sending."""
    content = bytes(3 * PIECE_BYTES + 1)
    dribbled = answer(206, content, headers={"content-range": f"bytes 0-{len(content) - 1}/{len(content)}"})
    async with stub_upstream(dribbled) as stub, streams(stub.port) as opened:
        lengths = [len(piece) async for piece in opened.read(NAME, ETAG, 0, len(content))]

    assert sum(lengths) == len(content)
    assert all(PIECE_BYTES <= length < 2 * PIECE_BYTES for length in lengths[:-1])


async def test_answer_that_breaks_off_is_continued_at_the_next_byte() -> None:
    """However often, as long as each try brings something; nothing is lost, doubled or taken from another version."""
    content, stub = await read(
        part(0, given=300), part(300, given=1), part(301, given=400), part(701, given=1), part(702)
    )

    assert content == CONTENT
    assert ranges(stub) == [f"bytes={first}-1023" for first in (0, 300, 301, 701, 702)]
    assert {request.headers["if-match"] for request in stub.requests} == {ETAG}


@pytest.mark.parametrize(
    "trouble",
    [
        answer(503),
        answer(500),
        answer(429),
        Misbehaviour.RESET,
        Misbehaviour.CLOSE,
        Misbehaviour.HANG,
        part(0, given=0),
    ],
    ids=["503", "500", "429", "reset", "closed", "silence", "no byte"],
)
async def test_passing_trouble_is_waited_out_but_not_for_ever(trouble: Answer) -> None:
    """Three times; the fourth in a row is trouble to be told."""
    content, _ = await read(trouble, trouble, trouble, part(0))
    _, failing = await fails(trouble)

    assert content == CONTENT
    assert len(failing.requests) in {4, 8}  # the HTTP library asks a second time where a connection is closed


async def test_trouble_in_the_middle_is_tried_again_from_there() -> None:
    """Silence after some bytes, then refusals, then the rest."""
    content, stub = await read(part(0, given=300), answer(503), Misbehaviour.HANG, part(300))

    assert content == CONTENT
    assert ranges(stub) == ["bytes=0-1023", *["bytes=300-1023"] * 3]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(answer(412), id="replaced"),
        pytest.param(answer(404), id="gone"),
        pytest.param(answer(403), id="not allowed"),
        pytest.param(answer(200, b"<html>Please log in</html>"), id="a page"),
        pytest.param(answer(200, CONTENT[300:]), id="the right length, no part"),
        pytest.param(part(299), id="another part"),
        pytest.param(part(300, last=1022), id="a shorter part"),
    ],
)
async def test_refusal_in_the_middle_is_final(refusal: Answer) -> None:
    """What will not change by asking again, and what is not the part that was asked for, is not asked for again."""
    error, stub = await fails(part(0, given=300), refusal, part(300))

    assert ranges(stub) == ["bytes=0-1023", "bytes=300-1023"]
    assert NAME in str(error)


async def test_error_does_not_tell_the_link() -> None:
    """The signature lets whoever has it read the file."""
    error, _ = await fails(answer(403))

    assert "sig=" not in str(error)
    assert ACCOUNT_KEY not in str(error)


async def test_stream_that_is_closed_closes_its_connection() -> None:
    """Storage sees its reader go at once, not when memory is cleaned up."""
    left = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 8388608\r\n")
        writer.write(b"Content-Range: bytes 0-8388607/1000000000\r\n\r\n")
        try:
            while True:
                writer.write(bytes(65536))
                await writer.drain()
        except OSError:
            left.set()
        finally:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server, streams(server.sockets[0].getsockname()[1]) as opened:
        async with aclosing(opened.read(NAME, ETAG, 0, 10**9)) as pieces:
            await anext(pieces)

        async with asyncio.timeout(5):
            await left.wait()


async def test_identity_reads_with_a_token_and_without_a_link() -> None:
    """Where there is no account key, every request carries a token for storage."""
    credential = FakeCredential(error=ValueError("no token today"))
    service = BlobServiceClient("https://account.blob.core.windows.net", credential=credential)
    opened = BlobStreams(service, "videos", credential)

    with pytest.raises(StorageUnavailable):
        await anext(opened.read(NAME, ETAG, 0, 10))
    await opened.close()
    await service.close()

    assert isinstance(credential, AsyncTokenCredential)
    assert set(credential.scopes) == {"https://storage.azure.com/.default"}
