"""Queue functions that leave a trace on disk, one line for each run."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

import json
import os
import signal
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
    """Do as the body says: `fail`, `meet` others that run at the same time; or, the first time, `kill` or `hang`."""
    body = message.get_body().decode()
    note(
        function="plain",
        body=body,
        count=message.dequeue_count,
        id=message.id,
        receipt=message.pop_receipt,
        inserted=str(message.insertion_time),
        hidden_until=str(message.time_next_visible),
        expires=str(message.expiration_time),
    )
    if body.startswith("fail"):
        raise ValueError(body)
    if body.startswith("hang") and message.dequeue_count == 1:
        time.sleep(60)
    if body == "kill" and message.dequeue_count == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if body.startswith("meet"):
        at_once.release()
        deadline = time.monotonic() + 5
        while at_once._value < int(body.split()[1]):  # how many have come
            if time.monotonic() > deadline:
                raise TimeoutError(body)
            time.sleep(0.01)
        note(function="plain", body=f"{body}: met")


@app.queue_trigger(arg_name="message", queue_name="files", connection="QUEUES", data_type=func.DataType.BINARY)
async def keep(message: func.QueueMessage) -> None:
    """Take any bytes."""
    note(function="keep", body=message.get_body().hex())


@app.queue_trigger(arg_name="message", queue_name="test-plain-poison", connection="%NO_SUCH%")
def never(message: func.QueueMessage) -> None:
    """Be named in the log, because nobody knows its account."""
    note(function="never", body=message.get_body().decode())


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
