"""A Durable app whose only starter is a timer function."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
@app.durable_client_input(client_name="client")
async def every_second(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Start an orchestration with the second and whether it is late."""
    late = "late" if timer.past_due else "on time"
    await client.start_new("note", None, f"{datetime.now(UTC):%S} {late}")


@app.orchestration_trigger(context_name="context")
def note(context: Any) -> Any:
    """One activity."""
    yield context.call_activity("leave_mark", context.get_input())


@app.activity_trigger(input_name="text")
def leave_mark(text: str) -> None:
    """Add a line to a file."""
    with Path(os.environ["SAMPLE_MARKS"]).open("a", encoding="utf-8") as marks:
        marks.write(f"{text}\n")
