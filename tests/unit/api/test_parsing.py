import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from shared.api.parsing import BadRequest, parse_body
from shared.api.refusals import BODY_LIMIT_BYTES, REFUSALS
from shared.jobs.models import VideoRequest
from tests.unit.api.calling import read_request

JSON = "application/json"
Fault = Mapping[str, object]

EMPTY_PROMPT = "Invalid prompt: prompt cannot be empty"
PRETZEL = "\N{PRETZEL}"


def fault(field: str, msg: str, kind: str, **ctx: object) -> Fault:
    described: Fault = {"loc": ["body", field], "msg": msg, "type": kind}
    return {**described, "ctx": ctx} if ctx else described


def missing(field: str) -> Fault:
    return fault(field, "field required", "value_error.missing")


def no_integer(field: str) -> Fault:
    return fault(field, "value is not a valid integer", "type_error.integer")


def too_small(field: str, limit: int) -> Fault:
    msg = f"ensure this value is greater than or equal to {limit}"
    return fault(field, msg, "value_error.number.not_ge", limit_value=limit)


def too_large(field: str, limit: int) -> Fault:
    msg = f"ensure this value is less than or equal to {limit}"
    return fault(field, msg, "value_error.number.not_le", limit_value=limit)


NO_TEXT = fault("prompt", "str type expected", "type_error.string")
TOO_LONG = fault(
    "prompt", "ensure this value has at most 1000 characters", "value_error.any_str.max_length", limit_value=1000
)
NO_BODY: Fault = {"loc": ["body"], "msg": "field required", "type": "value_error.missing"}
NO_OBJECT: Fault = {"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}


def sized(size: int) -> bytes:
    """A valid body of exactly `size` bytes: the rest is in a field that nobody reads."""
    empty = b'{"prompt":"a","rest":""}'
    return empty.replace(b'""}', b'"' + b"x" * (size - len(empty)) + b'"}')


def nested(levels: int) -> bytes:
    """A valid object with `levels` levels, its own included."""
    return b'{"prompt":"a","rest":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def with_duration(token: str) -> bytes:
    return b'{"prompt":"a","duration":' + token.encode() + b"}"


@dataclass(frozen=True)
class Accepted:
    id: str
    body: bytes
    request: VideoRequest
    content_type: str | None = JSON


def accepted(id_: str, body: bytes, content_type: str | None = JSON, **fields: Any) -> Accepted:
    return Accepted(id_, body, VideoRequest(**{"prompt": "a", **fields}), content_type)


PLAIN = b'{"prompt":"a"}'

ACCEPTED = [
    accepted("defaults", PLAIN, duration=10, width=1920, height=1080),
    accepted(
        "the contract's first example",
        b'{\n    "prompt": "A golden retriever playing in a sunny park",\n    "duration": 15,\n'
        b'    "width": 1920,\n    "height": 1080\n  }',
        prompt="A golden retriever playing in a sunny park",
        duration=15,
    ),
    accepted(
        "the contract's second example",
        b'{\n    "prompt": "A bustling city street at night with neon lights",\n    "duration": 20,\n'
        b'    "width": 1280,\n    "height": 720\n  }',
        prompt="A bustling city street at night with neon lights",
        duration=20,
        width=1280,
        height=720,
    ),
    accepted(
        "lower bounds", b'{"prompt":"a","duration":1,"width":256,"height":256}', duration=1, width=256, height=256
    ),
    accepted(
        "upper bounds", b'{"prompt":"a","duration":60,"width":4096,"height":4096}', duration=60, width=4096, height=4096
    ),
    accepted("no content type", PLAIN, content_type=None),
    accepted("blank content type", PLAIN, content_type=" "),
    accepted("parameters in the content type", PLAIN, content_type="application/json; charset=utf-8"),
    accepted("odd case in the content type", PLAIN, content_type="Application/JSON;Charset=UTF-8"),
    accepted("a JSON dialect", PLAIN, content_type="application/vnd.example+json; v=1"),
    accepted("whole float", with_duration("10.0"), duration=10),
    accepted("whole float with exponent", with_duration("1e1"), duration=10),
    accepted("null is the default", b'{"prompt":"a","duration":null,"width":null,"height":null}'),
    accepted("the last of duplicate keys wins", b'{"prompt":"b","duration":99,"duration":5,"prompt":"a"}', duration=5),
    accepted("unknown fields are ignored", b'{"prompt":"a","model":"other","n":[1.5,{}],"":null}'),
    accepted("white space around it", b' \r\n\t{"prompt":"a"}\n'),
    accepted("white space around the prompt is kept", b'{"prompt":"  a "}', prompt="  a "),
    accepted("64 KB exactly", sized(BODY_LIMIT_BYTES)),
    accepted("32 levels", nested(32)),
    accepted("largest 64-bit integer", b'{"prompt":"a","n":9223372036854775807}'),
    accepted("smallest 64-bit integer as a float", b'{"prompt":"a","n":-9223372036854775808.0}'),
    accepted("smallest 64-bit integer", b'{"prompt":"a","n":-9223372036854775808}'),
    accepted("1000 code points", json.dumps({"prompt": "x" * 1000}).encode(), prompt="x" * 1000),
    accepted(
        "1000 code points beyond the basic plane, escaped as surrogate pairs",
        json.dumps({"prompt": PRETZEL * 1000}).encode(),
        prompt=PRETZEL * 1000,
    ),
    accepted(
        "1000 code points beyond the basic plane, as UTF-8",
        json.dumps({"prompt": PRETZEL * 1000}, ensure_ascii=False).encode(),
        prompt=PRETZEL * 1000,
    ),
]


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.id)
def test_valid_body_is_read_as_the_request_it_says(row: Accepted) -> None:
    """What the contract allows becomes a request, with the contract's defaults."""
    assert parse_body(row.content_type, row.body) == row.request


