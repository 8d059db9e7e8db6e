"""One HTTP exchange over a socket, byte for byte, and the form in which an answer is kept as a golden file."""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PATIENCE_SECONDS: Final = 10.0

_OF_THE_MOMENT: Final = {b"date", b"connection"}
"""Headers that say nothing about the answer: the time, and that we asked to be hung up on."""

NOT_COMPARED: Final = re.compile(rb"(?i)(?:\AHTTP/1\.1 \d{3}|\r\n(?:date|connection):)([^\r\n]*)")
"""The passages of an answer, as groups, that are not in its golden form."""

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire; `withheld` bytes of its body are announced and never sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    withheld: int = 0

    def encoded(self, host: str) -> bytes:
        """Return its bytes; `Content-Length` belongs to a body, also to an empty one."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body) + self.withheld}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (self.body or b"")


def exchange(port: int, request: Request) -> bytes:
    """Send a request to 127.0.0.1 and return all that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request.encoded(f"127.0.0.1:{port}"))
        return b"".join(_received(connection))


def golden_form(answer: bytes) -> bytes:
    """Return the status, the headers in order of their lower-case names, an empty line and the body as it came.

    The phrase behind the status is left out: it differs from one version of Python to another, clients do not read it,
    and on Azure it is the platform's. Raises ValueError where the head is not one.
    """
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator or _CONTROL.search(head.replace(b"\r\n", b"")):
        raise ValueError(f"not an HTTP answer: {answer[:100]!r}")
    status_line, *lines = head.split(b"\r\n")
    headers = [line.partition(b":") for line in lines]
    named = sorted((name.strip().lower(), value.strip()) for name, _, value in headers)
    kept = [b"%s: %s" % (name, value) for name, value in named if name not in _OF_THE_MOMENT]
    return b"\n".join([status_line[: len(b"HTTP/1.1 200")], *kept, b"", body])


def has_status(golden: bytes, status: int) -> bool:
    """Say whether an answer in golden form begins with this status."""
    return golden.startswith(b"HTTP/1.1 %d\n" % status)


def _received(connection: socket.socket) -> Iterable[bytes]:
    while piece := connection.recv(65536):
        yield piece
