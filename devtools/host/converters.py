"""The converters of `azure.functions`: how values of a binding type are checked, read and written."""

from typing import Any

import azure.functions as func


def converter_of(binding_type: str) -> Any:
    """The converter of a binding type, None for a type without one."""
    return func.get_binding_registry().get(binding_type)  # type: ignore[no-untyped-call]  # has no annotations
