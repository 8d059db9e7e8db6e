"""Orchestrations whose outputs say whether a message was lost or came twice."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

import os
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df

app = df.DFApp()

LONGEST_SECONDS = 0.15


def later(context: Any, seconds: float) -> Any:
    """A timer."""
    return context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))


@app.activity_trigger(input_name="value")
def echo(value: Any) -> Any:
    """The input, after a moment."""
    time.sleep(random.uniform(0, LONGEST_SECONDS))  # noqa: S311
    return value


@app.activity_trigger(input_name="value")
async def echo_async(value: Any) -> Any:
    """The input, from the event loop."""
    return value


@app.activity_trigger(input_name="order")
def flaky(order: Any) -> Any:
    """Fail so many times, counted in a file of the order's name; killed runs count, too."""
    path = Path(os.environ["SOAK_COUNTS"]) / order["name"]
    with path.open("a", encoding="utf-8") as file:
        file.write("x")
    time.sleep(random.uniform(0, LONGEST_SECONDS))  # noqa: S311
    if path.stat().st_size <= order["failures"]:
        raise RuntimeError(order["name"])
    return "done"


@app.orchestration_trigger(context_name="context")
def chain(context: Any) -> Any:
    """Activities one after the other."""
    values = []
    for number in range(context.get_input()):
        value = yield context.call_activity("echo" if number % 2 else "echo_async", number)
        values += [value]
    return values


@app.orchestration_trigger(context_name="context")
def fan(context: Any) -> Any:
    """Activities and timers at once, then one more activity."""
    count = context.get_input()
    tasks = [context.call_activity("echo", number) for number in range(count)]
    timers = [later(context, 0.1 * number) for number in range(count)]
    results = yield context.task_all([*tasks, *timers])
    return [*results[:count], (yield context.call_activity("echo", "end"))]


@app.orchestration_trigger(context_name="context")
def retry(context: Any) -> Any:
    """An activity that fails at first."""
    order = {"name": context.instance_id, "failures": context.get_input()}
    return (yield context.call_activity_with_retry("flaky", df.RetryOptions(100, order["failures"] + 1), order))


@app.orchestration_trigger(context_name="context")
def events(context: Any) -> Any:
    """Events in order, each waited for once; between them a timer."""
    values = []
    for number in range(context.get_input()):
        values.append((yield context.wait_for_external_event(f"event{number}")))
        yield later(context, 0.1)
    return values


@app.orchestration_trigger(context_name="context")
def race(context: Any) -> Any:
    """An event or a second, whatever comes first."""
    event, timer = context.wait_for_external_event("go"), later(context, 1)
    winner = yield context.task_any([event, timer])
    if winner == event:
        timer.cancel()
    return (yield context.call_activity("echo", "event" if winner == event else "timer"))


@app.orchestration_trigger(context_name="context")
def family(context: Any) -> Any:
    """A child with an id of its own, one without, and one that tries again; at once."""
    named = context.call_sub_orchestrator("chain", 2, f"{context.instance_id}-child")
    unnamed = context.call_sub_orchestrator("chain", 3)
    stubborn = context.call_sub_orchestrator("retry", 1, f"{context.instance_id}-stubborn")
    return (yield context.task_all([named, unnamed, stubborn]))


@app.orchestration_trigger(context_name="context")
def eternal(context: Any) -> Any:
    """Continue as new until nothing is left; a timer and an activity each time."""
    state = context.get_input()
    yield later(context, 0.05)
    seen = yield context.call_activity("echo", state["left"])
    if state["left"] == 0:
        return [*state["seen"], seen]
    context.continue_as_new({"left": state["left"] - 1, "seen": [*state["seen"], seen]})
    return None


@app.orchestration_trigger(context_name="context")
def forever(context: Any) -> Any:
    """Wait for what never comes."""
    yield context.wait_for_external_event("never")
