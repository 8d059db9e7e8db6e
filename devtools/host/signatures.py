"""Whether a function's parameters and annotations fit its bindings, by the rules of the real worker.

Own code after the worker library's `validate_function_params`, `is_context_required` and `get_function_return_type`
(azure-functions-runtime 1.3.0), with its sentences, because developers will meet the same ones on Azure.
"""

import inspect
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devtools.host.converters import converter_of

_OUT, _INOUT = 1, 2
# Origins that the worker does not count as generic types, so an annotation made of them is refused.
_NOT_GENERIC = (typing.Union, tuple, typing.ClassVar)


class SignatureError(Exception):
    """The worker would not load this function; the text says why."""


@dataclass(frozen=True)
class Binding:
    """A binding by name, type and direction (0 in, 1 out, 2 both)."""

    name: str
    type: str
    direction: int


@dataclass(frozen=True)
class Signature:
    """What the worker has to know beyond the bindings."""

    wants_context: bool


def uses_web_extension() -> bool:
    """Whether the app has imported a web extension, which then serves all its HTTP functions."""
    base = sys.modules.get("azurefunctions.extensions.base")
    return base is not None and bool(base.HttpV2FeatureChecker.http_v2_enabled())


def check_signature(call: Callable[..., Any], bindings: list[Binding]) -> Signature:
    """Check one function. Raises SignatureError."""
    parameters = dict(inspect.signature(call).parameters)
    try:
        annotations = typing.get_type_hints(call)
    except Exception as error:
        raise SignatureError(f"its annotations cannot be read: {error}") from error
    bound: dict[str, Binding] = {}
    for binding in bindings:
        _check_direction(binding)
        if binding.name != "$return":
            bound[binding.name] = binding
    wants_context = _takes_context(parameters, bound, annotations)
    _check_names(set(parameters), set(bound))
    for name in parameters:
        if name in annotations:
            _check_parameter(bound[name], annotations[name])
    returned = next((binding for binding in bindings if binding.name == "$return"), None)
    if returned is not None and "return" in annotations:
        _check_return(returned, annotations["return"])
    return Signature(wants_context)


def _check_direction(binding: Binding) -> None:
    if binding.direction == _INOUT:
        raise SignatureError('"inout" bindings are not supported')
    if binding.name == "$return" and binding.direction != _OUT:
        raise SignatureError('"$return" binding must have direction set to "out"')


def _takes_context(parameters: dict[str, Any], bound: dict[str, Binding], annotations: dict[str, Any]) -> bool:
    if "context" not in parameters or "context" in bound:
        return False
    del parameters["context"]
    annotation = annotations.get("context")
    if annotation is not None and not (isinstance(annotation, type) and annotation.__name__ == "Context"):
        raise SignatureError(
            f'the "context" parameter is expected to be of type azure.functions.Context, got "{annotation!r}"'
        )
    return True


def _check_names(parameters: set[str], bound: set[str]) -> None:
    if parameters - bound:
        raise SignatureError(
            "the following parameters are declared in Python but not in the function definition "
            f"(function.json or function decorators): {sorted(parameters - bound)}"
        )
    if bound - parameters:
        raise SignatureError(
            "the following parameters are declared as bindings but are not present in Python: "
            f"{sorted(bound - parameters)}"
        )


def _check_parameter(binding: Binding, annotation: Any) -> None:
    is_out = getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out"
    value_type = annotation
    if is_out:
        arguments = typing.get_args(annotation)
        if len(arguments) != 1:
            raise SignatureError(f"binding {binding.name} has invalid Out annotation {annotation!r}")
        value_type = arguments[0]
    if not _is_plain_type(value_type) and not _is_generic(value_type):
        raise SignatureError(f"binding {binding.name} has invalid non-type annotation {annotation!r}")
    if (binding.direction == _OUT) != is_out:
        direction = "out" if binding.direction == _OUT else "in"
        raise SignatureError(
            f'binding {binding.name} is declared to have the "{direction}" direction, '
            f"but its annotation in Python is{' not' if direction == 'out' else ''} azure.functions.Out"
        )
    if not _fits(binding, value_type, is_out=is_out):
        raise SignatureError(
            f'type of {binding.name} binding in the binding decorator "{binding.type}" '
            f'does not match its Python annotation "{getattr(value_type, "__name__", value_type)}"'
        )


def _check_return(binding: Binding, annotation: Any) -> None:
    if not isinstance(annotation, type):
        raise SignatureError(f"has invalid non-type return annotation {annotation!r}")
    if not _fits(binding, annotation, is_out=True):
        raise SignatureError(
            f'Python return annotation "{annotation.__name__}" does not match binding type "{binding.type}"'
        )


def _fits(binding: Binding, value_type: Any, *, is_out: bool) -> bool:
    if uses_web_extension() and binding.type in {"httpTrigger", "http"}:
        base = sys.modules["azurefunctions.extensions.base"]
        tracker = base.ResponseTrackerMeta if binding.type == "http" else base.RequestTrackerMeta
        return bool(tracker.check_type(value_type))
    converter = converter_of(binding.type)
    if converter is None or (value_type in {str, bytes} and not _has_implicit_output(converter)):
        return isinstance(value_type, type) and issubclass(value_type, (str, bytes))
    check = converter.check_output_type_annotation if is_out else converter.check_input_type_annotation
    return bool(check(value_type))


def _has_implicit_output(converter: Any) -> bool:
    return bool(getattr(converter, "has_implicit_output", lambda: False)())


def _is_plain_type(annotation: Any) -> bool:
    # Any is a class from 3.11 on. `list[dict]` passes isinstance(..., type) nowhere from 3.11 on.
    return isinstance(annotation, type)


def _is_generic(annotation: Any) -> bool:
    """Generics of `typing` such as `typing.List[int]`; `list[int]` is none by the worker's reckoning."""
    is_typing_alias = type(annotation).__name__ in {"_GenericAlias", "_SpecialGenericAlias"}
    return is_typing_alias and typing.get_origin(annotation) not in _NOT_GENERIC
