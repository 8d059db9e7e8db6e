"""The OpenAPI document, the documentation page and its files: either carrier sends what their functions return."""

from collections.abc import Iterator

import pytest
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response

import function_app
from devtools.host.catalog import AppFunction
from devtools.host.indexing import index
from devtools.host.routes import RouteTable
from shared.api.docs import FILES
from shared.api.routes import DOCS, DOCS_FILE, OPENAPI
from tests.support.app_server_process import CARRIERS, AppServer, app_server
from tests.support.golden_cases import OPENAPI_DOCUMENT
from tests.support.golden_exchange import Request, exchange, golden_form

pytestmark = pytest.mark.stack

FUNCTIONS = {
    function.trigger["route"]: function
    for function in index(function_app.app).http
    if "GET" in function.trigger.get("methods", ())
}
ROUTES: RouteTable[AppFunction] = RouteTable(
    [(route, frozenset(function.trigger["methods"]), function) for route, function in FUNCTIONS.items()]
)
PATHS = [
    *(f"/{route.path}" for route in (OPENAPI, DOCS)),
    *("/" + DOCS_FILE.path.format(file=name) for name in (*FILES, "nothing.js")),
]
"""Every address of what only a new deployment changes: the document, the page and its files."""


@pytest.fixture(scope="module", params=CARRIERS)
def server(request: pytest.FixtureRequest) -> Iterator[AppServer]:
    with app_server(request.param, "golden") as running:
        yield running


async def returned(request: Request) -> bytes:
    """What the app's function returns for a request, in golden form."""
    found = ROUTES.find(request.method, request.target)
    assert found
    function, parameters = found
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers]
    scope = {"type": "http", "method": request.method, "headers": headers, "path_params": parameters}
    response: Response = await function.call(StarletteRequest(scope))
    lines = [b"HTTP/1.1 %d" % response.status_code, *(b"%s: %s" % header for header in response.raw_headers)]
    body = b"" if request.method == "HEAD" else bytes(response.body)
    return golden_form(b"\r\n".join([*lines, b"", body]))


def etag(answer: bytes) -> str:
    """The tag in an answer in golden form."""
    [line] = [line for line in answer.split(b"\n") if line.startswith(b"etag: ")]
    return line.removeprefix(b"etag: ").decode()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
async def test_document_is_sent_as_its_function_returns_it(server: AppServer, path: str, method: str) -> None:
    """Every header and byte."""
    request = Request(method, path)

    assert golden_form(exchange(server.port, request)) == await returned(request)


@pytest.mark.parametrize("path", [path for path in PATHS if not path.endswith("/nothing.js")])
async def test_document_that_the_caller_has_is_not_sent_again(server: AppServer, path: str) -> None:
    """304, also without a body and with the same headers over both."""
    request = Request("GET", path, (("If-None-Match", etag(await returned(Request("GET", path)))),))

    answer = golden_form(exchange(server.port, request))

    assert answer.startswith(b"HTTP/1.1 304\n")
    assert answer == await returned(request)


def test_openapi_document_is_the_golden_one(server: AppServer) -> None:
    """A change of what we promise shows in the difference of a file."""
    _, _, body = golden_form(exchange(server.port, Request("GET", f"/{OPENAPI.path}"))).partition(b"\n\n")

    assert body == OPENAPI_DOCUMENT.read_bytes()
