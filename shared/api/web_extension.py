"""Starlette requests, responses and streaming for the Functions worker.

Microsoft's worker hands HTTP over to whichever module derives from the classes of `azurefunctions-extensions-base`. It
starts our server on a free port of its own machine, the Functions host forwards the raw request there, and the worker's
one catch-all route brings the request and the function's response together. So handlers take Starlette's `Request` and
return its `Response`, bodies stream both ways, and memory stays flat.

The ready-made extension is not used, because the web framework inside it answers `/openapi.json` and `/docs` by itself
(docs/decisions/0001-web-extension.md). Only one module of this kind may be imported in a process. The server and the
router are imported when the worker starts them, not when it indexes the app.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from azurefunctions.extensions import base
from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.applications import Starlette

Endpoint = Callable[[Request], Awaitable[Response]]

_ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


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
    """An application with one route: the worker's, for every path and method."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None

    def route(self, func: Endpoint) -> Endpoint:
        """Take the worker's catch-all endpoint."""
        self._endpoint = func
        return func

    def get_app(self) -> "Starlette":
        """Return the application; the worker has set the endpoint by then."""
        from starlette.applications import Starlette  # noqa: PLC0415 - see the module's docstring
        from starlette.routing import Route  # noqa: PLC0415 - as above

        if self._endpoint is None:
            raise RuntimeError("the worker did not register its endpoint")
        return Starlette(routes=[Route("/{path:path}", self._endpoint, methods=_ANY_METHOD)])


class WebServer(base.WebServer):
    """Serves the application on the worker's own machine."""

    async def serve(self) -> None:
        """Serve until the worker ends."""
        import uvicorn  # noqa: PLC0415 - see the module's docstring

        config = uvicorn.Config(self.web_app, host=self.hostname, port=self.port, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()
