"""Reading the OpenAPI document as its users do: by operation, and by schema."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from shared.api.openapi_document import document

Operation = dict[str, Any]


def described(*, needs_key: bool = True) -> dict[str, Any]:
    """Return the whole document."""
    return document(needs_key=needs_key)


def operations(*, needs_key: bool = True) -> Iterator[tuple[str, str, Operation]]:
    """Yield path, method and description of every operation."""
    for path, methods in described(needs_key=needs_key)["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def operation(operation_id: str) -> Operation:
    """Return the operation of this id."""
    [found] = [each for _, _, each in operations() if each["operationId"] == operation_id]
    return found


def validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator for a schema of the document, by a library of its own that reads patterns as ECMA has them."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": described()["components"]})
