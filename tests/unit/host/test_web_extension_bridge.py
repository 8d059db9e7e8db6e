"""Functions behind the project's web extension: streams both ways, and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message

from tests.unit.host.extended import Extended, no_body


async def test_extension_function_gets_its_route_parameters() -> None:
    """Where Starlette has them, with an untouched query and headers."""
    seen = SimpleNamespace()

    async def page(request: Request) -> Response:
        seen.path = request.path_params["path"]
        return Response("hi", 418)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    messages = [message async for message in Extended(page).run(receive)]

    assert seen.path == "a/b"
    assert (messages[0]["status"], messages[1]["body"]) == (418, b"hi")


async def test_extension_response_streams_piece_by_piece() -> None:
    """The first piece reaches the client before the last is made."""
    first_arrived = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await first_arrived.wait()
        yield b"last"

    async def page(request: Request) -> Response:
        del request
        return StreamingResponse(pieces())

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    arrived: list[bytes | None] = []

    def take(message: Message) -> None:
        arrived.append(message.get("body"))
        if arrived[-1] == b"first":
            first_arrived.set()

    async with asyncio.timeout(10):
        async for message in Extended(page).run(receive):
            take(message)

    assert arrived == [None, b"first", b"last", b""]


async def test_extension_request_streams_piece_by_piece() -> None:
    """The function has read a piece when the next is sent."""
    script = iter([b"a", b"b", b""])
    pieces_read = 0
    read_before_sending: list[int] = []

    async def receive() -> Message:
        piece = next(script)
        read_before_sending.append(pieces_read)
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def page(request: Request) -> Response:
        nonlocal pieces_read
        async for _ in request.stream():
            pieces_read += 1
        return Response()

    messages = [message async for message in Extended(page).run(receive, "POST")]

    assert messages[0]["status"] == 200
    assert read_before_sending == [0, 1, 2]


@pytest.mark.parametrize("kind", ["async def", "def"])
async def test_extension_answers_for_a_function_that_raises(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """As the worker does it: the function's exception is raised in the extension's endpoint. The log has the stack."""

    async def page(request: Request) -> Response:
        raise RuntimeError(request.method)

    def plain_page(request: Request) -> Response:
        raise RuntimeError(request.method)

    call = page if kind == "async def" else plain_page
    messages = [message async for message in Extended(call).run(no_body)]

    assert (messages[0]["status"], messages[1]["body"]) == (500, b'{"detail":"Service is temporarily unavailable"}')
    assert "a function failed: RuntimeError" in caplog.text
    assert "RuntimeError: GET" in caplog.text


@pytest.mark.parametrize("returned", [None, "text", {"a": 1}], ids=repr)
async def test_what_is_no_response_is_a_500_with_a_clear_line(
    returned: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a function returns by mistake, its caller gets an answer, and the log says which function it was."""

    async def page(request: Request) -> object:
        del request
        return returned

    messages = [message async for message in Extended(page).run(no_body)]

    assert messages[0]["status"] == 500
    assert f"Function page returned {type(returned).__name__} instead of a response." in caplog.text


async def test_extension_that_fails_before_it_answers_gets_its_servers_500(caplog: pytest.LogCaptureFixture) -> None:
    """A response that cannot be sent is the extension's failure, not the host's."""

    class Broken(Response):
        async def __call__(self, *_: Any) -> None:
            raise RuntimeError("cannot be sent")

    async def page(request: Request) -> Response:
        del request
        return Broken()

    messages = [message async for message in Extended(page).run(no_body)]

    assert (messages[0]["status"], messages[1]["body"]) == (500, b"Internal Server Error")
    assert "failed at an answer of function page" in caplog.text


async def test_answer_that_breaks_off_breaks_the_connection() -> None:
    """Half an answer must not look like a whole one."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("no more")

    async def page(request: Request) -> Response:
        del request
        return StreamingResponse(pieces())

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    arrived: list[bytes | None] = []

    async def arrive() -> None:
        async for message in Extended(page).run(receive):
            arrived.append(message.get("body"))  # noqa: PERF401  # what arrived before the error counts

    with pytest.raises(RuntimeError, match="no more"):
        await arrive()

    assert arrived == [None, b"first"]
