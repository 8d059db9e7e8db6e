"""Query parameters of the management API."""

from collections.abc import Mapping
from datetime import datetime

from devtools.host.history import RuntimeStatus
from devtools.host.records import InstanceFilter
from devtools.host.timestamps import from_text

_STATUSES = {status.title.lower(): status for status in RuntimeStatus}
# States that instances of this host are never in, but that clients may ask for.
_NEVER = {"canceled"}


class BadQueryError(Exception):
    """A parameter has a value that cannot be read; the text says which."""


def is_true(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """A boolean parameter, in any case: the SDK sends `True`."""
    return query[name].lower() == "true" if name in query else default


def seconds(query: Mapping[str, str], name: str, default: float) -> float:
    """A number that is not negative. Raises BadQueryError."""
    try:
        number = float(query.get(name, default))
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise BadQueryError(f"Please provide a number for '{name}'.")
    return number


def instance_filter(query: Mapping[str, str]) -> InstanceFilter:
    """Which instances a listing or purge is about. Raises BadQueryError."""
    return InstanceFilter(
        created_from=_moment(query, "createdTimeFrom"),
        created_to=_moment(query, "createdTimeTo"),
        statuses=_wanted_statuses(query.get("runtimeStatus")),
        prefix=query.get("instanceIdPrefix") or None,
    )


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return from_text(text)
    except ValueError as error:
        raise BadQueryError(f"Please provide an ISO 8601 time for '{name}'.") from error


def _wanted_statuses(text: str | None) -> frozenset[RuntimeStatus] | None:
    if not text:
        return None
    names = {name.strip().lower() for name in text.split(",")}
    unknown = names - _STATUSES.keys() - _NEVER
    if unknown:
        raise BadQueryError(f"Unknown runtimeStatus: {', '.join(sorted(unknown))}.")
    return frozenset(_STATUSES[name] for name in names - _NEVER)
