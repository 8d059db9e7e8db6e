"""The worker of the in-process host: durable clients without a port, and functions that may play a killed process."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from devtools.host.catalog import AppFunction, Catalog
from devtools.host.engine_client import EngineClient
from devtools.host.worker import Worker

Heard = Callable[[str, str], None]
"""Called after every episode with what the orchestrator was sent and what it answered, as JSON texts."""

_NO_DEATH = (Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)


class InProcessWorker(Worker):
    """A worker whose orchestrators are listened to; `client` is what durable client parameters are given."""

    client: EngineClient

    def __init__(self, catalog: Catalog, heard: Heard | None) -> None:
        super().__init__(catalog, client_binding="")
        self._heard = heard

    def call_orchestrator(self, name: str, trigger: str) -> str:
        """Call an orchestrator and tell what it was sent and answered. Raises FunctionError."""
        answer = super().call_orchestrator(name, trigger)
        if self._heard:
            self._heard(trigger, answer)
        return answer

    async def call(self, function: AppFunction, value: Any) -> Any:
        """Call a function past the SDK's middleware, which makes its own client. Raises FunctionError."""
        return await super().call(_without_middleware(function), value)

    def ends_the_host(self, error: BaseException) -> bool:
        """Whether the exception is none that Python or asyncio raise: a test's own play of `kill -9`."""
        return not isinstance(error, _NO_DEATH)

    def _arguments(self, function: AppFunction, value: Any) -> dict[str, Any]:
        return {**super()._arguments(function, value), **dict.fromkeys(function.clients, self.client)}


def _without_middleware(function: AppFunction) -> AppFunction:
    """The function without the SDK's middleware: there is one for each durable client, and it awaits what it calls."""
    original = function.call
    while hasattr(original, "client_function"):
        original = original.client_function
    if original is function.call:
        return function

    async def call(**arguments: Any) -> Any:
        return await original(**arguments)

    return replace(function, call=call)
