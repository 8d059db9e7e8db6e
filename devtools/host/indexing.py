"""Turns an app object into a catalogue, refusing what the real worker refuses when it loads an app.

The checks follow Microsoft's worker library (azure-functions-runtime 1.3.0, its `functions` module), which runs only on
Python 3.13 and later: an app that loads here is to load on Azure.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import azure.functions as func

from devtools.host.catalog import AppFunction, Catalog
from devtools.host.schedule import Schedule, ScheduleError
from devtools.host.signatures import Binding, SignatureError, check_signature, uses_web_extension

_SERVED = {
    *("httpTrigger", "http", "durableClient", "orchestrationTrigger", "activityTrigger", "timerTrigger"),
    "queueTrigger",
}
# The real host's rule and sentence (Azure/azure-functions-host, `Utility.cs`).
_NAME = re.compile(r"(?!host\Z)[a-z][a-z0-9_-]{0,127}", re.IGNORECASE | re.ASCII)


class AppRefusedError(Exception):
    """The app cannot be loaded. `problems` has one sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def index(app: func.FunctionRegister) -> Catalog:
    """The app's functions. Raises AppRefusedError with everything that is wrong."""
    # The app remembers the names of an earlier call and would take the second for duplicates.
    app.functions_bindings = {}
    try:
        functions = app.get_functions()
    except ValueError as error:
        raise AppRefusedError([str(error)]) from error
    problems: list[str] = []
    accepted: list[AppFunction] = []
    for function in functions:
        try:
            accepted.append(_accept(function))
        except (SignatureError, ScheduleError) as error:
            problems.append(f"cannot load the {function.get_function_name()} function: {error}")
    http = [function for function in accepted if function.trigger["type"] == "httpTrigger"]
    orchestrators = _by_name(accepted, "orchestrationTrigger", problems)
    activities = _by_name(accepted, "activityTrigger", problems)
    if not functions:
        problems.append("the app has no functions")
    if problems:
        raise AppRefusedError(problems)
    return Catalog(
        http=tuple(http),
        orchestrators=orchestrators,
        activities=activities,
        timers=tuple(function for function in accepted if function.trigger["type"] == "timerTrigger"),
        queues=tuple(function for function in accepted if function.trigger["type"] == "queueTrigger"),
        uses_web_extension=uses_web_extension(),
    )


def _accept(function: Any) -> AppFunction:
    name: str = function.get_function_name()
    if not _NAME.fullmatch(name):
        raise SignatureError(f"{name!r} is not a valid function name.")
    raw = [json.loads(text) for text in function.get_raw_bindings()]
    bindings = [
        Binding(plain["name"], plain["type"], binding.direction)
        for plain, binding in zip(raw, function.get_bindings(), strict=True)
    ]
    trigger = next((plain for plain in raw if plain["type"].endswith("Trigger")), None)
    if trigger is None:
        raise SignatureError("it has no trigger")
    if trigger["type"] not in _SERVED:
        raise SignatureError(f'the local host does not serve the trigger type "{trigger["type"]}"')
    for binding in bindings:
        if binding.type not in _SERVED:
            raise SignatureError(f'the local host does not serve the binding type "{binding.type}"')
    if trigger["type"] == "timerTrigger":
        Schedule(str(trigger.get("schedule")))
    call = function.get_user_function()
    signature = check_signature(call, bindings)
    return AppFunction(
        name=name,
        call=call,
        trigger=trigger,
        clients=tuple(binding.name for binding in bindings if binding.type == "durableClient"),
        wants_context=signature.wants_context,
    )


def _by_name(functions: list[AppFunction], trigger: str, problems: list[str]) -> Mapping[str, AppFunction]:
    found: dict[str, AppFunction] = {}
    for function in functions:
        if function.trigger["type"] != trigger:
            continue
        key = function.durable_name.lower()
        if key in found:
            problems.append(f"the durable name {function.durable_name!r} is used twice (names ignore case)")
        found[key] = function
    return found
