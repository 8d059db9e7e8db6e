"""`MessageQueue` in this process's memory."""

from dataclasses import dataclass, field

from shared.errors import StorageUnavailable


@dataclass
class FakeMessageQueue:
    """See `MessageQueue`: what was put in, each with its delay. While it is `away`, nothing can be."""

    messages: list[tuple[str, int]] = field(default_factory=list)
    away: bool = False

    async def send(self, text: str, *, delay_seconds: int = 0) -> None:
        """See `MessageQueue`."""
        if self.away:
            raise StorageUnavailable("the queue is away")
        self.messages.append((text, delay_seconds))
