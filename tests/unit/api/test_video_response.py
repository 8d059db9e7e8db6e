"""What becomes of a download's stream: read to its end, left, stalled, or broken by storage."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from shared.api import video_response
from shared.api.video_response import VideoResponse
from shared.errors import StorageUnavailable
from shared.jobs.ids import JobId
from tests.support.builders import JOB_ID

SCOPE = {"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}
FEW_SECONDS = 5.0


class Source:
    """Pieces of a video; `closed` says that whoever read them has let go."""

    def __init__(self, *pieces: bytes, error: Exception | None = None, hangs: bool = False) -> None:
        self.closed = False
        self.silent = asyncio.Event()
        self._pieces = pieces
        self._error = error
        self._hangs = hangs

    async def read(self) -> AsyncGenerator[bytes, None]:
        """Give the pieces, then hang or break where told to."""
        try:
            for piece in self._pieces:
                yield piece
            if self._hangs:
                self.silent.set()
                await asyncio.Event().wait()
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


class Connection:
    """A server's side of one request: `sent` is what went out, `leave` is the caller hanging up."""

    def __init__(self, *, takes: int | None = None, error: OSError | None = None) -> None:
        self.sent: list[Message] = []
        self.stalled = asyncio.Event()
        self._takes = takes
        self._error = error
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        """Wait until the caller leaves, as servers do."""
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message; after `takes` of them, take no more, or raise."""
        if self._takes is not None and len(self.sent) >= self._takes:
            if self._error is not None:
                raise self._error
            self.stalled.set()
            await asyncio.Event().wait()
        self.sent.append(message)

    def leave(self) -> None:
        """Hang up."""
        self._left.set()

    @property
    def body(self) -> bytes:
        """Return the bytes that went out."""
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def complete(self) -> bool:
        """Say whether the response was ended in the way that makes it whole."""
        return any(message["type"] == "http.response.body" and not message.get("more_body") for message in self.sent)


async def serve(source: Source, connection: Connection, *, open_seconds: float = FEW_SECONDS) -> None:
    """Let a response serve one request."""
    response = VideoResponse(
        JobId(JOB_ID),
        source.read(),
        deadline=asyncio.get_running_loop().time() + open_seconds,
        status_code=200,
        headers={"Content-Length": "6"},
    )
    async with asyncio.timeout(FEW_SECONDS):
        await response(SCOPE, connection.receive, connection.send)


async def test_all_pieces_are_sent_and_the_stream_is_closed() -> None:
    """The ordinary case: head, pieces, end."""
    source, connection = Source(b"abc", b"def"), Connection()

    await serve(source, connection)

    assert connection.sent[0]["status"] == 200
    assert (b"content-length", b"6") in connection.sent[0]["headers"]
    assert connection.body == b"abcdef"
    assert connection.complete
    assert source.closed


async def test_stream_of_nothing_is_a_complete_response() -> None:
    """An empty file has a head and an end."""
    source, connection = Source(), Connection()

    await serve(source, connection)

    assert [message["type"] for message in connection.sent] == ["http.response.start", "http.response.body"]
    assert connection.complete


async def test_caller_that_leaves_while_storage_is_silent_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    """The stream is closed by the time the response returns, and nobody is bothered with it."""
    source, connection = Source(b"abc", hangs=True), Connection()
    serving = asyncio.create_task(serve(source, connection))
    await source.silent.wait()

    connection.leave()
    await serving

    assert source.closed
    assert not connection.complete
    assert caplog.records == []


async def test_caller_that_leaves_while_it_takes_nothing_ends_the_stream() -> None:
    """Also where the server is waiting for the caller, not for storage."""
    source, connection = Source(b"abc", b"def"), Connection(takes=2)
    serving = asyncio.create_task(serve(source, connection))
    await connection.stalled.wait()

    connection.leave()
    await serving

    assert source.closed
    assert connection.body == b"abc"


async def test_caller_that_leaves_before_the_first_piece_ends_the_stream() -> None:
    """Nothing has been sent yet, and nothing is any more."""
    source, connection = Source(hangs=True), Connection()
    connection.leave()

    await serve(source, connection)

    assert source.closed
    assert connection.sent == []


async def test_server_that_reports_the_caller_gone_by_an_error_ends_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Newer servers raise where older ones swallow what is sent."""
    source, connection = Source(b"abc", b"def"), Connection(takes=2, error=OSError("gone"))

    await serve(source, connection)

    assert source.closed
    assert caplog.records == []


