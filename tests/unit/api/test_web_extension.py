import logging
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.api.web_extension import WebApp, WebServer


async def answered(app: Any, method: str = "GET") -> list[MutableMapping[str, Any]]:
    messages: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    await app({"type": "http", "method": method, "path": "/", "headers": []}, receive, send)
    return messages


@pytest.mark.parametrize("method", ["GET", "QUERY", "PURGE"])
async def test_every_method_reaches_the_workers_endpoint(method: str) -> None:
    """No router of ours stands between the host and its function."""
    web_app = WebApp()

    @web_app.route
    async def endpoint(request: Request) -> Response:
        return Response(request.method)

    start, body = await answered(web_app.get_app(), method)

    assert (start["status"], body["body"]) == (200, method.encode())


async def test_error_of_a_function_is_answered_in_the_apis_form(caplog: pytest.LogCaptureFixture) -> None:
    """What the worker raises for a function that failed never shows; the log names its type, not its text."""
    web_app = WebApp()

    @web_app.route
    async def endpoint(_: Request) -> Response:
        raise ValueError("a secret of the request")

    with caplog.at_level(logging.ERROR):
        start, body = await answered(web_app.get_app())

    assert (start["status"], body["body"]) == (500, b'{"detail":"Service is temporarily unavailable"}')
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text


def test_application_is_not_given_away_before_the_worker_has_its_endpoint() -> None:
    """A worker that forgot would otherwise serve nothing, silently."""
    with pytest.raises(RuntimeError, match="endpoint"):
        WebApp().get_app()


def test_server_takes_the_application_and_the_workers_address() -> None:
    """The worker gives host name and port; the application is asked for once."""
    web_app = WebApp()

    @web_app.route
    async def endpoint(_: Request) -> Response:
        return Response()

    server = WebServer("127.0.0.1", 8123, web_app)

    assert (server.hostname, server.port) == ("127.0.0.1", 8123)
    assert callable(server.web_app)