@dataclass(frozen=True)
class Refused:
    id: str
    body: bytes
    status: int
    detail: object
    content_type: str | None = JSON


def refused(id_: str, body: bytes, *faults: Fault) -> Refused:
    return Refused(id_, body, 422, list(faults))


REFUSED = [
    Refused("one byte more than 64 KB", sized(BODY_LIMIT_BYTES + 1), 413, "Request body too large"),
    Refused("too large and not JSON at all", b"x" * 70_000, 413, "Request body too large", "text/plain"),
    Refused("form", b"prompt=a", 415, "Unsupported media type", "application/x-www-form-urlencoded"),
    Refused("plain text", PLAIN, 415, "Unsupported media type", "text/plain; charset=utf-8"),
    Refused("JSON lines", PLAIN, 415, "Unsupported media type", "application/jsonl"),
    Refused("no media type at all", PLAIN, 415, "Unsupported media type", "json"),
    Refused("two types at once", PLAIN, 415, "Unsupported media type", "text/html, x+json"),
    Refused("a suffix without a type", PLAIN, 415, "Unsupported media type", "+json"),
    Refused("wrong media type and no body", b"", 415, "Unsupported media type", "text/plain"),
    refused("no body", b"", NO_BODY),
    refused("array", b"[]", NO_OBJECT),
    refused("string", b'"a"', NO_OBJECT),
    refused("number", b"1", NO_OBJECT),
    refused("null", b"null", NO_OBJECT),
    refused("empty object", b"{}", missing("prompt")),
    refused("prompt is null", b'{"prompt":null}', NO_TEXT),
    refused("prompt is a number", b'{"prompt":1}', NO_TEXT),
    refused("prompt is a boolean", b'{"prompt":true}', NO_TEXT),
    refused("prompt is a list", b'{"prompt":["a"]}', NO_TEXT),
    refused("1001 code points", json.dumps({"prompt": "x" * 1001}).encode(), TOO_LONG),
    refused("1001 code points beyond the basic plane", json.dumps({"prompt": PRETZEL * 1001}).encode(), TOO_LONG),
    refused("1001 blanks are too long before they are empty", json.dumps({"prompt": " " * 1001}).encode(), TOO_LONG),
    refused("fraction", with_duration("10.5"), no_integer("duration")),
    refused("digits in a string", with_duration('"10"'), no_integer("duration")),
    refused("empty string", with_duration('""'), no_integer("duration")),
    refused("true", with_duration("true"), no_integer("duration")),
    refused("false", with_duration("false"), no_integer("duration")),
    refused("list as integer", with_duration("[]"), no_integer("duration")),
    refused("object as integer", with_duration("{}"), no_integer("duration")),
    refused("the contract's 422 example", with_duration("0"), too_small("duration", 1)),
    refused("negative duration", with_duration("-5"), too_small("duration", 1)),
    refused("duration above its bound", with_duration("61"), too_large("duration", 60)),
    refused("duration at the end of 64 bit", with_duration("9223372036854775807"), too_large("duration", 60)),
    refused("whole float above its bound", with_duration("61.0"), too_large("duration", 60)),
    refused("width below its bound", b'{"prompt":"a","width":255}', too_small("width", 256)),
    refused("width above its bound", b'{"prompt":"a","width":4097}', too_large("width", 4096)),
    refused("height below its bound", b'{"prompt":"a","height":255}', too_small("height", 256)),
    refused("height above its bound", b'{"prompt":"a","height":4097}', too_large("height", 4096)),
    refused(
        "all errors at once, in field order",
        b'{"height":"x","width":9999,"duration":0}',
        missing("prompt"),
        too_small("duration", 1),
        too_large("width", 4096),
        no_integer("height"),
    ),
    refused("empty prompt beside another error", b'{"prompt":"","duration":0}', too_small("duration", 1)),
    Refused("empty prompt, all else valid", b'{"prompt":""}', 400, EMPTY_PROMPT),
    Refused("blank prompt, all else valid", b'{"prompt":" \\t\\n","duration":5}', 400, EMPTY_PROMPT),
    Refused("prompt of wide blanks", '{"prompt":"\u3000\u00a0"}'.encode(), 400, EMPTY_PROMPT),
]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.id)
def test_invalid_body_is_answered_in_the_contracts_words(row: Refused) -> None:
    """Each way to be wrong has one answer: status, location, sentence and type."""
    with pytest.raises(BadRequest) as bad:
        parse_body(row.content_type, row.body)

    assert (bad.value.status, bad.value.detail) == (row.status, row.detail)


