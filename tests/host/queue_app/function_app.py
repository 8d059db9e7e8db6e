"""Queue functions that leave a trace on disk, one line for each run."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()
at_once = threading.Semaphore(0)


def note(**fields: Any) -> None:
    """Add a line to the trace."""
    with Path(os.environ["QUEUE_MARKS"]).open("a", encoding="utf-8") as marks:
        marks.write(json.dumps(fields) + "\n")


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-plain", connection="QUEUES")
def plain(message: func.QueueMessage) -> None:
    """Fail as often as the body says, `kill` the process, or `meet` with others that run at the same time."""
    body = message.get_body().decode()
    note(function="plain", body=body, count=message.dequeue_count, id=message.id, expires=str(message.expiration_time))
    if body.startswith("fail"):
        raise ValueError(body)
    if body.startswith("meet"):
        at_once.release()
        deadline = time.monotonic() + 5
        while at_once._value < int(body.split()[1]):  # how many have come
            if time.monotonic() > deadline:
                raise TimeoutError(body)
            time.sleep(0.01)
        note(function="plain", body=f"{body}: met")


@app.queue_trigger(arg_name="message", queue_name="orders", connection="QUEUES")
@app.durable_client_input(client_name="client")
async def order(message: func.QueueMessage, client: df.DurableOrchestrationClient) -> None:
    """Start an orchestration whose instance id is the message's."""
    await client.start_new("echo_twice", message.id, message.get_json())


@app.activity_trigger(input_name="value")
def echo(value: Any) -> Any:
    """The input."""
    return value


@app.orchestration_trigger(context_name="context")
def echo_twice(context: Any) -> Any:
    """The input, two times over."""
    first = yield context.call_activity("echo", context.get_input())
    return [first, (yield context.call_activity("echo", first))]
