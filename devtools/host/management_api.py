"""The durable endpoints over HTTP: what the SDK's client calls, and operators on the app's own port.

Answers are those measured on the Durable extension 3.14.1, also where they are odd: a second suspend is a 500, a start
checks nothing. Rewind, restart and entities are not served and say so.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_plus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devtools.host import jsontext
from devtools.host.binding import ClientBinding
from devtools.host.engine import Engine, InstanceEndedError, InstanceNotFoundError, WrongStateError
from devtools.host.history import RuntimeStatus
from devtools.host.management_query import BadQueryError, instance_filter, is_true, seconds
from devtools.host.records import Instance, InstanceExistsError
from devtools.host.status_view import TwiceScheduledError, history_body, status_body

_PAGE_SIZE = 100
_LONGEST_WAIT_SECONDS = 230.0
_TOKEN_HEADER = "x-ms-continuation-token"  # noqa: S105  # a paging token
_WENT_WRONG = "Something went wrong while processing your request"

_Handler = Callable[[Request], Awaitable[Response]]


class BadJsonError(Exception):
    """The body is not JSON; `truncated` when it only stops too early, which the extension answers differently."""

    def __init__(self, text: str, *, truncated: bool) -> None:
        super().__init__(text)
        self.truncated = truncated


class ManagementApi:
    """The endpoints over one engine."""

    def __init__(self, engine: Engine, binding: ClientBinding) -> None:
        self._engine = engine
        self._binding = binding

    def app(self, prefix: str) -> Starlette:
        """An ASGI app with the endpoints under `prefix`; unknown paths and methods are a bare 404."""
        one = f"{prefix}/instances/{{instance_id}}"
        routes: list[tuple[str, str, _Handler]] = [
            ("POST", f"{prefix}/orchestrators/{{name}}", self._start),
            ("POST", f"{prefix}/orchestrators/{{name}}/{{instance_id}}", self._start),
            ("GET", f"{prefix}/instances", self._list),
            ("GET", f"{prefix}/instances/", self._list),
            ("DELETE", f"{prefix}/instances", self._purge_many),
            ("DELETE", f"{prefix}/instances/", self._purge_many),
            ("GET", one, self._status),
            ("DELETE", one, self._purge),
            ("POST", f"{one}/raiseEvent/{{event}}", self._raise_event),
            ("POST", f"{one}/terminate", self._terminate),
            ("POST", f"{one}/suspend", self._suspend),
            ("POST", f"{one}/resume", self._resume),
            ("POST", f"{one}/rewind", _not_served("rewind")),
            ("POST", f"{one}/restart", _not_served("restart")),
            ("GET", f"{prefix}/entities/{{rest:path}}", _not_served("entities")),
            ("POST", f"{prefix}/entities/{{rest:path}}", _not_served("entities")),
        ]
        app = Starlette(
            routes=[Route(path, handler, methods=[method]) for method, path, handler in routes],
            exception_handlers={
                404: _bare(404),
                405: _bare(404),
                InstanceNotFoundError: _bare(404),
                InstanceEndedError: _bare(410),
                WrongStateError: _wrong_state,
                TwiceScheduledError: _bad_argument,
                BadJsonError: _bad_json,
                BadQueryError: _bad_query,
            },
        )
        app.router.redirect_slashes = False
        return app

    async def _start(self, request: Request) -> Response:
        input_text = await _json_text(request)
        query = request.query_params
        try:
            instance_id = self._engine.start(
                request.path_params["name"],
                request.path_params.get("instance_id"),
                input_text,
                version=query.get("version"),
            )
        except InstanceExistsError as error:
            return _json({"Message": str(error)}, 409)
        if "timeout" in query:
            ended = await self._wait(instance_id, seconds(query, "timeout", 10), seconds(query, "pollingInterval", 1))
            if ended is not None:
                body = status_body(ended, show_input=True)
                return _json(body["output"] if ended.status is RuntimeStatus.COMPLETED else body, 200)
        urls = self._binding.management_urls(instance_id)
        return _json(urls, 202, {"Location": urls["statusQueryGetUri"], "Retry-After": "10"})

    async def _wait(self, instance_id: str, timeout_seconds: float, interval_seconds: float) -> Instance | None:
        """The instance once it has ended, None when it has not within that time; the caller's time, not the story's."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(timeout_seconds, _LONGEST_WAIT_SECONDS)
        while True:
            instance = self._engine.instance(instance_id)
            if instance.status.is_final:
                return instance
            if loop.time() >= deadline:
                return None
            await asyncio.sleep(min(interval_seconds, max(deadline - loop.time(), 0)))

    async def _status(self, request: Request) -> Response:
        query = request.query_params
        instance = self._engine.instance(request.path_params["instance_id"])
        body = status_body(instance, show_input=is_true(query, "showInput", default=True))
        if is_true(query, "showHistory"):
            events = self._engine.history(instance.instance_id)
            body["historyEvents"] = history_body(events, show_output=is_true(query, "showHistoryOutput"))
        if not instance.status.is_final:
            return _json(body, 202, {"Location": str(request.url), "Retry-After": "5"})
        failed = instance.status is RuntimeStatus.FAILED
        return _json(body, 500 if failed and is_true(query, "returnInternalServerErrorOnFailure") else 200)

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        size = int(seconds(query, "top", _PAGE_SIZE)) or _PAGE_SIZE
        after = request.headers.get(_TOKEN_HEADER, "")
        page = self._engine.instances(instance_filter(query), after, size + 1)
        shown = page[:size]
        token = shown[-1].instance_id if len(page) > size else ""
        show_input = is_true(query, "showInput", default=True)
        bodies = [status_body(instance, show_input=show_input) for instance in shown]
        return _json(bodies, 200, {_TOKEN_HEADER: quote_plus(token)})

    async def _purge(self, request: Request) -> Response:
        try:
            self._engine.purge(request.path_params["instance_id"])
        except WrongStateError as error:
            return _json(str(error), 412)
        return _json({"instancesDeleted": 1}, 200)

    async def _purge_many(self, request: Request) -> Response:
        wanted = instance_filter(request.query_params)
        if wanted.created_from is None:
            raise BadQueryError("Please provide value for 'createdTimeFrom' parameter.")
        deleted, after = 0, ""
        while page := self._engine.instances(wanted, after, _PAGE_SIZE):
            for instance in page:
                if instance.status.is_final:
                    self._engine.purge(instance.instance_id)
                    deleted += 1
            after = page[-1].instance_id
        return _json({"instancesDeleted": deleted}, 200) if deleted else Response(status_code=404)

    async def _raise_event(self, request: Request) -> Response:
        media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if media_type != "application/json":
            return _json({"Message": "Only application/json request content is supported"}, 400)
        input_text = await _json_text(request)
        if input_text is None:
            raise BadJsonError("The body is empty.", truncated=False)
        self._engine.raise_event(request.path_params["instance_id"], request.path_params["event"], input_text)
        return Response(status_code=202)

    async def _terminate(self, request: Request) -> Response:
        self._engine.terminate(request.path_params["instance_id"], request.query_params.get("reason"))
        return Response(status_code=202)

    async def _suspend(self, request: Request) -> Response:
        self._engine.suspend(request.path_params["instance_id"], request.query_params.get("reason"))
        return Response(status_code=202)

    async def _resume(self, request: Request) -> Response:
        self._engine.resume(request.path_params["instance_id"], request.query_params.get("reason"))
        return Response(status_code=202)


