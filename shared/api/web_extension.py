"""Starlette requests, responses and streaming for the Functions worker.

Microsoft's worker hands HTTP over to whichever module derives from the classes of `azurefunctions-extensions-base`. It
starts our server on a free port of its own machine, the Functions host forwards the raw request there, and the worker's
one catch-all route brings the request and the function's response together. So handlers take Starlette's `Request` and
return its `Response`, bodies stream both ways, and memory stays flat.

The ready-made extension is not used, because the web framework inside it answers `/openapi.json` and `/docs` by itself
(docs/decisions/0001-web-extension.md). Only one module of this kind may be imported in a process. The server is
imported when the worker starts it, not when it indexes the app.
"""

import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from azurefunctions.extensions import base
from starlette.requests import Request
from starlette.responses import Response

from shared.api import responses
from shared.logs import LOGGER_NAME

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]

_KEEP_ALIVE_SECONDS = 120
"""Longer than the host keeps an idle connection (.NET: one minute), so that it never sends into a closing one."""

_SEND_BUFFER_BYTES = 256 * 1024
"""Of a download that a caller takes slowly, the system would keep some MB, once for every caller."""

_STALLED_MILLISECONDS = 150_000
"""A connection whose caller takes nothing for so long is dropped; what it was sent has been given up before."""

_GRACE_SECONDS = 30
"""For answers that are under way when the worker is told to end; then their connections break."""

_logger = logging.getLogger(LOGGER_NAME)


class RouteParameters(base.RequestSynchronizer):
    """Gives a request the parameters that the host found in its path."""

    def sync_route_params(self, request: Request, path_params: dict[str, Any]) -> None:
        """Set them where Starlette looks for them."""
        request.scope["path_params"] = dict(path_params)


class StarletteRequest(metaclass=base.RequestTrackerMeta):
    """Tells the worker which annotation marks an HTTP request."""

    request_type = Request
    synchronizer = RouteParameters()


class StarletteResponse(metaclass=base.ResponseTrackerMeta):
    """Tells the worker which results are HTTP responses; every kind in Starlette derives from this one."""

    label = base.ResponseLabels.STANDARD
    response_type = Response


class WebApp(base.WebApp):
    """An application with one endpoint: the worker's, for every path and method.

    No router: paths and methods were the Functions host's to match, and one that a router did not expect would get that
    router's own answer.
    """

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None

    def route(self, func: Endpoint) -> Endpoint:
        """Take the worker's catch-all endpoint."""
        self._endpoint = func
        return func

    def get_app(self) -> "ASGIApp":
        """Return the application; the worker has set the endpoint by then."""
        if self._endpoint is None:
            raise RuntimeError("the worker did not register its endpoint")
        return _Application(self._endpoint)


class _Application:
    """Calls the endpoint; whatever it raises is answered in the API's own form (the worker logs it with its stack)."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            response = _checked(await self._endpoint(Request(scope, receive, send)))
        except Exception as error:  # noqa: BLE001 - there is nobody behind this one
            _logger.error("a function failed: %s", type(error).__name__)  # noqa: TRY400 - its text may show the request
            response = responses.error(500, responses.UNAVAILABLE)
        await response(scope, receive, send)


def _checked(returned: object) -> Response:
    """Raise TypeError for what is no response; the worker passes on whatever a function returns."""
    if not isinstance(returned, Response):
        raise TypeError(f"a function returned {type(returned).__name__} instead of a response")
    return returned


class WebServer(base.WebServer):
    """Serves the application on the worker's own machine."""

    async def serve(self) -> None:
        """Serve until the worker ends."""
        import uvicorn  # noqa: PLC0415 - see the module's docstring

        config = uvicorn.Config(
            self.web_app,
            host=self.hostname,
            port=self.port,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        listener = socket.create_server((self.hostname, self.port), backlog=config.backlog)
        # Its connections inherit these.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        if sys.platform == "linux":
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MILLISECONDS)
        await uvicorn.Server(config).serve(sockets=[listener])