async def test_response_that_is_cancelled_ends_the_stream() -> None:
    """A server that shuts down does not leave connections to storage behind."""
    source, connection = Source(b"abc", b"def"), Connection(takes=2)
    serving = asyncio.create_task(serve(source, connection))
    await connection.stalled.wait()

    serving.cancel()
    await asyncio.wait([serving])

    assert serving.cancelled()
    assert source.closed


@pytest.mark.parametrize("taken", [0, 1, 2, 3], ids=["nothing", "the head", "a piece", "all pieces"])
async def test_reader_that_takes_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, taken: int
) -> None:
    """After its time the stream is closed and the body stays incomplete; one line says so."""
    monkeypatch.setattr(video_response, "STALLED_SECONDS", 0.01)
    source, connection = Source(b"abc", b"def"), Connection(takes=taken)

    await serve(source, connection)

    assert source.closed
    assert not connection.complete
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert JOB_ID in caplog.text


async def test_storage_that_breaks_off_leaves_the_body_incomplete(caplog: pytest.LogCaptureFixture) -> None:
    """The server then breaks the connection; one line names the job, the place and the reason."""
    source, connection = Source(b"abc", error=StorageUnavailable("it is gone")), Connection()

    await serve(source, connection)

    assert connection.body == b"abc"
    assert not connection.complete
    assert source.closed
    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("ERROR", None)
    assert all(word in caplog.text for word in (JOB_ID, "3 bytes", "it is gone"))


@pytest.mark.parametrize("hangs", [False, True], ids=["fails", "hangs"])
async def test_storage_without_a_first_piece_is_answered_as_unavailable(
    caplog: pytest.LogCaptureFixture, hangs: bool
) -> None:
    """Nothing has been sent yet, so the status can still tell; one line names the job."""
    source, connection = Source(error=StorageUnavailable("it is gone"), hangs=hangs), Connection()

    await serve(source, connection, open_seconds=0.01)

    assert connection.sent[0]["status"] == 500
    assert connection.body == b'{"detail":"Service is temporarily unavailable"}'
    assert connection.complete
    assert source.closed
    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("ERROR", None)
    assert JOB_ID in caplog.text


async def test_a_download_that_takes_too_long_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """What was sent stays sent and the body is visibly incomplete; its reader can ask for the rest."""
    source, connection = Source(b"first", b"second", b"third"), Connection()
    deadline = asyncio.get_running_loop().time() + FEW_SECONDS
    response = VideoResponse(JobId(JOB_ID), source.read(), deadline=deadline, status_code=200, headers={}, longest=0.0)

    await response(SCOPE, connection.receive, connection.send)

    assert [message.get("body") for message in connection.sent[1:]] == [b"first"]
    assert connection.sent[-1]["more_body"] is True
    assert source.closed
    assert "cut off after 5 bytes" in caplog.text


async def test_a_download_whose_last_piece_comes_late_is_whole() -> None:
    """There is nothing left to cut off."""
    source, connection = Source(b"all of it"), Connection()
    deadline = asyncio.get_running_loop().time() + FEW_SECONDS
    response = VideoResponse(JobId(JOB_ID), source.read(), deadline=deadline, status_code=200, headers={}, longest=0.0)

    await response(SCOPE, connection.receive, connection.send)

    assert connection.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
