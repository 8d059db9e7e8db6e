"""The path that a request is routed by, read from its request line as the real host's server (Kestrel) reads it."""

import re
from urllib.parse import unquote_to_bytes

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SLASH = re.compile(r"(%2[Ff])")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class BadPathError(Exception):
    """A path that the real host answers with 400 before any routing."""


def read_path(raw: str) -> str:
    """The path decoded once, without dot segments; an escaped slash and what is not UTF-8 stay escaped.

    Takes the target of the request line without its query. `*` is the empty path. Raises BadPathError.
    """
    if raw == "*":
        return ""
    origin = _ORIGIN.match(raw)
    target = (raw[origin.end() :] or "/") if origin else raw
    if not target.isascii() or not target.startswith("/"):
        raise BadPathError(raw)
    path = _ESCAPES.sub(lambda run: "".join(_decode(piece) for piece in _SLASH.split(run[0])), target)
    if "\0" in path:
        raise BadPathError(raw)
    return _without_dots(path)


def _decode(escapes: str) -> str:
    if _SLASH.fullmatch(escapes):
        return escapes
    try:
        return unquote_to_bytes(escapes).decode()
    except UnicodeDecodeError:
        return escapes


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")
    for position, segment in enumerate(segments):
        if segment not in {".", ".."}:
            kept.append(segment)
            continue
        if segment == ".." and len(kept) > 1:
            kept.pop()
        if position == len(segments) - 1:
            kept.append("")
    return "/".join(kept)
