"""Calls an HTTP-triggered function as the worker does: a Starlette request in, what it sends out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import azure.durable_functions as df
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from shared.api import docs, download, generate, health, jobs, openapi, status, unmatched
from shared.api.idempotency import KEY_HEADER, idempotency_key
from shared.api.parsing import parse_body
from shared.api.refusals import Refusal
from shared.jobs.models import VideoRequest
from tests.support.durable_client import FakeDurableClient


@dataclass(frozen=True)
class Answer:
    """A response as it goes out; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Upload:
    """A request's body in pieces; `received` counts those that were read."""

    def __init__(self, pieces: Sequence[bytes], *, breaks_off: bool = False) -> None:
        self._pieces = list(pieces)
        self._breaks_off = breaks_off
        self.received = 0

    async def receive(self) -> Message:
        """Hand out the next piece; after the last one of a broken upload, the client is gone."""
        if self.received == len(self._pieces):
            return {"type": "http.disconnect"}
        piece = self._pieces[self.received]
        self.received += 1
        more = self._breaks_off or self.received < len(self._pieces)
        return {"type": "http.request", "body": piece, "more_body": more}


class StalledUpload(Upload):
    """A body whose last piece does not come, from a client that stays connected."""

    async def receive(self) -> Message:
        """Hand out the next piece; after the last one, nothing ever happens."""
        if self.received == len(self._pieces):
            await asyncio.Event().wait()
        return {**await super().receive(), "more_body": True}


def request(
    method: str,
    path: str,
    *,
    body: bytes | Upload = b"",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Request:
    """Build the request that the worker would hand to a function."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    upload = body if isinstance(body, Upload) else Upload([body])
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
        "path_params": dict(parameters or {}),
    }
    return Request(scope, upload.receive)


def read_request(row: Refusal) -> VideoRequest:
    """Read the request that a row of the table shows, as the function does that accepts jobs."""
    idempotency_key(Headers({} if row.key is None else {KEY_HEADER: row.key}))
    return parse_body(row.content_type, row.body)


async def sent(response: Response, method: str = "GET") -> Answer:
    """Send a response and return what went out."""
    messages: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()  # the caller stays to the end
        raise AssertionError

    async def send(message: Message) -> None:
        messages.append(message)

    await response({"type": "http", "method": method, "asgi": {"spec_version": "2.4"}}, receive, send)
    start, *rest = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in rest))


async def post_generate(
    client: FakeDurableClient,
    body: bytes | Upload,
    content_type: str | None = "application/json",
    *,
    key: str | Sequence[str] | None = None,
) -> Answer:
    """`POST /api/generate`; `key` is its `Idempotency-Key`, or several of them."""
    headers = [] if content_type is None else [("Content-Type", content_type)]
    headers += [("Idempotency-Key", each) for each in ([key] if isinstance(key, str) else key or [])]
    req = request("POST", "/api/generate", body=body, headers=headers)
    return await sent(await _functions()["generate"](req, client), "POST")


async def get_status(client: FakeDurableClient, job_id: str) -> Answer:
    """`GET /api/status/{job_id}`."""
    req = request("GET", f"/api/status/{job_id}", parameters={"job_id": job_id})
    return await sent(await _functions()["status"](req, client))


async def get_job(client: FakeDurableClient, job_id: str, *, method: str = "GET") -> Answer:
    """`GET` or `HEAD /api/jobs/{job_id}`."""
    req = request(method, f"/api/jobs/{job_id}", parameters={"job_id": job_id})
    return await sent(await _functions()["job"](req, client), method)


async def delete_job(client: FakeDurableClient, job_id: str) -> Answer:
    """`DELETE /api/jobs/{job_id}`."""
    req = request("DELETE", f"/api/jobs/{job_id}", parameters={"job_id": job_id})
    return await sent(await _functions()["cancel"](req, client), "DELETE")


async def get_download(file_id: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Answer:
    """`GET` or `HEAD /api/download/{file_id}`."""
    req = request(method, f"/api/download/{file_id}", headers=headers, parameters={"file_id": file_id})
    return await sent(await _functions()["download"](req), method)


async def ask(method: str, path: str) -> Answer:
    """A request that the host has found no other function for."""
    req = request(method, path, parameters={"path": path.lstrip("/")})
    return await sent(await _functions()["unmatched"](req), method)


async def get_health(*, method: str = "GET") -> Answer:
    """`GET` or `HEAD /api/health`."""
    return await sent(await _functions()["health"](request(method, "/api/health")), method)


async def get_ready(client: FakeDurableClient, *, method: str = "GET") -> Answer:
    """`GET` or `HEAD /api/ready`."""
    return await sent(await _functions()["ready"](request(method, "/api/ready"), client), method)


async def get_page(
    function: str, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", **parameters: str
) -> Answer:
    """`GET` or `HEAD` of something that everybody may read: `openapi`, `docs` or `docs_file`."""
    req = request(method, path, headers=headers, parameters=parameters)
    return await sent(await _functions()[function](req), method)


@cache
def _functions() -> Mapping[str, Callable[..., Awaitable[Response]]]:
    """The functions by registered name, as written: the SDK (1.7.0) keeps the one below its durable client there."""
    app = df.DFApp()
    for room in (generate, status, jobs, download, health, openapi, docs, unmatched):
        app.register_functions(room.blueprint)
    registered: list[Any] = app.get_functions()
    bodies = {function.get_function_name(): function.get_user_function() for function in registered}
    return {name: getattr(body, "client_function", body) for name, body in bodies.items()}
