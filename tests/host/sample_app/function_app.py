"""A small Durable app for the host's own tests: plain HTTP functions, activities that leave a trace on disk."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="start/{name}/{instance_id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start the orchestrator named in the path with the body as input."""
    instance_id = await client.start_new(req.route_params["name"], req.route_params.get("instance_id"), req.get_json())
    return func.HttpResponse(instance_id, status_code=202)


@app.route(route="status/{instance_id}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The runtime status of an instance, `none` for an unknown one."""
    found = await client.get_status(req.route_params["instance_id"])
    return func.HttpResponse(found.runtime_status.value if found and found.runtime_status else "none")


@app.route(route="raises", methods=["GET"])
def raises(req: func.HttpRequest) -> func.HttpResponse:
    """A function with a bug."""
    raise ValueError(req.url)


@app.activity_trigger(input_name="number")
def leave_mark(number: Any) -> Any:
    """Take a moment, then add a line to a file: one line for each run that came to its end."""
    time.sleep(0.05)
    with Path(os.environ["SAMPLE_MARKS"]).open("a", encoding="utf-8") as marks:
        marks.write(f"{number}\n")
    return number


@app.activity_trigger(input_name="seconds")
async def wait_long(seconds: float) -> str:
    """Take long, on a thread of the event loop's own."""
    await asyncio.to_thread(time.sleep, seconds)
    return "waited"


@app.activity_trigger(input_name="seconds")
async def block(seconds: float) -> str:
    """Take long on the event loop itself, a mistake that keeps everything else from running."""
    time.sleep(seconds)  # noqa: ASYNC251
    return "blocked"


@app.route(route="slow/{seconds}", methods=["GET"])
def slow(req: func.HttpRequest) -> str:
    """A function that takes as many seconds as its caller says."""
    time.sleep(float(req.route_params["seconds"]))
    return "at last"


@app.orchestration_trigger(context_name="context")
def careful(context: Any) -> Any:
    """Activities by name at once, each with its input; the first line of each failure, then one that does not fail."""
    outcomes = []
    tasks = [context.call_activity(name, value) for name, value in context.get_input()]
    for task in tasks:
        try:
            outcomes.append((yield task))
        except Exception as error:  # noqa: BLE001  # the SDK raises bare exceptions
            outcomes.append(str(error).splitlines()[0].strip())
    outcomes.append((yield context.call_activity("leave_mark", "after")))
    return outcomes


@app.orchestration_trigger(context_name="context")
def fan_out(context: Any) -> Any:
    """Many activities at once, a timer, then two more activities one after the other."""
    numbers = context.get_input()
    results = yield context.task_all([context.call_activity("leave_mark", number) for number in numbers])
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=300))
    results.append((yield context.call_activity("leave_mark", "a")))
    results.append((yield context.call_activity("leave_mark", "b")))
    return results


@app.orchestration_trigger(context_name="context")
def sleeper(context: Any) -> Any:
    """One activity that takes as many seconds as the input says."""
    return (yield context.call_activity("wait_long", context.get_input()))
