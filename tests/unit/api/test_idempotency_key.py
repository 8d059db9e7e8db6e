"""What is an `Idempotency-Key`, and what is none."""

import pytest
from starlette.datastructures import Headers

from shared.api.idempotency import KEY_HEADER, idempotency_key
from shared.api.parsing import BadRequest
from tests.unit.api.openapi_reading import operation, validator

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
LONG = "k" * 255

VALUES = (
    pytest.param(f'"{KEY}"', KEY, id="in quotes, as the draft has it"),
    pytest.param(KEY, KEY, id="without quotes, as many clients send it"),
    pytest.param('"two words"', "two words", id="a blank in quotes"),
    pytest.param('"a,b;c=d"', "a,b;c=d", id="signs of structured fields in quotes"),
    pytest.param(r'"say \"hello\""', 'say "hello"', id="escaped quotes"),
    pytest.param(r'"C:\\videos"', r"C:\videos", id="an escaped backslash"),
    pytest.param(r"C:\videos", r"C:\videos", id="a backslash without quotes"),
    pytest.param("x", "x", id="one character"),
    pytest.param(" ", None, id="nothing but a blank"),
    pytest.param(f"  {KEY}\t", KEY, id="white space around it"),
    pytest.param(LONG, LONG, id="the longest"),
    pytest.param(f'"{LONG}"', LONG, id="the longest in quotes"),
    pytest.param('"' + r"\"" * 255 + '"', '"' * 255, id="the longest, all escaped"),
    pytest.param("", None, id="empty"),
    pytest.param('""', None, id="empty in quotes"),
    pytest.param(LONG + "k", None, id="too long"),
    pytest.param(f'"{LONG}k"', None, id="too long in quotes"),
    pytest.param("two words", None, id="a blank without quotes"),
    pytest.param("a,b", None, id="a list"),
    pytest.param('"a", "b"', None, id="a list in quotes"),
    pytest.param('"a";b=c', None, id="a parameter"),
    pytest.param('"a', None, id="no end"),
    pytest.param('a"', None, id="no beginning"),
    pytest.param('"a"b"', None, id="a quote that is not escaped"),
    pytest.param('"a\\"', None, id="an escape of the end"),
    pytest.param(r'"a\b"', None, id="an escape of something else"),
    pytest.param("schl\u00fcssel", None, id="another script"),
    pytest.param('"schl\u00fcssel"', None, id="another script in quotes"),
    pytest.param("\u00a0key", None, id="a blank that only Python strips"),
    pytest.param("a\x7f", None, id="a control character"),
    pytest.param('"a\tb"', None, id="a tab in quotes"),
)


@pytest.mark.parametrize(("value", "key"), VALUES)
def test_key_is_what_the_header_names(value: str, key: str | None) -> None:
    """By RFC 8941, or the same without quotes; anything else is refused, never cut or repaired."""
    headers = Headers({"Idempotency-Key": value})

    if key is not None:
        assert idempotency_key(headers) == key
    else:
        with pytest.raises(BadRequest) as refused:
            idempotency_key(headers)
        assert (refused.value.status, refused.value.detail) == (400, "Invalid Idempotency-Key")


def test_request_without_the_header_has_no_key() -> None:
    """Keys are the caller's choice."""
    assert idempotency_key(Headers({"Content-Type": "application/json"})) is None


@pytest.mark.parametrize(("value", "key"), VALUES)
def test_document_calls_a_key_what_is_taken_for_one(value: str, key: str | None) -> None:
    """By an engine that reads patterns as ECMA has them; white space around a header's value is not part of it."""
    [parameter] = operation("generateVideo")["parameters"]

    assert (parameter["name"], parameter["in"]) == (KEY_HEADER, "header")
    assert not parameter.get("required", False)
    assert validator(parameter["schema"]).is_valid(value.strip(" \t")) == (key is not None)


def test_key_has_no_example() -> None:
    """The page would send it along with every request, and answer each with the first one's job."""
    [parameter] = operation("generateVideo")["parameters"]

    assert not {"example", "examples"} & {*parameter, *parameter["schema"]}
    assert not {"default", "const", "enum"} & {*parameter["schema"]}
