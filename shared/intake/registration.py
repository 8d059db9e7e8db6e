"""Registers the function that takes jobs from a storage queue, where `JOBS_QUEUE` names one.

Its body is imported when the first message comes (docs/decisions/0002-cold-start.md).
"""

import os
from datetime import UTC, datetime
from typing import Final

import azure.durable_functions as df
import azure.functions as func

from shared.jobs.client import JobClient
from shared.wiring import services

QUEUE: Final = os.environ.get("JOBS_QUEUE", "").strip()
"""Read when the host indexes the app, because the name is part of what it indexes. Empty, there is no such function."""

CONNECTION: Final = "AzureWebJobsStorage"

blueprint = df.Blueprint()


def _register(queue: str) -> None:
    @blueprint.function_name("generate_from_queue")
    @blueprint.queue_trigger(arg_name="message", queue_name=queue, connection=CONNECTION)
    @blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]  # no types in the SDK
    async def generate_from_queue(message: func.QueueMessage, client: df.DurableOrchestrationClient) -> None:
        """Make a job of a message; where that cannot be done for now, raise, so that it comes again."""
        from shared.intake.message import Message  # noqa: PLC0415 - see the module's docstring
        from shared.intake.take import take_message  # noqa: PLC0415 - as above

        came_at = message.insertion_time
        taken = Message(
            id=message.id or "",
            body=message.get_body(),
            came_at=datetime.now(UTC) if came_at is None else came_at.replace(tzinfo=came_at.tzinfo or UTC),
        )
        await take_message(services().over(JobClient(client)), queue, taken)


if QUEUE:
    _register(QUEUE)
