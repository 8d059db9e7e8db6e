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

from devtools.host.paths import read_path

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

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a path as `read_path` returns it, or None if it does not match.

        A catch-all takes the rest as it stands, slashes included, and has no value where nothing is left. An empty part
        in front of it matches nothing, not even a catch-all.
        """
        values: dict[str, str] = {}
        parts = path[1:].removesuffix("/").split("/") if path[1:] else []
        for position, segment in enumerate(self._segments):
            if position >= len(parts):
                return values if segment.optional or segment.catch_all else None
            text = parts[position]
            if not text:
                return None
            if segment.catch_all:
                text = path[1:].split("/", position)[position]
            if not all(holds(text) for holds in segment.constraints):
                return None
            if segment.name:
                values[segment.name] = text
            elif text.lower() != segment.literal.lower():
                return None
            if segment.catch_all:
                return values
        return values if len(parts) <= len(self._segments) else None


class RouteTable(Generic[T]):
    """Routes to things, by method and path."""

    def __init__(self, routes: Sequence[tuple[str, frozenset[str], T]]) -> None:
        """Take `(template, methods, thing)`; no methods means any. Raises RouteError."""
        parsed = [(RouteTemplate(template), methods, thing) for template, methods, thing in routes]
        self._routes = sorted(parsed, key=lambda route: route[0].precedence)

    def find(self, method: str, raw_path: str) -> tuple[T, dict[str, str]] | None:
        """What answers this method and percent-encoded path, with its route parameters. Raises BadPathError."""
        path = read_path(raw_path)
        for template, methods, thing in self._routes:
            if methods and method.upper() not in methods:
                continue
            values = template.match(path)
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
