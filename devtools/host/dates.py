"""Dates as the engine rewrites them in the state of an orchestrator that failed.

That one JSON text, cut out of an exception's message, is read with date recognition (measured), so moments in a custom
status come out in UTC and without trailing zeros. Everywhere else a date is a string like any other.
"""

import re
from datetime import UTC, datetime
from typing import Any

_DATE = re.compile(r"(?P<date>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<fraction>\.\d{1,7})?(?P<zone>Z|[+-]\d\d:\d\d)?")


def recognised(value: Any) -> Any:
    """The same JSON value with every string that is a date rewritten."""
    if isinstance(value, dict):
        return {name: recognised(item) for name, item in value.items()}
    if isinstance(value, list):
        return [recognised(item) for item in value]
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    return value if match is None else _rewritten(match)


def _rewritten(match: re.Match[str]) -> str:
    date, zone = match["date"], match["zone"] or ""
    fraction = (match["fraction"] or "").rstrip("0").rstrip(".")
    try:
        moment = datetime.fromisoformat(date + zone)
    except ValueError:
        return match.group()  # such as the 31st of February
    if zone in {"", "Z"}:
        return date + fraction + zone
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + fraction + "+00:00"
