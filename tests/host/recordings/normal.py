"""Messages without what differs from run to run: moments, generated ids, stack traces, addresses.

Texts that hold JSON are read, to any depth, so that a stack trace in an exception in a result in a history is found.
"""

import json
import re
from typing import Any

_MOMENT = re.compile(r"(?!2026-01-02T0[13]:04:05)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
"""A moment, but for the ones that the recorded app itself uses as data."""

_GENERATED = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_ORIGIN = re.compile(r"http://127\.0\.0\.1:\d+")
_STACK = re.compile(r"\nStack: .*", re.DOTALL)
_DOT_NET_STACK = re.compile(r", StackTrace: .*", re.DOTALL)
_KNOWN_NAMES = re.compile(r"(known orchestrator functions: ).*")
"""In no order there, and the app had fewer functions when some cases were recorded."""

_STATE = "\n\n$OutOfProcData$:"
_DETAILS = ' \n {"$type"'
_DOT_NET_FIELDS = ("$type", "ClassName", "Message")
"""What is compared of an exception that .NET has written as JSON; the rest of it is stack traces and empty fields."""


def normal(value: Any) -> Any:
    """The value without what differs from run to run; the order of fields stays."""
    match value:
        case dict() if "$type" in value:
            return {name: normal(value.get(name)) for name in _DOT_NET_FIELDS}
        case dict() if str(value.get("ExceptionType", "")).startswith("Newtonsoft.Json"):
            # The sentence of the JSON reader is .NET's there and Python's here.
            return {name: "<not compared>" if name in _READER else normal(item) for name, item in value.items()}
        case dict():
            return {name: normal(item) if name != "StackTrace" else "<stack>" for name, item in value.items()}
        case list() | tuple():
            return [normal(item) for item in value]
        case str():
            return _normal_text(value)
        case _:
            return value


_READER = ("ExceptionMessage", "StackTrace")


def _normal_text(text: str) -> Any:
    if text[:1] in {"{", "[", '"'}:
        try:
            return {"<json>": normal(json.loads(text))}
        except ValueError:
            pass
    text = _STACK.sub("\nStack: <stack>", text)
    before, details, _ = text.partition(_DETAILS)
    if details:
        shown, end = json.JSONDecoder().raw_decode(text, len(before) + len(" \n "))
        return [_normal_text(before), normal(shown), _normal_text(text[end:])]
    before, label, state = text.partition(_STATE)
    if label:
        return [_normal_text(before), _normal_text(_STACK.sub("", state))]
    text = _KNOWN_NAMES.sub(r"\1<names>", _DOT_NET_STACK.sub(", StackTrace: <stack>", text))
    text = _ORIGIN.sub("<origin>", text)
    return _ADDRESS.sub(" at <address>", _GENERATED.sub("<id>", _MOMENT.sub("<moment>", text)))
