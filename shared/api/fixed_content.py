"""Content that only a new deployment changes: sent whole, or as 304 to whoever has it already."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response

from shared.api.conditions import fields, names


@dataclass(frozen=True)
class FixedContent:
    """Bytes and what they are."""

    body: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        """A strong validator: equal content, equal tag, in every instance of the app."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'

    def answer(self, req: Request, headers: Mapping[str, str] | None = None) -> Response:
        """Answer a GET or HEAD; the server leaves out the body of a HEAD."""
        # Asked for every time, which costs little, so that nobody mixes files of two deployments.
        held = {
            **(headers or {}),
            "Cache-Control": "no-cache",
            "ETag": self.etag,
            "X-Content-Type-Options": "nosniff",
        }
        if names(fields(req.headers).get("if-none-match", ""), self.etag, weakly=True):
            return Response(status_code=304, headers=held)
        return Response(self.body, 200, held, media_type=self.media_type)
