"""A front over one function that takes Starlette's requests, and a caller who sends no body."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import unquote

from azurefunctions.extensions import base
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devtools.host.catalog import AppFunction, Catalog
from devtools.host.http_front import HttpFront
from devtools.host.worker import Worker
from shared.api import web_extension


async def management(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the management endpoints."""
    await Response("management", 202)(scope, receive, send)


class Extended:
    """A front over one function that takes Starlette's requests, through the project's web extension."""

    def __init__(self, call: Callable[..., Any], **trigger: Any) -> None:
        binding = {"type": "httpTrigger", "name": "request", "route": "{*path}", **trigger}
        catalog = Catalog(http=(AppFunction("page", call, binding),), uses_web_extension=True)
        tracked = base.ModuleTrackerMeta.get_module()  # type: ignore[no-untyped-call]  # has no annotations
        assert tracked == web_extension.__name__
        self.worker = Worker(catalog, "{}")
        self.front: ASGIApp = HttpFront(catalog, self.worker, "", management)

    async def run(self, receive: Callable[[], Any], method: str = "GET", path: str = "/a/b") -> AsyncIterator[Message]:
        """What the front sends, message by message as it is sent."""
        sent: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"app")],
            "server": ("app", 80),
            "client": None,
        }

        async def run() -> None:
            try:
                await self.front(scope, receive, sent.put)
            finally:
                await sent.put(None)

        task = asyncio.create_task(run())
        while (message := await sent.get()) is not None:
            yield message
        await task
        self.worker.close()


async def no_body() -> Message:
    """The request of a caller who sends none."""
    return {"type": "http.request", "body": b"", "more_body": False}
