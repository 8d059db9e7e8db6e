"""How a request can be wrong by itself, and what its caller reads: one row each, in the order of looking for them.

The words of a 422 are those of pydantic's first version, which clients of the contract read; they do not change with
the library that validates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.api.responses import BODY_TOO_LARGE, EMPTY_PROMPT, INVALID_KEY, UNSUPPORTED_MEDIA_TYPE

BODY_LIMIT_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Refusal:
    """A row: `kind` is the `type` of a 422; `body`, `content_type` and `key` are a request that this row refuses.

    `message` may leave places for the bound (`{limit}`) and for what the reader of JSON found (`{reason}: {position}`).
    """

    status: int
    message: str
    kind: str | None
    summary: str
    body: bytes
    content_type: str = "application/json"
    key: str | None = None


REFUSALS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        "malformed-key": Refusal(
            400, INVALID_KEY, None, "An `Idempotency-Key` that is none", b'{"prompt":"A calm lake"}', key="two words"
        ),
        "too-large": Refusal(
            413, BODY_TOO_LARGE, None, "More than 64 KiB", b'{"prompt":"%s"}' % (b"a" * BODY_LIMIT_BYTES)
        ),
        "media-type": Refusal(
            415, UNSUPPORTED_MEDIA_TYPE, None, "Not JSON by its `Content-Type`", b"prompt=A+calm+lake", "text/plain"
        ),
        "no-body": Refusal(422, "field required", "value_error.missing", "No body", b""),
        "not-json": Refusal(
            422, "{reason}: {position}", "value_error.jsondecode", "Not JSON", b'{"prompt":\n "A calm lake"'
        ),
        "not-an-object": Refusal(
            422, "value is not a valid dict", "type_error.dict", "JSON, but not an object", b'["A calm lake"]'
        ),
        "missing": Refusal(422, "field required", "value_error.missing", "No prompt", b'{"duration":5}'),
        "not-a-string": Refusal(
            422, "str type expected", "type_error.string", "A prompt of another type", b'{"prompt":5}'
        ),
        "too-long": Refusal(
            422,
            "ensure this value has at most {limit} characters",
            "value_error.any_str.max_length",
            "A prompt of more than 1000 characters",
            b'{"prompt":"%s"}' % (b"a" * 1001),
        ),
        "not-an-integer": Refusal(
            422,
            "value is not a valid integer",
            "type_error.integer",
            "A number that is not whole",
            b'{"prompt":"A calm lake","duration":10.5}',
        ),
        "too-small": Refusal(
            422,
            "ensure this value is greater than or equal to {limit}",
            "value_error.number.not_ge",
            "A number below its bound",
            b'{"prompt":"A calm lake","duration":0}',
        ),
        "too-big": Refusal(
            422,
            "ensure this value is less than or equal to {limit}",
            "value_error.number.not_le",
            "A number above its bound",
            b'{"prompt":"A calm lake","width":4097}',
        ),
        "empty-prompt": Refusal(
            400, EMPTY_PROMPT, None, "Nothing wrong but an empty or blank prompt", b'{"prompt":" "}'
        ),
    }
)
