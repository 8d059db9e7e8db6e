"""Storage queues as the host uses them: a port. Bodies are as they are on the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class QueueError(Exception):
    """A queue cannot be reached, or refuses; the text says why."""


class MessageGoneError(Exception):
    """Somebody else has the message now, or it is gone: its pop receipt is of no use any more."""


class ConnectionMissingError(Exception):
    """A trigger's connection is not among the settings, or in a form that this host does not serve."""


@dataclass(frozen=True)
class Message:
    """A message in hand. `receipt` is its pop receipt, which changes with every update."""

    id: str
    text: str
    receipt: str
    dequeue_count: int
    inserted_at: datetime
    expires_at: datetime
    next_visible_at: datetime


class Queue(Protocol):
    """One queue. Each call raises QueueError; those with a message also MessageGoneError."""

    async def receive(self, most: int, invisible: timedelta) -> Sequence[Message]:
        """Up to so many messages, which nobody else sees for that time; none where there is no such queue."""
        ...

    async def hide(self, message: Message, invisible: timedelta) -> Message:
        """Let nobody see the message for that time from now on; the message with its new receipt."""
        ...

    async def delete(self, message: Message) -> None:
        """Remove the message."""
        ...

    async def send(self, text: str) -> None:
        """Put a message at the end; the queue is made where there is none."""
        ...
