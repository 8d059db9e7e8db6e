"""The names of queues: settings in them, what storage allows, and the queue of poison that belongs to each.

Sources: Azure/azure-sdk-for-net, `QueueClientExtensions.cs` and `Listeners/QueueListenerFactory.cs` of the storage
queues extension.
"""

import re
from collections.abc import Mapping

_SETTING = re.compile(r"%([^%]+)%")
_ALLOWED = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_POISON = "-poison"


class QueueNameError(Exception):
    """A queue cannot be named so; the text says why."""


def queue_name(text: str, environ: Mapping[str, str]) -> str:
    """The name that a trigger means, in lower case, each `%NAME%` replaced by that setting. Raises QueueNameError."""

    def value(match: re.Match[str]) -> str:
        found = environ.get(match[1])
        if not found:
            raise QueueNameError(f"The setting {match[1]!r}, named by {text!r}, is not there.")
        return found

    name = _SETTING.sub(value, text).lower()
    if not _ALLOWED.fullmatch(name):
        raise QueueNameError(
            f"A queue cannot be named {name!r}: 3 to 63 letters, digits and dashes, "
            "no dash at an end or beside another one."
        )
    return name


def poison_name(name: str) -> str | None:
    """The queue for what is given up; None for one that is such a queue itself, or whose name is too long."""
    poison = name + _POISON
    return None if name.endswith(_POISON) or not _ALLOWED.fullmatch(poison) else poison
