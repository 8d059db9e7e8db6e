"""Which part of a file a request asks for, by RFC 9110 section 14."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.api.conditions import is_that_version
from shared.storage.base import StoredVideo

_ONE_RANGE: Final = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*", re.ASCII | re.IGNORECASE)
_MOST_DIGITS: Final = 20
"""A number of more digits lies beyond any file, whatever it is exactly, and can be long enough to be slow to read."""


@dataclass(frozen=True)
class Part:
    """`length` bytes from `offset`; `partial` says that a single range was asked for and is granted."""

    offset: int
    length: int
    partial: bool


def requested_part(method: str, headers: Mapping[str, str], video: StoredVideo) -> Part | None:
    """Return the part to send, None where the range asked for lies outside the video (416).

    What is not understood, more than one range, and a range of another version (`If-Range`) get the whole file; so does
    every method but GET, the only one that ranges are defined for.
    """
    asked = _ONE_RANGE.fullmatch(headers.get("range", "")) if method == "GET" else None
    first, last = map(_number, asked.groups()) if asked else (None, None)
    nothing = first is None and last is None
    backwards = first is not None and last is not None and last < first
    if nothing or backwards or not is_that_version(headers.get("if-range", video.etag), video):
        return Part(0, video.size, partial=False)
    if first is None:
        first, last = video.size - min(last or 0, video.size), None  # the last bytes of the file
    stop = video.size if last is None else min(last + 1, video.size)
    return Part(first, stop - first, partial=True) if first < stop else None


def _number(digits: str) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _MOST_DIGITS else 10**_MOST_DIGITS