async def _json_text(request: Request) -> str | None:
    """The body as compact JSON text, None when there is none. Raises BadJsonError."""
    try:
        text = (await request.body()).decode()
        return jsontext.compact(text) if text.strip() else None
    except json.JSONDecodeError as error:
        raise BadJsonError(str(error), truncated=error.pos >= len(text.rstrip())) from error
    except ValueError as error:
        raise BadJsonError(str(error), truncated=False) from error


def _json(value: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    return Response(jsontext.dumps(value), status, {**(headers or {}), **content_type})


def _error(message: str, error: Exception, kind: str, status: int) -> Response:
    body = {"Message": message, "ExceptionMessage": str(error), "ExceptionType": kind, "StackTrace": ""}
    return _json(body, status)


def _bare(status: int) -> Callable[[Request, Exception], Response]:
    return lambda _request, _error: Response(status_code=status)


def _wrong_state(_request: Request, error: Exception) -> Response:
    return _error(_WENT_WRONG, error, "System.InvalidOperationException", 500)


def _bad_argument(_request: Request, error: Exception) -> Response:
    return _error("One or more of the arguments submitted is incorrect", error, "System.ArgumentException", 400)


def _bad_json(_request: Request, error: Exception) -> Response:
    if isinstance(error, BadJsonError) and error.truncated:
        return _error(_WENT_WRONG, error, "Newtonsoft.Json.JsonSerializationException", 500)
    return _error("Invalid JSON content", error, "Newtonsoft.Json.JsonReaderException", 400)


def _bad_query(_request: Request, error: Exception) -> Response:
    return _json(str(error), 400)


def _not_served(what: str) -> _Handler:
    async def answer(_request: Request) -> Response:
        sentence = NotImplementedError(f"The local host does not serve {what}.")
        return _error("Not supported by the local host", sentence, "System.NotImplementedException", 501)

    return answer
