"""Calls the app's functions the way the Python worker does: `def` on a pool of threads, `async def` on the event loop.

Values go through the converters of `azure.functions`, so encodings and error texts are the worker's own. Whatever a
function raises comes out as a FunctionError and nothing else.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from azure.functions.meta import Datum

from devtools.host import jsontext
from devtools.host.catalog import AppFunction, Catalog
from devtools.host.converters import converter_of
from devtools.host.failures import EpisodeAbortedError, FunctionError, FunctionTimeoutError
from devtools.host.function_timeout import FunctionTimeout
from devtools.host.queue_service import Message


@dataclass(frozen=True)
class InvocationContext:
    """What a function sees as `azure.functions.Context`."""

    function_name: str
    invocation_id: str = field(default_factory=lambda: str(uuid4()))
    function_directory: str = ""
    trace_context: None = None
    retry_context: None = None
    thread_local_storage: threading.local = field(default_factory=threading.local)


class Worker:
    """Runs the functions of one app. `client_binding` is what durable client parameters are given.

    `timeout` is told of every invocation for as long as it takes.
    """

    def __init__(self, catalog: Catalog, client_binding: str, timeout: FunctionTimeout | None = None) -> None:
        self._timeout = timeout or FunctionTimeout(None)
        self.pool = ThreadPoolExecutor(thread_name_prefix="function")
        self._catalog = catalog
        self._client_binding = client_binding

    def close(self) -> None:
        """Start no more functions; those that run are not waited for."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def call_orchestrator(self, name: str, trigger: str) -> str:
        """Call an orchestrator in this thread and return its state JSON.

        Raises FunctionError; EpisodeAbortedError where it has taken too long, so that the episode is to be run again.
        """
        function = self._catalog.orchestrators[name.lower()]
        context = _convert("orchestrationTrigger", trigger)
        try:
            with self._timeout.watching(function.name):
                state: str = self._guarded(lambda: function.call(**self._arguments(function, context)))
        except FunctionTimeoutError as error:
            raise EpisodeAbortedError(error.message) from error
        return state

    async def call_activity(self, name: str, input_text: str) -> str | None:
        """Run an activity and return its result as JSON, None for None. Raises FunctionError."""
        function = self._catalog.activities[name.lower()]
        value = self._guarded(lambda: _convert("activityTrigger", input_text))
        returned = await self.call(function, value)
        text: str = self._guarded(lambda: jsontext.compact(_encode_activity_result(returned)))
        return None if text == "null" else text

    async def call_timer(self, function: AppFunction, request_text: str) -> None:
        """Run a timer function; `request_text` is the JSON of its TimerRequest. Raises FunctionError."""
        request = _convert("timerTrigger", request_text, "json")
        if await self.call(function, request) is not None:
            sentence = f"function {function.name} without a $return binding returned a non-None value"
            raise FunctionError("RuntimeError", sentence, sentence)

    async def call_queue(self, function: AppFunction, message: Message, body: bytes) -> None:
        """Run a queue function with a message and its decoded body. Raises FunctionError.

        It gets text, so the body must be UTF-8, unless its trigger asks for `dataType` binary.
        """
        metadata = {
            "Id": Datum(message.id, "string"),
            "PopReceipt": Datum(message.receipt, "string"),
            "DequeueCount": Datum(message.dequeue_count, "int"),
            "InsertionTime": Datum(_moment(message.inserted_at), "string"),
            "ExpirationTime": Datum(_moment(message.expires_at), "string"),
            "NextVisibleTime": Datum(_moment(message.next_visible_at), "string"),
        }
        is_binary = str(function.trigger.get("dataType")).lower() in {"binary", "stream"}
        datum = Datum(body, "bytes") if is_binary else Datum(self._guarded(body.decode), "string")
        value = converter_of("queueTrigger").decode(datum, trigger_metadata=metadata)
        if await self.call(function, value) is not None:
            sentence = f"function {function.name} without a $return binding returned a non-None value"
            raise FunctionError("RuntimeError", sentence, sentence)

    async def call(self, function: AppFunction, value: Any) -> Any:
        """Call a function with its trigger's value. Raises FunctionError."""
        with self._timeout.watching(function.name):
            return await self._call(function, value)

    async def _call(self, function: AppFunction, value: Any) -> Any:
        arguments = self._arguments(function, value)
        if inspect.iscoroutinefunction(function.call):
            try:
                return await function.call(**arguments)
            except BaseException as error:
                if _is_being_ended(error) or self.ends_the_host(error):
                    raise
                raise FunctionError.from_exception(error) from error
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, lambda: self._guarded(lambda: function.call(**arguments)))

    def ends_the_host(self, _error: BaseException) -> bool:
        """Whether what a function raised is to end the host: never, but where a test plays that."""
        return False

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """What `call` returns; everything it raises, also SystemExit, becomes a FunctionError."""
        try:
            return call()
        except BaseException as error:
            if self.ends_the_host(error):
                raise
            raise FunctionError.from_exception(error) from error

    def _arguments(self, function: AppFunction, value: Any) -> dict[str, Any]:
        arguments = {function.parameter: value, **dict.fromkeys(function.clients, self._client_binding)}
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name)
        return arguments


def _is_being_ended(error: BaseException) -> bool:
    """Whether the host is abandoning this invocation; else a CancelledError is the function's own."""
    if not isinstance(error, asyncio.CancelledError):
        return isinstance(error, GeneratorExit)
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _convert(binding: str, text: str, kind: str = "string") -> Any:
    return converter_of(binding).decode(Datum(text, kind), trigger_metadata=None)


def _encode_activity_result(value: Any) -> str:
    encoded: str = converter_of("activityTrigger").encode(value, expected_type=None).value
    return encoded
