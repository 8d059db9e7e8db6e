"""Carries out the faults that concern the answer: other answers, late ones, half ones, none at all."""

import asyncio
from collections.abc import Awaitable, Callable
from http.client import responses

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from devtools.sora_sim.answers import INVALID_REQUEST, error_body
from devtools.sora_sim.faults import LONGEST_HANG_SECONDS, Close, Delay, Fault, Hang, Respond, Truncate, Withhold

BODILESS = {204, 205, 304}
Perform = Callable[[], Awaitable[Response]]


async def disturb(fault: Fault | None, request: Request, perform: Perform) -> Response:
    """Perform an operation under a fault. Faults that concern the job, not the answer, are the performer's own."""
    answer: Response = NoAnswer()
    match fault:
        case Respond():
            answer = _scripted(fault)
        case Hang():
            await _client_leaves(request, fault.seconds)
        case Delay():
            if not await _client_leaves(request, fault.seconds):
                answer = await perform()
        case Withhold():
            await perform()
            await _client_leaves(request, fault.seconds)
        case Close():
            if fault.when == "after":
                await perform()
        case Truncate():
            answer = Truncated(await perform(), fault.at_percent)
        case _:
            answer = await perform()
    return answer


def _scripted(fault: Respond) -> Response:
    if isinstance(fault.body, str):
        return Response(fault.body, fault.status, {"content-type": "text/html; charset=utf-8", **_lower(fault.headers)})
    if fault.status in BODILESS:
        return Response(None, fault.status, fault.headers)
    body = fault.body
    if body is None:
        kind = INVALID_REQUEST if fault.status < 500 else "server_error"
        body = error_body(responses.get(fault.status, f"Status {fault.status}"), kind=kind)
    return JSONResponse(body, fault.status, _lower(fault.headers))


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _client_leaves(request: Request, within_seconds: float) -> bool:
    """Whether the client closed its connection before the time was over. What is left of its request is dropped."""
    try:
        async with asyncio.timeout(within_seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """Close the connection under the client, behind whatever has been sent so far.

    The transport is there when the app runs in our own server (see server.py). Elsewhere the error has to do.
    """
    transport: asyncio.Transport | None = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionResetError("the simulator dropped this connection on purpose")
    transport.close()
    async with asyncio.timeout(LONGEST_HANG_SECONDS):
        while (await receive())["type"] != "http.disconnect":
            pass


class NoAnswer(Response):
    """Closes the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Send nothing."""
        await drop_connection(scope, receive)


class Truncated(Response):
    """Another response, cut off after a part of its body, with its length still promised in the header."""

    def __init__(self, whole: Response, at_percent: int) -> None:
        super().__init__()
        self._whole = whole
        self._at_percent = at_percent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the part, then close."""
        left = 0

        async def send_part(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                length = dict(message["headers"]).get(b"content-length", b"0")
                left = int(length) * self._at_percent // 100
                await send(message)
            elif part := message.get("body", b"")[:left]:
                left -= len(part)
                await send({"type": "http.response.body", "body": part, "more_body": True})

        await self._whole(scope, receive, send_part)
        await drop_connection(scope, receive)
