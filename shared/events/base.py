"""What we tell the world, and the port through which it leaves. Standard library only.

An event says what has become true: of a job, or of a message that is none. Its id is the same however often it is sent,
so a receiver that remembers ids is told everything once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Event:
    """An event, before it has a format. `sequence` numbers those of one job: a later one has a higher number."""

    id: str
    type: str
    subject: str
    time: datetime
    data: Mapping[str, object]
    sequence: int | None = None


class EventSink(Protocol):
    """A place that events go to."""

    async def send(self, event: Event) -> None:
        """Hand over one event; raise `DeliveryFailed` where that cannot be confirmed: it may have arrived."""
