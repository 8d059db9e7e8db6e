"""A Durable app with one orchestrator for each behaviour of the engine that the tests look at."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

Story = Generator[Any, Any, Any]

app = df.DFApp()


@app.activity_trigger(input_name="value")
def echo(value: Any) -> Any:
    """The input."""
    return value


@app.activity_trigger(input_name="value")
async def echo_async(value: Any) -> Any:
    """The input, from the event loop."""
    return value


@app.activity_trigger(input_name="text")
def fail(text: str) -> None:
    """A failure with this text."""
    raise ValueError(text)


@app.activity_trigger(input_name="value")
def exit_hard(value: Any) -> None:
    """An activity that tries to end the process."""
    raise SystemExit(value)


@app.activity_trigger(input_name="value")
async def exit_hard_async(value: Any) -> None:
    """The same on the event loop."""
    raise SystemExit(value)


@app.orchestration_trigger(context_name="context")
def chain(context: Any) -> Story:
    """Two activities, one after the other."""
    first = yield context.call_activity("echo", context.get_input())
    second = yield context.call_activity("ECHO_async", {"was": first, "ü": None})
    return [first, second]


@app.orchestration_trigger(context_name="context")
def fan_out(context: Any) -> Story:
    """As many activities at once as the input says."""
    return (yield context.task_all([context.call_activity("echo", number) for number in range(context.get_input())]))


@app.orchestration_trigger(context_name="context")
def nap(context: Any) -> Story:
    """A timer of as many hours as the input says."""
    begin = context.current_utc_datetime
    yield context.create_timer(begin + timedelta(hours=context.get_input()))
    return (context.current_utc_datetime - begin).total_seconds()


@app.orchestration_trigger(context_name="context")
def approval(context: Any) -> Story:
    """An event or an hour, whatever comes first; the input says whether a losing timer is cancelled."""
    event = context.wait_for_external_event("Approve")
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    context.set_custom_status("waiting")
    winner = yield context.task_any([event, timer])
    if winner == timer:
        return "too late"
    if context.get_input():
        timer.cancel()
    return event.result


@app.orchestration_trigger(context_name="context")
def patient(context: Any) -> Story:
    """An event, whenever it comes."""
    return (yield context.wait_for_external_event("Go"))


@app.orchestration_trigger(context_name="context")
def stubborn(context: Any) -> Story:
    """Three attempts at something that always fails, then an activity that works."""
    try:
        yield context.call_activity_with_retry("fail", df.RetryOptions(60_000, 3), "no")
    except Exception as error:  # noqa: BLE001  # the SDK raises bare exceptions
        reason = str(error).split("\n")[0]
    return [reason, (yield context.call_activity("echo", "after"))]


@app.orchestration_trigger(context_name="context")
def uncaught(context: Any) -> Story:
    """A failing activity that nobody catches."""
    return (yield context.call_activity(context.get_input(), "bad"))


@app.orchestration_trigger(context_name="context")
def parent(context: Any) -> Story:
    """A child with an id of its own and one without."""
    named = yield context.call_sub_orchestrator("chain", 1, f"{context.instance_id}-child")
    unnamed = yield context.call_sub_orchestrator("chain", 2)
    return [named, unnamed]


@app.orchestration_trigger(context_name="context")
def unstorable(context: Any) -> Story:
    """A child whose id no store can hold."""
    return (yield context.call_sub_orchestrator("chain", 1, "\ud800"))


@app.orchestration_trigger(context_name="context")
def counter(context: Any) -> Story:
    """Continues as new until the input is 3, an hour and one event each time; a status in the first generation only."""
    number = context.get_input()
    if number == 0:
        context.set_custom_status({"generation": 0})
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    if number < 3:  # see the docstring
        context.continue_as_new(number + 1)
        return None
    return number


@app.orchestration_trigger(context_name="context")
def big_status(context: Any) -> Story:
    """A custom status of as many characters as the input says."""
    context.set_custom_status("x" * context.get_input())
    yield context.call_activity("echo", 1)
    return "fits"


@app.orchestration_trigger(context_name="context")
def misnamed(context: Any) -> Story:
    """An activity that does not exist."""
    return (yield context.call_activity("no_such_activity", 1))


@app.orchestration_trigger(context_name="context")
def fickle(context: Any) -> Story:
    """Asks for another activity on replay than at first."""
    yield context.call_activity("echo" if not context.is_replaying else "echo_async", 1)
    return (yield context.wait_for_external_event("Never"))


@app.orchestration_trigger(context_name="context")
def over_http(context: Any) -> Story:
    """A call of a web page, which the local host does not make."""
    return (yield context.call_http("GET", "http://127.0.0.1/"))
