"""The app's own port, driven as an ASGI app."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import httpx
import pytest
from azurefunctions.extensions import base
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message

from devtools.host.catalog import AppFunction, Catalog
from devtools.host.http_front import HttpFront
from devtools.host.indexing import index
from devtools.host.worker import Worker
from shared.api import web_extension


def plain_app() -> func.FunctionApp:
    """HTTP functions with `azure.functions` requests and responses."""
    app = func.FunctionApp()

    @app.route("items/{id:int}/{tail?}", methods=["GET", "POST"])
    def item(req: func.HttpRequest) -> func.HttpResponse:
        body = f"{req.method} {dict(req.route_params)} {req.params.get('q')} {req.get_body().decode()}"
        return func.HttpResponse(body, status_code=201, headers={"X-One": "1", "Content-Length": str(len(body))})

    @app.route("words", methods=["GET"])
    async def words(req: func.HttpRequest) -> str:
        return str(req.url)

    @app.route("bug")
    def bug(req: func.HttpRequest) -> str:
        raise ValueError(req.method)

    return app


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stands for the management endpoints."""
    await Response("management", 202)(scope, receive, send)


def without_extension(app: func.FunctionApp, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The app's catalogue as in a process that imports no web extension."""
    monkeypatch.delitem(sys.modules, "azurefunctions.extensions.base")
    return index(app)


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    catalog = without_extension(plain_app(), monkeypatch)
    worker = Worker(catalog, "{}")
    front = HttpFront(catalog, worker, "api", nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://app") as client:
        yield client
    worker.close()


async def test_plain_function_gets_route_query_and_body(http: httpx.AsyncClient) -> None:
    """And its response arrives with status and headers."""
    response = await http.post("/API/items/7/x?q=a%20b", content="hello")

    assert response.status_code == 201
    assert response.text == "POST {'id': '7', 'tail': 'x'} a b hello"
    assert response.headers.get_list("content-length") == [str(len(response.content))]
    assert (response.headers["x-one"], response.headers["content-type"]) == ("1", "text/plain; charset=utf-8")


async def test_plain_function_may_return_text(http: httpx.AsyncClient) -> None:
    """A string is a 200."""
    assert (await http.get("/api/words")).text == "http://app/api/words"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/api/items/7"), ("HEAD", "/api/words"), ("GET", "/api/items/x"), ("GET", "/words"), ("GET", "/")],
)
async def test_wrong_method_and_unknown_path_are_a_bare_404(http: httpx.AsyncClient, method: str, path: str) -> None:
    """The real host makes the method part of the route."""
    response = await http.request(method, path)

    assert (response.status_code, response.content) == (404, b"")


async def test_function_that_raises_is_an_empty_500(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the traceback, the caller has nothing."""
    response = await http.get("/api/bug")

    assert (response.status_code, response.content) == (500, b"")
    assert "ValueError: GET" in caplog.text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/admin/host/ping", 200), ("/admin/else", 404), ("/runtime/webhooks/durabletask/x", 202), ("/runtime/x", 404)],
)
async def test_paths_of_the_host_itself(http: httpx.AsyncClient, path: str, status: int) -> None:
    """Functions are never asked for them."""
    assert (await http.get(path)).status_code == status


class Extended:
    """A front over one function that takes Starlette's requests, through the project's web extension."""

    def __init__(self, call: Callable[..., Any], **trigger: Any) -> None:
        binding = {"type": "httpTrigger", "name": "request", "route": "{*path}", **trigger}
        catalog = Catalog(http=(AppFunction("page", call, binding),), uses_web_extension=True)
        tracked = base.ModuleTrackerMeta.get_module()  # type: ignore[no-untyped-call]  # has no annotations
        assert tracked == web_extension.__name__
        self.worker = Worker(catalog, "{}")
        self.front: ASGIApp = HttpFront(catalog, self.worker, "", nothing)

    async def run(self, receive: Callable[[], Any], method: str = "GET") -> AsyncIterator[Message]:
        """What the front sends, message by message as it is sent."""
        sent: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": "/a/b",
            "raw_path": b"/a/b",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"app")],
            "server": ("app", 80),
            "client": None,
        }

        async def run() -> None:
            await self.front(scope, receive, sent.put)
            await sent.put(None)

        task = asyncio.create_task(run())
        while (message := await sent.get()) is not None:
            yield message
        await task
        self.worker.close()


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


async def test_extension_function_that_raises_is_an_empty_500() -> None:
    """Whatever the extension would have said."""

    async def page(request: Request) -> Response:
        raise RuntimeError(request.method)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    messages = [message async for message in Extended(page).run(receive)]

    assert (messages[0]["status"], messages[1]["body"]) == (500, b"")
