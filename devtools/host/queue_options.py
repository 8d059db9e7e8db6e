"""How queue triggers are served: the section `extensions.queues` of host.json.

Names, defaults and bounds are those of Azure/azure-sdk-for-net, `QueuesOptions.cs` of the storage queues extension.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from devtools.host.host_json import HostJsonError, duration

_LARGEST_BATCH = 32
_BASE64, _NONE = "base64", "none"


@dataclass(frozen=True)
class QueueOptions:
    """`new_batch_threshold`: with so many messages of a queue in hand or fewer, the next batch is fetched."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    longest_poll: timedelta = timedelta(minutes=1)
    retry_after: timedelta = timedelta(0)
    most_dequeues: int = 5
    is_base64: bool = True


def read_queue_options(section: Mapping[str, Any], processors: int | None = None) -> QueueOptions:
    """The options that a section, its names in lower case, sets. Raises HostJsonError."""
    defaults = QueueOptions()
    batch_size = _number(section, "batchSize", defaults.batch_size, 1, _LARGEST_BATCH)
    threshold = batch_size // 2 * (processors or os.cpu_count() or 1)
    encoding = str(section.get("messageencoding", _BASE64)).lower()
    if encoding not in {_BASE64, _NONE}:
        raise HostJsonError("In host.json, 'extensions.queues.messageEncoding' must be 'base64' or 'none'.")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_number(section, "newBatchThreshold", threshold, 0),
        longest_poll=_time(section, "maxPollingInterval", defaults.longest_poll, timedelta(milliseconds=100)),
        retry_after=_time(section, "visibilityTimeout", defaults.retry_after, timedelta(0)),
        most_dequeues=_number(section, "maxDequeueCount", defaults.most_dequeues, 1),
        is_base64=encoding == _BASE64,
    )


def _number(section: Mapping[str, Any], name: str, default: int, least: int, most: int | None = None) -> int:
    number = section.get(name.lower(), default)
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if not is_number or number < least or (most is not None and number > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise HostJsonError(f"In host.json, 'extensions.queues.{name}' must be a whole number {bounds}.")
    return int(number)


def _time(section: Mapping[str, Any], name: str, default: timedelta, least: timedelta) -> timedelta:
    text = section.get(name.lower())
    if text is None:
        return default
    try:
        time = duration(str(text))
    except ValueError as error:
        raise HostJsonError(f"In host.json, 'extensions.queues.{name}' cannot be read: {error}.") from error
    if time < least:
        raise HostJsonError(f"In host.json, 'extensions.queues.{name}' must be at least {least}.")
    return time
