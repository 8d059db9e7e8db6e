"""The app's own port: finds the HTTP function of a request and calls it.

A wrong method and an unknown path are the same bare 404, because the real host makes the method part of the route. With
a web extension requests go through the extension's own web app, as in the real worker, so that bodies stream both ways;
an app without one gets `azure.functions` requests and responses.
"""

import logging
from collections.abc import Sequence

import azure.functions as func
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devtools.host.binding import WEBHOOK_PATH
from devtools.host.catalog import AppFunction, Catalog
from devtools.host.failures import FunctionError
from devtools.host.keys import Keys, Level, key_of, level_of
from devtools.host.paths import BadPathError, read_path
from devtools.host.routes import RouteTable
from devtools.host.web_extension_bridge import WebExtensionBridge
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

_PING_PATH = "/admin/host/ping"
# The real host keeps what is below these to itself, so no function is ever asked for it.
_RESERVED = {"admin", "runtime"}
_UNAUTHORIZED = Response(status_code=401)
# The extensions' endpoints are guarded by a policy of the framework (`HostController.ExtensionWebHookHandler`), which
# tells the two cases apart; functions are not. The host's own `SamplesEndToEndTests_CSharp` has both status codes.
_CHALLENGE = Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
_FORBIDDEN = Response(status_code=403)


class HttpFront:
    """An ASGI app. `management` answers below the durable webhook path; keys are asked for where there are `keys`."""

    def __init__(
        self, catalog: Catalog, worker: Worker, route_prefix: str, management: ASGIApp, keys: Keys | None = None
    ) -> None:
        """Raises RouteError for a route that cannot be read."""
        self._worker = worker
        self._keys = keys
        self._management = management
        self._routes: RouteTable[AppFunction] = RouteTable(
            [(_template(function, route_prefix), _methods(function), function) for function in catalog.http]
        )
        self._bridge = WebExtensionBridge(worker) if catalog.uses_web_extension else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return  # no lifespan, no web sockets
        # uvicorn shows no other bytes than ASCII here; those that it is sent it refuses.
        raw_path = scope["raw_path"].decode("ascii")
        try:
            path = read_path(raw_path).lower()
        except BadPathError:
            await Response(status_code=400)(scope, receive, send)
            return
        if path.startswith(WEBHOOK_PATH + "/"):
            await self._extension(scope)(scope, receive, send)
        elif path == _PING_PATH and scope["method"] in {"GET", "POST"}:
            await Response(status_code=200)(scope, receive, send)
        elif path[1:].partition("/")[0] in _RESERVED:
            await Response(status_code=404)(scope, receive, send)
        else:
            await self._call_function(raw_path, scope, receive, send)

    async def _call_function(self, raw_path: str, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._routes.find(scope["method"], raw_path)
        if found is None:
            await Response(status_code=404)(scope, receive, send)
            return
        function, values = found
        if self._keys is not None and not self._keys.open(level_of(function), _key(scope), function.name):
            await _UNAUTHORIZED(scope, receive, send)
            return
        if self._bridge is not None:
            await self._bridge.serve(function, values, scope, receive, send)
            return
        response = await self._call_plainly(function, values, Request(scope, receive))
        await response(scope, receive, send)

    def _extension(self, scope: Scope) -> ASGIApp:
        key = _key(scope)
        if self._keys is None or self._keys.open(Level.SYSTEM, key):
            return self._management
        return _FORBIDDEN if self._keys.know(key) else _CHALLENGE

    async def _call_plainly(self, function: AppFunction, values: dict[str, str], request: Request) -> Response:
        plain = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=dict(request.headers),
            params=dict(request.query_params),
            route_params=values,
            body=await request.body(),
        )
        try:
            returned = await self._worker.call(function, plain)
        except FunctionError as error:
            logger.error("Function %s failed: %s", function.name, error.stack)  # noqa: TRY400  # the stack is its own
            return Response(status_code=500)
        return _plain_response(function, returned)


def _key(scope: Scope) -> str | None:
    connection = HTTPConnection(scope)
    return key_of(connection.headers, connection.query_params)


def _plain_response(function: AppFunction, returned: object) -> Response:
    if isinstance(returned, str):
        return Response(returned, media_type="text/plain")
    if not isinstance(returned, func.HttpResponse):
        logger.error("Function %s returned %s instead of a response.", function.name, type(returned).__name__)
        return Response(status_code=500)
    response = Response(returned.get_body(), returned.status_code)
    for name, value in returned.headers.items():
        if name.lower() == "set-cookie":
            response.headers.append(name, value)
        else:
            response.headers[name] = value
    if "content-type" not in response.headers:
        text = returned.mimetype.startswith("text/")
        response.headers["content-type"] = (
            f"{returned.mimetype}; charset={returned.charset}" if text else returned.mimetype
        )
    return response


def _template(function: AppFunction, route_prefix: str) -> str:
    route = function.trigger.get("route")
    return f"{route_prefix}/{function.name if route is None else route}"


def _methods(function: AppFunction) -> frozenset[str]:
    methods: Sequence[str] = function.trigger.get("methods") or ()
    return frozenset(method.upper() for method in methods)
