"""Stand-ins for the protobuf messages between the Functions host and Microsoft's Python worker library.

The library is handed its message classes and only names their fields, so plain objects do; `WhichOneof` is the one
protobuf method that it calls.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """Any message: the fields that it was made with."""


class OneOf(Message):
    """A message with exactly one of several fields, whose name the library asks for."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - as protobuf has it
        """Return the name of the field that is set."""
        (name,) = vars(self)
        return name


class BindingInfo(Message):
    """A binding; the numbers are its directions, and the data type that is not declared."""

    undefined, out, inout = 0, 1, 2


class StatusResult(Message):
    """Whether a request went well."""

    Failure, Success = 0, 1


PROTOS = SimpleNamespace(
    BindingInfo=BindingInfo,
    StatusResult=StatusResult,
    **dict.fromkeys(
        (
            "FunctionLoadResponse",
            "FunctionMetadataResponse",
            "InvocationResponse",
            "RpcException",
            "RpcFunctionMetadata",
            "TypedData",
            "WorkerInitResponse",
            "WorkerMetadata",
        ),
        Message,
    ),
)
"""The classes that the library builds its answers of."""


def request(kind: str, **fields: Any) -> Message:
    """Wrap a message as it arrives over the stream between the two."""
    return Message(request=Message(**{kind: Message(**fields)}), properties={"protos": PROTOS, "host": "127.0.0.1"})


def invocation(
    function_id: str, invocation_id: str, route: tuple[str, Mapping[str, str]], texts: Mapping[str, str]
) -> Message:
    """Call an HTTP function: `route` is the request's parameter and its path parameters, `texts` the other inputs.

    The request itself is not in it: with the capability `HttpUri` that one goes to the worker's own server.
    """
    parameter, values = route
    http = Message(method="", url="", headers={}, query={}, params=dict(values), body=_Empty())
    inputs = {parameter: OneOf(http=http), **{name: OneOf(string=text) for name, text in texts.items()}}
    return request(
        "invocation_request",
        function_id=function_id,
        invocation_id=invocation_id,
        input_data=_bindings(inputs),
        trigger_metadata={},
        trace_context=Message(trace_parent="", trace_state="", attributes={}),
        retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
    )


class _Empty(Message):
    def WhichOneof(self, _group: str) -> None:  # noqa: N802 - as protobuf has it
        return None


class _Binding(Message):
    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - as protobuf has it
        return "data"


def _bindings(inputs: Mapping[str, OneOf]) -> Sequence[_Binding]:
    return [_Binding(name=name, data=data) for name, data in inputs.items()]
