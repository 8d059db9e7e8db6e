"""The app's own port, driven as an ASGI app."""

import sys
from collections.abc import AsyncIterator

import azure.functions as func
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from devtools.host.catalog import Catalog
from devtools.host.http_front import HttpFront
from devtools.host.indexing import index
from devtools.host.worker import Worker
from tests.unit.host.extended import Extended, management, no_body


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

    @app.route("forgetful")
    def forgetful(req: func.HttpRequest) -> func.HttpResponse:
        del req
        return None  # type: ignore[return-value]  # the mistake that is tested

    @app.route("bug")
    def bug(req: func.HttpRequest) -> str:
        raise ValueError(req.method)

    return app


def without_extension(app: func.FunctionApp, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The app's catalogue as in a process that imports no web extension."""
    monkeypatch.delitem(sys.modules, "azurefunctions.extensions.base")
    return index(app)


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    catalog = without_extension(plain_app(), monkeypatch)
    worker = Worker(catalog, "{}")
    front = HttpFront(catalog, worker, "api", management)
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


async def test_plain_function_that_returns_nothing_is_an_empty_500(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker cannot make an answer of it; the log says which function it was."""
    response = await http.get("/api/forgetful")

    assert (response.status_code, response.content) == (500, b"")
    assert "Function forgetful returned NoneType instead of a response." in caplog.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/host/ping", 200),
        ("/admin/else", 404),
        ("/ADMIN", 404),
        ("/%61dmin/else", 404),
        ("/runtime/webhooks/durabletask/x", 202),
        ("/runtime/x", 404),
        ("/runtime", 404),
        ("/runtimes", 418),
        ("/x/../admin", 404),
    ],
)
async def test_paths_of_the_host_itself(path: str, status: int) -> None:
    """No function is asked for them, not even one that takes every path."""

    async def page(request: Request) -> Response:
        del request
        return Response(status_code=418)

    extended = Extended(page)
    messages = [message async for message in extended.run(no_body, path=path)]

    assert messages[0]["status"] == status


@pytest.mark.parametrize("path", ["/a%00b", "x"])
async def test_bad_path_is_a_400(path: str) -> None:
    """As from the real host's server, before any function."""

    async def page(request: Request) -> Response:
        raise AssertionError(request.url)

    messages = [message async for message in Extended(page).run(no_body, path=path)]

    assert (messages[0]["status"], messages[1]["body"]) == (400, b"")
