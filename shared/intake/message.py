"""From a queue's message to a request for a job, or to what is wrong with it. The request is that of the HTTP API.

A message is JSON text, as it is or in base64: some senders encode it and some do not, and both are understood.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.api.json_text import NotJson, read_json
from shared.api.parsing import BadRequest, parse_body
from shared.jobs.models import VideoRequest

_ID: Final = re.compile(r"[ -~]{1,255}", re.ASCII)
"""What an idempotency key may be, too."""

FIRST_SEEN: Final = "first_seen"
"""Field of a message that was put back: when it came first."""


@dataclass(frozen=True)
class Message:
    """A message as the host hands it over; `id` is the queue's, `came_at` when it was put there."""

    id: str
    body: bytes
    came_at: datetime


@dataclass(frozen=True)
class Order:
    """What a message asks for. `id` is the sender's name for it, else the message's; `since` when it came first."""

    request: VideoRequest
    id: str
    since: datetime


def decoded(body: bytes) -> bytes:
    """Return a message's text, out of base64 where it is in that: a JSON object begins with a brace, base64 never."""
    if body.lstrip()[:1] == b"{":
        return body
    try:
        text = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        return body
    return text if text.lstrip()[:1] == b"{" else body


def read_order(message: Message) -> Order:
    """Return what a message asks for; raise `BadRequest` with what the API would answer."""
    text = decoded(message.body)
    request = parse_body(None, text)
    name = sender_id(text)
    if name is None and _fields(text).get("id") is not None:
        problem = {"loc": ["body", "id"], "msg": "1 to 255 printable ASCII characters expected", "type": "value_error"}
        raise BadRequest(422, [problem])
    return Order(request, name or message.id, min(_first_seen(text) or message.came_at, message.came_at))


def sender_id(text: bytes) -> str | None:
    """Return the sender's own name for a message, None where it has none that can be used."""
    found = _fields(text).get("id")
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def _first_seen(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(_fields(text).get(FIRST_SEEN)))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _fields(text: bytes) -> dict[str, object]:
    try:
        parsed = read_json(text)
    except NotJson:
        return {}
    return parsed if isinstance(parsed, dict) else {}
