"""From a request's body to a `VideoRequest`, or to the contract's answer that says what is wrong with it.

All errors are reported at once, in field order, and none repeats what was sent. The words are in `refusals`.
"""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.api.json_text import NotJson, read_json
from shared.api.refusals import BODY_LIMIT_BYTES, REFUSALS
from shared.api.responses import Detail
from shared.jobs.models import VideoRequest

_JSON_DIALECT: Final = re.compile(r"[\w.!#$&^-]+/[\w.!#$&^+-]+\+json", re.ASCII)
"""A media type with the suffix of RFC 6839; its names are those of RFC 6838."""

_FIELDS: Final = ("prompt", "duration", "width", "height")
_INTEGERS: Final = ("duration", "width", "height")

_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("too-small", "ge"),
    "less_than_equal": ("too-big", "le"),
    "string_too_long": ("too-long", "max_length"),
}
"""Of pydantic's errors that have a bound: the row, and where pydantic says the bound."""


class BadRequest(Exception):
    """The request cannot be accepted; `status` and `detail` are the answer."""

    def __init__(self, status: int, detail: Detail) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


def parse_body(content_type: str | None, body: bytes) -> VideoRequest:
    """Return the request in `body`; raise `BadRequest` with the contract's answer where there is none."""
    if len(body) > BODY_LIMIT_BYTES:
        raise refused("too-large")
    if not _is_json(content_type):
        raise refused("media-type")
    if not body:
        raise BadRequest(422, [_described("no-body", ["body"])])
    request = _validated(_fields(_parsed(body)))
    if not request.prompt.strip():
        raise refused("empty-prompt")
    return request


def _is_json(content_type: str | None) -> bool:
    if not content_type or not content_type.strip():
        return True
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or _JSON_DIALECT.fullmatch(kind) is not None


def _parsed(body: bytes) -> object:
    try:
        return read_json(body)
    except NotJson as error:
        place = f"line {error.line} column {error.column} (char {error.position})"
        message = REFUSALS["not-json"].message.format(reason=error.reason, position=place)
        context = {"msg": error.reason, "pos": error.position, "lineno": error.line, "colno": error.column}
        described = _described("not-json", ["body", error.position], message=message, context=context)
        raise BadRequest(422, [described]) from None


def _fields(parsed: object) -> dict[str, object]:
    if not isinstance(parsed, dict):
        raise BadRequest(422, [_described("not-an-object", ["body"])])
    # `null` for an optional field means its default; for `prompt`, that it is missing a value of the right type.
    return {name: parsed[name] for name in _FIELDS if name in parsed and (parsed[name] is not None or name == "prompt")}


def _validated(fields: Mapping[str, object]) -> VideoRequest:
    mistyped = {name for name in _INTEGERS if isinstance(fields.get(name), str | bool)}
    try:
        # Strings and booleans are no integers here; what stands in for them fails in the same place and order.
        request = VideoRequest.model_validate({**fields, **dict.fromkeys(mistyped, None)})
    except ValidationError as invalid:
        raise BadRequest(422, [_translated(error) for error in invalid.errors()]) from None
    return request


def _translated(error: ErrorDetails) -> Mapping[str, object]:
    name = str(error["loc"][0])
    location: list[str | int] = ["body", name]
    if error["type"] in _BOUNDS:
        row, bound = _BOUNDS[error["type"]]
        limit = int(error["ctx"][bound])
        message = REFUSALS[row].message.format(limit=limit)
        return _described(row, location, message=message, context={"limit_value": limit})
    if error["type"] == "missing":
        return _described("missing", location)
    return _described("not-an-integer" if name in _INTEGERS else "not-a-string", location)


def refused(row: str) -> BadRequest:
    """Return what a row of the table answers that has one sentence."""
    return BadRequest(REFUSALS[row].status, REFUSALS[row].message)


def _described(
    row: str, location: list[str | int], *, message: str | None = None, context: Mapping[str, object] | None = None
) -> Mapping[str, object]:
    refusal = REFUSALS[row]
    described: dict[str, object] = {"loc": location, "msg": message or refusal.message, "type": refusal.kind}
    return described if context is None else {**described, "ctx": context}
