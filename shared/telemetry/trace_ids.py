"""The ids of a job's trace, which follow from its own id, and the ids that a caller sends (W3C Trace Context)."""

import hashlib
import re
from typing import Final, NamedTuple

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.ASCII)


class SpanIds(NamedTuple):
    """A trace, and a span in it."""

    trace: int
    span: int


def root_of(job_id: str) -> SpanIds:
    """Return the ids of the span that is the whole job."""
    digest = hashlib.sha256(f"video job {job_id}".encode()).digest()
    return SpanIds(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))


def parse_traceparent(text: str | None) -> SpanIds | None:
    """Return the span that a caller says it calls from, None where it says nothing or nothing of that form."""
    found = _TRACEPARENT.fullmatch(text or "")
    ids = SpanIds(int(found[1], 16), int(found[2], 16)) if found else None
    return ids if ids and all(ids) else None
