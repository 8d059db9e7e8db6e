"""The queue functions of an app, each with a listener of its own."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from devtools.host.azure_queue import azure_queue, connection_string
from devtools.host.catalog import AppFunction
from devtools.host.clock import Clock
from devtools.host.queue_listener import QueueListener
from devtools.host.queue_names import QueueNameError, poison_name, queue_name
from devtools.host.queue_options import QueueOptions
from devtools.host.queue_service import ConnectionMissingError, Message, MessageGoneError, Queue, QueueError
from devtools.host.queue_settlement import Settlement
from devtools.host.worker import Worker

logger = logging.getLogger(__name__)

_DEFAULT_CONNECTION = "AzureWebJobsStorage"
_LAST_WORDS_SECONDS = 5
"""To settle the messages of a worker that ends; the host must begin again soon."""


@dataclass(frozen=True)
class _Source:
    """Where a function's messages come from."""

    function: str
    account: str
    queue: str
    options: QueueOptions

    async def open(self, stack: AsyncExitStack) -> Settlement:
        """Connect until the stack is closed. Raises ConnectionMissingError."""
        queue = await stack.enter_async_context(azure_queue(self.account, self.queue))
        poison: Queue | None = None
        if (name := poison_name(self.queue)) is not None:
            poison = await stack.enter_async_context(azure_queue(self.account, name))
        return Settlement(self.function, queue, poison, self.options)


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
        self._listeners: list[tuple[_Source, QueueListener]] = []

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

    def end_with_worker(self) -> None:
        """The worker ends, and the process right after: the functions that run have failed, with what follows from it.

        Called on any thread, with connections of its own, and not for long: the messages that storage does not settle
        in time are seen again later.
        """
        asyncio.run(self._fail_all())

    async def _fail_all(self) -> None:
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS), AsyncExitStack() as stack:
                for source, listener in self._listeners:
                    if messages := listener.running:
                        settlement = await source.open(stack)
                        await asyncio.gather(*(self._fail(settlement, message) for message in messages))
        except TimeoutError:
            logger.error("Storage takes too long; messages are seen again later.")  # noqa: TRY400

    async def _fail(self, settlement: Settlement, message: Message) -> None:
        try:
            await settlement.failed(message)
        except (QueueError, MessageGoneError) as error:
            logger.error("Message %s of %s is seen again later: %s", message.id, settlement.name, error)  # noqa: TRY400

    async def _listener(self, function: AppFunction, stack: AsyncExitStack) -> QueueListener:
        name = queue_name(str(function.trigger["queueName"]), self._environ)
        account = connection_string(str(function.trigger.get("connection") or _DEFAULT_CONNECTION), self._environ)
        source = _Source(function.name, account, name, self._options)
        settlement = await source.open(stack)

        async def call(message: Message, body: bytes) -> None:
            await self._worker.call_queue(function, message, body)

        logger.info("Function %s listens to the queue %s.", function.name, name)
        listener = QueueListener(call, settlement, self._clock)
        self._listeners.append((source, listener))
        return listener
