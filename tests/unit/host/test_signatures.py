"""The load-time checks, held against Microsoft's own worker library where it runs (Python 3.13 and later)."""

import inspect
import typing
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from devtools.host.signatures import Binding, SignatureError, check_signature


class Payload:
    """A class of the app's own."""


def none_at_all(value): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # annotations may be missing
def text(value: str) -> str: ...  # type: ignore[empty-body]  # only the signature counts
def number(value: int) -> int: ...  # type: ignore[empty-body]  # as above
def own_class(value: Payload) -> Payload: ...  # type: ignore[empty-body]  # as above
def anything(value: Any) -> Any: ...
def bare(value: dict) -> list: ...  # type: ignore[type-arg, empty-body]  # as above
def old_generic(value: typing.List[int]) -> None: ...  # noqa: UP006  # the spelling is the point
def old_dict(value: typing.Dict[str, int]) -> None: ...  # noqa: UP006  # as above
def sequence(value: typing.Sequence[int]) -> None: ...  # as above
def new_sequence(value: Sequence[int]) -> None: ...
def new_generic(value: list[int]) -> None: ...
def old_tuple(value: typing.Tuple[int, int]) -> None: ...  # noqa: UP006  # as above
def callback(value: Callable[[], None]) -> None: ...
def optional(value: typing.Optional[str]) -> None: ...  # noqa: UP045  # as above
def union(value: str | int) -> None: ...
def returns_union(value: str) -> str | None: ...
def returns_generic(value: str) -> list[int]: ...  # type: ignore[empty-body]  # only the signature counts
def out_parameter(value: func.Out[str]) -> None: ...
def second(value: str, other: str) -> None: ...
def second_with_default(value: str, other: str = "") -> None: ...
def renamed(other: str) -> None: ...
def context_last(value: str, context: func.Context) -> None: ...
def context_bare(value, context): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # as above
def context_of_other_type(value: str, context: str) -> None: ...
def keyword_only(*, value: str) -> None: ...


ACTIVITIES = [
    none_at_all,
    text,
    number,
    own_class,
    anything,
    bare,
    old_generic,
    old_dict,
    sequence,
    new_sequence,
    new_generic,
    old_tuple,
    callback,
    optional,
    union,
    returns_union,
    returns_generic,
    out_parameter,
    second,
    second_with_default,
    renamed,
    context_last,
    context_bare,
    context_of_other_type,
    keyword_only,
]


REFUSED = {
    new_sequence,
    new_generic,
    old_tuple,
    callback,
    optional,
    union,
    out_parameter,
    second,
    second_with_default,
    renamed,
    context_of_other_type,
}


def is_accepted_here(function: Any) -> bool:
    """Whether our checks let it pass."""
    bindings = [Binding(b.name, b.type, b.direction) for b in function.get_bindings()]
    try:
        check_signature(function.get_user_function(), bindings)
    except SignatureError:
        return False
    return True


def is_accepted_by_the_worker(function: Any) -> bool:
    """Whether Microsoft's worker library loads it."""
    worker = pytest.importorskip("azure_functions_runtime.functions")
    pytest.importorskip("azure_functions_runtime.bindings.meta").load_binding_registry()
    # All that the library reads of the protocol's generated classes.
    protos = SimpleNamespace(BindingInfo=SimpleNamespace(inout=2, out=1, undefined=0))
    try:
        worker.Registry().add_indexed_function(function, protos)
    except (worker.FunctionLoadError, TypeError):  # with a web extension loaded, Optional trips the library itself
        return False
    return True


def indexed_activity(function: Callable[..., Any]) -> Any:
    """The function as the SDK indexes it, with the input `value`."""
    app = df.DFApp()
    app.activity_trigger(input_name="value")(function)
    (indexed,) = app.get_functions()
    return indexed


@pytest.mark.parametrize("function", ACTIVITIES, ids=lambda function: function.__name__)
def test_activity_is_refused_for_what_the_worker_cannot_bind(function: Callable[..., Any]) -> None:
    """The table, on every Python."""
    assert is_accepted_here(indexed_activity(function)) == (function not in REFUSED)


@pytest.mark.parametrize("function", ACTIVITIES, ids=lambda function: function.__name__)
def test_worker_agrees_with_the_table(function: Callable[..., Any]) -> None:
    """No function may load here and fail on Azure, nor the other way round."""
    assert is_accepted_by_the_worker(indexed_activity(function)) == (function not in REFUSED)


def starts(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None: ...
def starts_extra(timer: func.TimerRequest, client: str, other: int) -> None: ...


@pytest.mark.parametrize("function", [starts, starts_extra], ids=lambda function: function.__name__)
def test_function_with_a_durable_client_is_judged_as_the_worker_judges_it(function: Callable[..., Any]) -> None:
    """The SDK turns the client's annotation into a string before the worker looks."""
    app = df.DFApp()
    with_client = app.durable_client_input(client_name="client")(function)
    app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")(with_client)
    (indexed,) = app.get_functions()

    assert is_accepted_here(indexed) == is_accepted_by_the_worker(indexed)


@pytest.mark.parametrize("name", ["context", "ctx"])
def test_orchestrator_is_judged_as_the_worker_judges_it(name: str) -> None:
    """The SDK's handle has a parameter named `context`, whatever the app's function calls it."""
    app = df.DFApp()
    app.orchestration_trigger(context_name=name)(none_at_all)
    (indexed,) = app.get_functions()

    assert is_accepted_here(indexed) == is_accepted_by_the_worker(indexed) == (name == "context")
    assert "context" in inspect.signature(indexed.get_user_function()).parameters
