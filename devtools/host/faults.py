"""A durable backend that fails when it is told to, for tests of what the app makes of it. Off unless asked for.

    PUT /admin/local/faults                         on the app's port; GET shows what is left to come, DELETE forgets it
    {"status_reads": {"answer": 500, "times": 3}, "starts": {"answer": "drop", "when": "after_enqueue"}}

The faults befall the loopback port of the app's durable client, and nothing else: its next reads of an instance, its
next starts. The management endpoints on the app's own port keep telling the truth.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from devtools.host.binding import RPC_PATH

logger = logging.getLogger(__name__)

CONTROL_PATH = "/admin/local/faults"
_LONGEST_HANG_SECONDS = 60
_STORAGE_ERROR = {
    "Message": "Something went wrong while processing your request",
    "ExceptionMessage": "The storage of the durable backend does not answer, as it was told.",
    "ExceptionType": "DurableTask.AzureStorage.Storage.DurableTaskStorageException",
    "StackTrace": "",
}


class Fault(BaseModel):
    """What becomes of the next requests of a kind.

    500 has the extension's own error body; `empty` is a 500 without one, as the extension's listener answers when even
    its error handling fails; `hang` answers nothing until the client leaves; `drop` closes the connection.
    """

    model_config = ConfigDict(extra="forbid")

    answer: Literal[500, 503, "empty", "hang", "drop"]
    times: int = Field(default=1, ge=1)


class StartFault(Fault):
    """A start fails before anything is stored, or after: then the orchestration runs although nobody was told so."""

    when: Literal["before_enqueue", "after_enqueue"] = "before_enqueue"


AnyFault = TypeVar("AnyFault", bound=Fault)


class Faults(BaseModel):
    """What is left to go wrong."""

    model_config = ConfigDict(extra="forbid")

    status_reads: Fault | None = None
    starts: StartFault | None = None

    def next_read(self) -> Fault | None:
        """The fault of this read, counted off."""
        fault = self.status_reads
        self.status_reads = _rest(fault)
        return fault

    def next_start(self) -> StartFault | None:
        """The fault of this start, counted off."""
        fault = self.starts
        self.starts = _rest(fault)
        return fault


def _rest(fault: AnyFault | None) -> AnyFault | None:
    if fault is None or fault.times == 1:
        return None
    return fault.model_copy(update={"times": fault.times - 1})


class FaultControl:
    """In front of the app's port: takes orders, and passes everything else on."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != CONTROL_PATH:
            await self._app(scope, receive, send)
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "PUT", "DELETE"}:
            return Response(status_code=404)
        try:
            if request.method != "GET":
                ordered = Faults.model_validate_json(await request.body()) if request.method == "PUT" else Faults()
                self._faults.status_reads, self._faults.starts = ordered.status_reads, ordered.starts
        except ValidationError as error:
            return PlainTextResponse(f"{error}\n", 400)
        return JSONResponse(self._faults.model_dump())


class FaultyBackend:
    """In front of the durable client's port."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault: Fault | None = None
        kind, _, rest = scope["path"].removeprefix(f"{RPC_PATH}/").partition("/")
        if (scope["method"], kind) == ("GET", "instances") and rest:
            fault = self._faults.next_read()
        elif (scope["method"], kind) == ("POST", "orchestrators"):
            fault = self._faults.next_start()
        if fault is None:
            await self._app(scope, receive, send)
            return
        logger.warning("%s %s fails as it was told: %s", scope["method"], scope["path"], fault)
        if isinstance(fault, StartFault) and fault.when == "after_enqueue":
            await self._app(scope, receive, _nowhere)
        await _FAILURES[fault.answer](scope, receive, send)


async def _nowhere(_: Message) -> None:
    """An answer that the client does not get."""


async def _hang(_: Scope, receive: Receive, send: Send) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_HANG_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
    del send


async def _drop(scope: Scope, receive: Receive, send: Send) -> None:
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.abort()
    await _hang(scope, receive, send)


_FAILURES: dict[int | str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
    500: JSONResponse(_STORAGE_ERROR, 500),
    503: Response(status_code=503),
    "empty": Response(status_code=500),
    "hang": _hang,
    "drop": _drop,
}


class DroppableProtocol(H11Protocol):
    """Shows each request its connection, so that a fault can break it without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Remember the connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
