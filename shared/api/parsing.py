"""From a request's body to a `VideoRequest`, or to the contract's answer that says what is wrong with it.

The error vocabulary is the contract's (that of pydantic v1), whatever library validates: `loc`, `msg`, `type` and
`ctx`. All errors are reported at once, in field order, and none repeats what was sent.
"""

import json
import math
from collections.abc import Mapping
from typing import Final, Never

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.api.responses import BODY_TOO_LARGE, EMPTY_PROMPT, UNSUPPORTED_MEDIA_TYPE, Detail
from shared.jobs.models import VideoRequest

BODY_LIMIT_BYTES: Final = 64 * 1024
_DEPTH_LIMIT: Final = 32
_INTEGER_LIMIT: Final = 2**63

_FIELDS: Final = ("prompt", "duration", "width", "height")
_INTEGERS: Final = ("duration", "width", "height")


class BadRequest(Exception):
    """The request cannot be accepted; `status` and `detail` are the answer."""

    def __init__(self, status: int, detail: Detail) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


def parse_request(content_type: str | None, body: bytes) -> VideoRequest:
    """Return the request in `body`; raise `BadRequest` with the contract's answer where there is none."""
    if len(body) > BODY_LIMIT_BYTES:
        raise BadRequest(413, BODY_TOO_LARGE)
    if not _is_json(content_type):
        raise BadRequest(415, UNSUPPORTED_MEDIA_TYPE)
    if not body:
        raise BadRequest(422, [_error(["body"], "field required", "value_error.missing")])
    request = _validated(_fields(_parsed(body)))
    if not request.prompt.strip():
        raise BadRequest(400, EMPTY_PROMPT)
    return request


def _is_json(content_type: str | None) -> bool:
    if not content_type or not content_type.strip():
        return True
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.count("/") == 1 and kind.endswith("+json"))


def _parsed(body: bytes) -> object:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        raise _not_json("Invalid UTF-8", before, len(before)) from None
    try:
        parsed: object = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise _not_json(error.msg, text, error.pos) from None
    except RecursionError:
        raise _not_json("Too many nested levels", text, 0) from None
    except _Refused as refused:
        raise _not_json(refused.args[0], text, max(0, text.find(refused.args[1]))) from None
    _check_tree(parsed, text)
    return parsed


class _Refused(ValueError):
    """JSON that Python reads and we do not: (sentence, the token)."""


def _refuse_constant(token: str) -> Never:
    raise _Refused("Number out of range", token)


def _integer(token: str) -> int:
    # The length comes first, since Python refuses to convert thousands of digits; 20 hold every 64-bit number.
    if len(token) > 20 or not -_INTEGER_LIMIT <= int(token) < _INTEGER_LIMIT:
        raise _Refused("Number out of range", token)
    return int(token)


def _check_tree(parsed: object, text: str) -> None:
    """Refuse what is too deep, and strings that UTF-8 cannot carry; level by level, without recursion."""
    level: list[object] = [parsed]
    depth = 0
    while level:
        if depth == _DEPTH_LIMIT and any(isinstance(value, dict | list) for value in level):
            raise _not_json("Too many nested levels", text, 0)
        if any(isinstance(value, str) and not _encodable(value) for value in level):
            raise _not_json("Invalid unicode escape", text, 0)
        if any(isinstance(value, float) and not math.isfinite(value) for value in level):
            raise _not_json("Number out of range", text, 0)
        level = [inner for value in level for inner in _children(value)]
        depth += 1


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _fields(parsed: object) -> dict[str, object]:
    if not isinstance(parsed, dict):
        raise BadRequest(422, [_error(["body"], "value is not a valid dict", "type_error.dict")])
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
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return _error(["body", name], "field required", "value_error.missing")
        case "greater_than_equal":
            return _bound(name, "greater", "not_ge", int(limits["ge"]))
        case "less_than_equal":
            return _bound(name, "less", "not_le", int(limits["le"]))
        case "string_too_long":
            limit = int(limits["max_length"])
            message = f"ensure this value has at most {limit} characters"
            return _error(["body", name], message, "value_error.any_str.max_length", {"limit_value": limit})
        case _ if name in _INTEGERS:
            return _error(["body", name], "value is not a valid integer", "type_error.integer")
        case _:
            return _error(["body", name], "str type expected", "type_error.string")


def _bound(name: str, word: str, kind: str, limit: int) -> Mapping[str, object]:
    message = f"ensure this value is {word} than or equal to {limit}"
    return _error(["body", name], message, f"value_error.number.{kind}", {"limit_value": limit})


def _not_json(message: str, text: str, position: int) -> BadRequest:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    context = {"msg": message, "pos": position, "lineno": line, "colno": column}
    return BadRequest(422, [_error(["body", position], message, "value_error.jsondecode", context)])


def _error(
    location: list[str | int], message: str, kind: str, context: Mapping[str, object] | None = None
) -> Mapping[str, object]:
    described: dict[str, object] = {"loc": location, "msg": message, "type": kind}
    return described if context is None else {**described, "ctx": context}
