"""The port to a queue of messages, as far as we write to it; the host reads it for us."""

from typing import Protocol


class MessageQueue(Protocol):
    """One queue by name, which is made where it does not exist."""

    async def send(self, text: str, *, delay_seconds: int = 0) -> None:
        """Put a message into the queue that nobody sees for `delay_seconds` (7 days at most), and that never expires.

        Raises `StorageUnavailable` where that cannot be confirmed; it may be there all the same.
        """
