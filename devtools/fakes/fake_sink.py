"""`EventSink` in this process's memory: everything that was sent, and failures on request."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.errors import DeliveryFailed
from shared.events.base import Event


@dataclass
class FakeEventSink:
    """See `EventSink`. While it is `away`, nothing arrives; what is `lost` next arrives without an answer.

    `before` and `after` are called around the arrival of an event, for whatever else is to happen then.
    """

    events: list[Event] = field(default_factory=list)
    away: bool = False
    lost: int = 0
    tries: int = 0
    before: Callable[[Event], None] | None = None
    after: Callable[[Event], None] | None = None

    @property
    def types(self) -> list[str]:
        """The types of all events that have arrived, in order."""
        return [event.type.removeprefix("video.") for event in self.events]

    def firsts(self, job_id: str) -> list[str]:
        """Return what a receiver that remembers ids has read of a job, in order."""
        ids: dict[str, str] = {}
        for event in self.events:
            if event.subject == f"jobs/{job_id}":
                ids.setdefault(event.id, event.type.removeprefix("video."))
        return list(ids.values())

    async def send(self, event: Event) -> None:
        """See `EventSink`."""
        self.tries += 1
        if self.away:
            raise DeliveryFailed(f"event {event.id} did not arrive")
        if self.before is not None:
            self.before(event)
        self.events.append(event)
        if self.after is not None:
            self.after(event)
        if self.lost > 0:
            self.lost -= 1
            raise DeliveryFailed(f"nobody said that event {event.id} has arrived")
