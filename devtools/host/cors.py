"""Cross-origin requests, answered as Core Tools answer them when `Host.CORS` is set: by ASP.NET Core's CORS middleware.

It stands before everything on the app's port, the host's own paths included. A preflight never reaches a function and
needs no key. Every other request does, from whatever origin: keeping the answer from a page is the browser's part, so a
refusal is the absence of headers.
"""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ANY = "*"
# What browsers send as `Origin`: a scheme, a host, perhaps a port; or the word for pages that have none of their own.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._\[\]:-]+|null")


class CorsError(Exception):
    """The origins cannot be used; the text says why."""


@dataclass(frozen=True)
class CorsPolicy:
    """Which origins may read answers, and whether they may send cookies and credentials along."""

    origins: tuple[str, ...]
    credentials: bool = False

    @classmethod
    def from_text(cls, text: str, *, credentials: bool = False) -> "CorsPolicy | None":
        """The policy for origins separated by commas, or for `*` alone; None for an empty text. Raises CorsError.

        Stricter than Core Tools, which take an origin that no browser would ever send and let it never match.
        """
        if not text:
            return None
        origins = tuple(origin.lower() for origin in text.split(",") if origin)
        if origins == (_ANY,):
            if credentials:
                raise CorsError("CORS for every origin (*) and CORS credentials exclude each other: name the origins.")
            return cls(origins)
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise CorsError(
                    f"CORS: {origin!r} is not an origin such as https://example.com:8443. An origin has no path, no"
                    " slash at its end and no blanks; several are separated by commas alone, and * stands alone."
                )
        return cls(origins, credentials)

    def granted(self, origin: str) -> dict[str, str]:
        """The headers that let a page of this origin read the answer; none where it may not."""
        if self.origins == (_ANY,):
            return {"Access-Control-Allow-Origin": _ANY} if origin else {}
        if origin not in self.origins:
            return {}
        headers = {"Access-Control-Allow-Origin": origin}
        if self.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        return headers

    @property
    def varies(self) -> bool:
        """Whether a granted answer depends on who asks."""
        return len(self.origins) > 1


class Cors:
    """An ASGI app in front of another."""

    def __init__(self, app: ASGIApp, policy: CorsPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on and add to its answer what the origin is granted."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "origin" not in headers:
            await self._app(scope, receive, send)
            return
        granted = self._policy.granted(",".join(headers.getlist("origin")))
        if scope["method"].upper() == "OPTIONS" and "access-control-request-method" in headers:
            response = Response(status_code=204, headers={**granted, **(_wishes(headers) if granted else {})})
            self._mark(response.headers, granted)
            await response(scope, receive, send)
            return

        async def send_granted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(raw=list(message.get("headers", ())))
                answer.update(granted)
                self._mark(answer, granted)
                message = {**message, "headers": answer.raw}
            await send(message)

        await self._app(scope, receive, send_granted)

    def _mark(self, answer: MutableHeaders, granted: dict[str, str]) -> None:
        if granted and self._policy.varies:
            answer.append("Vary", "Origin")


def _wishes(headers: Headers) -> dict[str, str]:
    """Any method and any header are allowed: what was asked for is what is granted."""
    wanted = [name.strip() for name in ",".join(headers.getlist("access-control-request-headers")).split(",")]
    allowed = {
        "Access-Control-Allow-Headers": ",".join(filter(None, wanted)),
        "Access-Control-Allow-Methods": headers["access-control-request-method"],
    }
    return {name: value for name, value in allowed.items() if value}
