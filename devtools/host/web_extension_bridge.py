"""Drives the app's web extension the way the worker does.

The worker starts the extension's web app with one catch-all handler; a request carries the id of its invocation in a
header, and the handler's answer is what the function returned. Here both halves are in one process. What a function
raises is raised in that handler, so that the extension's own error handling answers; what even that lets through gets
the answer that the extension's server would give.
"""

import importlib
import logging
import sys
from typing import Any
from uuid import uuid4

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devtools.host.catalog import AppFunction
from devtools.host.failures import FunctionError
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

_INVOCATION_HEADER = b"x-ms-invocation-id"


class WebExtensionBridge:
    """Serves HTTP functions through the one web extension that the app has imported."""

    def __init__(self, worker: Worker) -> None:
        base = sys.modules["azurefunctions.extensions.base"]
        self._worker = worker
        self._synchronizer = base.RequestTrackerMeta.get_synchronizer()
        self._is_response = base.ResponseTrackerMeta.check_type
        self._invocations: dict[str, tuple[AppFunction, dict[str, str]]] = {}
        extension = importlib.import_module(base.ModuleTrackerMeta.get_module())
        web_app = extension.WebApp()
        request_type = base.RequestTrackerMeta.get_request_type()

        async def catch_all(request: Any) -> Any:
            return await self._invoke(request)

        catch_all.__annotations__["request"] = request_type  # frameworks read the handler's signature
        web_app.route(catch_all)
        self._app: ASGIApp = web_app.get_app()

    async def serve(
        self, function: AppFunction, values: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the function answer this request."""
        invocation = str(uuid4())
        self._invocations[invocation] = (function, values)
        headers = [header for header in scope["headers"] if header[0] != _INVOCATION_HEADER]
        headers.append((_INVOCATION_HEADER, invocation.encode()))
        answer = _Answer(send)
        try:
            await self._app({**scope, "headers": headers}, receive, answer.send)
        except Exception:  # whatever the extension lets through: here its server would get it
            if answer.is_whole:
                logger.exception("Function %s failed after its answer.", function.name)
                return
            if answer.has_begun:
                raise  # breaks the connection: half an answer must not pass for a whole one
            logger.exception("The web extension failed at an answer of function %s.", function.name)
            await Response("Internal Server Error", 500, media_type="text/plain")(scope, receive, send)
        finally:
            self._invocations.pop(invocation, None)

    async def _invoke(self, request: Any) -> Any:
        function, values = self._invocations.pop(request.headers[_INVOCATION_HEADER.decode()])
        self._synchronizer.sync_route_params(request, values)
        try:
            returned = await self._worker.call(function, request)
        except FunctionError as error:
            logger.error("Function %s failed: %s", function.name, error.stack)  # noqa: TRY400  # the stack is its own
            raise (error.__cause__ if isinstance(error.__cause__, Exception) else error) from None
        if not self._is_response(type(returned)):
            logger.error("Function %s returned %s instead of a response.", function.name, type(returned).__name__)
        if returned is None:
            raise ValueError("No http response found for invocation")  # the worker's own; it passes on anything else
        return returned


class _Answer:
    """Remembers how much of an answer was sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False
        self.is_whole = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        self.has_begun = True
        self.is_whole = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)
