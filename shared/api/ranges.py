"""Which part of a file a request asks for, by RFC 9110 sections 13 and 14: conditional and range requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug.http import parse_date, parse_etags, parse_range_header

from shared.storage.base import StoredVideo


@dataclass(frozen=True)
class Part:
    """`length` bytes from `offset`; `partial` says that a single range was asked for and is granted."""

    offset: int
    length: int
    partial: bool


def is_not_modified(headers: Mapping[str, str], video: StoredVideo) -> bool:
    """Say whether `If-None-Match` names the video as it is."""
    wanted = headers.get("if-none-match")
    return wanted is not None and parse_etags(wanted).contains_weak(video.etag.strip('"'))


def requested_part(method: str, headers: Mapping[str, str], video: StoredVideo) -> Part | None:
    """Return the part to send, None where the range asked for lies outside the video (416).

    What is not understood, more than one range, and a range of another version (`If-Range`) get the whole file; so does
    every method but GET, the only one that ranges are defined for.
    """
    whole = Part(0, video.size, partial=False)
    asked = parse_range_header(headers.get("range")) if method == "GET" else None
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not _still_that_version(headers, video):
        return whole
    if asked.ranges[0][0] < -video.size < 0:
        return Part(0, video.size, partial=True)  # a suffix longer than the file is all of it; werkzeug refuses it
    bounds = asked.range_for_length(video.size)
    if bounds is None:
        return None
    start, stop = bounds
    return Part(start, stop - start, partial=True)


def _still_that_version(headers: Mapping[str, str], video: StoredVideo) -> bool:
    value = headers.get("if-range")
    if value is None:
        return True
    # The etag is compared as it is written: a weak one cannot vouch for bytes.
    return value == video.etag or parse_date(value) == video.last_modified.replace(microsecond=0)


def http_date(moment: datetime) -> str:
    """Return a time as HTTP writes it."""
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
