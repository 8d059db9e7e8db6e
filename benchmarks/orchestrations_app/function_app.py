"""An orchestration of ten activities that do nothing, one after the other."""

# mypy: disable-error-code="untyped-decorator"
# The SDK's decorators have no annotations.

from typing import Any

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="number")
def plus_one(number: Any) -> Any:
    """The next number."""
    return number + 1


@app.orchestration_trigger(context_name="context")
def count(context: Any) -> Any:
    """As many activities as the input says."""
    number = 0
    for _ in range(context.get_input()["activities"]):
        number = yield context.call_activity("plus_one", number)
    return number
