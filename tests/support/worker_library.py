"""The app inside Microsoft's own Python worker library (`azure-functions-runtime`, Python 3.13 and later).

The library imports and indexes the app, starts the app's web extension as an HTTP server on a free port, and calls the
functions. What the Functions host does around it is done here: of every HTTP request, the host forwards the raw bytes
to that server under a header with an invocation's id, and at the same time sends the library that invocation, a small
message with the route's parameters and the durable client's text.

The host's half sits in front of the extension's application, inside the library's server. So there is one port that
every HTTP client can use, and what it answers is what the library's server sent, with nothing in between.

The library keeps its state in modules, so a process can hold one app.
"""

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devtools.host.host_json import read_host_settings
from devtools.host.paths import BadPathError
from devtools.host.routes import RouteTable
from tests.support.worker_library_messages import StatusResult, invocation, request

logger = logging.getLogger(__name__)

_INVOCATION_HEADER = b"x-ms-invocation-id"
_START_SECONDS = 30.0


class AppRefusedByLibraryError(Exception):
    """The library did not load the app; the text is its own."""


@dataclass(frozen=True)
class _Route:
    """A function that HTTP triggers, as the library has indexed it; `texts` are its inputs besides the request."""

    function_id: str
    parameter: str
    texts: Mapping[str, str]


class HostInFront:
    """An ASGI app: the half of an HTTP request that is the Functions host's, before the worker's half, `inner`."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._routes: RouteTable[_Route] = RouteTable([])
        self._invocations: set[asyncio.Task[None]] = set()

    def use(self, indexed: list[Any], route_prefix: str, client_binding: str) -> None:
        """Route to the functions that the library has indexed. Raises RouteError."""
        self._routes = RouteTable(
            [
                (
                    f"{route_prefix}/{trigger.get('route', function.name)}",
                    frozenset(str(method) for method in trigger.get("methods") or ()),
                    route,
                )
                for function in indexed
                for trigger, route in _http(function, client_binding)
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as the worker does."""
        try:
            found = self._routes.find(scope["method"], scope["raw_path"].decode("ascii"))
        except BadPathError:
            await Response(status_code=400)(scope, receive, send)
            return
        if found is None:
            await Response(status_code=404)(scope, receive, send)
            return
        route, values = found
        invocation_id = str(uuid4())
        headers = [header for header in scope["headers"] if header[0] != _INVOCATION_HEADER]
        headers.append((_INVOCATION_HEADER, invocation_id.encode()))
        task = asyncio.create_task(_invoke(route, invocation_id, values))
        self._invocations.add(task)
        task.add_done_callback(self._invocations.discard)
        await self._inner({**scope, "headers": headers}, receive, send)


async def start(app_folder: Path, client_binding: str) -> int:
    """Let the library load the app and serve it on this event loop; return its port once it answers.

    `client_binding` is the text that durable client parameters are given. Raises `AppRefusedByLibraryError`.
    """
    library: Any = importlib.import_module("azure_functions_runtime")
    extension = _web_extension(app_folder)
    fronts: list[HostInFront] = []
    build = extension.WebApp.get_app

    def get_app(web_app: Any) -> HostInFront:
        fronts.append(HostInFront(build(web_app)))
        return fronts[-1]

    extension.WebApp.get_app = get_app
    library.start_threadpool_executor()
    started = await library.worker_init_request(
        request("worker_init_request", capabilities={}, function_app_directory=str(app_folder))
    )
    if started.result.status != StatusResult.Success:
        raise AppRefusedByLibraryError(started.result.exception.message)
    metadata = await library.functions_metadata_request(request("functions_metadata_request"))
    indexed = metadata.function_metadata_results
    for function in indexed:
        await library.function_load_request(request("function_load_request", function_id=function.function_id))
    (front,) = fronts
    front.use(indexed, read_host_settings(app_folder).route_prefix, client_binding)
    port = urlsplit(str(started.capabilities["HttpUri"])).port
    assert port
    await _wait_until_it_listens(port)
    return port


def _web_extension(app_folder: Path) -> Any:
    """Import the app, as the library will, for the web extension that it brings along."""
    sys.path.insert(0, str(app_folder))
    importlib.import_module("function_app")
    return importlib.import_module(sys.modules["azurefunctions.extensions.base"].ModuleTrackerMeta.get_module())


def _http(function: Any, client_binding: str) -> list[tuple[Mapping[str, Any], _Route]]:
    bindings = [json.loads(raw) for raw in function.raw_bindings]
    clients = {binding["name"]: client_binding for binding in bindings if binding["type"] == "durableClient"}
    return [
        (binding, _Route(function.function_id, binding["name"], clients))
        for binding in bindings
        if binding["type"] == "httpTrigger"
    ]


async def _invoke(route: _Route, invocation_id: str, values: Mapping[str, str]) -> None:
    library: Any = importlib.import_module("azure_functions_runtime")
    message = invocation(route.function_id, invocation_id, (route.parameter, values), route.texts)
    answered = (await library.invocation_request(message)).result
    if answered.status != StatusResult.Success:
        logger.error("%s\n%s", answered.exception.message, answered.exception.stack_trace)


async def _wait_until_it_listens(port: int) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
