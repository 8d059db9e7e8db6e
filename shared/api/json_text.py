"""Strict JSON: only what every JSON library reads alike, and a place in the text for what it is not.

Beyond the grammar, these are refused: numbers that are not finite or lie beyond the 64-bit integers, however they are
written (`1e19` is as large as its digits), more than 32 levels of nesting, and escapes of lone surrogates, which UTF-8
cannot carry. Of duplicate keys the last one wins.
"""

import json
import re
from collections.abc import Iterator
from typing import Final, Never

DEPTH_LIMIT: Final = 32
INTEGER_LIMIT: Final = 2**63
_MOST_DIGITS: Final = 20
"""Hold every 64-bit number; Python refuses to convert thousands of digits."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]|[-0-9NI][^\s,\]}]*')
"""A string, a bracket, or a number (also those that JSON does not have); sound in text that was read as JSON so far."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_TRAILING_COMMA: Final = {
    "Illegal trailing comma before end of object": "Expecting property name enclosed in double quotes",
    "Illegal trailing comma before end of array": "Expecting value",
}

_OUT_OF_RANGE: Final = "Number out of range"


class NotJson(Exception):
    """The text is not JSON: `reason` never repeats it, `position` counts its characters from 0."""

    def __init__(self, reason: str, text: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.line = text.count("\n", 0, position) + 1
        self.column = position - text.rfind("\n", 0, position)


def read_json(content: bytes) -> object:
    """Return the value that `content` says in UTF-8; raise `NotJson` where it says none."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        raise NotJson("Invalid UTF-8", before, len(before)) from None
    numbers = _Numbers(text)
    try:
        parsed: object = json.loads(
            text, parse_int=numbers.integer, parse_float=numbers.real, parse_constant=numbers.constant
        )
    except json.JSONDecodeError as error:
        raise NotJson(*_as_ever(error)) from None
    except RecursionError:
        parsed = None  # the reader stopped far below the limit, which is found now
    _check_strings_and_depth(text)
    return parsed


def _as_ever(error: json.JSONDecodeError) -> tuple[str, str, int]:
    """Return what the reader of Python 3.12 says, and where: later ones call a trailing comma by its name."""
    reason = _TRAILING_COMMA.get(error.msg)
    if reason is None:
        return error.msg, error.doc, error.pos
    behind = error.doc[error.pos + 1 :]
    return reason, error.doc, len(error.doc) - len(behind.lstrip(" \t\n\r"))


class _Numbers:
    """Converts the numbers of a text as the reader comes to them, from the first to the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen = 0

    def integer(self, token: str) -> int:
        self._seen += 1
        if len(token) > _MOST_DIGITS or not -INTEGER_LIMIT <= int(token) < INTEGER_LIMIT:
            self._refuse()
        return int(token)

    def real(self, token: str) -> float:
        self._seen += 1
        value = float(token)
        if not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            self._refuse()
        return value

    def constant(self, _: str) -> Never:
        self._seen += 1
        self._refuse()

    def _refuse(self) -> Never:
        numbers = (token for token in _tokens(self._text) if token[0][0] not in '"[]{}')
        for _ in range(self._seen - 1):
            next(numbers)
        raise NotJson(_OUT_OF_RANGE, self._text, next(numbers).start())


def _check_strings_and_depth(text: str) -> None:
    depth = 0
    for token in _tokens(text):
        match token[0][0]:
            case "[" | "{":
                depth += 1
                if depth > DEPTH_LIMIT:
                    raise NotJson("Too many nested levels", text, token.start())
            case "]" | "}":
                depth -= 1
            case '"' if _SURROGATE.search(token[0]) and not _encodable(json.loads(token[0])):
                raise NotJson("Invalid unicode escape", text, token.start())


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
