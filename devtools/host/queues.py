"""The queue functions of an app, each with a listener of its own."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack

from devtools.host.azure_queue import azure_queue, connection_string
from devtools.host.catalog import AppFunction
from devtools.host.clock import Clock
from devtools.host.queue_listener import QueueListener
from devtools.host.queue_names import QueueNameError, poison_name, queue_name
from devtools.host.queue_options import QueueOptions
from devtools.host.queue_service import ConnectionMissingError, Message, Queue
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

_DEFAULT_CONNECTION = "AzureWebJobsStorage"


class Queues:
    """Listens to every queue that a function is triggered by. Settings come from `environ`."""

    def __init__(
        self,
        functions: tuple[AppFunction, ...],
        worker: Worker,
        options: QueueOptions,
        clock: Clock,
        environ: Mapping[str, str],
    ) -> None:
        self._functions = functions
        self._worker = worker
        self._options = options
        self._clock = clock
        self._environ = environ

    async def run(self) -> None:
        """Work for ever. A function whose queue cannot be listened to is named in the log; the others are served."""
        async with AsyncExitStack() as stack:
            listening = []
            for function in self._functions:
                try:
                    listener = await self._listener(function, stack)
                except (ConnectionMissingError, QueueNameError) as error:
                    logger.error("Function %s is not run: %s", function.name, error)  # noqa: TRY400
                else:
                    listening.append(asyncio.create_task(listener.run()))
            try:
                await asyncio.gather(*listening, asyncio.Event().wait())
            finally:
                for task in listening:
                    task.cancel()
                await asyncio.gather(*listening, return_exceptions=True)

    async def _listener(self, function: AppFunction, stack: AsyncExitStack) -> QueueListener:
        name = queue_name(str(function.trigger["queueName"]), self._environ)
        connection = str(function.trigger.get("connection") or _DEFAULT_CONNECTION)
        account = connection_string(connection, self._environ)
        queue = await stack.enter_async_context(azure_queue(account, name))
        poison: Queue | None = None
        if (its_poison := poison_name(name)) is not None:
            poison = await stack.enter_async_context(azure_queue(account, its_poison))

        async def call(message: Message, body: bytes) -> None:
            await self._worker.call_queue(function, message, body)

        logger.info("Function %s listens to the queue %s.", function.name, name)
        return QueueListener(function.name, call, queue, poison=poison, options=self._options, clock=self._clock)
