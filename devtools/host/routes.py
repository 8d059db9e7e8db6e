"""Route templates as ASP.NET reads them, and the choice of the function that answers a request.

Literals ignore case, methods are part of the match, and of several templates that match the most specific wins,
whatever their order: literal before constrained parameter before parameter before catch-all, segment by segment.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote
from uuid import UUID

T = TypeVar("T")

_PARAMETER = re.compile(r"\{(?P<stars>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}?=]+)*)(?P<optional>\?)?\}")


class RouteError(Exception):
    """A route template that this host cannot read."""


@dataclass(frozen=True)
class _Segment:
    """One part of a template between slashes: a literal, or a parameter with constraints."""

    literal: str = ""
    name: str = ""
    constraints: tuple[Callable[[str], bool], ...] = ()
    optional: bool = False
    catch_all: bool = False

    @property
    def rank(self) -> int:
        """ASP.NET's precedence of the segment; lower is more specific."""
        if not self.name:
            return 1
        return (4 if self.catch_all else 2) + (not self.constraints)


class RouteTemplate:
    """A template such as `api/items/{id:int}/{*rest}`. Raises RouteError when it cannot be read."""

    def __init__(self, template: str) -> None:
        self._segments = [_parse(part) for part in template.strip("/").split("/") if part]
        for segment in self._segments[:-1]:
            if segment.catch_all or segment.optional:
                raise RouteError(f"In the route {template!r} only the last part may be optional or catch all.")

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sort key: the more specific template comes first."""
        return tuple(segment.rank for segment in self._segments)

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """The parameters of a path split at its slashes (still percent-encoded), or None if it does not match."""
        values: dict[str, str] = {}
        for position, segment in enumerate(self._segments):
            if segment.catch_all:
                rest = "/".join(unquote(part) for part in parts[position:])
                values[segment.name] = rest
                return values if all(holds(rest) for holds in segment.constraints) else None
            if position >= len(parts):
                return values if segment.optional else None
            text = _decode(parts[position])
            if not segment.name:
                if text.lower() != segment.literal.lower():
                    return None
            elif text and all(holds(text) for holds in segment.constraints):
                values[segment.name] = text
            else:
                return None
        return values if len(parts) <= len(self._segments) else None


class RouteTable(Generic[T]):
    """Routes to things, by method and path."""

    def __init__(self, routes: Sequence[tuple[str, frozenset[str], T]]) -> None:
        """Take `(template, methods, thing)`; no methods means any. Raises RouteError."""
        parsed = [(RouteTemplate(template), methods, thing) for template, methods, thing in routes]
        self._routes = sorted(parsed, key=lambda route: route[0].precedence)

    def find(self, method: str, raw_path: str) -> tuple[T, dict[str, str]] | None:
        """What answers this method and percent-encoded path, with its route parameters."""
        parts = raw_path.strip("/").split("/") if raw_path.strip("/") else []
        for template, methods, thing in self._routes:
            if methods and method not in methods:
                continue
            values = template.match(parts)
            if values is not None:
                return thing, values
        return None


def _parse(part: str) -> _Segment:
    if "{" not in part:
        return _Segment(literal=unquote(part))
    match = _PARAMETER.fullmatch(part)
    if match is None:
        raise RouteError(f"The local host cannot read the route part {part!r}.")
    return _Segment(
        name=match["name"],
        constraints=tuple(_constraint(text) for text in match["constraints"].split(":") if text),
        optional=match["optional"] is not None,
        catch_all=bool(match["stars"]),
    )


def _constraint(text: str) -> Callable[[str], bool]:
    name, _, arguments = text.partition("(")
    build = _CONSTRAINTS.get(name.lower())
    if build is None:
        raise RouteError(f"The local host does not know the route constraint {text!r}.")
    return build(arguments.rstrip(")"))


def _is_integer(bits: int) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        return re.fullmatch(r"[+-]?[0-9]+", text) is not None and -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1)

    return holds


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _has_length(arguments: str) -> Callable[[str], bool]:
    low, _, high = arguments.partition(",")
    return lambda text: int(low) <= len(text) <= int(high or low)


_CONSTRAINTS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "int": lambda _: _is_integer(32),
    "long": lambda _: _is_integer(64),
    "bool": lambda _: lambda text: text.lower() in {"true", "false"},
    "guid": lambda _: _is_uuid,
    "alpha": lambda _: lambda text: re.fullmatch(r"[A-Za-z]*", text) is not None,
    "length": _has_length,
    "minlength": lambda count: lambda text: len(text) >= int(count),
    "maxlength": lambda count: lambda text: len(text) <= int(count),
}


def _decode(part: str) -> str:
    """A path segment decoded, but for an encoded slash, which ASP.NET leaves as it is."""
    return "%2F".join(unquote(piece) for piece in re.split("%2f", part, flags=re.IGNORECASE))
