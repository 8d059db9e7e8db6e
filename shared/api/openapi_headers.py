"""The response headers of the OpenAPI document: which an answer has, as its examples have them, and what each says."""

from collections.abc import Sequence
from typing import Final

from shared.api.openapi_examples import Example
from shared.api.openapi_schemas import Json

_TEXT: Final[Json] = {"type": "string"}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}

_MEANINGS: Final[dict[str, tuple[str, Json]]] = {
    "Accept-Ranges": ("Parts can be asked for with `Range`.", {"const": "bytes"}),
    "Cache-Control": ("`no-store`: the next answer may be another one.", _TEXT),
    "Content-Disposition": ("The name to save the file by.", _TEXT),
    "Content-Length": ("Bytes in this answer.", _COUNT),
    "Content-Range": ("Which bytes of how many.", _TEXT),
    "ETag": ("Names this version of the file; strong.", _TEXT),
    "Idempotency-Replayed": ("The key was used before: no further job was started.", {"const": "true"}),
    "Last-Modified": ("When the file was stored.", _TEXT),
    "Location": ("Where to look for the job.", _TEXT),
    "Retry-After": ("Seconds to wait before asking again; of a job, only while it is under way.", _COUNT),
    "X-Content-Type-Options": ("Browsers must not guess another type.", {"const": "nosniff"}),
}


def described_headers(shown: Sequence[Example]) -> Json:
    """Describe every header of these answers to one request; those that all of them have are required."""
    sent = [example.answer.headers for example in shown]
    described: Json = {}
    for name, (description, schema) in _MEANINGS.items():
        values = [headers[name] for headers in sent if name in headers]
        # Every JSON answer has a length, which is nobody's business; a download's is promised.
        if values and not (name == "Content-Length" and sent[0].get("content-type") == "application/json"):
            described[name] = {
                "description": description,
                "required": len(values) == len(sent),
                "schema": schema,
                "example": int(values[0]) if schema is _COUNT else values[0],
            }
    return described