@pytest.mark.parametrize(
    ("body", "position", "line", "column"),
    [
        pytest.param(b"{", 1, 1, 2, id="cut off"),
        pytest.param(b"   ", 3, 1, 4, id="blank"),
        pytest.param(b"prompt=a", 0, 1, 1, id="form fields"),
        pytest.param(b'{"prompt":\n  oops}', 13, 2, 3, id="on the second line"),
        pytest.param(b'{"prompt":"a", }', 15, 1, 16, id="trailing comma, whatever the version of Python calls it"),
        pytest.param(b'{"prompt":["a",\n]}', 16, 2, 1, id="trailing comma in a list"),
        pytest.param(b'{"prompt":"a"} {}', 15, 1, 16, id="two values"),
        pytest.param(b'\xef\xbb\xbf{"prompt":"a"}', 0, 1, 1, id="byte order mark"),
        pytest.param(b'{"prompt":"\xff"}', 11, 1, 12, id="invalid UTF-8"),
        pytest.param('{"prompt":"é\n'.encode() + b"\xc3", 13, 2, 1, id="UTF-8 cut off, counted in characters"),
        pytest.param('{"prompt":"a"}'.encode("utf-16"), 0, 1, 1, id="UTF-16"),
        pytest.param(b'{"prompt":"a\nb"}', 12, 1, 13, id="line end in a string"),
        pytest.param(with_duration("NaN"), 25, 1, 26, id="NaN"),
        pytest.param(with_duration("Infinity"), 25, 1, 26, id="infinity"),
        pytest.param(with_duration("-Infinity"), 25, 1, 26, id="negative infinity"),
        pytest.param(
            b'{"prompt":"NaN -1e999 \\" [{","n":[1,-2.5e3,0],"x":NaN}', 50, 1, 51, id="NaN behind text that looks alike"
        ),
        pytest.param(b'{"NaN":1,"n":[NaN,NaN]}', 14, 1, 15, id="the first of two"),
        pytest.param(with_duration("9223372036854775808"), 25, 1, 26, id="one above 64 bit"),
        pytest.param(with_duration("-9223372036854775809"), 25, 1, 26, id="one below 64 bit"),
        pytest.param(with_duration("1" * 5000), 25, 1, 26, id="thousands of digits"),
        pytest.param(with_duration("9223372036854775808.0"), 25, 1, 26, id="one above 64 bit, as a float"),
        pytest.param(with_duration("-1e19"), 25, 1, 26, id="below 64 bit with an exponent"),
        pytest.param(with_duration("1e999"), 25, 1, 26, id="a float that overflows"),
        pytest.param(b'{"prompt":"a","n":[-1e999]}', 19, 1, 20, id="an overflow in an unknown field"),
        pytest.param(b'{"prompt":"\\ud800"}', 10, 1, 11, id="lone surrogate in the prompt"),
        pytest.param(b'{"prompt":"a","x":["\\udfff"]}', 19, 1, 20, id="lone surrogate in an unknown field"),
        pytest.param(b'{"prompt":"a","\\ud800":1}', 14, 1, 15, id="lone surrogate in a key"),
        pytest.param(nested(33), 52, 1, 53, id="33 levels"),
        pytest.param(b"[" * 60_000, 32, 1, 33, id="as deep as 64 KB allow"),
        pytest.param(b'{"a":' * 12_000, 160, 1, 161, id="objects as deep as 64 KB allow"),
    ],
)
def test_what_is_not_json_is_located_but_not_repeated(body: bytes, position: int, line: int, column: int) -> None:
    """JSON that is none, or that goes beyond what every JSON library carries, is one error with its position."""
    with pytest.raises(BadRequest) as bad:
        parse_body(JSON, body)

    assert isinstance(bad.value.detail, list)
    [described] = bad.value.detail
    assert bad.value.status == 422
    assert described["loc"] == ["body", position]
    assert described["type"] == "value_error.jsondecode"
    context = described["ctx"]
    assert isinstance(context, dict)
    assert context == {"msg": context["msg"], "pos": position, "lineno": line, "colno": column}
    assert described["msg"] == f"{context['msg']}: line {line} column {column} (char {position})"


def test_surrogate_pair_is_not_taken_for_a_lone_one() -> None:
    """What looks like a lone surrogate is looked at again, not refused by its first half."""
    assert parse_body(JSON, b'{"prompt":"\\ud83e\\udd68","x":"\\\\ud800"}').prompt == PRETZEL


@pytest.mark.parametrize("row", REFUSALS)
def test_row_of_the_table_is_what_its_own_example_is_answered_with(row: str) -> None:
    """Every way to be wrong can happen, and the request that the table shows for it is one that does it."""
    refusal = REFUSALS[row]

    with pytest.raises(BadRequest) as bad:
        read_request(refusal)

    assert bad.value.status == refusal.status
    if isinstance(bad.value.detail, str):
        assert (refusal.kind, bad.value.detail) == (None, refusal.message)
    else:
        assert [described["type"] for described in bad.value.detail] == [refusal.kind]
